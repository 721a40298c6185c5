"""The default transport on asyncio: aiohttp, which keeps its speed at thousands of open calls."""

import asyncio
import ssl
from collections.abc import AsyncGenerator, Callable
from functools import lru_cache
from importlib import import_module
from typing import Any, NamedTuple, Self

import aiohttp
from llmring_types.exceptions import ConfigurationError

from llmring_providers.transport._aiohttp import (
    FAILURES,
    AiohttpStream,
    AnyAnswer,
    aiohttp_failure,
    read_all,
    read_at_once,
    safe_cause,
)
from llmring_providers.transport._network import check_network
from llmring_providers.transport._per_loop import PerLoop
from llmring_providers.transport._protocol import (
    LOST_UNANSWERED,
    ByteStream,
    HttpRequest,
    HttpResponse,
    Transport,
    failure,
    host_of,
)
from llmring_providers.transport._proxies import (
    AUTHENTICATION_REQUIRED,
    EnvironmentProxies,
    Proxy,
    read_proxy,
)
from llmring_providers.transport._session import KeptConnectionLostError, LiveConnector, ask, make_session

try:
    from llmring_providers.transport._exchange import exchange, target_of
except ImportError:  # pragma: no cover - another aiohttp than those that the suite has met
    BELOW_THE_SESSION = False
else:
    BELOW_THE_SESSION = aiohttp.__version__.startswith("3.14.")
"""True if the layers below aiohttp's session are as the suite has met them; else its session is used."""

_TARGETS = 256
"""URLs that are kept read: a provider has as many as models are asked, at most."""


class _Pool(NamedTuple):
    """The connections of one event loop."""

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
        self._look_up: Callable[[str], Proxy | None] | None = None
        if trust_env and proxy is None:
            self._look_up = lru_cache(_TARGETS)(EnvironmentProxies().proxy_for)
        self._ssl = ssl_context
        self._socks: dict[Proxy, Transport] = {}
        self._pools = PerLoop(self._below_session if below_session else self._session, _running_loop)

    async def send(self, request: HttpRequest) -> HttpResponse:
        proxy = self._proxy_for(request.url)
        if proxy is not None and proxy.is_socks:
            return await self._through_socks(proxy).send(request)
        answer = await self._ask(request, proxy)
        try:
            body = read_at_once(answer, request)
            if body is None:
                body = await read_all(answer, request)
        except FAILURES as error:
            raise aiohttp_failure(request.url, error) from safe_cause(error)
        finally:
            answer.close()
        return HttpResponse(answer.status, answer.headers, body)

    async def open(self, request: HttpRequest) -> ByteStream:
        proxy = self._proxy_for(request.url)
        if proxy is not None and proxy.is_socks:
            return await self._through_socks(proxy).open(request)
        return AiohttpStream(await self._ask(request, proxy), request)

    async def aclose(self) -> None:
        await self._pools.aclose()
        for transport in self._socks.values():
            await transport.aclose()

    async def _ask(self, request: HttpRequest, proxy: Proxy | None) -> AnyAnswer:
        check_network(request)
        pool = self._pools.kept() or await self._pools.get()
        while True:
            try:
                answer: AnyAnswer = await pool.ask(request, proxy)
            except KeptConnectionLostError:
                if request.method != "GET":  # which may be sent twice
                    raise failure(request.url, LOST_UNANSWERED) from None
            except aiohttp.ClientHttpProxyError as error:
                if proxy is not None and error.status == AUTHENTICATION_REQUIRED:
                    raise proxy.refusal(request.url) from None
                raise aiohttp_failure(request.url, error) from None
            except FAILURES as error:
                raise aiohttp_failure(request.url, error) from safe_cause(error)
            else:
                break
        if proxy is not None and answer.status == AUTHENTICATION_REQUIRED:
            answer.close()
            raise proxy.refusal(request.url)
        return answer

    def _proxy_for(self, url: str) -> Proxy | None:
        if self._look_up is None:
            return self._proxy
        try:
            return self._look_up(url)
        except ValueError as error:
            raise aiohttp_failure(url, error) from None

    def _through_socks(self, proxy: Proxy) -> Transport:
        transport = self._socks.get(proxy)
        if transport is None:
            transport = self._socks[proxy] = socks_transport(proxy, self._ssl)
        return transport

    def _connector(self) -> LiveConnector:
        return LiveConnector(limit=0, ssl=True if self._ssl is None else self._ssl)

    async def _below_session(self) -> AsyncGenerator[_Pool, None]:
        connector = self._connector()
        async with connector:
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


def _running_loop() -> object:
    try:
        return asyncio.get_running_loop()
    except RuntimeError as error:
        raise ConfigurationError(
            "AiohttpTransport runs on asyncio; elsewhere pass Httpx2Transport "
            "(pip install 'llmring-providers[httpx2]')"
        ) from error
