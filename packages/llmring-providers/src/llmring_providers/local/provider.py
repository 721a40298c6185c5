"""The provider ``local``: OpenAI's protocol, to a server that this process started."""

from anyio import to_thread
from llmring_types.exceptions import ConfigurationError, ModelNotFoundError

from llmring_providers._adapter import WireRequest
from llmring_providers._http import HttpProvider
from llmring_providers._listing import OpenAIListing
from llmring_providers._protocol import ChatCall
from llmring_providers._settings import ProviderSettings
from llmring_providers.local.process import ServerProcess, find_weights
from llmring_providers.openai import OpenAIAdapter
from llmring_providers.transport import ByteStream, HttpRequest, HttpResponse, Transport

MODEL = "smollm2-135m"
"""The one model: SmolLM2-135M-Instruct in 4 bits. It writes English that often is wrong: for trying things out."""

BASE_URL = "http://127.0.0.1/v1"
"""Stands for the address, whose port is known once the server runs."""


class LocalAdapter(OpenAIAdapter):
    """OpenAI's protocol for the one model; llama.cpp would answer to any name.

    https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md
    """

    def encode(self, call: ChatCall, *, stream: bool) -> WireRequest:
        if call.ref.model != MODEL:
            raise ModelNotFoundError(
                f"there is no local model {call.ref.model!r}; use {call.ref.provider}:{MODEL}",
                provider=call.ref.provider,
                model=call.ref.model,
            )
        return super().encode(call, stream=stream)


class LocalTransport:
    """Starts the server at the first request, and sends all of them there.

    Args:
        through: moves the bytes.
        server: is started when it is needed.
    """

    def __init__(self, through: Transport, server: ServerProcess) -> None:
        self._through = through
        self._server = server

    async def send(self, request: HttpRequest) -> HttpResponse:
        return await self._through.send(await self._addressed(request))

    async def open(self, request: HttpRequest) -> ByteStream:
        return await self._through.open(await self._addressed(request))

    async def aclose(self) -> None:
        await to_thread.run_sync(self._server.stop)

    async def _addressed(self, request: HttpRequest) -> HttpRequest:
        endpoint = self._server.endpoint
        if endpoint is None:
            endpoint = await to_thread.run_sync(self._server.start, abandon_on_cancel=True)
        return request._replace(
            url=f"{endpoint.address}/v1{request.url.removeprefix(BASE_URL)}",
            headers={**request.headers, "authorization": f"Bearer {endpoint.api_key}"},
        )


class LocalProvider(HttpProvider):
    """The provider, which ends its server when it is closed; the next request then starts another."""

    async def aclose(self) -> None:
        await super().aclose()
        await self._transport.aclose()


def create(settings: ProviderSettings) -> LocalProvider:
    """Build the provider. Nothing is started yet.

    Raises:
        ConfigurationError: llama.cpp or the model is not installed, or an address is given, which it chooses itself.
    """
    if settings.base_url or settings.client is not None:
        raise ConfigurationError(
            f"the provider {settings.name!r} starts a server of its own and takes no base_url or client"
        )
    return LocalProvider(
        settings.name,
        adapter=LocalAdapter(),
        transport=LocalTransport(settings.transport, ServerProcess(find_weights(), MODEL)),
        base_url=BASE_URL,
        listing=OpenAIListing(settings.name),
        max_response_bytes=settings.max_response_bytes,
    )
