"""Requests on the wire."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llmring_providers import ChatCall
from llmring_providers.ollama.request import encode
from llmring_types import LLMRequest, LLMResponse, Message, ModelFacts, ModelRef, tool_call
from llmring_types.exceptions import UnsupportedContentError

PIXEL = "iVBORw0KGgo="
IMAGE = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}}
WEATHER = {
    "name": "get_weather",
    "description": "Weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
}
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}


def sent(call: ChatCall, *, stream: bool = False) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(encode(call, stream=stream).body)
    return body


def test_a_plain_question_is_all_there_is(call: ChatCall) -> None:
    wire = encode(call, stream=False)
    assert wire.path == "/api/chat"
    assert wire.warnings == ()
    assert json.loads(wire.body) == {
        "model": "qwen3:4b",
        "messages": [{"role": "user", "content": "Hi"}],
        "stream": False,
    }


def test_a_stream_is_asked_for(call: ChatCall) -> None:
    assert sent(call, stream=True)["stream"] is True


MESSAGES = [
    pytest.param(
        [Message(role="system", content="A"), Message(role="system", content="B"), Message(role="user", content="C")],
        [{"role": "system", "content": "A"}, {"role": "system", "content": "B"}, {"role": "user", "content": "C"}],
        id="several system messages keep their order",
    ),
    pytest.param(
        [Message(role="user", content=[{"type": "text", "text": "What"}, IMAGE, {"type": "text", "text": "is it?"}])],
        [{"role": "user", "content": "What\nis it?", "images": [PIXEL]}],
        id="images are bare base64",
    ),
    pytest.param(
        [Message(role="user", content=[{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}}])],
        [{"role": "user", "content": "", "images": [PIXEL]}],
        id="images in Anthropic's form",
    ),
    pytest.param(
        [Message(role="user", content=[
            {"type": "document", "source": {"type": "text", "data": "A"}},
            {"type": "document", "source": {"type": "base64", "media_type": "text/plain", "data": "w6k="}},
        ])],
        [{"role": "user", "content": "A\né"}],
        id="documents that are texts",
    ),
    pytest.param(
        [Message(role="assistant", content=[{"type": "refusal", "refusal": "No."}])],
        [{"role": "assistant", "content": "No."}],
        id="a refusal is what was said",
    ),
    pytest.param(
        [
            Message(role="assistant", content=None, tool_calls=[tool_call("x", "f", '{"b": 1.0, "a": 2}')]),
            Message(role="tool", content="42", tool_call_id="x"),
        ],
        [
            {
                "role": "assistant",
                "content": "",
                "tool_calls": [
                    {"id": "x", "type": "function", "function": {"name": "f", "arguments": {"b": 1.0, "a": 2}}}
                ],
            },
            {"role": "tool", "content": "42", "tool_call_id": "x", "tool_name": "f"},
        ],
        id="a call and its result",
    ),
    pytest.param(
        [
            Message(role="assistant", content="", tool_calls=[tool_call("x", "f", ""), tool_call("y", "g", "{}")]),
            Message(role="tool", content="2", tool_call_id="y"),
            Message(role="tool", content="1", tool_call_id="x"),
            Message(role="assistant", content="", tool_calls=[tool_call("x", "h", "{}")]),
            Message(role="tool", content="3", tool_call_id="x"),
        ],
        [
            {
                "role": "assistant",
                "content": "",
                "tool_calls": [
                    {"id": "x", "type": "function", "function": {"name": "f", "arguments": {}}},
                    {"id": "y", "type": "function", "function": {"name": "g", "arguments": {}}},
                ],
            },
            {"role": "tool", "content": "2", "tool_call_id": "y", "tool_name": "g"},
            {"role": "tool", "content": "1", "tool_call_id": "x", "tool_name": "f"},
            {
                "role": "assistant",
                "content": "",
                "tool_calls": [{"id": "x", "type": "function", "function": {"name": "h", "arguments": {}}}],
            },
            {"role": "tool", "content": "3", "tool_call_id": "x", "tool_name": "h"},
        ],
        id="results find the last call of their id",
    ),
    pytest.param(
        [Message(role="tool", content=[{"type": "text", "text": "lost"}], tool_call_id="nobody")],
        [{"role": "tool", "content": "lost", "tool_call_id": "nobody"}],
        id="a result whose call is not there",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("messages", "expected"), MESSAGES)
def test_messages_have_their_form(
    messages: list[Message], expected: list[Any], call_with: Callable[..., ChatCall]
) -> None:
    assert sent(call_with(messages=messages))["messages"] == expected


def test_arguments_go_out_as_they_were_written(call_with: Callable[..., ChatCall]) -> None:
    text = '{"big":123456789012345678901234567890,"float":1.0}'
    message = Message(role="assistant", content="", tool_calls=[tool_call("x", "f", text)])
    assert text.encode() in encode(call_with(messages=[message]), stream=False).body


def test_arguments_that_are_no_object_are_sent_in_one(call_with: Callable[..., ChatCall]) -> None:
    message = Message(role="assistant", content="", tool_calls=[tool_call("x", "f", "[1]")])
    wire = encode(call_with(messages=[message]), stream=False)
    (made,) = json.loads(wire.body)["messages"][0]["tool_calls"]
    assert made["function"]["arguments"] == {"INVALID_JSON": "[1]"}
    assert "not a JSON object" in wire.warnings[0]


def test_arguments_that_are_no_text_are_taken_too(call_with: Callable[..., ChatCall]) -> None:
    given: Any = {"id": "x", "type": "function", "function": {"name": "f", "arguments": {"a": 1}}}
    message = Message(role="assistant", content="", tool_calls=[given])
    assert sent(call_with(messages=[message]))["messages"][0]["tool_calls"] == [given]


@pytest.mark.parametrize(
    ("message", "part"),
    [
        (Message(role="user", content=[{"type": "document", "source": {"type": "base64", "data": ""}}]), "document"),
        (Message(role="user", content=[{"type": "document"}]), "document"),
        (Message(role="user", content=[{"type": "document", "source": {"type": "base64", "media_type": "text/plain", "data": "/w=="}}]), "document"),
        (Message(role="user", content=[{"type": "image", "source": {"type": "url", "url": "https://x/y.png"}}]), "image"),
        (Message(role="user", content=[{"type": "image_url", "image_url": {"url": "https://x/y.png"}}]), "image_url"),
        (Message(role="user", content=[{"type": "image_url"}]), "image_url"),
        (Message(role="user", content=[{"type": "input_audio", "input_audio": {}}]), "input_audio"),
        (Message(role="user", content=[{"type": "text"}]), "text"),
        (Message(role="assistant", content="", tool_calls=[{"id": "x", "type": "custom", "custom": {}}]), "tool_calls"),  # type: ignore[typeddict-item]
        (Message(role="user", content="\ud800"), "body"),
    ],
)  # fmt: skip
def test_what_has_no_place_is_named(message: Message, part: str, call_with: Callable[..., ChatCall]) -> None:
    with pytest.raises(UnsupportedContentError) as caught:
        encode(call_with(messages=[message]), stream=False)
    assert (caught.value.part, caught.value.provider) == (part, "ollama")


SETTINGS = [
    pytest.param({"temperature": 0.0, "max_tokens": 5}, {"options": {"temperature": 0.0, "num_predict": 5}}, id="limits"),
    pytest.param({"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}},
                 {"format": SCHEMA}, id="json_schema"),
    pytest.param({"response_format": {"type": "json_schema", "schema": SCHEMA}}, {"format": SCHEMA}, id="json_schema, flat"),
    pytest.param({"response_format": {"type": "json_schema"}}, {"format": "json"}, id="json_schema without a schema"),
    pytest.param({"response_format": {"type": "json_object"}}, {"format": "json"}, id="json_object"),
    pytest.param({"response_format": {"type": "text"}}, {}, id="text"),
    pytest.param({"json_response": True}, {"format": "json"}, id="json_response"),
    pytest.param({"extra_params": {"seed": 1, "num_ctx": 8192}}, {"options": {"seed": 1, "num_ctx": 8192}}, id="flat"),
    pytest.param({"extra_params": {"stop": "END"}}, {"options": {"stop": ["END"]}}, id="one stop text"),
    pytest.param({"extra_params": {"keep_alive": "1m", "think": True}}, {"keep_alive": "1m", "think": True}, id="top"),
    pytest.param({"temperature": 0.5, "extra_params": {"options": {"seed": 1, "temperature": 0.1}, "top_p": 0.9}},
                 {"options": {"temperature": 0.1, "seed": 1, "top_p": 0.9}}, id="options are merged"),
    pytest.param({"extra_params": {"max_tokens": 9}}, {"options": {"num_predict": 9}}, id="a limit by OpenAI's name"),
    pytest.param({"extra_params": {"response_format": {"type": "json_object"}}}, {"format": "json"}, id="a format by OpenAI's name"),
    pytest.param({"reasoning_effort": "low", "extra_params": {"think": False}}, {"think": False}, id="extra comes last"),
    pytest.param({"extra_params": {"logprobs": True, "top_logprobs": 3}}, {"logprobs": True, "top_logprobs": 3}, id="logprobs"),
    pytest.param({"tools": [WEATHER]}, {"tools": [{"type": "function", "function": WEATHER}]}, id="flat tool"),
    pytest.param({"tools": [{"type": "function", "function": WEATHER}]}, {"tools": [{"type": "function", "function": WEATHER}]},
                 id="tool in OpenAI's form"),
    pytest.param({"tools": [WEATHER], "tool_choice": "auto"}, {"tools": [{"type": "function", "function": WEATHER}]}, id="auto"),
    pytest.param({"tools": [WEATHER], "tool_choice": "none"}, {}, id="no tool may be called"),
    pytest.param({"tools": [WEATHER], "tool_choice": {"type": "none"}}, {}, id="no tool, in Anthropic's form"),
    pytest.param({"tools": [WEATHER], "json_response": True},
                 {"tools": [{"type": "function", "function": WEATHER}], "format": "json"}, id="tools and format"),
    pytest.param({"metadata": {"user": "me"}, "timeout": 3}, {}, id="what is ours is not sent"),
]  # fmt: skip


@pytest.mark.parametrize(("request_fields", "expected"), SETTINGS)
def test_settings_have_their_place(
    request_fields: dict[str, Any], expected: dict[str, Any], call_with: Callable[..., ChatCall]
) -> None:
    call = call_with(**request_fields)
    wire = encode(call, stream=False)
    body = json.loads(wire.body)
    assert {
        name: value for name, value in body.items() if name not in ("model", "messages", "stream")
    } == expected
    assert wire.warnings == ()


THINKING = [
    ("qwen3:4b", {"reasoning_effort": "none"}, False, None),
    ("qwen3:4b", {"reasoning_effort": "minimal"}, "low", "became 'low'"),
    ("qwen3:4b", {"reasoning_effort": "medium"}, "medium", None),
    ("qwen3:4b", {"reasoning_effort": "xhigh"}, "high", "became 'high'"),
    ("qwen3:4b", {"reasoning_tokens": 0}, False, None),
    ("qwen3:4b", {"reasoning_tokens": 100}, True, "no budget"),
    ("qwen3:4b", {"reasoning_tokens": 100, "reasoning_effort": "high"}, "high", "no budget"),
    ("gpt-oss:20b", {"reasoning_effort": "high"}, "high", None),
    ("gpt-oss:20b", {"reasoning_effort": "max"}, "high", "became 'high'"),
    ("me/gpt-oss:20b", {"reasoning_effort": "none"}, "low", "cannot stop thinking"),
    ("gpt-oss:20b", {"reasoning_tokens": 100}, None, "no budget"),
]


@pytest.mark.parametrize(("model", "fields", "expected", "warning"), THINKING)
def test_the_wish_for_reasoning_becomes_think(
    model: str,
    fields: dict[str, Any],
    expected: object,
    warning: str | None,
    call_with: Callable[..., ChatCall],
) -> None:
    wire = encode(call_with(model, **fields), stream=False)
    assert json.loads(wire.body).get("think") == expected
    assert len(wire.warnings) == (0 if warning is None else 1)
    assert warning is None or warning in wire.warnings[0]


def test_a_level_that_there_is_not_becomes_the_next_one(call_with: Callable[..., ChatCall]) -> None:
    wire = encode(call_with(extra_params={"think": "minimal"}), stream=False)
    assert json.loads(wire.body)["think"] == "low"
    assert "'minimal' became 'low'" in wire.warnings[0]


@pytest.mark.parametrize(("effort", "warned"), [("high", True), ("none", False)])
def test_a_model_known_not_to_think_is_not_asked_to(
    effort: str, warned: bool, call_with: Callable[..., ChatCall]
) -> None:
    facts = ModelFacts(provider="ollama", model="llama2", reasoning=False)
    wire = encode(call_with("llama2", facts, reasoning_effort=effort), stream=False)
    assert "think" not in json.loads(wire.body)
    assert bool(wire.warnings) is warned


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"tools": [WEATHER], "tool_choice": "required"}, "tool_choice"),
        ({"tools": [WEATHER], "tool_choice": "get_weather"}, "tool_choice"),
        ({"tools": [WEATHER], "tool_choice": {"function": "get_weather"}}, "tool_choice"),
        ({"tools": [{"type": "web_search"}]}, "'web_search'"),
        ({"cache": {"type": "ephemeral"}}, "caching"),
        ({"messages": [Message(role="user", content="x", metadata={"cache_control": {}})]}, "caching"),
    ],
)
def test_what_ollama_does_not_take_is_told(
    fields: dict[str, Any], words: str, call_with: Callable[..., ChatCall]
) -> None:
    (warning,) = encode(call_with(**fields), stream=False).warnings
    assert words in warning


def assistant(native: dict[str, Any] | None) -> Message:
    return LLMResponse(content="4", model="ollama:m", native=native).to_message()


def test_thinking_goes_back_with_its_message(call_with: Callable[..., ChatCall]) -> None:
    message = assistant(
        {"provider": "ollama", "replay": [{"thinking": "2+2"}], "timings": {"load_duration": 1}}
    )
    assert sent(call_with(messages=[message]))["messages"] == [
        {"role": "assistant", "content": "4", "thinking": "2+2"}
    ]


def test_what_another_provider_thought_is_left_out_and_told(call_with: Callable[..., ChatCall]) -> None:
    message = assistant({"provider": "anthropic", "replay": [{"type": "thinking", "thinking": "2+2"}]})
    wire = encode(call_with(messages=[message, message]), stream=False)
    assert json.loads(wire.body)["messages"] == [{"role": "assistant", "content": "4"}] * 2
    (warning,) = wire.warnings
    assert "anthropic" in warning


@pytest.mark.parametrize(
    "native", [None, {}, {"provider": "ollama"}, {"provider": "ollama", "replay": ["x", {}]}]
)
def test_odd_native_data_is_left_alone(
    native: dict[str, Any] | None, call_with: Callable[..., ChatCall]
) -> None:
    assert sent(call_with(messages=[assistant(native)]))["messages"] == [
        {"role": "assistant", "content": "4"}
    ]


def test_the_request_is_not_changed(call_with: Callable[..., ChatCall]) -> None:
    def build() -> LLMRequest:
        return LLMRequest(
            [Message(role="assistant", content=None, tool_calls=[tool_call("x", "f", "{}")])],
            tools=[WEATHER],
            extra_params={"options": {"seed": 1}, "top_p": 0.5},
        )

    request = build()
    encode(ChatCall(request, ModelRef("ollama", "m")), stream=True)
    assert request == build()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
PARTS = st.fixed_dictionaries(
    {"type": st.sampled_from(["text", "image_url", "document", "odd"])},
    optional={"text": JSON, "image_url": JSON | st.just(IMAGE["image_url"]), "source": JSON},
)
CALLS = st.builds(
    tool_call, st.text(max_size=3), st.text(max_size=5), st.text(max_size=9) | st.dictionaries(st.text(), JSON, max_size=2)
)  # fmt: skip
MESSAGE = st.builds(
    Message,
    role=st.sampled_from(["system", "user", "assistant", "tool"]),
    content=st.text() | st.lists(PARTS, max_size=3),
    tool_calls=st.none() | st.lists(CALLS, max_size=2),
    tool_call_id=st.none() | st.text(max_size=3),
    metadata=st.none()
    | st.fixed_dictionaries({"native": JSON})
    | st.dictionaries(st.text(), JSON, max_size=1),
)


@given(st.lists(MESSAGE, max_size=4), st.dictionaries(st.text(), JSON, max_size=2))
def test_any_conversation_is_sent_or_named_as_unsupported(
    messages: list[Message], extra: dict[str, Any]
) -> None:
    call = ChatCall(LLMRequest(messages, extra_params=extra), ModelRef("ollama", "m"))
    try:
        wire = encode(call, stream=False)
    except UnsupportedContentError:
        return
    body = json.loads(wire.body)
    assert [one["role"] for one in body["messages"]] == [message.role for message in messages]
