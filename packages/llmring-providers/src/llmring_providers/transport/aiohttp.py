"""The default transport on asyncio: aiohttp, which keeps its speed at thousands of open calls."""

import asyncio
from collections.abc import Mapping
from typing import Self
from urllib.parse import urlsplit

import aiohttp

from llmring_providers.transport._protocol import HttpRequest, HttpResponse, TransportError

_END_GRACE_S = 0.1
"""How long a stream's connection may take to end after its terminal event before it is closed instead of reused."""


class AiohttpTransport:
    """Keeps one connection pool per event loop, made at the first call.

    Args:
        trust_env: honour ``HTTP_PROXY``, ``HTTPS_PROXY`` and ``NO_PROXY`` (costs a lookup per call).
    """

    def __init__(self, *, trust_env: bool = False) -> None:
        self._trust_env = trust_env
        self._session: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def send(self, request: HttpRequest) -> HttpResponse:
        session = self._current_session()
        try:
            async with session.request(
                request.method,
                request.url,
                data=request.body or None,
                headers=request.headers,
                allow_redirects=False,
            ) as response:
                return HttpResponse(response.status, response.headers, await response.read())
        except (aiohttp.ClientError, OSError) as error:
            raise _failure(request.url, error) from error

    async def open(self, request: HttpRequest) -> "AiohttpStream":
        session = self._current_session()
        try:
            response = await session.request(
                request.method,
                request.url,
                data=request.body or None,
                headers=request.headers,
                allow_redirects=False,
            )
        except (aiohttp.ClientError, OSError) as error:
            raise _failure(request.url, error) from error
        return AiohttpStream(response)

    async def aclose(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _current_session(self) -> aiohttp.ClientSession:
        loop = asyncio.get_running_loop()
        if self._session is None or self._session.closed or self._loop is not loop:
            # A session belongs to one loop: a ring that outlives asyncio.run() gets a fresh one.
            self._loop = loop
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=self._trust_env,
            )
        return self._session

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


class AiohttpStream:
    """A streamed answer."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self.status = response.status
        self.headers: Mapping[str, str] = response.headers

    async def read(self) -> bytes:
        try:
            return await self._response.content.readany()
        except (aiohttp.ClientError, OSError) as error:
            raise _failure(str(self._response.url), error) from error

    async def finish(self) -> None:
        content = self._response.content
        try:
            async with asyncio.timeout(_END_GRACE_S):
                while not content.at_eof():
                    await content.readany()
        except (TimeoutError, aiohttp.ClientError, OSError):
            pass
        self._response.close()

    def close(self) -> None:
        self._response.close()


def _failure(url: str, error: Exception) -> TransportError:
    host = urlsplit(url).netloc.rpartition("@")[2]
    reason = str(error) or type(error).__name__
    return TransportError(f"{host}: {reason}")
