"""Anthropic's Messages API as one adapter: https://platform.claude.com/docs/en/api/messages"""

from collections.abc import Mapping

from llmring_types import LLMResponse
from llmring_types.exceptions import LLMRingError

from llmring_providers._adapter import StreamDecoder, WireRequest
from llmring_providers._protocol import ChatCall
from llmring_providers.anthropic import errors, request, response
from llmring_providers.anthropic.stream import MessageStreamDecoder

API_VERSION = "2023-06-01"
"""Its successor 2026-10-21 takes nothing more, and refuses the sampling parameters that older models still take.

https://platform.claude.com/docs/en/api/versioning
"""


class AnthropicAdapter:
    """The Messages API."""

    def auth_headers(self, api_key: str) -> Mapping[str, str]:
        """Carry the key as ``x-api-key``: every API version and every host of this protocol reads it there.

        The vendor's SDK sends ``Authorization: Bearer`` since its 2.0, which many of those hosts do not read.
        """
        version = {"anthropic-version": API_VERSION}
        return {"x-api-key": api_key, **version} if api_key else version

    def encode(self, call: ChatCall, *, stream: bool) -> WireRequest:
        return request.encode(call, stream=stream)

    def decode(self, body: bytes, call: ChatCall, wire: WireRequest) -> LLMResponse:  # noqa: ARG002
        return response.decode(body, call)

    def stream_decoder(self, call: ChatCall, wire: WireRequest) -> StreamDecoder:  # noqa: ARG002
        return MessageStreamDecoder(call)

    def error(self, status: int, headers: Mapping[str, str], body: bytes, call: ChatCall) -> LLMRingError:
        return errors.error(status, headers, body, call)
