"""Requests through an HTTP client of the user's own, httpx's or httpx2's: its proxies, certificates, hooks and mocks.

On asyncio and on trio. Needs the extra ``httpx`` or ``httpx2``.
"""

import sys
from typing import TYPE_CHECKING, Any, Self, TypeAlias

import anyio.lowlevel
from llmring_types.exceptions import ConfigurationError

from llmring_providers.transport._bodies import ACCEPT_ENCODING
from llmring_providers.transport._httpx import (
    ConnectionEvents,
    HttpxStream,
    answer_or_failure,
    hold_closed_streams,
    httpx_failures,
)
from llmring_providers.transport._network import check_network
from llmring_providers.transport._per_loop import PerLoop
from llmring_providers.transport._protocol import (
    HttpRequest,
    HttpResponse,
    ProxyRefusalError,
    TransportError,
    host_of,
)
from llmring_providers.transport._proxies import AUTHENTICATION_REQUIRED

if TYPE_CHECKING:
    import httpx
    import httpx2

    HttpClient: TypeAlias = httpx.AsyncClient | httpx2.AsyncClient

_LIBRARIES = ("httpx", "httpx2")
_DEFAULT_TIMEOUT_S = 5.0
"""That of both libraries: too short for a model, and not what anybody has chosen."""


class HttpxTransport:
    """Sends every request through one client, which is never closed here.

    The client's own proxies, certificates, limits, hooks, authentication and headers count, and so do time limits other
    than the library's default of five seconds. Redirects are not followed: they could carry a key to another host.

    Args:
        client: an ``httpx.AsyncClient`` or an ``httpx2.AsyncClient``; it belongs to one event loop.

    Raises:
        ConfigurationError: it is something else.
    """

    def __init__(self, client: "HttpClient") -> None:
        libraries = [sys.modules[name] for name in _LIBRARIES if name in sys.modules]
        library = next((lib for lib in libraries if isinstance(client, lib.AsyncClient)), None)
        if library is None:
            raise ConfigurationError(
                f"http_client must be an httpx.AsyncClient or httpx2.AsyncClient; got {type(client).__qualname__}"
            )
        self._client: Any = client
        self._default_timeout = library.Timeout(_DEFAULT_TIMEOUT_S)
        self._closed_streams = PerLoop(hold_closed_streams, anyio.lowlevel.current_token)

    async def send(self, request: HttpRequest) -> HttpResponse:
        stream = await self.open(request)
        return await stream.whole()

    async def open(self, request: HttpRequest) -> HttpxStream:
        check_network(request)
        if self._client.is_closed:
            raise TransportError(
                f"{host_of(request.url)}: the HTTP client is closed; give the ring an open one", sent=False
            )
        closed_streams = await self._closed_streams.get()
        await closed_streams.clear()
        events = ConnectionEvents()
        try:
            response = await self._client.send(
                self._built(request, events), stream=True, follow_redirects=False
            )
        except httpx_failures() as error:
            if type(error).__name__ == "ProxyError" and str(error).startswith(str(AUTHENTICATION_REQUIRED)):
                raise _refusal(request) from None
            return answer_or_failure(error, request, closed_streams, events)
        stream = HttpxStream(response, request, closed_streams)
        if response.status_code == AUTHENTICATION_REQUIRED:
            stream.close()
            raise _refusal(request)
        return stream

    async def aclose(self) -> None:
        await self._closed_streams.aclose()

    def _built(self, request: HttpRequest, events: ConnectionEvents) -> Any:
        settings = {"timeout": None} if self._client.timeout == self._default_timeout else {}
        return self._client.build_request(
            request.method,
            request.url,
            content=request.body or None,
            headers={"accept-encoding": ACCEPT_ENCODING, **request.headers},
            extensions={"trace": events},
            **settings,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


def _refusal(request: HttpRequest) -> ProxyRefusalError:
    return ProxyRefusalError(
        f"{host_of(request.url)}: the proxy of the HTTP client asks for a name and a password, or does not take those "
        "that it got (407)"
    )
