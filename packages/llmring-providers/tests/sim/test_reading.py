"""Requests in every protocol, read alike."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from llmring_providers.sim import Prompt, Script, Simulation, Tool, Turn
from llmring_providers.transport import HttpRequest

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
CHAT = "/v1/chat/completions"
RESPONSES = "/v1/responses"
MESSAGES = "/v1/messages"
GENERATE = "/v1beta/models/m:generateContent"
STREAM = "/v1beta/models/m:streamGenerateContent?alt=sse"
OLLAMA = "/api/chat"
CALL = {"id": "c1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city":"Rome"}'}}


def read(path: str, body: Any) -> Prompt:
    request = HttpRequest("POST", path, {}, msgspec.json.encode(body))
    plan, prompt = Simulation(Script()).plan(request)
    assert prompt is not None, plan.steps
    return prompt


CONVERSATION: list[Any] = [
    (
        CHAT,
        {
            "model": "m",
            "messages": [
                {"role": "developer", "content": "Be brief."},
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "Weather?"},
                        {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
                    ],
                },
                {"role": "assistant", "content": None, "tool_calls": [CALL]},
                {"role": "tool", "tool_call_id": "c1", "content": "17 degrees"},
            ],
        },
        "[image_url]",
    ),
    (
        RESPONSES,
        {
            "model": "m",
            "instructions": "Be brief.",
            "input": [
                {
                    "role": "user",
                    "content": [
                        {"type": "input_text", "text": "Weather?"},
                        {"type": "input_image", "image_url": "https://example.com/a.png"},
                    ],
                },
                {"type": "reasoning", "id": "rs_1", "summary": []},
                {"type": "function_call", "call_id": "c1", "name": "get_weather", "arguments": "{}"},
                {"type": "function_call_output", "call_id": "c1", "output": "17 degrees"},
            ],
        },
        "[image_url]",
    ),
    (
        MESSAGES,
        {
            "model": "m",
            "max_tokens": 9,
            "system": [{"type": "text", "text": "Be brief."}],
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "Weather?"},
                        {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}},
                    ],
                },
                {
                    "role": "assistant",
                    "content": [{"type": "tool_use", "id": "c1", "name": "get_weather", "input": {}}],
                },
                {
                    "role": "user",
                    "content": [{"type": "tool_result", "tool_use_id": "c1", "content": "17 degrees"}],
                },
            ],
        },
        "[image_url]",
    ),
    (
        GENERATE,
        {
            "systemInstruction": {"parts": [{"text": "Be brief."}]},
            "contents": [
                {
                    "role": "user",
                    "parts": [{"text": "Weather?"}, {"inlineData": {"mimeType": "image/png", "data": ""}}],
                },
                {"role": "model", "parts": [{"functionCall": {"name": "get_weather", "args": {}}}]},
                {
                    "role": "user",
                    "parts": [
                        {"functionResponse": {"name": "get_weather", "response": {"output": "17 degrees"}}}
                    ],
                },
            ],
        },
        "[image_url]",
    ),
    (
        OLLAMA,
        {
            "model": "m",
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "Weather?", "images": ["aGk="]},
                {
                    "role": "assistant",
                    "content": "",
                    "tool_calls": [{"function": {"name": "get_weather", "arguments": {}}}],
                },
                {"role": "tool", "tool_name": "get_weather", "content": "17 degrees"},
            ],
        },
        "[image_url]",
    ),
]


@pytest.mark.parametrize(("path", "body", "picture"), CONVERSATION)
def test_a_conversation_is_read(path: str, body: dict[str, Any], picture: str) -> None:
    prompt = read(path, body)

    assert prompt.model == "m"
    assert prompt.turns == (
        Turn("system", "Be brief."),
        Turn("user", f"Weather? {picture}"),
        Turn("assistant", ""),
        Turn("tool", "17 degrees", "get_weather"),
    )
    assert prompt.question == f"Weather? {picture}"
    assert prompt.results == prompt.turns[-1:]


def test_what_the_user_says_after_a_result_is_the_question() -> None:
    result = {"type": "tool_result", "tool_use_id": "c1", "content": [{"type": "text", "text": "17"}]}
    blocks = [result, {"type": "text", "text": "And tomorrow?"}]
    prompt = read(
        MESSAGES, {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": blocks}]}
    )

    assert prompt.turns == (Turn("tool", "17"), Turn("user", "And tomorrow?"))
    assert prompt.results == ()


FUNCTION = {"name": "f", "parameters": SCHEMA}
CHAT_BASE = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
RESPONSES_BASE = {"model": "m", "input": "Hi"}
MESSAGES_BASE = {"max_tokens": 9, **CHAT_BASE}
GOOGLE_BASE = {"contents": [{"parts": [{"text": "Hi"}]}]}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (CHAT, CHAT_BASE | {"tools": [{"type": "function", "function": FUNCTION}, {"type": "web_search"}]}),
        (RESPONSES, RESPONSES_BASE | {"tools": [{"type": "function", **FUNCTION}, {"type": "web_search"}]}),
        (
            MESSAGES,
            MESSAGES_BASE
            | {"tools": [{"name": "f", "input_schema": SCHEMA}, {"type": "bash_1", "name": "bash"}]},
        ),
        (GENERATE, GOOGLE_BASE | {"tools": [{"functionDeclarations": [FUNCTION]}, {"googleSearch": {}}]}),
        (OLLAMA, CHAT_BASE | {"tools": [{"type": "function", "function": FUNCTION}]}),
    ],
)
def test_functions_are_read_and_the_providers_own_tools_left_out(path: str, body: dict[str, Any]) -> None:
    assert read(path, body).tools == (Tool("f", SCHEMA),)


def _calling(**config: Any) -> dict[str, Any]:
    return {**GOOGLE_BASE, "toolConfig": {"functionCallingConfig": config}}


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        (CHAT, CHAT_BASE | {"tool_choice": "auto"}, None),
        (CHAT, CHAT_BASE | {"tool_choice": "none"}, False),
        (CHAT, CHAT_BASE | {"tool_choice": "required"}, True),
        (CHAT, CHAT_BASE | {"tool_choice": {"type": "function", "function": {"name": "f"}}}, "f"),
        (RESPONSES, RESPONSES_BASE | {"tool_choice": "required"}, True),
        (RESPONSES, RESPONSES_BASE | {"tool_choice": {"type": "function", "name": "f"}}, "f"),
        (RESPONSES, RESPONSES_BASE | {"tool_choice": {"type": "web_search"}}, None),
        (MESSAGES, MESSAGES_BASE | {"tool_choice": {"type": "auto"}}, None),
        (MESSAGES, MESSAGES_BASE | {"tool_choice": {"type": "none"}}, False),
        (MESSAGES, MESSAGES_BASE | {"tool_choice": {"type": "any"}}, True),
        (MESSAGES, MESSAGES_BASE | {"tool_choice": {"type": "tool", "name": "f"}}, "f"),
        (GENERATE, _calling(mode="AUTO"), None),
        (GENERATE, _calling(mode="NONE"), False),
        (GENERATE, _calling(mode="ANY"), True),
        (GENERATE, _calling(mode="ANY", allowedFunctionNames=["f"]), "f"),
        (GENERATE, _calling(mode="ANY", allowedFunctionNames=["f", "g"]), True),
    ],
)
def test_a_choice_of_tools_is_read(path: str, body: dict[str, Any], expected: bool | str | None) -> None:
    assert read(path, body).forced == expected


def _format(**wanted: Any) -> dict[str, Any]:
    return {**CHAT_BASE, "response_format": wanted}


def _generation(**config: Any) -> dict[str, Any]:
    return {**GOOGLE_BASE, "generationConfig": config}


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        (CHAT, CHAT_BASE, None),
        (CHAT, _format(type="text"), None),
        (CHAT, _format(type="json_object"), {}),
        (CHAT, _format(type="json_schema", json_schema={"name": "n", "schema": SCHEMA}), SCHEMA),
        (
            RESPONSES,
            {**RESPONSES_BASE, "text": {"format": {"type": "json_schema", "schema": SCHEMA}}},
            SCHEMA,
        ),
        (RESPONSES, {**RESPONSES_BASE, "text": {"format": {"type": "json_object"}}}, {}),
        (RESPONSES, {**RESPONSES_BASE, "text": {"format": {"type": "text"}, "verbosity": "low"}}, None),
        (
            MESSAGES,
            {**MESSAGES_BASE, "output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}},
            SCHEMA,
        ),
        (MESSAGES, {**MESSAGES_BASE, "output_format": {"type": "json_schema", "schema": SCHEMA}}, SCHEMA),
        (MESSAGES, {**MESSAGES_BASE, "output_config": {"effort": "low"}}, None),
        (GENERATE, _generation(responseMimeType="application/json"), {}),
        (GENERATE, _generation(responseMimeType="application/json", responseSchema=SCHEMA), SCHEMA),
        (GENERATE, _generation(responseMimeType="application/json", responseJsonSchema=SCHEMA), SCHEMA),
        (OLLAMA, {**CHAT_BASE, "format": "json"}, {}),
        (OLLAMA, {**CHAT_BASE, "format": SCHEMA}, SCHEMA),
    ],
)
def test_the_wish_for_json_is_read(path: str, body: dict[str, Any], expected: Any) -> None:
    assert read(path, body).schema == expected


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (CHAT, {**CHAT_BASE, "stream": True, "max_tokens": 7, "stop": "X", "reasoning_effort": "low"}),
        (
            CHAT,
            {
                **CHAT_BASE,
                "stream": True,
                "max_completion_tokens": 7,
                "stop": ["X"],
                "reasoning_effort": "low",
            },
        ),
        (
            MESSAGES,
            {
                **CHAT_BASE,
                "stream": True,
                "max_tokens": 7,
                "stop_sequences": ["X"],
                "thinking": {"type": "adaptive"},
            },
        ),
        (
            STREAM,
            _generation(maxOutputTokens=7, stopSequences=["X"], thinkingConfig={"includeThoughts": True}),
        ),
        (OLLAMA, {**CHAT_BASE, "options": {"num_predict": 7, "stop": ["X"]}, "think": True}),
        (OLLAMA, {**CHAT_BASE, "stream": True, "options": {"num_predict": 7, "stop": "X"}, "think": "low"}),
    ],
)
def test_limits_stop_words_reasoning_and_streaming_are_read(path: str, body: dict[str, Any]) -> None:
    prompt = read(path, body)

    assert (prompt.stream, prompt.max_tokens, prompt.stop, prompt.reasoning) == (True, 7, ("X",), True)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (CHAT, CHAT_BASE | {"reasoning_effort": "none"}),
        (RESPONSES, RESPONSES_BASE | {"reasoning": {"effort": "none"}}),
        (MESSAGES, MESSAGES_BASE | {"thinking": {"type": "disabled"}}),
        (GENERATE, GOOGLE_BASE),
        (OLLAMA, {**CHAT_BASE, "stream": False, "think": False}),
    ],
)
def test_nothing_is_assumed(path: str, body: dict[str, Any]) -> None:
    prompt = read(path, body)

    assert (prompt.stream, prompt.stop, prompt.reasoning) == (False, (), False)


_ANY = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.floats(-9, 9), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
_FIELDS = [
    "model",
    "messages",
    "input",
    "contents",
    "tools",
    "tool_choice",
    "response_format",
    "text",
    "format",
]
_PATHS = [CHAT, RESPONSES, MESSAGES, GENERATE, STREAM, OLLAMA]


@given(st.sampled_from(_PATHS), st.binary(max_size=40))
def test_no_bytes_make_it_fail(path: str, body: bytes) -> None:
    plan, _ = Simulation(Script()).plan(HttpRequest("POST", path, {}, body))

    assert plan.status in (200, 400)


@given(st.data())
def test_no_json_makes_it_fail(data: st.DataObject) -> None:
    path, body, _ = data.draw(st.sampled_from(CONVERSATION))
    tool = {"name": "f", "parameters": data.draw(_ANY), "input_schema": data.draw(_ANY)}
    strange = st.one_of(
        _ANY, st.just([tool]), st.just([{"functionDeclarations": [tool]}]), st.just("required")
    )
    changed = {**body, **data.draw(st.dictionaries(st.sampled_from(_FIELDS), strange, max_size=3))}
    request = HttpRequest("POST", path, {}, msgspec.json.encode(changed))

    plan, prompt = Simulation(Script()).plan(request)

    assert plan.status == 200 if prompt is not None else plan.status == 400
