"""The transport that suits the running async library, chosen when it is used so that nothing is imported before."""

import sys
from collections.abc import Coroutine
from typing import Any

from llmring_types.exceptions import ConfigurationError

from llmring_providers.transport._protocol import ByteStream, HttpRequest, HttpResponse, Transport


class AutoTransport:
    """aiohttp under asyncio, httpx2 under trio.

    Args:
        trust_env: honour the proxy variables of the environment.
    """

    def __init__(self, *, trust_env: bool = False) -> None:
        self._trust_env = trust_env
        self._on_asyncio: Transport | None = None
        self._on_trio: Transport | None = None

    def send(self, request: HttpRequest) -> Coroutine[Any, Any, HttpResponse]:
        return self._current().send(request)

    def open(self, request: HttpRequest) -> Coroutine[Any, Any, ByteStream]:
        return self._current().open(request)

    async def aclose(self) -> None:
        chosen = self._on_trio if _in_trio() else self._on_asyncio
        if chosen is not None:
            await chosen.aclose()

    def _current(self) -> Transport:
        if _in_trio():
            if self._on_trio is None:
                self._on_trio = self._portable()
            return self._on_trio
        if self._on_asyncio is None:
            from llmring_providers.transport.aiohttp import AiohttpTransport  # noqa: PLC0415 - 0.2 s of import

            self._on_asyncio = AiohttpTransport(trust_env=self._trust_env)
        return self._on_asyncio

    def _portable(self) -> Transport:
        try:
            from llmring_providers.transport.httpx2 import Httpx2Transport  # noqa: PLC0415 - an extra
        except ImportError as error:
            raise ConfigurationError(
                "calls under trio need httpx2: pip install 'llmring[httpx2]'", original=error
            ) from error
        return Httpx2Transport(trust_env=self._trust_env)


def _in_trio() -> bool:
    trio = sys.modules.get("trio")
    return trio is not None and bool(trio.lowlevel.in_trio_run())
