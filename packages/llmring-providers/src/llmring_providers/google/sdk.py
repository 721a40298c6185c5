"""Calls through a client of Google's SDK that the user brings, for the Gemini API or for Vertex."""

from collections.abc import Mapping
from copy import copy
from typing import Any

import aiohttp
from llmring_types.exceptions import ConfigurationError

from llmring_providers.transport import ByteStream, HttpRequest
from llmring_providers.transport._aiohttp import AiohttpStream
from llmring_providers.transport._bodies import ACCEPT_ENCODING
from llmring_providers.transport._httpx import ClosedStreams, HttpxStream, answer_or_failure, httpx_failures
from llmring_providers.transport.sdk import SdkTransport, bound_errors, private, refusal


def transport_through(client: Any) -> SdkTransport:
    """Carry calls through a ``google.genai.Client``.

    The SDK has no public way to send bytes and to read them, so this goes where its own methods go. Its asynchronous
    half takes aiohttp where that is installed, unless the client was given an HTTP client of another kind.

    Raises:
        ConfigurationError: it is something else.
    """
    from google import genai  # noqa: PLC0415
    from google.auth.exceptions import GoogleAuthError  # noqa: PLC0415 - whoever has a client has imported it
    from google.genai import Client  # noqa: PLC0415
    from google.genai.errors import APIError  # noqa: PLC0415

    if not isinstance(client, Client):
        raise ConfigurationError(f"client must be a google.genai.Client; got {type(client).__qualname__}")
    api = private(client, "_api_client", genai)
    build, send = private(api, "_build_request", genai), private(type(api), "_async_request_once", genai)
    private(api, "_get_aiohttp_session", genai)
    bounded = _BoundedApi(api)
    over_httpx = private(api, "_async_httpx_client", genai)
    if over_httpx is not None:
        bound_errors(over_httpx)

    async def post(path: str, request: HttpRequest, closed_streams: ClosedStreams) -> ByteStream:
        asked = build("post", _resource(path, vertex=client.vertexai), {})
        asked.data = request.body
        asked.timeout = None
        asked.headers.update(request.headers)
        try:
            answer = await send(bounded, asked, stream=True, implicit_retry=False)
        except _AnsweredError as answered:
            return AiohttpStream(answered.response, request)
        except APIError as error:
            return await _rejection(error.response, request, closed_streams)
        except GoogleAuthError as error:
            raise refusal(error) from error
        except _failures() as error:
            return answer_or_failure(error, request, closed_streams)
        response = answer.response_stream
        if isinstance(response, aiohttp.ClientResponse):  # of a session of google-auth's
            return AiohttpStream(response, request, compressed=False)
        return HttpxStream(response, request, closed_streams)

    options = private(api, "_http_options", genai)
    version = f"/{options.api_version}" if options.api_version else ""
    return SdkTransport(str(options.base_url).rstrip("/") + version, post)


def _failures() -> tuple[type[Exception], ...]:
    return aiohttp.ClientError, *httpx_failures()


def _resource(path: str, *, vertex: bool) -> str:
    """The path as the SDK's own methods give it; Vertex has the models below their publisher."""
    path = path.removeprefix("/")
    return f"publishers/google/{path}" if vertex and path.startswith("models/") else path


async def _rejection(response: Any, request: HttpRequest, closed_streams: ClosedStreams) -> ByteStream:
    if isinstance(response, aiohttp.ClientResponse):
        return _WholeAnswer(response.status, response.headers, await response.read())
    return HttpxStream(response, request, closed_streams)


class _WholeAnswer:
    """An answer whose body the SDK has read from the connection already."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self._body = body

    async def read(self) -> bytes:
        body, self._body = self._body, b""
        return body

    async def finish(self) -> None:
        """There is no connection to give back."""

    def close(self) -> None:
        """There is no connection to close."""


class _AnsweredError(Exception):
    """The head of an answer has come. It takes the answer past the SDK, which would read on without a bound."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        super().__init__()
        self.response = response


class _BoundedApi:
    """The SDK's client with its own addresses and credentials, whose session leaves bodies as they come."""

    def __init__(self, api: Any) -> None:
        self._api = api

    def __getattr__(self, name: str) -> Any:
        return getattr(self._api, name)

    async def _get_aiohttp_session(self) -> Any:
        session = await self._api._get_aiohttp_session()  # noqa: SLF001 - as all of the SDK's names here
        return _RawSession(session) if isinstance(session, aiohttp.ClientSession) else session


class _RawSession:
    """A session of aiohttp that decompresses nothing."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def request(self, *, headers: Mapping[str, str], **arguments: Any) -> None:
        """Send, and leave the SDK with the answer.

        Raises:
            _AnsweredError: its head has come.
        """
        # On the same connections. What others send through the session is still decompressed for them.
        raw = copy(self._session)
        vars(raw)["_auto_decompress"] = False
        try:
            response = await raw.request(headers={**headers, "Accept-Encoding": ACCEPT_ENCODING}, **arguments)
        finally:
            raw.detach()
        raise _AnsweredError(response)
