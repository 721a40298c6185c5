"""The neutral request as a chat completions body."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from llmring_providers import ChatCall, WireRequest
from llmring_providers.openai import OpenAIAdapter
from llmring_providers.openai.chat.request import encode
from llmring_types import LLMRequest, Message, ModelFacts, ModelRef
from llmring_types.exceptions import UnsupportedContentError

CallWith = Callable[..., ChatCall]
HI = {"role": "user", "content": "Hi"}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOL = {"type": "function", "function": {"name": "weather", "description": "Says it.", "parameters": SCHEMA}}
CALL = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Oslo"}'}}
NOT_REASONING = ModelFacts(provider="openai", model="m", reasoning=False)
REASONING = ModelFacts(provider="openai", model="m", reasoning=True)


def body(wire: WireRequest) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(wire.body)
    return document


def sent(call: ChatCall) -> dict[str, Any]:
    """What a request adds to model and messages."""
    document = body(encode(call, stream=False))
    return {name: value for name, value in document.items() if name not in ("model", "messages")}


def test_a_plain_question_is_sent_with_nothing_else(call: ChatCall) -> None:
    wire = encode(call, stream=False)
    assert body(wire) == {"model": "gpt-4o", "messages": [HI]}
    assert (wire.path, wire.warnings) == ("/chat/completions", ())


def test_a_stream_asks_for_usage(call: ChatCall) -> None:
    document = body(encode(call, stream=True))
    assert document["stream"] is True
    assert document["stream_options"] == {"include_usage": True}


RESULT = {"role": "tool", "tool_call_id": "call_1", "content": "12 °C"}
MESSAGES = [
    pytest.param(
        [{"role": "system", "content": "A"}, {"role": "system", "content": "B"}, HI],
        [{"role": "system", "content": "A"}, {"role": "system", "content": "B"}, HI],
        id="several system messages keep their order",
    ),
    pytest.param(
        [{"role": "assistant", "content": "Hello"}],
        [{"role": "assistant", "content": "Hello"}],
        id="an answer",
    ),
    pytest.param(
        [{"role": "assistant", "content": None, "tool_calls": [CALL]}, RESULT],
        [{"role": "assistant", "content": None, "tool_calls": [CALL]}, RESULT],
        id="an answer that only calls, and the result",
    ),
    pytest.param(
        [{"role": "assistant", "content": "", "tool_calls": [CALL]}, RESULT],
        [{"role": "assistant", "content": None, "tool_calls": [CALL]}, RESULT],
        id="an empty text beside a call is none",
    ),
    pytest.param(
        [{"role": "assistant", "content": None}], [{"role": "assistant", "content": ""}], id="an empty answer"
    ),
]


@pytest.mark.parametrize(("given", "expected"), MESSAGES)
def test_messages_become_those_of_the_wire(
    given: list[dict[str, Any]], expected: list[dict[str, Any]], call_with: CallWith
) -> None:
    assert body(encode(call_with(messages=given), stream=False))["messages"] == expected


def test_arguments_that_are_an_object_are_sent_as_text(call_with: CallWith) -> None:
    made: Any = [{"id": "c", "function": {"name": "f", "arguments": {"a": 1}}, "index": 0}]
    messages = [Message(role="assistant", content=None, tool_calls=made)]
    assert body(encode(call_with(messages=messages), stream=False))["messages"][0]["tool_calls"] == [
        {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}
    ]


def test_a_custom_call_that_the_user_wrote_is_sent_as_it_is(call_with: CallWith) -> None:
    made: Any = {"id": "c", "type": "custom", "custom": {"name": "exp", "input": "4"}}
    messages = [Message(role="assistant", content=None, tool_calls=[made])]
    assert body(encode(call_with(messages=messages), stream=False))["messages"][0]["tool_calls"] == [made]


PARTS = [
    pytest.param({"type": "text", "text": "A"}, {"type": "text", "text": "A"}, id="text"),
    pytest.param(
        {"type": "image_url", "image_url": {"url": "https://a/b.png", "detail": "low"}},
        {"type": "image_url", "image_url": {"url": "https://a/b.png", "detail": "low"}},
        id="image",
    ),
    pytest.param(
        {"type": "image_url", "image_url": "https://a/b.png"},
        {"type": "image_url", "image_url": {"url": "https://a/b.png"}},
        id="image by its bare address",
    ),
    pytest.param(
        {"type": "image", "source": {"type": "base64", "media_type": "image/jpeg", "data": "QQ=="}},
        {"type": "image_url", "image_url": {"url": "data:image/jpeg;base64,QQ=="}},
        id="image as Anthropic writes it",
    ),
    pytest.param(
        {"type": "image", "source": {"type": "url", "url": "https://a/b.png"}},
        {"type": "image_url", "image_url": {"url": "https://a/b.png"}},
        id="image by its address as Anthropic writes it",
    ),
    pytest.param(
        {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "QQ=="}},
        {"type": "file", "file": {"filename": "document.pdf", "file_data": "data:application/pdf;base64,QQ=="}},
        id="document",
    ),
    pytest.param(
        {"type": "document", "title": "a.pdf", "source": {"type": "base64", "data": "QQ=="}},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,QQ=="}},
        id="document with a title",
    ),
    pytest.param(
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "Hello"}},
        {"type": "text", "text": "Hello"},
        id="document of plain text",
    ),
    pytest.param(
        {"type": "document", "source": {"type": "base64", "media_type": "text/csv", "data": "w6k="}},
        {"type": "text", "text": "é"},
        id="document of text in base64",
    ),
    pytest.param(
        {"type": "document", "source": {"type": "base64", "media_type": "image/gif", "data": "QQ=="}},
        {"type": "image_url", "image_url": {"url": "data:image/gif;base64,QQ=="}},
        id="document that is an image",
    ),
    pytest.param(
        {"type": "document", "source": {"type": "base64", "media_type": "application/x", "data": "QQ=="}},
        {"type": "file", "file": {"filename": "document", "file_data": "data:application/x;base64,QQ=="}},
        id="document of another type",
    ),
    pytest.param(
        {"type": "document", "source": {"type": "file", "file_id": "file-1"}},
        {"type": "file", "file": {"file_id": "file-1"}},
        id="document that is at OpenAI",
    ),
    pytest.param(
        {"type": "input_audio", "input_audio": {"data": "QQ==", "format": "wav"}},
        {"type": "input_audio", "input_audio": {"data": "QQ==", "format": "wav"}},
        id="sound",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("given", "expected"), PARTS)
def test_parts_become_content_of_chat_completions(
    given: dict[str, Any], expected: dict[str, Any], call_with: CallWith
) -> None:
    messages = [Message(role="user", content=[given])]
    wire = encode(call_with("vendor/model", messages=messages), stream=False)
    assert body(wire)["messages"][0]["content"] == [expected]


UNSUPPORTED = [
    pytest.param({"type": "video", "video": "x"}, "video", id="a part nobody knows"),
    pytest.param({"type": "document", "source": {"type": "url", "url": "https://a"}}, "document", id="document URL"),
    pytest.param({"type": "document", "source": {"type": "base64", "data": 5}}, "document", id="data that is not text"),
    pytest.param({"type": "document"}, "document", id="document without a source"),
    pytest.param({"type": "image_url", "image_url": None}, "image_url that holds no image_url", id="image without an address"),
    pytest.param({"type": "file", "file": "file-1"}, "file that holds no file", id="file that is no dict"),
    pytest.param({"type": "document", "source": {"type": "base64", "media_type": "text/plain", "data": "no base64!"}},
                 "document of text/plain that is not UTF-8 text in base64", id="broken base64"),
    pytest.param({"type": "image", "source": {"type": "content"}}, "image", id="image of another source"),
]  # fmt: skip


@pytest.mark.parametrize(("part", "named"), UNSUPPORTED)
def test_a_part_without_a_place_is_named(part: dict[str, Any], named: str, call_with: CallWith) -> None:
    with pytest.raises(UnsupportedContentError, match=rf"openai.* {named}") as caught:
        encode(call_with(messages=[Message(role="user", content=[part])]), stream=False)
    assert caught.value.part.startswith(named)
    assert caught.value.provider == "openai"


@pytest.mark.parametrize("text", ["\ud83d", "a\udfff"])
def test_text_that_is_no_unicode_is_a_typed_error(text: str, call_with: CallWith) -> None:
    with pytest.raises(UnsupportedContentError, match="cannot be written as JSON"):
        encode(call_with(messages=[Message(role="user", content=text)]), stream=False)


PARAMETERS = [
    pytest.param({"temperature": 0.0}, {"temperature": 0.0}, id="a temperature of zero is sent"),
    pytest.param({"max_tokens": 9}, {"max_tokens": 9}, id="limit"),
    pytest.param({"model": "gpt-5", "reasoning_effort": "low"}, {"reasoning_effort": "low"}, id="effort"),
    pytest.param({"json_response": True, "messages": [{"role": "user", "content": "In JSON"}]},
                 {"response_format": {"type": "json_object"}}, id="JSON"),
    pytest.param({"cache": {"key": "k", "retention": "24h"}},
                 {"prompt_cache_key": "k", "prompt_cache_retention": "24h"}, id="cache"),
    pytest.param({"extra_params": {"top_p": 0.5, "api": "chat"}}, {"top_p": 0.5}, id="extra parameters"),
    pytest.param({"temperature": 1, "extra_params": {"temperature": 0.2}}, {"temperature": 0.2},
                 id="extra parameters have the last word"),
    pytest.param({"max_tokens": 9, "extra_params": {"max_completion_tokens": 5}}, {"max_completion_tokens": 5},
                 id="the other name of the limit replaces it"),
    pytest.param({"metadata": {"user": "me"}}, {}, id="metadata stays here"),
    pytest.param({"tools": []}, {}, id="no tools"),
]  # fmt: skip


@pytest.mark.parametrize(("request_fields", "expected"), PARAMETERS)
def test_a_parameter_goes_where_chat_completions_have_it(
    request_fields: dict[str, Any], expected: dict[str, Any], call_with: CallWith
) -> None:
    call = call_with(**request_fields)
    assert sent(call) == expected
    assert encode(call, stream=False).warnings == ()


def test_extra_stream_options_leave_usage_on(call_with: CallWith) -> None:
    call = call_with(extra_params={"stream_options": {"include_obfuscation": False}})
    assert body(encode(call, stream=True))["stream_options"] == {
        "include_usage": True,
        "include_obfuscation": False,
    }


LIMITS = [
    pytest.param("o3", None, {"max_tokens": 100}, {"max_completion_tokens": 2100}, id="room for reasoning"),
    pytest.param("o3", None, {"max_tokens": 100, "reasoning_tokens": 500}, {"max_completion_tokens": 600}, id="as much as asked for"),
    pytest.param("o3", None, {"max_tokens": 100, "reasoning_tokens": 0}, {"max_completion_tokens": 100}, id="zero is zero"),
    pytest.param("gpt-5.4", ModelFacts(provider="openai", model="m", reasoning=True, min_reasoning_tokens=5000),
                 {"max_tokens": 100}, {"max_completion_tokens": 5100}, id="the registry's minimum"),
    pytest.param("gpt-5.4", NOT_REASONING, {"max_tokens": 100}, {"max_completion_tokens": 100}, id="the registry says it does not reason"),
    pytest.param("gpt-5.4-mini", REASONING, {"max_tokens": 100}, {"max_completion_tokens": 100}, id="it reasons only when told to"),
    pytest.param("gpt-5.4", NOT_REASONING, {"max_tokens": 100, "reasoning_effort": "high"},
                 {"max_completion_tokens": 2100, "reasoning_effort": "high"}, id="unless told to"),
    pytest.param("gpt-5.1", None, {"max_tokens": 100, "reasoning_effort": "none"},
                 {"max_completion_tokens": 100, "reasoning_effort": "none"}, id="no effort, no room"),
    pytest.param("gpt-5-chat-latest", None, {"max_tokens": 100}, {"max_completion_tokens": 100}, id="chat models do not reason"),
    pytest.param("openai/gpt-5-mini", None, {"max_tokens": 100}, {"max_completion_tokens": 2100}, id="another host's name"),
    pytest.param("ft:o4-mini-2025:me::1", None, {"max_tokens": 100}, {"max_completion_tokens": 2100}, id="fine-tuned"),
    pytest.param("my-deployment", REASONING, {"max_tokens": 100}, {"max_completion_tokens": 2100}, id="known by its facts"),
    pytest.param("gpt-4.1", None, {"max_tokens": 100}, {"max_tokens": 100}, id="older family"),
    pytest.param("gpt-oss-120b", None, {"max_tokens": 100}, {"max_tokens": 100}, id="not of the family"),
    pytest.param("o10-like", None, {"max_tokens": 100}, {"max_tokens": 100}, id="only looks like one"),
    pytest.param("gpt-4o", NOT_REASONING, {"max_tokens": 100, "reasoning_effort": "high"}, {"max_tokens": 100},
                 id="an effort that was dropped needs no room"),
]  # fmt: skip


@pytest.mark.parametrize(("model", "facts", "request_fields", "expected"), LIMITS)
def test_the_limit_leaves_room_for_reasoning(
    model: str,
    facts: ModelFacts | None,
    request_fields: dict[str, Any],
    expected: dict[str, Any],
    call_with: CallWith,
) -> None:
    assert sent(call_with(model, facts, **request_fields)) == expected


def test_a_model_that_takes_no_temperature_takes_the_default(call_with: CallWith) -> None:
    facts = ModelFacts(provider="openai", model="m", temperature=False)
    assert sent(call_with("m", facts, temperature=1.0)) == {"temperature": 1.0}
    assert sent(call_with("m", facts, temperature=0.9)) == {}


TOOLS = [
    pytest.param(TOOL, TOOL, id="OpenAI's form"),
    pytest.param({"name": "weather", "description": "Says it.", "parameters": SCHEMA}, TOOL, id="flat"),
    pytest.param({"type": "function", "name": "f", "strict": True},
                 {"type": "function", "function": {"name": "f", "strict": True, "parameters": {
                     "type": "object", "properties": {}, "additionalProperties": False, "required": []}}}, id="the responses API's form"),
    pytest.param({"type": "web_search"}, {"type": "web_search"}, id="a host's own tool"),
    pytest.param({"type": "custom", "custom": {"name": "c"}}, {"type": "custom", "custom": {"name": "c"}}, id="custom"),
    pytest.param({"type": "custom", "name": "c", "format": {"type": "grammar", "syntax": "lark", "definition": "x"}},
                 {"type": "custom", "custom": {"name": "c", "format": {
                     "type": "grammar", "grammar": {"syntax": "lark", "definition": "x"}}}}, id="custom, flat"),
    pytest.param({"type": "custom", "name": "c", "format": {"type": "text"}},
                 {"type": "custom", "custom": {"name": "c", "format": {"type": "text"}}}, id="custom, free text"),
]  # fmt: skip


@pytest.mark.parametrize(("tool", "expected"), TOOLS)
def test_tools_have_the_form_of_chat_completions(
    tool: dict[str, Any], expected: dict[str, Any], call_with: CallWith
) -> None:
    assert sent(call_with(tools=[tool])) == {"tools": [expected]}


def test_a_strict_function_is_closed(call_with: CallWith) -> None:
    tool = {"name": "f", "parameters": SCHEMA, "strict": True}
    (sent_tool,) = sent(call_with(tools=[tool]))["tools"]
    assert sent_tool == {"type": "function", "function": {**tool, "parameters": CLOSED}}
    assert tool["parameters"] is SCHEMA


STRING = {"type": "string"}


def of_object(required: Any, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required}


LOOSE = [
    pytest.param(of_object([], a={"type": "string"}), "'a' is not required", id="optional"),
    pytest.param({"type": "object", "properties": {"a": STRING}}, "'a' is not required", id="nothing required"),
    pytest.param(of_object(["a"], a={"anyOf": [of_object([], b=STRING), {"type": "null"}]}), "'b' is not required", id="within"),
    pytest.param(of_object(["a"], a={"type": "array", "items": {"$ref": "#/$defs/c"}}) | {"$defs": {"c": of_object([], c=STRING)}},
                 "'c' is not required", id="in a definition"),
    pytest.param(of_object(["a"], a=STRING) | {"additionalProperties": True}, "any property", id="open"),
    pytest.param(of_object(["a"], a={}), "nothing of its type", id="of anything"),
    pytest.param(of_object(["a"], a={"type": "object", "additionalProperties": {"type": "string"}}), "any property", id="a map"),
]  # fmt: skip


@pytest.mark.parametrize("api", ["chat", "responses"])
@pytest.mark.parametrize(("schema", "why"), LOOSE)
def test_what_the_strict_mode_refuses_is_sent_without_it_and_told(
    schema: dict[str, Any], why: str, api: str, call_with: CallWith
) -> None:
    form = {"type": "json_schema", "json_schema": {"name": "a", "schema": schema, "strict": True}}
    tool = {"name": "f", "parameters": schema, "strict": True}
    call = call_with(response_format=form, tools=[tool], extra_params={"api": api})
    wire = OpenAIAdapter().encode(call, stream=False)
    document = json.loads(wire.body)
    (given,) = document["tools"]
    forms = [given.get("function", given)]
    forms.append(document["response_format"]["json_schema"] if api == "chat" else document["text"]["format"])
    assert [each["strict"] for each in forms] == [False, False]
    assert [each.get("schema", each.get("parameters")) for each in forms] == [schema, schema]
    assert [re.findall("strict was dropped for (.*?):", said) for said in wire.warnings] == [
        ["tool 'f'"],
        ["the answer"],
    ]
    assert all(why in said for said in wire.warnings)


NAMED = {"type": "function", "function": {"name": "weather"}}
CHOICES: list[Any] = [
    ("auto", "auto"),
    ("none", "none"),
    ("required", "required"),
    ("any", "required"),
    ("weather", NAMED),
    ({"function": "weather"}, NAMED),
    (NAMED, NAMED),
    ({"type": "function", "name": "weather"}, NAMED),
    ("any", "required"),
    ({"type": "any"}, "required"),
    ({"type": "tool", "name": "weather"}, NAMED),
    ({"mode": "AUTO", "allowedFunctionNames": ["weather"]}, {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [NAMED]}}),
    ({"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "weather"}]}, {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [NAMED]}}),
    ({"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": []}},) * 2,
    ({"type": "custom", "custom": {"name": "c"}},) * 2,
]  # fmt: skip


@pytest.mark.parametrize(("choice", "expected"), CHOICES)
def test_a_tool_choice_has_the_form_of_chat_completions(
    choice: str | dict[str, Any], expected: str | dict[str, Any], call_with: CallWith
) -> None:
    assert sent(call_with(tools=[TOOL], tool_choice=choice))["tool_choice"] == expected


NOWHERE = {"description": "(like #/$defs/y, which is not given)", "type": "object", "properties": {}}
CLOSED = {**SCHEMA, "additionalProperties": False}
FORMATS = [
    pytest.param({"type": "json"}, {"type": "json_object"}, id="json"),
    pytest.param({"type": "text"}, {"type": "text"}, id="text"),
    pytest.param({"type": "json_schema", "json_schema": {"name": "a", "schema": SCHEMA, "strict": True}},
                 {"type": "json_schema", "json_schema": {"name": "a", "schema": CLOSED, "strict": True}}, id="schema"),
    pytest.param({"type": "json_schema", "strict": True, "json_schema": {"schema": SCHEMA}},
                 {"type": "json_schema", "json_schema": {"schema": CLOSED, "name": "response", "strict": True}},
                 id="strict beside the schema, and no name"),
    pytest.param({"type": "json_schema", "name": "a", "schema": SCHEMA},
                 {"type": "json_schema", "json_schema": {"name": "a", "schema": SCHEMA}}, id="flat"),
    pytest.param({"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "array", "items": {"$ref": "#/$defs/x"}, "$defs": {"x": SCHEMA}}, "strict": True}},
                 {"type": "json_schema", "json_schema": {"name": "a", "strict": True, "schema": {
                     "type": "object", "properties": {"value": {"type": "array", "items": {"$ref": "#/$defs/x"}}}, "required": ["value"],
                     "additionalProperties": False, "$defs": {"x": CLOSED}}}}, id="of no object"),
    pytest.param({"type": "json_schema", "json_schema": {"name": "a", "schema": {"anyOf": [SCHEMA, {"type": "null"}]}}},
                 {"type": "json_schema", "json_schema": {"name": "a", "schema": {
                     "type": "object", "properties": {"value": {"anyOf": [SCHEMA, {"type": "null"}]}}, "required": ["value"],
                     "additionalProperties": False}}}, id="of one or the other"),
    pytest.param({"type": "json_schema", "json_schema": {"name": "a", "schema": {"$ref": "#/$defs/x", "$defs": {"x": SCHEMA}}}},
                 {"type": "json_schema", "json_schema": {"name": "a", "schema": SCHEMA}}, id="a reference at the root"),
    pytest.param({"type": "json_schema", "json_schema": {"name": "a", "schema": {"$ref": "#/$defs/y"}}},
                 {"type": "json_schema", "json_schema": {"name": "a", "schema": NOWHERE}}, id="a reference to nowhere"),
    pytest.param({"type": "json_schema", "json_schema": {"name": "a", "schema": {"$ref": "#/$defs/y", "$defs": 5}}},
                 {"type": "json_schema", "json_schema": {"name": "a", "schema": NOWHERE}}, id="a reference into nothing"),
    pytest.param({"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}, "strict": True}},
                 {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object", "properties": {}}, "strict": False}}, id="strict, and free"),
    pytest.param({"type": "json_schema", "json_schema": {"name": "a", "schema": {"title": "any"}}},
                 {"type": "json_schema", "json_schema": {"name": "a", "schema": {"title": "any", "type": "object", "properties": {}}}}, id="of anything"),
    pytest.param({"type": "json_schema", "json_schema": {"name": "a b/c", "schema": SCHEMA}},
                 {"type": "json_schema", "json_schema": {"name": "a_b_c", "schema": SCHEMA}}, id="a name that OpenAI refuses"),
]  # fmt: skip


@pytest.mark.parametrize(("wanted", "expected"), FORMATS)
def test_a_response_format_has_the_form_of_chat_completions(
    wanted: dict[str, Any], expected: dict[str, Any], call_with: CallWith
) -> None:
    assert sent(call_with(response_format=wanted))["response_format"] == expected


def test_a_response_format_that_is_a_type_has_to_be_resolved_before(call_with: CallWith) -> None:
    with pytest.raises(UnsupportedContentError, match="response_format must be a dict"):
        encode(call_with(response_format=int), stream=False)


WISHES = [
    pytest.param([HI], [{"role": "system", "content": "Answer with a JSON object."}, HI], id="alone"),
    pytest.param(
        [{"role": "system", "content": "Be brief."}, HI],
        [{"role": "system", "content": "Be brief.\n\nAnswer with a JSON object."}, HI],
        id="with the system message",
    ),
    pytest.param([{"role": "user", "content": "As Json!"}], [{"role": "user", "content": "As Json!"}], id="said already"),
]  # fmt: skip


@pytest.mark.parametrize(("given", "expected"), WISHES)
def test_json_mode_says_json_because_openai_insists(
    given: list[dict[str, Any]], expected: list[dict[str, Any]], call_with: CallWith
) -> None:
    call = call_with(messages=given, json_response=True)
    assert body(encode(call, stream=False))["messages"] == expected


WARNINGS = [
    pytest.param({"temperature": 0.5}, ModelFacts(provider="openai", model="m", temperature=False), "temperature was dropped", id="temperature"),
    pytest.param({"reasoning_effort": "low"}, NOT_REASONING, "reasoning_effort was dropped", id="effort"),
    pytest.param({"reasoning_tokens": 5}, None, "no effect on OpenAI without max_tokens", id="budget without limit"),
    pytest.param({"reasoning_tokens": 5, "max_tokens": 5}, NOT_REASONING, "does not reason", id="budget without reasoning"),
    pytest.param({"tool_choice": "auto"}, None, "no tools to choose from", id="choice without tools"),
    pytest.param({"cache": {"type": "ephemeral"}}, None, r"cache\['type'\] has no effect", id="another provider's cache"),
    pytest.param({"messages": [{"role": "user", "content": "x", "metadata": {"cache_control": {}}}]}, None, "cache_control has no effect", id="cache mark"),
    pytest.param({"extra_params": {"stream": True}}, None, r"stream was dropped", id="stream"),
    pytest.param({"extra_params": {"n": 2}}, None, "n=2", id="several answers"),
    pytest.param({"messages": [{"role": "system", "content": "x"}] * 2}, ModelFacts(provider="openai", model="m", system_message=False), "sent as user messages", id="no system messages"),
]  # fmt: skip


@pytest.mark.parametrize(("request_fields", "facts", "told"), WARNINGS)
def test_what_has_no_effect_is_told_once(
    request_fields: dict[str, Any], facts: ModelFacts | None, told: str, call_with: CallWith
) -> None:
    wire = encode(call_with("some-model", facts, **request_fields), stream=False)
    assert len(wire.warnings) == 1
    assert re.search(told, wire.warnings[0])


def test_thoughts_in_parts_go_back_while_the_text_is_the_same(call_with: CallWith) -> None:
    parts = [{"type": "thinking", "thinking": [{"type": "text", "text": "T"}]}, {"type": "text", "text": "A"}]
    assert replayed({"content": parts}, call_with, content="A")["content"] == parts
    assert replayed({"content": parts}, call_with, content="B")["content"] == "B"
    assert replayed({"content": "?"}, call_with, content="A")["content"] == "A"


def replayed(block: dict[str, Any], call_with: CallWith, **message: Any) -> dict[str, Any]:
    native = {"provider": "openai", "api": "chat", "replay": [block]}
    messages = [Message(role="assistant", metadata={"native": native}, **message)]
    wire: dict[str, Any] = body(encode(call_with(messages=messages), stream=False))["messages"][0]
    return wire


def test_reasoning_that_the_host_wants_again_goes_back(call_with: CallWith) -> None:
    details = [{"type": "reasoning.encrypted", "data": "x"}]
    wire = replayed({"reasoning_details": details}, call_with, content="A")
    assert wire == {"role": "assistant", "content": "A", "reasoning_details": details}


def test_raw_calls_go_back_while_the_message_says_the_same(call_with: CallWith) -> None:
    raw = {"id": "c", "type": "custom", "custom": {"name": "f", "input": "4"}}
    calls = [{"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"input":"4"}'}}]
    assert replayed({"tool_calls": [raw]}, call_with, content=None, tool_calls=calls)["tool_calls"] == [raw]
    changed = [{**calls[0], "function": {"name": "f", "arguments": '{"input":"5"}'}}]
    wire = replayed({"tool_calls": [raw]}, call_with, content=None, tool_calls=changed)
    assert wire["tool_calls"] == changed
    broken = replayed({"tool_calls": "?"}, call_with, content=None, tool_calls=calls)
    assert broken["tool_calls"] == calls


def test_a_spoken_answer_goes_back_by_its_id_while_its_text_is_the_same(call_with: CallWith) -> None:
    audio = {"audio": {"id": "audio_1", "transcript": "Hello"}}
    assert replayed(audio, call_with, content="Hello") == {
        "role": "assistant",
        "content": None,
        "audio": {"id": "audio_1"},
    }
    assert replayed(audio, call_with, content="Bye") == {"role": "assistant", "content": "Bye"}


def test_reasoning_content_goes_back_only_with_calls(call_with: CallWith) -> None:
    block = {"reasoning_content": "R"}
    assert replayed(block, call_with, content=None, tool_calls=[CALL])["reasoning_content"] == "R"
    assert replayed(block, call_with, content="A") == {"role": "assistant", "content": "A"}


def test_what_another_provider_wants_again_is_left_out_and_told(call_with: CallWith) -> None:
    native = {"provider": "anthropic", "replay": [{"type": "thinking", "signature": "s"}]}
    messages = [Message(role="assistant", content="A", metadata={"native": native})] * 2
    wire = encode(call_with(messages=messages), stream=False)
    assert body(wire)["messages"] == [{"role": "assistant", "content": "A"}] * 2
    assert len(wire.warnings) == 1
    assert "anthropic" in wire.warnings[0]


def test_the_request_is_not_changed(call_with: CallWith) -> None:
    call = call_with(
        messages=[{"role": "system", "content": "S"}, HI],
        json_response=True,
        extra_params={"stream_options": {}},
    )
    before = json.dumps([call.request.messages[0].content, call.request.extra_params])
    encode(call, stream=True)
    assert json.dumps([call.request.messages[0].content, call.request.extra_params]) == before


@pytest.mark.parametrize(
    ("model", "tools", "kept"),
    [
        ("deepseek-v4-pro", True, "R"),
        ("deepseek-v4-pro", False, None),
        ("deepseek-reasoner", True, None),
        ("deepseek-r1", True, None),
        ("kimi-k2-thinking", True, "R"),
    ],
)
def test_reasoning_goes_back_as_the_host_wants_it(
    model: str, tools: bool, kept: str | None, call_with: CallWith
) -> None:
    native = {"provider": "openai", "api": "chat", "replay": [{"reasoning_content": "R"}]}
    said = Message(role="assistant", content="A", metadata={"native": native})
    request = LLMRequest([said], tools=[{"name": "f"}] if tools else None)
    body = json.loads(OpenAIAdapter().encode(ChatCall(request, ModelRef("openai", model)), stream=False).body)
    assert body["messages"][0].get("reasoning_content") == kept


def test_what_one_host_signed_is_not_sent_to_another() -> None:
    native = {"provider": "openai", "api": "chat", "host": "one", "replay": [{"reasoning_details": [1]}]}
    said = Message(role="assistant", content="A", metadata={"native": native})
    for host, sent in (("one", True), ("other", False), (None, True)):
        wire = OpenAIAdapter().encode(
            ChatCall(LLMRequest([said]), ModelRef("openai", "m"), host=host), stream=False
        )
        assert ("reasoning_details" in json.loads(wire.body)["messages"][0]) is sent
        assert any("openai chat one" in warning for warning in wire.warnings) is not sent


@pytest.mark.parametrize("name", ["parallel_tool_calls", "stream_options"])
def test_a_parameter_that_needs_another_one_is_dropped_without_it(name: str) -> None:
    call = ChatCall(
        LLMRequest([Message(role="user", content="x")], extra_params={name: {}}), ModelRef("openai", "m")
    )
    wire = OpenAIAdapter().encode(call, stream=False)
    assert name not in json.loads(wire.body)
    assert name in wire.warnings[0]


def test_a_limit_under_the_name_of_the_responses_api_is_not_sent_to_openai_itself(
    call_with: CallWith,
) -> None:
    wire = encode(call_with("gpt-4o", extra_params={"max_output_tokens": 20}), stream=False)
    assert "max_output_tokens" not in body(wire)
    assert any("max_output_tokens" in warning for warning in wire.warnings)
