"""Ollama's protocol as one adapter."""

from collections.abc import Mapping

from llmring_types import LLMResponse
from llmring_types.exceptions import LLMRingError

from llmring_providers._adapter import StreamDecoder, WireRequest
from llmring_providers._protocol import ChatCall
from llmring_providers.ollama import errors, request, response
from llmring_providers.ollama.stream import ChatStreamDecoder


class OllamaAdapter:
    """The native chat API. A key is needed for Ollama's cloud only."""

    def auth_headers(self, api_key: str) -> Mapping[str, str]:
        return {"authorization": f"Bearer {api_key}"} if api_key else {}

    def encode(self, call: ChatCall, *, stream: bool) -> WireRequest:
        return request.encode(call, stream=stream)

    def decode(self, body: bytes, call: ChatCall, wire: WireRequest) -> LLMResponse:  # noqa: ARG002
        return response.decode(body, call)

    def stream_decoder(self, call: ChatCall, wire: WireRequest) -> StreamDecoder:  # noqa: ARG002
        return ChatStreamDecoder(call)

    def error(self, status: int, headers: Mapping[str, str], body: bytes, call: ChatCall) -> LLMRingError:
        return errors.error(status, headers, body, call)
