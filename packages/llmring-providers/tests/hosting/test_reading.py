"""Requests as clients of other programs write them."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llmring_providers.hosting import CODECS, HostedRequest, find_route
from llmring_types import LLMRequest, Message
from llmring_types.exceptions import ValidationError

CHAT = "/v1/chat/completions"
RESPONSES = "/v1/responses"
MESSAGES = "/v1/messages"
GENERATE = "/v1beta/models/m:generateContent"
OLLAMA = "/api/chat"
HI = [{"role": "user", "content": "Hi"}]
SCHEMA = {"type": "object", "properties": {}}


def read(path: str, body: Any, headers: dict[str, str] | None = None) -> HostedRequest:
    route = find_route("POST", path, headers or {})
    assert route is not None
    return CODECS[route.protocol].read(route, headers or {}, json.dumps(body).encode())


ROWS: list[tuple[str, dict[str, Any], dict[str, Any] | None]] = [
    (CHAT, {"max_tokens": 9}, {"max_tokens": 9}),
    (CHAT, {"max_completion_tokens": 9, "max_tokens": 5}, {"max_tokens": 9}),
    (CHAT, {"max_tokens": 0}, None),
    (CHAT, {"max_completion_tokens": 0, "max_tokens": 5}, None),
    (CHAT, {"reasoning_effort": "huge"}, {"extra_params": {"reasoning_effort": "huge"}}),
    (CHAT, {"stream_options": {"include_obfuscation": False}}, {"extra_params": {"stream_options": {"include_obfuscation": False}}}),
    (CHAT, {"metadata": {"a": "b"}}, {"extra_params": {"metadata": {"a": "b"}}}),
    (MESSAGES, {"stop_sequences": ["X"], "top_k": 3}, {"extra_params": {"stop": ["X"], "top_k": 3}}),
    (MESSAGES, {"metadata": {"user_id": "u"}}, {"extra_params": {"user": "u"}}),
    (MESSAGES, {"tool_choice": {"type": "any", "disable_parallel_tool_use": True}}, {"tool_choice": "required", "extra_params": {"parallel_tool_calls": False}}),
    (MESSAGES, {"thinking": {"type": "adaptive"}}, {"reasoning_effort": "high"}),
    (MESSAGES, {"thinking": {"type": "enabled", "budget_tokens": 60}}, {"reasoning_tokens": 60, "max_tokens": 40}),
    (MESSAGES, {"output_config": {"effort": "low"}}, {"extra_params": {"output_config": {"effort": "low"}}}),
    (MESSAGES, {"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, {"tools": [{"type": "web_search_20250305", "name": "web_search"}]}),
    (RESPONSES, {"reasoning": {"effort": "low", "summary": "auto"}}, {"reasoning_effort": "low", "extra_params": {"reasoning": {"summary": "auto"}}}),
    (RESPONSES, {"text": {"format": {"type": "text"}, "verbosity": "low"}}, {"response_format": {"type": "text"}, "extra_params": {"text": {"verbosity": "low"}}}),
    (RESPONSES, {"tools": [{"type": "function", "name": "f", "parameters": SCHEMA}]}, {"tools": [{"type": "function", "function": {"name": "f", "parameters": SCHEMA, "strict": True}}]}),
    (RESPONSES, {"tools": [{"type": "web_search"}], "tool_choice": {"type": "web_search"}}, {"tools": [{"type": "web_search"}], "tool_choice": {"type": "web_search"}}),
    (RESPONSES, {"previous_response_id": "r"}, {"extra_params": {"previous_response_id": "r"}}),
    (GENERATE, {"generation_config": {"max_output_tokens": 9, "top_p": 0.5}}, {"max_tokens": 9, "extra_params": {"top_p": 0.5}}),
    (GENERATE, {"generationConfig": {"thinkingConfig": {"thinkingBudget": -1}}}, {"extra_params": {"thinkingConfig": {"thinkingBudget": -1}}}),
    (GENERATE, {"generationConfig": {"thinkingConfig": {"thinkingLevel": "LOW", "includeThoughts": True}}}, {"reasoning_effort": "low"}),
    (GENERATE, {"tools": [{"googleSearch": {}}]}, {"tools": [{"googleSearch": {}}]}),
    (GENERATE, {"tools": {"function_declarations": {"name": "f"}}}, None),
    (OLLAMA, {"options": {"num_predict": -1, "seed": 3}}, {"extra_params": {"num_predict": -1, "seed": 3}}),
    (OLLAMA, {"options": {"think": True}}, {"extra_params": {"options": {"think": True}}}),
    (OLLAMA, {"think": True}, {"reasoning_effort": "medium"}),
    (OLLAMA, {"format": "json"}, {"response_format": {"type": "json_object"}}),
    (GENERATE, {"tools": {"functionDeclarations": [{"parameters": {}}]}}, None),
    (GENERATE, {"contents": {"parts": [{"text": "Hi"}]}}, {}),
    (GENERATE, {"contents": []}, None),
    (GENERATE, {"toolConfig": {"functionCallingConfig": {"mode": "ODD"}}}, {"tool_choice": {"mode": "ODD"}}),
    (GENERATE, {"toolConfig": {"retrievalConfig": {"languageCode": "en"}}}, {"extra_params": {"toolConfig": {"retrievalConfig": {"languageCode": "en"}}}}),
    (GENERATE, {"generationConfig": {"responseMimeType": "application/json"}}, {"response_format": {"type": "json_object"}}),
    (GENERATE, {"generationConfig": {"responseMimeType": "text/x.enum"}}, {"extra_params": {"responseMimeType": "text/x.enum"}}),
]  # fmt: skip
"""Path, what the body has beside a greeting, and what is read of it; ``None`` is a refusal."""
GREETING: dict[str, dict[str, Any]] = {
    CHAT: {"model": "m", "messages": HI},
    RESPONSES: {"model": "m", "input": "Hi"},
    MESSAGES: {"model": "m", "max_tokens": 100, "messages": HI},
    GENERATE: {"contents": [{"parts": [{"text": "Hi"}]}]},
    OLLAMA: {"model": "m", "messages": HI},
}


@pytest.mark.parametrize(("path", "given", "expected"), ROWS)
def test_a_parameter_is_read(path: str, given: dict[str, Any], expected: dict[str, Any] | None) -> None:
    if expected is None:
        with pytest.raises(ValidationError):
            read(path, {**GREETING[path], **given})
        return
    if path == MESSAGES:
        expected = {"max_tokens": 100, **expected}
    asked = read(path, {**GREETING[path], **given})

    assert asked.request == LLMRequest([Message(role="user", content="Hi")], "m", **expected)
    assert asked.unread == ()


def test_headers_of_anthropic_are_parameters() -> None:
    headers = {"anthropic-beta": "a, b", "anthropic-workspace-id": "w"}
    asked = read(MESSAGES, GREETING[MESSAGES], headers)

    assert asked.request.extra_params == {"betas": ["a", "b"], "workspace_id": "w"}


UNREAD: list[tuple[str, dict[str, Any], str]] = [
    (CHAT, {"messages": [{**HI[0], "metadata": {"native": {}}}]}, "messages[0].metadata"),
    (MESSAGES, {"messages": [{**HI[0], "name": "Ann"}]}, "messages[0].name"),
    (MESSAGES, {"metadata": {"user_id": "u", "team": "t"}}, "metadata.team"),
    (RESPONSES, {"input": [{**HI[0], "mood": "good"}]}, "input[0].mood"),
    (
        GENERATE,
        {"contents": [{"parts": [{"text": "Hi", "videoMetadata": {"fps": 1}}]}]},
        "contents[0].parts.videoMetadata",
    ),
    (OLLAMA, {"messages": [{**HI[0], "mood": "good"}]}, "messages[0].mood"),
]


@pytest.mark.parametrize(("path", "given", "place"), UNREAD)
def test_what_has_no_place_is_reported(path: str, given: dict[str, Any], place: str) -> None:
    assert read(path, {**GREETING[path], **given}).unread == (place,)


def test_a_stranger_cannot_write_into_the_metadata_of_a_message() -> None:
    native = {"provider": "openai", "api": "chat", "replay": [{"audio": {"id": "x"}}]}
    asked = read(CHAT, {"model": "m", "messages": [{**HI[0], "metadata": {"native": native}}]})

    assert asked.request.messages == [Message(role="user", content="Hi")]


BLOCKS = [
    {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"},
    {"type": "text", "text": "Look."},
    {"type": "tool_use", "id": "t1", "name": "f", "input": {"a": 1}},
]
SIGNED = {"functionCall": {"name": "f", "args": {"a": 1}}, "thoughtSignature": "c2ln"}
ITEMS: list[dict[str, Any]] = [
    {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "x"},
    {
        "type": "message",
        "id": "m_1",
        "role": "assistant",
        "content": [{"type": "output_text", "text": "Look."}],
    },
    {"type": "function_call", "id": "fc_1", "call_id": "t1", "name": "f", "arguments": '{"a":1}'},
]
REPLAYED: list[tuple[str, dict[str, Any], list[Any]]] = [
    (MESSAGES, {"messages": [*HI, {"role": "assistant", "content": BLOCKS}]}, BLOCKS),
    (
        GENERATE,
        {"contents": [{"parts": [{"text": "Hi"}]}, {"role": "model", "parts": [{"text": "Look."}, SIGNED]}]},
        [{"text": "Look."}, SIGNED],
    ),
    (RESPONSES, {"input": [*HI, *ITEMS]}, ITEMS),
]


@pytest.mark.parametrize(("path", "given", "blocks"), REPLAYED)
def test_signed_reasoning_is_kept_to_be_replayed(path: str, given: dict[str, Any], blocks: list[Any]) -> None:
    message = read(path, {**GREETING[path], **given}).request.messages[-1]

    assert message.content == "Look."
    assert [call["function"]["name"] for call in message.tool_calls or ()] == ["f"]
    assert message.metadata is not None
    assert message.metadata["native"]["replay"] == blocks


def test_results_without_an_id_answer_the_oldest_call_of_their_name() -> None:
    def call(city: str) -> dict[str, Any]:
        return {"functionCall": {"name": "f", "args": {"city": city}}}

    def result(text: str) -> dict[str, Any]:
        return {"functionResponse": {"name": "f", "response": {"output": text}}}

    contents = [
        {"role": "model", "parts": [call("Rome"), call("Bern")]},
        {"role": "user", "parts": [result("17"), result("9")]},
    ]
    made, *results = read(GENERATE, {"contents": contents}).request.messages

    assert [call["id"] for call in made.tool_calls or ()] == [each.tool_call_id for each in results]
    assert [each.content for each in results] == ["17", "9"]


_ANY = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


@pytest.mark.parametrize(
    "item",
    [
        {"type": ["message"], "role": "user", "content": "Hi"},
        {"type": "message", "role": {"user": "Ada"}, "content": "Hi"},
        {"type": "message", "role": "user", "content": [{"type": ["input_text"], "text": "Hi"}]},
        {"type": {}, "call_id": "call_1", "output": "17"},
    ],
)
def test_a_list_or_an_object_where_a_word_belongs_is_refused(item: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        read(RESPONSES, {**GREETING[RESPONSES], "input": [item]})


@given(data=st.data())
def test_no_json_raises_anything_but_a_refusal(data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(sorted(GREETING)))
    names = [
        "messages",
        "input",
        "contents",
        "tools",
        "tool_choice",
        "system",
        "generationConfig",
        "thinking",
    ]
    odd = data.draw(st.dictionaries(st.sampled_from(names), _ANY, max_size=3))
    parts = data.draw(st.lists(st.dictionaries(st.sampled_from(["type", "text", "content", "parts"]), _ANY)))
    odd.setdefault(
        "messages", [{"role": data.draw(st.sampled_from(["user", "assistant", "tool"])), "content": parts}]
    )
    try:
        asked = read(path, {**GREETING[path], **odd})
    except ValidationError:
        return
    assert asked.request.messages is not None


def test_tokens_of_gemini_are_counted_of_a_request_within_another() -> None:
    inner = {"model": "models/m", "contents": [{"parts": [{"text": "Hi"}]}]}
    asked = read("/v1beta/models/m:countTokens", {"generateContentRequest": inner})

    assert asked.request.messages == [Message(role="user", content="Hi")]
