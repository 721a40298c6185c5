"""Carries calls through the user's own client of a vendor's SDK: its keys, signing and paths, our bytes."""

import contextlib
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextvars import ContextVar
from typing import Any

import anyio.lowlevel
from llmring_types.exceptions import ConfigurationError

from llmring_providers.transport._bodies import Body, read_piece
from llmring_providers.transport._httpx import ClosedStreams, hold_closed_streams
from llmring_providers.transport._network import check_network
from llmring_providers.transport._per_loop import PerLoop
from llmring_providers.transport._protocol import ByteStream, HttpRequest, HttpResponse

Post = Callable[[str, HttpRequest, ClosedStreams], Awaitable[ByteStream]]
"""Sends a request to a path below the client's base URL, and returns when status and headers are there."""

_LEAST_ERROR = 400
_answering: ContextVar[HttpRequest | None] = ContextVar("answering", default=None)
"""The request of ours that the running task sends through an SDK client."""

_OF_THE_CLIENT = frozenset(("content-type", "authorization", "x-api-key", "x-goog-api-key"))
"""Headers that the client sets itself."""


class SdkTransport:
    """A transport through one SDK client, which stays its owner's: it is never closed here.

    Args:
        base_url: where the client's paths begin.
        post: sends through the client. It must not retry, nor limit the time.
    """

    def __init__(self, base_url: str, post: Post) -> None:
        self.base_url = base_url.rstrip("/")
        self._post = post
        self._closed_streams = PerLoop(hold_closed_streams, anyio.lowlevel.current_token)

    async def send(self, request: HttpRequest) -> HttpResponse:
        stream = await self.open(request)
        pieces: list[bytes] = []
        try:
            while piece := await stream.read():
                pieces.append(piece)
            await stream.finish()
        finally:
            stream.close()
        return HttpResponse(stream.status, stream.headers, b"".join(pieces))

    async def open(self, request: HttpRequest) -> ByteStream:
        check_network(request)
        closed_streams = await self._closed_streams.get()
        await closed_streams.clear()
        _answering.set(request)
        headers = {name: value for name, value in request.headers.items() if name not in _OF_THE_CLIENT}
        path = request.url.removeprefix(self.base_url)
        try:
            return await self._post(path, request._replace(headers=headers), closed_streams)
        finally:
            _answering.set(None)

    async def aclose(self) -> None:
        await self._closed_streams.aclose()


def private(owner: Any, name: str, sdk: Any) -> Any:
    """Return what a vendor's SDK has under a name that it does not document.

    Raises:
        ConfigurationError: the installed version does not have it.
    """
    try:
        return getattr(owner, name)
    except AttributeError as error:
        raise ConfigurationError(
            f"{sdk.__name__} {getattr(sdk, '__version__', '')} is not built as the versions that llmring knows "
            f"({type(owner).__qualname__} has no {name}): install a version of the extra's range, or register the provider "
            "with api_key= and base_url= instead of the client",
            original=error,
        ) from error


def bound_errors(http: Any) -> None:
    """Bound the body of an error, which SDKs read by themselves and to its end, by a hook in the client's HTTP client.

    Args:
        http: an httpx or httpx2 client. What others send through it is not touched.
    """
    hooks = http.event_hooks["response"]
    if _read_error not in hooks:
        hooks.append(_read_error)


async def opened(response: Any, request: HttpRequest) -> AsyncGenerator[bytes, None]:
    """Yield the body of an httpx response, decompressed and bounded.

    Raises:
        TransportError: it is damaged or too large.
    """
    is_read = response.is_stream_consumed  # by a hook of the user's or a mock, and decompressed then
    body = Body(request, response.status_code, response.headers, compressed=not is_read)
    async with contextlib.aclosing(response.aiter_bytes() if is_read else response.aiter_raw()) as raw:

        async def receive() -> bytes:
            return await anext(raw, b"")

        while piece := await read_piece(body, receive):
            yield piece


async def _read_error(response: Any) -> None:
    request = _answering.get()
    if request is None or response.status_code < _LEAST_ERROR or response.is_stream_consumed:
        return
    pieces = [piece async for piece in opened(response, request)]
    library = sys.modules[type(response).__module__.partition(".")[0]]
    response.headers.pop("content-encoding", None)
    response.stream = library.ByteStream(b"".join(pieces))
    response.is_stream_consumed = response.is_closed = False


async def post_with_stainless(
    client: Any, sdk: Any, path: str, content: bytes | dict[str, Any], headers: Mapping[str, str]
) -> Any:
    """Post through a client of OpenAI's or Anthropic's SDK, which the same generator, Stainless, writes.

    Args:
        client: any of the vendor's async clients.
        sdk: the vendor's module.
        path: below the client's base URL.
        content: bytes, or a dict for clients that take the model out of the body to find the path.
        headers: those that are not the client's own.

    Returns:
        The answer as an ``httpx2.Response``, whatever its status; unread where the status is one of success.

    Raises:
        sdk.APIConnectionError: there is no answer.
        sdk.APIError: the client refuses to ask.
    """
    import httpx2  # noqa: PLC0415 - these SDKs bring it

    body = {"content": content} if isinstance(content, bytes) else {"body": content}
    try:
        return await client.post(
            path,
            cast_to=httpx2.Response,
            options={"headers": headers, "max_retries": 0, "timeout": None},
            stream=True,
            stream_cls=sdk.AsyncStream[Any],
            **body,
        )
    except sdk.APIStatusError as error:
        return error.response


def refusal(error: Exception) -> ConfigurationError:
    """Build the error for a client that would not send: it has no credential, say."""
    return ConfigurationError(f"the SDK client did not send the request: {error}", original=error)
