"""Requests on the wire."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llmring_providers import ChatCall
from llmring_providers.google.models import model_of
from llmring_providers.google.request import encode, thinking_config
from llmring_types import LLMRequest, Message, ModelFacts, ModelRef, ReasoningEffort, Role, tool_call
from llmring_types.exceptions import UnsupportedContentError

SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
FORMAT = {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA, "strict": True}}
WEATHER = {"name": "get_weather", "description": "Weather", "parameters": SCHEMA}
HI = [{"role": "user", "parts": [{"text": "Hi"}]}]


def sent(call: ChatCall, *, stream: bool = False) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(encode(call, stream=stream).body)
    return body


def test_a_plain_question_is_all_there_is(call: ChatCall) -> None:
    wire = encode(call, stream=False)
    assert wire.path == "/models/gemini-2.5-flash:generateContent"
    assert (wire.warnings, wire.notes) == ((), {})
    assert json.loads(wire.body) == {"contents": HI}


def test_a_stream_is_asked_for_by_the_path(call: ChatCall) -> None:
    wire = encode(call, stream=True)
    assert wire.path == "/models/gemini-2.5-flash:streamGenerateContent?alt=sse"
    assert json.loads(wire.body) == {"contents": HI}


SETTINGS = [
    pytest.param(
        {"temperature": 0.0, "max_tokens": 5},
        {"generationConfig": {"temperature": 0.0, "maxOutputTokens": 5}},
        id="limits",
    ),
    pytest.param(
        {"max_tokens": 100, "reasoning_tokens": 2000},
        {
            "generationConfig": {
                "thinkingConfig": {"thinkingBudget": 2000, "includeThoughts": True},
                "maxOutputTokens": 2100,
            }
        },
        id="a budget for thoughts comes on top of the limit, in which they count",
    ),
    pytest.param(
        {"max_tokens": 100, "reasoning_tokens": 0},
        {"generationConfig": {"thinkingConfig": {"thinkingBudget": 0}, "maxOutputTokens": 100}},
        id="no thoughts",
    ),
    pytest.param(
        {"response_format": FORMAT},
        {"generationConfig": {"responseMimeType": "application/json", "responseJsonSchema": SCHEMA}},
        id="schema",
    ),
    pytest.param(
        {"json_response": True}, {"generationConfig": {"responseMimeType": "application/json"}}, id="json_response"
    ),
    pytest.param(
        {"response_format": {"type": "json_object"}},
        {"generationConfig": {"responseMimeType": "application/json"}},
        id="json_object",
    ),
    pytest.param({"response_format": {"type": "text"}}, {}, id="text"),
    pytest.param(
        {"tools": [WEATHER], "tool_choice": "required"},
        {
            "tools": [
                {
                    "functionDeclarations": [
                        {"name": "get_weather", "description": "Weather", "parametersJsonSchema": SCHEMA}
                    ]
                }
            ],
            "toolConfig": {"functionCallingConfig": {"mode": "ANY"}},
        },
        id="a tool that must be called",
    ),
    pytest.param({"cache": {"cached_content": "cachedContents/1"}}, {"cachedContent": "cachedContents/1"}, id="cache"),
    pytest.param({"tool_choice": "none"}, {}, id="a choice of nothing where there is nothing"),
    pytest.param({"metadata": {"user": "x"}, "timeout": 5.0}, {}, id="what is the caller's own"),
]  # fmt: skip


@pytest.mark.parametrize(("settings", "expected"), SETTINGS)
def test_settings_have_their_place(
    settings: dict[str, Any], expected: dict[str, Any], call_with: Callable[..., ChatCall]
) -> None:
    wire = encode(call_with(**settings), stream=False)
    assert json.loads(wire.body) == {"contents": HI, **expected}
    assert wire.warnings == ()


DROPPED = [
    ({"cache": {"type": "ephemeral"}}, "cache['type'] has no effect on Gemini, which takes 'cached_content'"),
    ({"tool_choice": "required"}, "tool_choice was dropped: there is no function to choose"),
    (
        {"tools": [WEATHER], "tool_choice": {"type": "web_search"}},
        "tool_choice was dropped: Gemini has no choice such as {'type': 'web_search'}",
    ),
    (
        {"tools": [{"type": "google_search"}], "tool_choice": "required"},
        "tool_choice was dropped: there is no function to choose",
    ),
    (
        {"messages": [Message(role="user", content="Hi", metadata={"cache_control": {"type": "ephemeral"}})]},
        "cache_control has no effect on Gemini, which caches long prompts by itself",
    ),
    (
        {"tools": [WEATHER], "json_response": True},
        "the wish for JSON was dropped: google:gemini-2.5-flash refuses it beside functions; give a schema",
    ),
]


@pytest.mark.parametrize(("settings", "warning"), DROPPED)
def test_what_is_dropped_is_told(
    settings: dict[str, Any], warning: str, call_with: Callable[..., ChatCall]
) -> None:
    wire = encode(call_with(**settings), stream=False)
    assert wire.warnings == (warning,)
    body = json.loads(wire.body)
    assert body["contents"] == HI
    assert "toolConfig" not in body
    assert "generationConfig" not in body


def test_a_model_known_to_take_no_temperature_gets_none(call_with: Callable[..., ChatCall]) -> None:
    facts = ModelFacts(provider="google", model="x", temperature=False)
    wire = encode(call_with(temperature=1.0, facts=facts), stream=False)
    assert json.loads(wire.body) == {"contents": HI}
    assert wire.warnings == ("temperature was dropped: google:gemini-2.5-flash does not take it",)


def test_room_for_thoughts_stops_at_what_the_model_can_say(call_with: Callable[..., ChatCall]) -> None:
    facts = ModelFacts(provider="google", model="x", max_output_tokens=1000)
    body = sent(call_with(max_tokens=900, reasoning_tokens=512, facts=facts))
    assert body["generationConfig"]["maxOutputTokens"] == 1000


def test_a_format_that_gemini_does_not_have_is_named(call_with: Callable[..., ChatCall]) -> None:
    with pytest.raises(UnsupportedContentError) as caught:
        encode(call_with(response_format={"type": "grammar"}), stream=False)
    assert (caught.value.part, caught.value.provider) == ("response_format", "google")


def test_the_request_is_never_changed(call_with: Callable[..., ChatCall]) -> None:
    replay = [{"functionCall": {"name": "f", "args": {}}}, {"text": "", "thoughtSignature": "s"}]
    native = {"provider": "google", "replay": replay}
    schema = {
        "type": "object",
        "properties": {"a": {"$ref": "#/definitions/A", "title": "A"}},
        "definitions": {},
    }
    call = call_with(
        model="gemini-3-pro",
        messages=[
            Message(role="user", content="Hi"),
            Message(role="assistant", content="", tool_calls=[tool_call("x", "f", "{}")], metadata={"native": native}),
            Message(role="assistant", content="more"),
            Message(role="tool", content="{}", tool_call_id="x"),
        ],
        tools=[{"name": "f", "parameters": schema}, {"googleSearch": {}}],
        response_format=FORMAT,
        extra_params={"thinking_config": {"thinking_level": "low"}, "tools": [{"url_context": {}}], "stop": "x"},
        reasoning_effort="high",
    )  # fmt: skip
    before = repr(call.request)
    encode(call, stream=False)
    assert repr(call.request) == before


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
PARTS = st.builds(
    lambda kind, more: {"type": kind, **more},
    st.sampled_from(["text", "image_url", "image", "document", "audio", "input_audio", "file", "video_url", "x_url", "x"]),
    st.dictionaries(
        st.sampled_from(["text", "image_url", "source", "input_audio", "file", "video_url"]),
        st.text()
        | st.sampled_from(["data:,x", "data:image/png;base64,AA==", "https://x/y.png", "gs://x", "data:"])
        | st.fixed_dictionaries(
            {},
            optional={
                "url": st.sampled_from(["https://youtu.be/x", "http://[", "data:;base64,", ""]) | JSON,
                "type": st.sampled_from(["base64", "url", "text"]) | JSON,
                "data": st.text() | JSON,
                "media_type": JSON,
                "file_data": JSON,
            },
        )
        | JSON,
    ),
)  # fmt: skip
NAMES = st.sampled_from(["f", "g"])
CALLS = st.builds(
    tool_call, st.sampled_from(["", "1", "2"]), NAMES, st.text() | st.dictionaries(st.text(), JSON)
)
NATIVE = st.fixed_dictionaries(
    {"provider": st.sampled_from(["google", "openai"])},
    optional={
        "replay": st.lists(
            st.fixed_dictionaries(
                {}, optional={"functionCall": JSON, "text": JSON, "thoughtSignature": st.text()}
            )
            | JSON
        )
    },
)
ROLES: st.SearchStrategy[Role] = st.sampled_from(["system", "user", "assistant", "tool"])
MESSAGES = st.builds(
    lambda role, content, calls, call_id, native: Message(
        role=role,
        content=content,
        tool_calls=calls,
        tool_call_id=call_id,
        metadata={"native": native, "is_error": True},
    ),
    ROLES,
    st.text() | st.lists(PARTS, max_size=2),
    st.none() | st.lists(CALLS, max_size=2),
    st.none() | st.sampled_from(["", "1", "2", "3"]),
    NATIVE,
)
TOOLS = st.builds(
    lambda name, schema, strict: {"name": name, "parameters": schema, "strict": strict},
    NAMES,
    st.dictionaries(
        st.sampled_from(
            ["type", "properties", "$ref", "$defs", "definitions", "nullable", "const", "allOf", "anyOf"]
        ),
        JSON | st.sampled_from(["#/properties/a", "#/definitions/B", "#", "object", "OBJECT"]),
    )
    | JSON,
    st.booleans(),
) | st.sampled_from([{"type": "google_search"}, {"url_context": {}}, {"type": "web_search"}])
EFFORTS: st.SearchStrategy[ReasoningEffort | None] = st.sampled_from(
    [None, "none", "minimal", "medium", "max"]
)


REQUESTS = st.builds(
    LLMRequest,
    messages=st.lists(MESSAGES, max_size=4),
    tools=st.none() | st.lists(TOOLS, max_size=2),
    tool_choice=st.sampled_from([None, "auto", "none", "required", "f", {"function": "g"}, {"type": "any"}, {"mode": "ANY"}]),
    response_format=st.sampled_from([None, FORMAT, {"type": "json_object"}, {"type": "json_schema", "json_schema": {"schema": {}}}]),
    reasoning_effort=EFFORTS,
    reasoning_tokens=st.none() | st.integers(0, 50_000),
    extra_params=st.dictionaries(
        st.sampled_from(["top_p", "generation_config", "thinkingConfig", "tool_config", "tools"]), JSON, max_size=2
    ),
)  # fmt: skip
MODELS = st.sampled_from(
    ["gemini-2.0-flash", "gemini-2.5-pro", "gemini-2.5-flash-lite", "gemini-3-pro", "gemma-3"]
)


@given(REQUESTS, MODELS)
def test_any_conversation_encodes_or_is_told_to_be_unsupported(request_: LLMRequest, model: str) -> None:
    try:
        wire = encode(ChatCall(request_, ModelRef("google", model)), stream=True)
    except UnsupportedContentError:
        return
    body = json.loads(wire.body)
    assert all(turn["role"] in ("user", "model") and turn["parts"] for turn in body["contents"])


FLASH, LITE, PRO = "gemini-2.5-flash", "gemini-2.5-flash-lite", "gemini-2.5-pro"

ROWS: list[Any] = [
    (FLASH, {}, None),
    (FLASH, {"reasoning_tokens": 2000}, {"thinkingBudget": 2000}),
    (FLASH, {"reasoning_effort": "minimal"}, {"thinkingBudget": 512}),
    (FLASH, {"reasoning_effort": "low"}, {"thinkingBudget": 1024}),
    (FLASH, {"reasoning_effort": "medium"}, {"thinkingBudget": 8192}),
    (FLASH, {"reasoning_effort": "high"}, {"thinkingBudget": 24576}),
    (PRO, {"reasoning_effort": "max"}, {"thinkingBudget": 32768}),
    (PRO, {"reasoning_effort": "xhigh"}, {"thinkingBudget": 32768}),
    ("gemini-3-flash-preview", {"reasoning_effort": "minimal"}, {"thinkingLevel": "minimal"}),
    ("gemini-3.6-flash", {"reasoning_effort": "minimal"}, {"thinkingLevel": "minimal"}),
    ("gemini-3.1-pro-preview", {"reasoning_effort": "medium"}, {"thinkingLevel": "medium"}),
    ("gemini-3.5-flash", {"reasoning_effort": "low"}, {"thinkingLevel": "low"}),
    ("gemini-3-pro-preview", {"reasoning_tokens": 50_000}, {"thinkingBudget": 50_000}),
    ("gemini-2.0-flash", {"reasoning_effort": "none"}, None),
    ("gemini-2.0-flash", {"reasoning_tokens": 0}, None),
]


@pytest.mark.parametrize(("name", "knobs", "config"), ROWS)
def test_effort_and_budget_are_said_as_the_model_takes_them(
    name: str, knobs: dict[str, Any], config: dict[str, Any] | None
) -> None:
    warnings: list[str] = []
    found = thinking_config(LLMRequest([], **knobs), model_of(name), warnings)
    assert found == (None if config is None else config | {"includeThoughts": True})
    assert warnings == []


@pytest.mark.parametrize("knobs", [{"reasoning_tokens": 0}, {"reasoning_effort": "none"}])
@pytest.mark.parametrize("name", [FLASH, LITE])
def test_models_that_need_not_think_are_told_not_to(name: str, knobs: dict[str, Any]) -> None:
    warnings: list[str] = []
    assert thinking_config(LLMRequest([], **knobs), model_of(name), warnings) == {"thinkingBudget": 0}
    assert warnings == []


NEAREST: list[Any] = [
    (FLASH, {"reasoning_effort": "max"}, {"thinkingBudget": 24576, "includeThoughts": True}, "reasoning_effort 'max' became 'high'"),
    (LITE, {"reasoning_effort": "xhigh"}, {"thinkingBudget": 24576, "includeThoughts": True}, "reasoning_effort 'xhigh' became 'high'"),
    ("gemini-3.8-flash", {"reasoning_effort": "minimal"}, {"thinkingLevel": "low", "includeThoughts": True}, "reasoning_effort 'minimal' became 'low'"),
    ("gemini-flash-latest", {"reasoning_effort": "minimal"}, {"thinkingLevel": "low", "includeThoughts": True}, "reasoning_effort 'minimal' became 'low'"),
    ("gemini-3.1-pro-preview", {"reasoning_effort": "minimal"}, {"thinkingLevel": "low", "includeThoughts": True}, "reasoning_effort 'minimal' became 'low'"),
    ("gemini-3-pro-preview", {"reasoning_effort": "medium"}, {"thinkingLevel": "low", "includeThoughts": True}, "reasoning_effort 'medium' became 'low'"),
    ("gemini-4-hydrogen", {"reasoning_effort": "max"}, {"thinkingLevel": "high", "includeThoughts": True}, "reasoning_effort 'max' became 'high'"),
    (PRO, {"reasoning_tokens": 0}, {"thinkingBudget": 128}, "reasoning cannot be switched off"),
    (PRO, {"reasoning_effort": "none"}, {"thinkingBudget": 128}, "reasoning cannot be switched off"),
    ("gemini-3-flash", {"reasoning_effort": "none"}, {"thinkingLevel": "minimal"}, "reasoning cannot be switched off"),
    ("gemini-3-pro", {"reasoning_tokens": 0}, {"thinkingLevel": "low"}, "reasoning cannot be switched off"),
    (
        FLASH,
        {"reasoning_tokens": 99_999},
        {"thinkingBudget": 24_576, "includeThoughts": True},
        "reasoning_tokens became 24576: models/gemini-2.5-flash takes 1 to 24576",
    ),
    (
        LITE,
        {"reasoning_tokens": 100},
        {"thinkingBudget": 512, "includeThoughts": True},
        "reasoning_tokens became 512",
    ),
    (
        PRO,
        {"reasoning_tokens": 1},
        {"thinkingBudget": 128, "includeThoughts": True},
        "reasoning_tokens became 128",
    ),
    (
        PRO,
        {"reasoning_tokens": 1000, "reasoning_effort": "high"},
        {"thinkingBudget": 1000, "includeThoughts": True},
        "reasoning_effort was dropped",
    ),
    ("gemini-2.0-flash", {"reasoning_effort": "low"}, None, "reasoning was dropped"),
    ("gemini-1.5-pro", {"reasoning_tokens": 5}, None, "reasoning was dropped"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "knobs", "config", "warning"), NEAREST)
def test_what_a_model_cannot_do_is_told(
    name: str, knobs: dict[str, Any], config: dict[str, Any] | None, warning: str
) -> None:
    warnings: list[str] = []
    assert thinking_config(LLMRequest([], **knobs), model_of(name), warnings) == config
    assert len(warnings) == 1
    assert warnings[0].startswith(warning)
