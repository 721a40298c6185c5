"""Whatever a user may write encodes for every provider, or is refused with the typed error that says why."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from interop.conversations import requests
from interop.ours import ADAPTERS, PROTOCOLS, api_params, call_of
from interop.recordings import Protocol
from llmring_providers import ChatCall, WireRequest
from llmring_types import LLMRequest
from llmring_types.exceptions import UnsupportedContentError
from msgspec.structs import replace

MODELS: dict[str, tuple[str, ...]] = {
    "anthropic": ("claude-3-5-haiku-latest", "claude-sonnet-4-6", "claude-opus-5-5", "else"),
    "google": ("gemini-2.0-flash", "gemini-2.5-pro", "gemini-3-flash-preview", "publishers/google/models/gemini-2.5-flash"),
    "ollama": ("llama3", "gpt-oss:20b"),
    "openai": ("gpt-4o", "gpt-5.4", "o3", "vendor/model"),
}  # fmt: skip
ROWS = [(protocol, model) for protocol in PROTOCOLS for model in MODELS[protocol.partition(" ")[0]]]
enough = settings(max_examples=30, deadline=None)


@pytest.mark.parametrize(("protocol", "model"), ROWS)
@enough
@given(request=requests())
def test_any_conversation_encodes_or_is_refused_by_type(
    protocol: Protocol, model: str, request: LLMRequest
) -> None:
    request = replace(request, extra_params=request.extra_params | api_params(protocol))
    call = call_of(protocol, request, model)
    for stream in (False, True):
        wire = encoded(call, stream=stream)
        if isinstance(wire, UnsupportedContentError):
            assert wire.provider == call.ref.provider
            assert wire.part
            continue
        body = json.loads(wire.body)
        assert isinstance(body, dict)
        assert all(wire.warnings)
        sent = "\n".join(strings(body))
        assert [text for text in spoken_texts(request) if text not in sent] == []


def encoded(call: ChatCall, *, stream: bool) -> WireRequest | UnsupportedContentError:
    try:
        return ADAPTERS[call.ref.provider].encode(call, stream=stream)
    except UnsupportedContentError as error:
        return error


def spoken_texts(request: LLMRequest) -> Iterator[str]:
    """Every text of the conversation that is more than space; a result in JSON may be sent as JSON, so it is no text."""
    for message in request.messages:
        content = message.content or ""
        texts = [content] if isinstance(content, str) else [part.get("text", "") for part in content]
        stripped = (text.strip() for text in texts)
        yield from (text for text in stripped if not (message.role == "tool" and text[:1] in ("{", "[")))


def strings(value: Any) -> Iterator[str]:
    """Every string inside a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)
