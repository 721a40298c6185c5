"""Gemini's protocol as one adapter."""

from collections.abc import Mapping

from llmring_types import LLMResponse
from llmring_types.exceptions import LLMRingError

from llmring_providers._adapter import StreamDecoder, WireRequest
from llmring_providers._protocol import ChatCall
from llmring_providers.google import errors, request, response
from llmring_providers.google.stream import GenerateStreamDecoder


class GoogleAdapter:
    """``generateContent`` and ``streamGenerateContent``. Paths begin below the version of the API."""

    def auth_headers(self, api_key: str) -> Mapping[str, str]:
        return {"x-goog-api-key": api_key} if api_key else {}

    def encode(self, call: ChatCall, *, stream: bool) -> WireRequest:
        return request.encode(call, stream=stream)

    def decode(self, body: bytes, call: ChatCall, wire: WireRequest) -> LLMResponse:
        return response.decode(body, call, wire)

    def stream_decoder(self, call: ChatCall, wire: WireRequest) -> StreamDecoder:
        return GenerateStreamDecoder(call, wire)

    def error(self, status: int, headers: Mapping[str, str], body: bytes, call: ChatCall) -> LLMRingError:
        return errors.error(status, headers, body, call)
