"""What holds for every adapter: what is wrong with a request or an answer is an error of ours, wherever it stands."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llmring_providers import Adapter, ChatCall
from llmring_providers.anthropic import AnthropicAdapter
from llmring_providers.google import GoogleAdapter
from llmring_providers.ollama import OllamaAdapter
from llmring_providers.openai import OpenAIAdapter
from llmring_types import LLMRequest, Message, ModelRef
from llmring_types.exceptions import (
    LLMRingError,
    MalformedResponseError,
    ProviderOverloadedError,
    UnsupportedContentError,
)

_DEPTH = 50_000
BROKEN = {
    "no UTF-8": b'{"a":"\xff"}',
    "too deep": b'{"a":' * _DEPTH + b"1" + b"}" * _DEPTH,
    "cut": b'{"a":',
}
_CALL = b'{"message":{"tool_calls":[{"function":{"name":"f","arguments":%s}}]},"done":true}'
_ANTHROPIC = b'data: {"type":"message_start","message":{"content":[]}}\n\ndata: {"type":"content_block_start","index":0,"content_block":%s}\n\n'
_STOP = b'data: {"type":"message_stop"}\n\n'
_INPUT = b'{"type":"tool_use","id":"t","name":"f","input":%s}'
_HOSTED = b'{"type":"server_tool_use","id":"t","name":"f","more":%s}'
_PARTS = (
    b'{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":%s}}]},"finishReason":"STOP"}]}'
)
_ITEM = b'{"id":"r","status":"completed","output":[{"type":"function_call","call_id":"c","name":"f","arguments":%s}]}'
_FUNCTION = b'[{"index":0,"id":"c","function":{"name":"f","arguments":%s}}]'

ADAPTERS: dict[str, Adapter] = {
    "anthropic": AnthropicAdapter(),
    "google": GoogleAdapter(),
    "ollama": OllamaAdapter(),
    "openai": OpenAIAdapter(),
}
WHOLE = [
    pytest.param("anthropic", {}, b'{"content":[%s]}' % _INPUT, id="anthropic-input"),
    pytest.param("anthropic", {}, b'{"content":[%s]}' % _HOSTED, id="anthropic-block"),
    pytest.param("google", {}, _PARTS, id="google"),
    pytest.param("ollama", {}, _CALL, id="ollama"),
    pytest.param("ollama", {}, _CALL.replace(b"%s", b'"%s"'), id="ollama-text"),
    pytest.param("openai", {}, b'{"choices":[{"message":{"tool_calls":%s}}]}' % _FUNCTION, id="openai-chat"),
    pytest.param("openai", {"api": "responses"}, _ITEM, id="openai-responses"),
]
STREAMED = [
    pytest.param("anthropic", {}, _ANTHROPIC % _INPUT + _STOP, id="anthropic-input"),
    pytest.param("anthropic", {}, _ANTHROPIC % _HOSTED + _STOP, id="anthropic-block"),
    pytest.param("anthropic", {}, _ANTHROPIC % _INPUT, id="anthropic-cut"),
    pytest.param("google", {}, b"data: %s\n\n" % _PARTS, id="google"),
    pytest.param("ollama", {}, _CALL + b"\n", id="ollama"),
    pytest.param("ollama", {}, _CALL.replace(b"true", b"false") + b"\n", id="ollama-cut"),
    pytest.param("openai", {}, b'data: {"choices":[{"delta":{"tool_calls":%s}}]}\n\n' % _FUNCTION, id="openai-chat"),
    pytest.param("openai", {"api": "responses"}, b'data: {"type":"response.completed","response":%s}\n\n' % _ITEM, id="openai-responses"),
]  # fmt: skip


def call_of(provider: str, extra: dict[str, Any]) -> ChatCall:
    request = LLMRequest([Message(role="user", content="Hi")], extra_params=extra)
    return ChatCall(request, ModelRef(provider, "m"))


@pytest.mark.parametrize("broken", BROKEN)
@pytest.mark.parametrize(("provider", "extra", "body"), WHOLE)
def test_a_broken_answer_is_malformed(provider: str, extra: dict[str, Any], body: bytes, broken: str) -> None:
    adapter, call = ADAPTERS[provider], call_of(provider, extra)
    with pytest.raises(MalformedResponseError):
        adapter.decode(body.replace(b"%s", BROKEN[broken]), call, adapter.encode(call, stream=False))


@pytest.mark.parametrize("broken", BROKEN)
@pytest.mark.parametrize(("provider", "extra", "body"), STREAMED)
def test_a_broken_stream_is_malformed_and_what_came_before_can_be_had(
    provider: str, extra: dict[str, Any], body: bytes, broken: str
) -> None:
    adapter, call = ADAPTERS[provider], call_of(provider, extra)
    decoder = adapter.stream_decoder(call, adapter.encode(call, stream=True))
    decoder.feed(body.replace(b"%s", BROKEN[broken]))
    assert isinstance(decoder.failure, MalformedResponseError)
    assert decoder.partial().model == f"{provider}:m"


@pytest.mark.parametrize("broken", BROKEN)
@pytest.mark.parametrize("provider", ADAPTERS)
def test_a_broken_error_is_an_error_by_its_status(provider: str, broken: str) -> None:
    body = b'{"error":{"message":"no","details":%s}}' % BROKEN[broken]
    assert type(ADAPTERS[provider].error(503, {}, body, call_of(provider, {}))) is ProviderOverloadedError


@pytest.mark.parametrize("provider", ["anthropic", "google", "ollama"])
@pytest.mark.parametrize("wanted", [{"type": "grammar"}, {"type": ["json_object"]}, {}])
def test_a_format_that_a_provider_has_not_is_named(provider: str, wanted: dict[str, Any]) -> None:
    request = LLMRequest([Message(role="user", content="Hi")], response_format=wanted)
    with pytest.raises(UnsupportedContentError, match="has no response format") as caught:
        ADAPTERS[provider].encode(ChatCall(request, ModelRef(provider, "m")), stream=False)
    assert (caught.value.provider, caught.value.part) == (provider, "response_format")


_NAMES = [
    "type",
    "name",
    "schema",
    "json_schema",
    "url",
    "format",
    "properties",
    "required",
    "$ref",
    "anyOf",
    "items",
    "function",
]
_JSON: st.SearchStrategy[Any] = st.recursive(
    st.sampled_from([None, True, 1.5, "a", "auto", "object", "json_schema", "data:image/png;base64,QQ=="]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_NAMES), inner, max_size=4),
    max_leaves=8,
)
_PARTS_OF_ANY_SHAPE = st.sampled_from(["image_url", "file", "document", "image", "input_audio"])


@given(
    st.sampled_from(sorted(ADAPTERS)),
    st.sampled_from(["chat", "responses"]),
    st.fixed_dictionaries(
        {},
        optional={
            "response_format": _JSON | _JSON.map(lambda value: {"type": "json_schema", "json_schema": value}),
            "tool_choice": st.dictionaries(st.sampled_from(_NAMES), _JSON, max_size=2),
            "tools": _JSON.map(lambda value: [{"name": "f", "parameters": value, "strict": True}]),
        },
    ),
    st.tuples(_PARTS_OF_ANY_SHAPE, _JSON).map(
        lambda part: {"type": part[0], part[0]: part[1], "source": part[1]}
    ),
)
def test_a_request_of_any_shape_is_encoded_or_an_error_of_ours(
    provider: str, api: str, fields: dict[str, Any], part: dict[str, Any]
) -> None:
    extra = {"api": api} if provider == "openai" else {}
    for content in ("Hi", [part]):
        request = LLMRequest([Message(role="user", content=content)], extra_params=extra, **fields)
        with suppress(LLMRingError):
            ADAPTERS[provider].encode(ChatCall(request, ModelRef(provider, "m")), stream=False)
