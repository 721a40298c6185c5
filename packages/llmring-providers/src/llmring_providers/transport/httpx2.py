"""The portable transport: httpx2, on asyncio and on trio. Needs the extra ``httpx2``."""

import ssl
from collections.abc import AsyncGenerator
from typing import NamedTuple, Self

import anyio.lowlevel
import httpx2

from llmring_providers.transport._httpx import HttpxStream, Leftovers, httpx_failure, httpx_failures
from llmring_providers.transport._network import check_network
from llmring_providers.transport._per_loop import PerLoop
from llmring_providers.transport._protocol import HttpRequest, HttpResponse

_LAST_PORT = 65535


class _Pool(NamedTuple):
    client: httpx2.AsyncClient
    leftovers: Leftovers


class Httpx2Transport:
    """Keeps one client per event loop, made at the first call and closed with its loop.

    Args:
        client: one to use instead, with its proxies, limits and mocks; never closed here.
        proxy: the URL of a proxy for all requests.
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
        self._proxy = proxy
        self._trust_env = trust_env
        self._ssl = ssl_context
        self._pools = PerLoop(self._pool, anyio.lowlevel.current_token)

    async def send(self, request: HttpRequest) -> HttpResponse:
        check_network(request)
        pool = await self._ready_pool()
        try:
            response = await pool.client.send(_built(pool.client, request))
        except httpx_failures() as error:
            raise httpx_failure(request.url, error) from None
        return HttpResponse(response.status_code, response.headers, response.content)

    async def open(self, request: HttpRequest) -> HttpxStream:
        check_network(request)
        pool = await self._ready_pool()
        try:
            response = await pool.client.send(_built(pool.client, request), stream=True)
        except httpx_failures() as error:
            raise httpx_failure(request.url, error) from None
        return HttpxStream(response, request.url, pool.leftovers)

    async def aclose(self) -> None:
        await self._pools.aclose()

    async def _ready_pool(self) -> _Pool:
        pool = await self._pools.get()
        await pool.leftovers.clear()
        return pool

    async def _pool(self) -> AsyncGenerator[_Pool, None]:
        client = self._client or httpx2.AsyncClient(
            headers={"user-agent": f"llmring python-httpx2/{httpx2.__version__}"},
            timeout=None,
            limits=httpx2.Limits(max_connections=None, max_keepalive_connections=None),
            proxy=self._proxy,
            trust_env=self._trust_env,
            verify=self._ssl or True,
        )
        pool = _Pool(client, Leftovers())
        try:
            yield pool
        finally:
            await pool.leftovers.clear()
            if self._client is None:
                await client.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


def _built(client: httpx2.AsyncClient, request: HttpRequest) -> httpx2.Request:
    built = client.build_request(
        request.method, request.url, content=request.body or None, headers=dict(request.headers)
    )
    if (built.url.port or 0) > _LAST_PORT:  # would come as an exception group out of the loop's connect
        raise httpx2.InvalidURL("port out of range")
    return built
