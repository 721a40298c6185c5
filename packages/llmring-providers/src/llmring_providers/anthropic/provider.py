"""Anthropic as a provider: its adapter, its count of tokens, its list of models."""

from collections.abc import Mapping
from typing import Any

import msgspec
from llmring_types import LLMResponse, ModelFacts
from llmring_types.exceptions import LLMRingError, MalformedResponseError, MissingSDKError
from llmring_types.hosts import host_of

from llmring_providers._fit.names import restored, restoring
from llmring_providers._http.provider import HttpProvider
from llmring_providers._json import DECODE_ERRORS, reread
from llmring_providers._listing import Page, decode_input_tokens, malformed_listing, with_fields
from llmring_providers._protocol import ChatCall, StreamDecoder, WireRequest
from llmring_providers._settings import AwaitedKeySource, ProviderSettings, plain_key
from llmring_providers.anthropic import errors, request, response
from llmring_providers.anthropic.models import NAMES
from llmring_providers.anthropic.stream import MessageStreamDecoder

API_VERSION = "2023-06-01"
"""Its successor 2026-10-21 takes nothing more, and refuses the sampling parameters that older models still take.

https://platform.claude.com/docs/en/api/versioning
"""


class AnthropicAdapter:
    """The Messages API: https://platform.claude.com/docs/en/api/messages

    Args:
        bearer: the host reads the key as a bearer token instead.
    """

    def __init__(self, *, bearer: bool = False) -> None:
        self._bearer = bearer

    def auth_headers(self, api_key: str) -> Mapping[str, str]:
        """Carry the key as ``x-api-key``: every API version reads it there, and most hosts of this protocol.

        The vendor's SDK sends ``Authorization: Bearer`` since its 2.0, which many of those hosts do not read.
        """
        version = {"anthropic-version": API_VERSION}
        if not api_key:
            return version
        own = {"authorization": f"Bearer {api_key}"} if self._bearer else {"x-api-key": api_key}
        return {**own, **version}

    def encode(self, call: ChatCall, *, stream: bool) -> WireRequest:
        return request.encode(call, stream=stream)

    def decode(self, body: bytes, call: ChatCall, wire: WireRequest) -> LLMResponse:  # noqa: ARG002
        try:
            answer = response.decode(body, call)
        except MalformedResponseError as error:
            answer = reread(
                error,
                lambda data: response.decode(data, call),
                lambda: MessageStreamDecoder(call),
                body,
                call,
            )
        return restored(answer, call, NAMES) if answer.tool_calls else answer

    def stream_decoder(self, call: ChatCall, wire: WireRequest) -> StreamDecoder:  # noqa: ARG002
        decoder = MessageStreamDecoder(call)
        return restoring(decoder, call, NAMES) if call.request.tools else decoder

    def error(self, status: int, headers: Mapping[str, str], body: bytes, call: ChatCall) -> LLMRingError:
        return errors.error(status, headers, body, call)


COUNT_PATH = f"{request.PATH}/count_tokens"
_COUNTED = frozenset(
    {
        "billing_policy",
        "cache_control",
        "compaction",
        "context_management",
        "mcp_servers",
        "messages",
        "model",
        "output_config",
        "speed",
        "system",
        "thinking",
        "tool_choice",
        "tools",
    }
)
"""The fields it takes of a message request; it refuses the rest, ``max_tokens`` included."""


class AnthropicCounting:
    """``POST /v1/messages/count_tokens``: https://platform.claude.com/docs/en/api/messages-count-tokens"""

    def encode(self, call: ChatCall) -> WireRequest:
        wire = request.encode(call, stream=False)
        body = msgspec.json.encode(with_fields(wire.body, _COUNTED))
        return WireRequest(path=COUNT_PATH, body=body, headers=wire.headers, warnings=wire.warnings)

    def decode(self, body: bytes) -> int:
        return decode_input_tokens(body, "anthropic")


class _Model(msgspec.Struct):
    id: str
    display_name: str | None = None
    max_input_tokens: int | None = None
    max_tokens: int | None = None


class _Models(msgspec.Struct):
    data: list[_Model]
    has_more: bool = False
    last_id: str | None = None


class AnthropicListing:
    """``GET /v1/models``, in pages of a thousand: https://platform.claude.com/docs/en/api/models/list"""

    path = "/v1/models?limit=1000"

    def decode(self, body: bytes) -> Page:
        try:
            page = msgspec.json.decode(body, type=_Models)
        except DECODE_ERRORS as error:
            raise malformed_listing("anthropic", error) from error
        more = page.has_more and page.last_id
        return Page(
            [_facts(model) for model in page.data], f"{self.path}&after_id={page.last_id}" if more else None
        )


def _facts(model: _Model) -> ModelFacts:
    return ModelFacts(
        provider="anthropic",
        model=model.id,
        display_name=model.display_name,
        context_window=model.max_input_tokens or None,
        max_output_tokens=model.max_tokens or None,
        active=True,
    )


def create(settings: ProviderSettings) -> HttpProvider:
    """Build the provider; without a base URL it speaks to Anthropic itself."""
    host = host_of(settings.name)
    if host.cloud == "vertex":
        from llmring_providers.anthropic.vertex import create_vertex  # noqa: PLC0415 - for one host

        return create_vertex(settings)
    return HttpProvider.from_settings(
        settings,
        adapter=AnthropicAdapter(
            bearer=host.quirks is not None and host.quirks.key_header == "authorization"
        ),
        base_url=settings.address("anthropic"),
        client_factory=build_client,
        sdk="llmring_providers.anthropic.sdk",
        listing=None if host.models_path is None else AnthropicListing(),
        counting=AnthropicCounting(),
    )


def build_client(*, api_key: str | AwaitedKeySource, base_url: str) -> Any:
    """Return an ``anthropic.AsyncAnthropic``.

    Raises:
        MissingSDKError: ``anthropic`` is not installed.
    """
    try:
        import anthropic  # noqa: PLC0415 - two seconds of import, only for those who ask for it
    except ImportError as error:
        raise MissingSDKError(
            "raw access to Anthropic needs its SDK: pip install 'llmring[anthropic]'", original=error
        ) from error
    return anthropic.AsyncAnthropic(api_key=plain_key(api_key, "anthropic"), base_url=base_url)
