"""The default transport on asyncio: aiohttp, which keeps its speed at thousands of open calls."""

import asyncio
import os
import ssl
from collections.abc import AsyncGenerator, Callable, Mapping
from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TypeAlias

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError
from llmring_types.exceptions import ConfigurationError

from llmring_providers.transport._bodies import Body, read_piece
from llmring_providers.transport._connector import NO_CHECKOUT, LiveConnector, checkout, drop
from llmring_providers.transport._failure import (
    BROKEN_OFF,
    LOST_UNANSWERED,
    NOT_SENDABLE,
    UNTRUSTED,
    failure,
    host_of,
)
from llmring_providers.transport._network import check_network
from llmring_providers.transport._per_loop import PerLoop
from llmring_providers.transport._protocol import (
    ByteStream,
    HttpRequest,
    HttpResponse,
    Transport,
    TransportError,
)
from llmring_providers.transport._proxies import (
    AUTHENTICATION_REQUIRED,
    EnvironmentProxies,
    Proxy,
    read_proxy,
)
from llmring_providers.transport._session import ask, make_session

try:
    from llmring_providers.transport._exchange import Answer, exchange, target_of
except ImportError:  # pragma: no cover - another aiohttp than those that the suite has met
    BELOW_THE_SESSION = False
else:
    BELOW_THE_SESSION = aiohttp.__version__.startswith("3.14.")
"""Whether the layers below aiohttp's session are as the suite has met them; else its session is used."""

if TYPE_CHECKING:
    AnyAnswer: TypeAlias = "Answer | aiohttp.ClientResponse"

_END_GRACE_S = 0.1
"""How long a stream's connection may take to end after its terminal event before it is closed instead of reused."""

_TARGETS = 256
"""URLs that are kept read: a provider has as many as models are asked, at most."""

_FAILURES = (aiohttp.ClientError, HttpProcessingError, OSError, ValueError)
_LOST = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)
_NEVER_CONNECTED = (
    aiohttp.ClientConnectorError,
    aiohttp.ClientHttpProxyError,
    aiohttp.InvalidURL,
    ValueError,
)


class _Pool(NamedTuple):
    """What one event loop keeps."""

    ask: Callable[[HttpRequest, Proxy | None], Any]
    """Sends a request and returns the answer when its head has come."""


class AiohttpTransport:
    """Keeps one connection pool per event loop, made at the first call and closed with its loop.

    Args:
        proxy: the URL of a proxy for all requests; a SOCKS proxy (``socks5://``) needs the extra ``socks``.
        trust_env: take proxies from ``HTTP_PROXY``, ``HTTPS_PROXY``, ``ALL_PROXY`` and ``NO_PROXY``, as they are when
            a host is first called. Without it and without ``proxy`` no proxy is used.
        ssl_context: what to trust; by default OpenSSL's authorities and those of ``SSL_CERT_FILE``.
        below_session: work below aiohttp's session, which takes half the time; by default where the installed version
            is known to allow it.
    """

    def __init__(
        self,
        *,
        proxy: str | None = None,
        trust_env: bool = False,
        ssl_context: ssl.SSLContext | None = None,
        below_session: bool = BELOW_THE_SESSION,
    ) -> None:
        self._proxy = None if proxy is None else read_proxy(proxy, "proxy=")
        self._environment = EnvironmentProxies() if trust_env and proxy is None else None
        self._ssl = ssl_context
        self._socks: dict[Proxy, Transport] = {}
        self._pools = PerLoop(self._below_session if below_session else self._session, _running_loop)

    async def send(self, request: HttpRequest) -> HttpResponse:
        proxy = self._proxy_for(request.url)
        if proxy is not None and proxy.is_socks:
            return await self._through_socks(proxy).send(request)
        answer = await self._ask(request, proxy)
        body = Body(request, answer.status, answer.headers)
        _wake_on_loss(answer)
        try:
            content = await _read_all(answer.content, body)
        except _FAILURES as error:
            raise _failure(request.url, error) from _safe_cause(error)
        finally:
            answer.close()
        return HttpResponse(answer.status, answer.headers, content)

    async def open(self, request: HttpRequest) -> ByteStream:
        proxy = self._proxy_for(request.url)
        if proxy is not None and proxy.is_socks:
            return await self._through_socks(proxy).open(request)
        return AiohttpStream(await self._ask(request, proxy), request)

    async def aclose(self) -> None:
        await self._pools.aclose()
        for transport in self._socks.values():
            await transport.aclose()

    async def _ask(self, request: HttpRequest, proxy: Proxy | None) -> "AnyAnswer":
        check_network(request)
        pool = await self._pools.get()
        while True:
            checkout.set(NO_CHECKOUT)
            try:
                answer: AnyAnswer = await pool.ask(request, proxy)
            except _LOST as error:
                if not checkout.get().reused:
                    raise _failure(request.url, error) from _safe_cause(error)
                if request.method != "GET":  # which may be sent twice
                    raise failure(request.url, LOST_UNANSWERED) from None
            except aiohttp.ClientHttpProxyError as error:
                if proxy is not None and error.status == AUTHENTICATION_REQUIRED:
                    raise proxy.refusal(request.url) from None
                raise _failure(request.url, error) from None
            except _FAILURES as error:
                raise _failure(request.url, error) from _safe_cause(error)
            else:
                break
        if proxy is not None and answer.status == AUTHENTICATION_REQUIRED:
            answer.close()
            raise proxy.refusal(request.url)
        return answer

    def _proxy_for(self, url: str) -> Proxy | None:
        if self._environment is None:
            return self._proxy
        try:
            return self._environment.proxy_for(url)
        except ValueError as error:
            raise _failure(url, error) from None

    def _through_socks(self, proxy: Proxy) -> Transport:
        transport = self._socks.get(proxy)
        if transport is None:
            transport = self._socks[proxy] = socks_transport(proxy, self._ssl)
        return transport

    def _connector(self) -> LiveConnector:
        return LiveConnector(limit=0, ssl=True if self._ssl is None else self._ssl)

    async def _below_session(self) -> AsyncGenerator[_Pool, None]:
        async with self._connector() as connector:
            target = lru_cache(_TARGETS)(target_of)

            def below(request: HttpRequest, proxy: Proxy | None) -> Any:
                return exchange(connector, target, proxy, request)

            yield _Pool(below)

    async def _session(self) -> AsyncGenerator[_Pool, None]:
        async with make_session(self._connector()) as session:

            def through(request: HttpRequest, proxy: Proxy | None) -> Any:
                return ask(session, request, None if proxy is None else proxy.url)

            yield _Pool(through)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


class AiohttpStream:
    """A streamed answer.

    Args:
        response: whose head has come.
        request: what it answers.
        compressed: its bytes are as its headers say; not where aiohttp has decompressed them.
    """

    def __init__(self, response: "AnyAnswer", request: HttpRequest, *, compressed: bool = True) -> None:
        _wake_on_loss(response)
        self._response = response
        self._content = response.content
        self._url = request.url
        self._body = Body(request, response.status, response.headers, compressed=compressed)
        self.status = response.status
        self.headers: Mapping[str, str] = response.headers

    async def read(self) -> bytes:
        return await read_piece(self._body, self._receive)

    async def _receive(self) -> bytes:
        content = self._content
        try:
            return await content.readany()
        except _FAILURES as error:
            came_before = _unread(content)
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


async def _read_all(content: aiohttp.StreamReader, body: Body) -> bytes:
    pieces: list[bytes] = []
    while not content.at_eof():
        piece = body.feed(await content.readany())
        while piece:
            pieces.append(piece)
            piece = body.more()
    body.end()
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _unread(content: aiohttp.StreamReader) -> bytes:
    """Return what had come before the loss, which aiohttp's public ways report first; empty where it has no other."""
    read: Callable[[int], bytes] | None = getattr(content, "_read_nowait", None)
    return b"" if read is None else read(-1)


def socks_transport(proxy: Proxy, ssl_context: ssl.SSLContext | None) -> Transport:
    """Return a transport through a SOCKS proxy, which aiohttp does not speak.

    Raises:
        ConfigurationError: the extra is not installed.
    """
    try:
        import_module("socksio")
        from llmring_providers.transport.httpx2 import Httpx2Transport  # noqa: PLC0415 - the same extra
    except ImportError as error:
        raise ConfigurationError(
            f"{proxy.source} names a SOCKS proxy, {host_of(proxy.url)}: install what speaks to it "
            "(pip install 'llmring[socks]'), or name the host in NO_PROXY",
            original=error,
        ) from error
    return Httpx2Transport(proxy=proxy.url, ssl_context=ssl_context)


def _wake_on_loss(response: "AnyAnswer") -> None:
    """Wake the reader of a body when its connection is lost, if there is more to come.

    aiohttp closes the connection of a body whose framing breaks after its head has come, a chunk size that is no
    number, say, but does not tell the reader, who would wait for ever.
    """
    content, connection = response.content, response.connection
    if connection is None or connection.protocol is None:  # the body is there already
        return
    if not hasattr(connection.protocol, "closed"):  # not documented
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
