"""The default transport on asyncio: aiohttp, which keeps its speed at thousands of open calls."""

import asyncio
import os
import ssl
from collections.abc import AsyncGenerator, Callable, Mapping
from functools import lru_cache
from typing import NamedTuple, Self

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError
from llmring_types.exceptions import ConfigurationError

from llmring_providers.transport._exchange import Answer, Target, drop, exchange, target_of
from llmring_providers.transport._failure import BROKEN_OFF, NOT_SENDABLE, UNTRUSTED, failure
from llmring_providers.transport._network import check_network
from llmring_providers.transport._per_loop import PerLoop
from llmring_providers.transport._protocol import HttpRequest, HttpResponse, TransportError
from llmring_providers.transport._proxies import EnvironmentProxies

_END_GRACE_S = 0.1
"""How long a stream's connection may take to end after its terminal event before it is closed instead of reused."""

_TARGETS = 256
"""URLs that are kept read: a provider has as many as models are asked, at most."""

_FAILURES = (aiohttp.ClientError, HttpProcessingError, OSError, ValueError)


class _Pool(NamedTuple):
    connector: aiohttp.BaseConnector
    target: Callable[[str], Target]


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
        self._pools = PerLoop(self._pool, _running_loop)

    async def send(self, request: HttpRequest) -> HttpResponse:
        answer = await self._exchange(request)
        _tell_of_loss(answer)
        try:
            body = await answer.read()
        except _FAILURES as error:
            raise _failure(request.url, error) from _safe_cause(error)
        finally:
            answer.close()
        return HttpResponse(answer.status, answer.headers, body)

    async def open(self, request: HttpRequest) -> "AiohttpStream":
        return AiohttpStream(await self._exchange(request), request.url)

    async def aclose(self) -> None:
        await self._pools.aclose()

    async def _exchange(self, request: HttpRequest) -> Answer:
        check_network(request)
        pool = await self._pools.get()
        try:
            return await exchange(pool.connector, pool.target(request.url), request)
        except _FAILURES as error:
            raise _failure(request.url, error) from _safe_cause(error)

    def _target(self, url: str) -> Target:
        return target_of(url, self._proxy if self._proxy_for is None else self._proxy_for(url))

    async def _pool(self) -> AsyncGenerator[_Pool, None]:
        trust = True if self._ssl is None else self._ssl
        async with aiohttp.TCPConnector(limit=0, ssl=trust) as connector:
            yield _Pool(connector, lru_cache(_TARGETS)(self._target))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


class AiohttpStream:
    """A streamed answer."""

    def __init__(self, response: Answer | aiohttp.ClientResponse, url: str) -> None:
        _tell_of_loss(response)
        self._response = response
        self._content = response.content
        self._url = url
        self.status = response.status
        self.headers: Mapping[str, str] = response.headers

    async def read(self) -> bytes:
        content = self._content
        try:
            return await content.readany()
        except _FAILURES as error:
            came_before = content._read_nowait(-1)  # noqa: SLF001 - aiohttp's public ways tell of the loss first
            if came_before:
                return came_before
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
        if self._response.connection is not None:
            drop(self._response.connection)
        self._response.close()


def _tell_of_loss(response: Answer | aiohttp.ClientResponse) -> None:
    """Wake the reader of a body when its connection is lost, if there is more to come.

    aiohttp closes the connection of a body whose framing breaks after its head has come, a chunk size that is no
    number, say, but does not tell the reader, who would wait for ever.
    """
    content, connection = response.content, response.connection
    if connection is None or connection.protocol is None:  # the body is there already
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


_NEVER_CONNECTED = (aiohttp.ClientConnectorError, aiohttp.InvalidURL, ValueError)


def _failure(url: str, error: Exception) -> TransportError:
    return failure(url, _reason(error), sent=not isinstance(error, _NEVER_CONNECTED))


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
