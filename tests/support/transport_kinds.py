"""The transports, and the event loops that they run on."""

import gc
import ssl
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import anyio
from llmring_providers.transport.aiohttp import BELOW_THE_SESSION, AiohttpTransport
from llmring_providers.transport.httpx2 import Httpx2Transport

_PATIENCE_S = 10.0


def run_on(backend: str, main: Callable[..., Any], *args: object) -> Any:
    """Run the coroutine function of a test; what it leaves open shows as a warning, which is an error here."""

    async def bounded() -> Any:
        with anyio.fail_after(_PATIENCE_S):
            return await main(*args)

    try:
        return anyio.run(bounded, backend=backend)
    finally:
        gc.collect()


class Kind(NamedTuple):
    """A transport and the event loop that it is tried on."""

    make: Callable[..., AiohttpTransport | Httpx2Transport]
    backend: str

    def run(self, main: Callable[..., Any], *args: object) -> Any:
        return run_on(self.backend, main, *args)


KINDS = {
    **({"aiohttp-asyncio": Kind(AiohttpTransport, "asyncio")} if BELOW_THE_SESSION else {}),
    "aiohttp-session": Kind(partial(AiohttpTransport, below_session=False), "asyncio"),
    "httpx2-asyncio": Kind(Httpx2Transport, "asyncio"),
    "httpx2-trio": Kind(Httpx2Transport, "trio"),
}


class Tls(NamedTuple):
    """A server's certificate and a client that trusts its authority."""

    server: ssl.SSLContext
    client: ssl.SSLContext
