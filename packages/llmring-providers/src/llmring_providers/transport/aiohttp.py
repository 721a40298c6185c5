"""The default transport on asyncio: aiohttp, which keeps its speed at thousands of open calls."""

import asyncio
import io
import os
import ssl
from collections.abc import AsyncGenerator, Callable, Mapping
from typing import Self

import aiohttp
from aiohttp.http import SERVER_SOFTWARE
from aiohttp.http_exceptions import HttpProcessingError
from llmring_types.exceptions import ConfigurationError

from llmring_providers.transport._failure import BROKEN_OFF, NOT_SENDABLE, UNTRUSTED, failure
from llmring_providers.transport._network import check_network
from llmring_providers.transport._per_loop import PerLoop
from llmring_providers.transport._protocol import HttpRequest, HttpResponse, TransportError
from llmring_providers.transport._proxies import EnvironmentProxies

_END_GRACE_S = 0.1
"""How long a stream's connection may take to end after its terminal event before it is closed instead of reused."""

_SENT_AT_ONCE = 2**20
"""A larger body is written in pieces, so that other calls of the loop get their turn."""

_LONGEST_HEADER = 64 * 1024
_FAILURES = (aiohttp.ClientError, HttpProcessingError, OSError, ValueError)


class AiohttpTransport:
    """Keeps one connection pool per event loop, made at the first call and closed with its loop.

    Args:
        proxy: the URL of an HTTP proxy for all requests.
        trust_env: take proxies from ``HTTP_PROXY``, ``HTTPS_PROXY``, ``ALL_PROXY`` and ``NO_PROXY``, as they are when
            a host is first called. Without it and without ``proxy`` no proxy is used.
        ssl_context: what to trust; by default OpenSSL's authorities and those of ``SSL_CERT_FILE``.
    """

    def __init__(
        self, *, proxy: str | None = None, trust_env: bool = False, ssl_context: ssl.SSLContext | None = None
    ) -> None:
        self._proxy = proxy
        self._ssl = ssl_context
        self._proxy_for: Callable[[str], str | None] | None = None
        if trust_env and proxy is None:
            self._proxy_for = EnvironmentProxies().proxy_for
        self._sessions = PerLoop(self._session, _running_loop)

    async def send(self, request: HttpRequest) -> HttpResponse:
        response = await self._start(request)
        _tell_of_loss(response)
        try:
            body = await response.read()
        except _FAILURES as error:
            raise _failure(request.url, error) from _safe_cause(error)
        return HttpResponse(response.status, response.headers, body)

    async def open(self, request: HttpRequest) -> "AiohttpStream":
        return AiohttpStream(await self._start(request), request.url)

    async def aclose(self) -> None:
        await self._sessions.aclose()

    async def _start(self, request: HttpRequest) -> aiohttp.ClientResponse:
        check_network(request.url)
        session = await self._sessions.get()
        body = request.body
        try:
            return await session.request(
                request.method,
                request.url,
                data=(io.BytesIO(body) if len(body) > _SENT_AT_ONCE else body) or None,
                headers=request.headers,
                allow_redirects=False,  # would carry the key to another host
                proxy=self._proxy_for(request.url) if self._proxy_for is not None else None,
            )
        except _FAILURES as error:
            raise _failure(request.url, error) from _safe_cause(error)

    async def _session(self) -> AsyncGenerator[aiohttp.ClientSession, None]:
        async with aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=True if self._ssl is None else self._ssl),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": f"llmring {SERVER_SOFTWARE}"},
            response_class=_Response,
            max_field_size=_LONGEST_HEADER,
            proxy=self._proxy,
        ) as session:
            yield session

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


class AiohttpStream:
    """A streamed answer."""

    def __init__(self, response: aiohttp.ClientResponse, url: str) -> None:
        _tell_of_loss(response)
        self._response = response
        self._content = response.content
        self._url = url
        self.status = response.status
        self.headers: Mapping[str, str] = response.headers

    async def read(self) -> bytes:
        try:
            return await self._content.readany()
        except _FAILURES as error:
            raise _failure(self._url, error) from _safe_cause(error)

    async def finish(self) -> None:
        content = self._content
        if content.at_eof():
            return
        try:
            async with asyncio.timeout(_END_GRACE_S):
                while await content.readany():
                    pass
        except (TimeoutError, *_FAILURES):
            pass
        finally:
            self._response.close()  # reused already if the body has ended

    def close(self) -> None:
        _drop(self._response)
        self._response.close()


class _Response(aiohttp.ClientResponse):
    """Drops its connection where aiohttp closes it: when a call is cancelled, say."""

    def close(self) -> None:
        _drop(self)
        super().close()


def _drop(response: aiohttp.ClientResponse) -> None:
    """Drop the connection, since closing it in good order waits for unsent data and for TLS's goodbye.

    Cancelling a call or leaving a stream must reach the server at once, and leave nothing open behind the loop's back.
    """
    connection = response.connection
    if connection is not None and connection.transport is not None:
        connection.transport.abort()


def _tell_of_loss(response: aiohttp.ClientResponse) -> None:
    """Wake the reader of a body when its connection is lost, if there is more to come.

    aiohttp closes the connection of a body whose framing breaks after its head has come, a chunk size that is no
    number, say, but does not tell the reader, who would wait for ever.
    """
    content, connection = response.content, response.connection
    if connection is None or connection.protocol is None:
        return
    closed = connection.protocol.closed

    def lost(closed: "asyncio.Future[None] | None") -> None:
        if closed is not None:
            _hear(closed)
        if not content.is_eof() and content.exception() is None:
            content.set_exception(aiohttp.ClientPayloadError())

    if closed is None:  # lost already
        lost(closed)
        return

    def end() -> None:
        closed.remove_done_callback(lost)
        closed.add_done_callback(_hear)

    closed.remove_done_callback(_hear)
    closed.add_done_callback(lost)
    content.on_eof(end)


def _hear(closed: "asyncio.Future[None]") -> None:
    """Take note of how a connection ended, else asyncio complains that nobody did."""
    if not closed.cancelled():
        closed.exception()


def _running_loop() -> object:
    try:
        return asyncio.get_running_loop()
    except RuntimeError as error:
        raise ConfigurationError(
            "AiohttpTransport runs on asyncio; elsewhere pass Httpx2Transport "
            "(pip install 'llmring-providers[httpx2]')"
        ) from error


def _failure(url: str, error: Exception) -> TransportError:
    return failure(url, _reason(error))


def _reason(error: Exception) -> str:  # noqa: PLR0911 - a table, most special first
    """Name the reason in our own words: aiohttp's texts may hold the URL, the headers or the proxy's password."""
    match error:
        case aiohttp.ClientConnectorCertificateError():
            return UNTRUSTED
        case aiohttp.ClientConnectorDNSError():
            return "the host name does not resolve"
        case aiohttp.ClientProxyConnectionError():
            return "no connection to the proxy"
        case aiohttp.ClientSSLError():
            return "the TLS handshake failed"
        case aiohttp.ServerDisconnectedError():
            return "the server closed the connection without an answer"
        case aiohttp.ClientHttpProxyError():
            return f"the proxy answered with status {error.status}"
        case aiohttp.InvalidURL() | aiohttp.NonHttpUrlClientError():
            return "the URL is not a valid http or https URL"
        case OSError():
            return os.strerror(error.errno) if error.errno else "the connection failed"
        case ValueError():
            return NOT_SENDABLE
        case _:
            return BROKEN_OFF


def _safe_cause(error: Exception) -> Exception | None:
    """Chain the error of the operating system; the text of others may hold a secret."""
    return error if isinstance(error, aiohttp.ClientConnectorError) else None
