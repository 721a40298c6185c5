"""The portable transport: httpx2, on asyncio and on trio. Needs the extra ``httpx2``."""

import ssl
from collections.abc import AsyncGenerator
from typing import NamedTuple, Self

import anyio.lowlevel
import httpx2

from llmring_providers.transport._bodies import ACCEPT_ENCODING
from llmring_providers.transport._httpx import (
    ClosedStreams,
    ConnectionEvents,
    HttpxStream,
    answer_or_failure,
    httpx_failure,
    httpx_failures,
)
from llmring_providers.transport._network import check_network
from llmring_providers.transport._per_loop import PerLoop
from llmring_providers.transport._protocol import HttpRequest, HttpResponse, failure
from llmring_providers.transport._proxies import (
    AUTHENTICATION_REQUIRED,
    EnvironmentProxies,
    Proxy,
    read_proxy,
)

_LAST_PORT = 65535
_NO_PROXIES = dict.fromkeys(("http://", "https://", "all://"))
"""Mounts that let httpx2 pass over the proxies of the environment: they are chosen here."""


class _Pool(NamedTuple):
    """The clients of one event loop: one for each proxy, and one for direct connections."""

    clients: dict[Proxy | None, httpx2.AsyncClient]
    closed_streams: ClosedStreams


class Httpx2Transport:
    """Keeps its clients per event loop, made at the first call and closed with its loop.

    Args:
        client: one to use instead, with its proxies, limits and mocks; never closed here.
        proxy: the URL of a proxy for all requests; a SOCKS proxy needs the extra ``socks``.
        trust_env: take proxies and authorities from the environment. Without it and without ``proxy`` no proxy is used.
        ssl_context: what to trust; by default what the operating system trusts.
    """

    def __init__(
        self,
        client: httpx2.AsyncClient | None = None,
        *,
        proxy: str | None = None,
        trust_env: bool = False,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self._client = client
        self._proxy = None if proxy is None else read_proxy(proxy, "proxy=")
        self._environment = EnvironmentProxies() if trust_env and proxy is None else None
        self._trust_env = trust_env
        self._ssl = ssl_context
        self._pools = PerLoop(self._pool, anyio.lowlevel.current_token)

    async def send(self, request: HttpRequest) -> HttpResponse:
        stream = await self.open(request)
        return await stream.whole()

    async def open(self, request: HttpRequest) -> HttpxStream:
        check_network(request)
        pool = await self._pools.get()
        await pool.closed_streams.clear()
        proxy = self._proxy_for(request.url)
        events = ConnectionEvents()
        try:
            client = self._client or pool.clients.get(proxy) or self._connect(pool, proxy)
            response = await client.send(_built(client, request, events), stream=True)
        except httpx2.ProxyError as error:
            if proxy is not None and str(error).startswith(str(AUTHENTICATION_REQUIRED)):
                raise proxy.refusal(request.url) from None
            raise httpx_failure(request.url, error) from None
        except httpx_failures() as error:
            return answer_or_failure(error, request, pool.closed_streams, events)
        stream = HttpxStream(response, request, pool.closed_streams)
        if proxy is not None and response.status_code == AUTHENTICATION_REQUIRED:
            stream.close()
            raise proxy.refusal(request.url)
        return stream

    async def aclose(self) -> None:
        await self._pools.aclose()

    def _proxy_for(self, url: str) -> Proxy | None:
        if self._environment is None:
            return self._proxy
        try:
            return self._environment.proxy_for(url)
        except ValueError as error:
            raise failure(url, "the URL is not a valid http or https URL", sent=False) from error

    def _connect(self, pool: _Pool, proxy: Proxy | None) -> httpx2.AsyncClient:
        """Return a new client for what goes this way."""
        client = pool.clients[proxy] = httpx2.AsyncClient(
            headers={
                "accept-encoding": ACCEPT_ENCODING,
                "user-agent": f"llmring python-httpx2/{httpx2.__version__}",
            },
            timeout=None,
            limits=httpx2.Limits(max_connections=None, max_keepalive_connections=None),
            proxy=None if proxy is None else proxy.url,
            mounts=_NO_PROXIES if proxy is None else None,
            trust_env=self._trust_env,
            verify=self._ssl or True,
        )
        return client

    async def _pool(self) -> AsyncGenerator[_Pool, None]:
        pool = _Pool({}, ClosedStreams())
        try:
            yield pool
        finally:
            await pool.closed_streams.clear()
            for client in pool.clients.values():
                await client.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


def _built(client: httpx2.AsyncClient, request: HttpRequest, events: ConnectionEvents) -> httpx2.Request:
    built = client.build_request(
        request.method,
        request.url,
        content=request.body or None,
        headers=dict(request.headers),
        extensions={"trace": events},
    )
    if (built.url.port or 0) > _LAST_PORT:  # would come as an exception group out of the loop's connect
        raise httpx2.InvalidURL("port out of range")
    return built
