"""Names of functions and ids of calls that vendors refuse."""

import re
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from llmring_providers import Adapter, ChatCall
from llmring_providers._fit.names import NINE_LETTERS, NameRule, replaced_ids, replaced_names
from llmring_providers.anthropic import AnthropicAdapter
from llmring_providers.google import GoogleAdapter
from llmring_providers.openai import OpenAIAdapter
from llmring_types import LLMRequest, Message, ModelRef

ADAPTERS: dict[str, Adapter] = {
    "openai": OpenAIAdapter(),
    "anthropic": AnthropicAdapter(),
    "google": GoogleAdapter(),
}
RULE = NameRule(taken=re.compile(r"[a-zA-Z0-9_-]{1,64}"))
ANSWERS = {
    "openai": b'{"choices":[{"message":{"tool_calls":[{"id":"c","function":{"name":"%s","arguments":"{}"}}]},"finish_reason":"tool_calls"}]}',
    "anthropic": b'{"type":"message","content":[{"type":"tool_use","id":"c","name":"%s","input":{}}],"stop_reason":"tool_use"}',
    "google": b'{"candidates":[{"content":{"parts":[{"functionCall":{"name":"%s","args":{}}}]},"finishReason":"STOP"}]}',
}
FRAMES = {
    "openai": b'data: {"choices":[{"delta":{"tool_calls":[{"index":0,"id":"c","function":{"name":"%s","arguments":"{}"}}]},"finish_reason":"tool_calls"}]}\n\ndata: [DONE]\n\n',
    "anthropic": b'data: {"type":"message_start","message":{"content":[]}}\n\ndata: {"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"c","name":"%s","input":{}}}\n\ndata: {"type":"message_delta","delta":{"stop_reason":"tool_use"}}\n\ndata: {"type":"message_stop"}\n\n',
    "google": b'data: {"candidates":[{"content":{"parts":[{"functionCall":{"name":"%s","args":{}}}]},"finishReason":"STOP"}]}\n\n',
}


def named(name: str, **more: Any) -> LLMRequest:
    calls: Any = [{"id": "a", "type": "function", "function": {"name": name, "arguments": "{}"}}]
    talk = [
        Message(role="user", content="x"),
        Message(role="assistant", content=None, tool_calls=calls),
        Message(role="tool", content="5", tool_call_id="a"),
    ]
    return LLMRequest(
        talk, tools=[{"name": name, "parameters": {"type": "object", "properties": {}}}], **more
    )


def sent_names(provider: str, body: dict[str, Any]) -> set[str]:
    """All names in a body, wherever the protocol has them."""
    found: set[str] = set()

    def walk(value: Any) -> None:
        if isinstance(value, list):
            for inner in value:
                walk(inner)
        elif isinstance(value, dict):
            for key, inner in value.items():
                if key == "name" or (key == "allowedFunctionNames" and provider == "google"):
                    found.update([inner] if isinstance(inner, str) else inner)
                else:
                    walk(inner)

    walk(body)
    return found


@pytest.mark.parametrize("provider", ADAPTERS)
@pytest.mark.parametrize("name", ["files/read", "söök", "a" * 90, "1st thing", "search web"])
def test_a_name_that_is_refused_is_replaced_everywhere_and_comes_back(provider: str, name: str) -> None:
    adapter, ref = ADAPTERS[provider], ModelRef(provider, "claude-haiku-4-5")
    call = ChatCall(named(name, tool_choice=name), ref)
    wire = adapter.encode(call, stream=False)
    (sent,) = sent_names(provider, msgspec.json.decode(wire.body))
    assert re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", sent)
    answer = adapter.decode(ANSWERS[provider] % sent.encode(), call, wire)
    assert answer.tool_calls
    assert answer.tool_calls[0]["function"]["name"] == name
    decoder = adapter.stream_decoder(call, wire)
    chunks = [*decoder.feed(FRAMES[provider] % sent.encode()), *decoder.close()]
    assert chunks[-1].tool_calls
    assert chunks[-1].tool_calls[0]["function"]["name"] == name
    assert call.request.tools is not None
    assert call.request.tools[0]["name"] == name


def test_a_name_that_is_taken_goes_out_as_it_is() -> None:
    for provider, adapter in ADAPTERS.items():
        call = ChatCall(named("get_weather-2"), ModelRef(provider, "claude-haiku-4-5"))
        body = msgspec.json.decode(adapter.encode(call, stream=False).body)
        assert sent_names(provider, body) == {"get_weather-2"}


@given(st.lists(st.text(min_size=1, max_size=80), min_size=1, max_size=6, unique=True))
def test_replaced_names_are_taken_and_no_two_are_alike(names: list[str]) -> None:
    call = ChatCall(LLMRequest([], tools=[{"name": name} for name in names]), ModelRef("p", "m"))
    replaced = replaced_names(call, RULE)
    sent = [replaced.get(name, name) for name in names]
    assert len(set(sent)) == len(names)
    assert all(map(RULE.fits, sent))


def test_an_id_that_is_too_long_is_cut_alike_in_call_and_result() -> None:
    calls: Any = [{"id": "i" * 90, "type": "function", "function": {"name": "f", "arguments": "{}"}}]
    talk = [
        Message(role="assistant", content=None, tool_calls=calls),
        Message(role="tool", content="5", tool_call_id="i" * 90),
    ]
    body = msgspec.json.decode(
        OpenAIAdapter().encode(ChatCall(LLMRequest(talk), ModelRef("openai", "m")), stream=False).body
    )
    sent = body["messages"][1]["tool_call_id"]
    assert body["messages"][0]["tool_calls"][0]["id"] == sent
    assert len(sent) == 40


@given(st.lists(st.text(min_size=1, max_size=60), min_size=1, max_size=6, unique=True))
def test_ids_become_nine_letters_and_digits_where_mistral_wants_them(ids: list[str]) -> None:
    talk = [Message(role="tool", content="5", tool_call_id=each) for each in ids]
    replaced = replaced_ids(talk, NINE_LETTERS)
    sent = [replaced.get(each, each) for each in ids]
    assert len(set(sent)) == len(ids)
    assert all(map(NINE_LETTERS.fits, sent))
    assert replaced_ids(talk, NINE_LETTERS) == replaced


SIGNED: dict[str, Any] = {
    "openai": {"status": "completed", "output": [{"type": "reasoning", "id": "r", "encrypted_content": "s", "summary": []}, {"type": "function_call", "call_id": "c", "name": "files_read", "arguments": "{}"}]},
    "anthropic": {"type": "message", "content": [{"type": "thinking", "thinking": "t", "signature": "s"}, {"type": "tool_use", "id": "c", "name": "files_read", "input": {}}], "stop_reason": "tool_use"},
    "google": {"candidates": [{"content": {"parts": [{"functionCall": {"id": "c", "name": "files_read", "args": {}}, "thoughtSignature": "s"}]}, "finishReason": "STOP"}]},
}  # fmt: skip


@pytest.mark.parametrize(
    ("provider", "model"),
    [("openai", "gpt-5.2"), ("anthropic", "claude-sonnet-4-5"), ("google", "gemini-3-flash")],
)
def test_sealed_blocks_go_back_beside_a_name_that_was_replaced(provider: str, model: str) -> None:
    adapter, ref = ADAPTERS[provider], ModelRef(provider, model)
    tools: list[dict[str, Any]] = [{"name": "files/read", "parameters": {"type": "object", "properties": {}}}]
    more: dict[str, Any] = {
        "tools": tools,
        "extra_params": {"api": "responses"} if provider == "openai" else {},
    }
    asked = Message(role="user", content="x")
    call = ChatCall(LLMRequest([asked], **more), ref)
    wire = adapter.encode(call, stream=False)
    answer = adapter.decode(msgspec.json.encode(SIGNED[provider]), call, wire)
    assert answer.tool_calls
    assert answer.tool_calls[0]["function"]["name"] == "files/read"
    result = Message(role="tool", tool_call_id=answer.tool_calls[0]["id"], content="5")
    again = adapter.encode(
        ChatCall(LLMRequest([asked, answer.to_message(), result], **more), ref), stream=False
    )
    assert again.warnings == ()
    assert b'"s"' in again.body
    assert sent_names(provider, msgspec.json.decode(again.body)) == {"files_read"}
