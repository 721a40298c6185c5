"""The transport that suits the running async library, chosen at the first call so that nothing is imported before."""

from llmring_providers.transport._protocol import ByteStream, HttpRequest, HttpResponse, Transport


class AutoTransport:
    """aiohttp under asyncio.

    Args:
        trust_env: honour the proxy variables of the environment.
    """

    def __init__(self, *, trust_env: bool = False) -> None:
        self._trust_env = trust_env
        self._chosen: Transport | None = None

    async def send(self, request: HttpRequest) -> HttpResponse:
        return await self._current().send(request)

    async def open(self, request: HttpRequest) -> ByteStream:
        return await self._current().open(request)

    async def aclose(self) -> None:
        chosen, self._chosen = self._chosen, None
        if chosen is not None:
            await chosen.aclose()

    def _current(self) -> Transport:
        if self._chosen is None:
            from llmring_providers.transport.aiohttp import AiohttpTransport  # noqa: PLC0415 - 0.2 s of import

            self._chosen = AiohttpTransport(trust_env=self._trust_env)
        return self._chosen
