"""Ollama as a provider: its adapter, and how it is built."""

from collections.abc import Mapping
from typing import Any

from llmring_types import LLMResponse
from llmring_types.exceptions import LLMRingError, MalformedResponseError, MissingSDKError

from llmring_providers._http.provider import HttpProvider
from llmring_providers._json import reread
from llmring_providers._protocol import ChatCall, StreamDecoder, WireRequest
from llmring_providers._settings import AwaitedKeySource, ProviderSettings, plain_key
from llmring_providers.ollama import errors, request, response
from llmring_providers.ollama.server import OllamaListing, normalise_host
from llmring_providers.ollama.stream import ChatStreamDecoder


class OllamaAdapter:
    """The native chat API. A key is needed for Ollama's cloud only."""

    def auth_headers(self, api_key: str) -> Mapping[str, str]:
        return {"authorization": f"Bearer {api_key}"} if api_key else {}

    def encode(self, call: ChatCall, *, stream: bool) -> WireRequest:
        return request.encode(call, stream=stream)

    def decode(self, body: bytes, call: ChatCall, wire: WireRequest) -> LLMResponse:  # noqa: ARG002
        try:
            return response.decode(body, call)
        except MalformedResponseError as error:
            return reread(
                error, lambda data: response.decode(data, call), lambda: ChatStreamDecoder(call), body, call
            )

    def stream_decoder(self, call: ChatCall, wire: WireRequest) -> StreamDecoder:  # noqa: ARG002
        return ChatStreamDecoder(call)

    def error(self, status: int, headers: Mapping[str, str], body: bytes, call: ChatCall) -> LLMRingError:
        return errors.error(status, headers, body, call)


def create(settings: ProviderSettings) -> HttpProvider:
    """Build the provider; its base URL may have any form of ``OLLAMA_HOST``, none means this machine.

    Raises:
        ConfigurationError: the base URL is not valid.
    """
    return HttpProvider.from_settings(
        settings,
        adapter=OllamaAdapter(),
        base_url=normalise_host(settings.address("ollama")),
        client_factory=build_client,
        sdk="llmring_providers.ollama.sdk",
        listing=OllamaListing(),
    )


def build_client(*, api_key: str | AwaitedKeySource, base_url: str) -> Any:
    """Return an ``ollama.AsyncClient``.

    Raises:
        MissingSDKError: ``ollama`` is not installed.
    """
    try:
        import ollama  # noqa: PLC0415 - half a second of import, only for those who ask for it
    except ImportError as error:
        raise MissingSDKError(
            "raw access to Ollama needs its SDK: pip install 'llmring[ollama]'", original=error
        ) from error
    key = plain_key(api_key, "ollama")
    return ollama.AsyncClient(host=base_url, headers={"authorization": f"Bearer {key}"} if key else None)
