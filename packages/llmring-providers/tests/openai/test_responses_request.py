"""The neutral request as a body of the responses API."""

import json
import re
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from llmring_providers import ChatCall, WireRequest
from llmring_providers.openai import OpenAIAdapter
from llmring_providers.openai.responses import response
from llmring_providers.openai.responses.request import encode
from llmring_types import LLMRequest, Message, ModelFacts, ModelRef, tool_call
from llmring_types.exceptions import UnsupportedContentError

CallWith = Callable[..., ChatCall]
Recorded = Callable[[str], bytes]
HI = {"role": "user", "content": "Hi"}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
CLOSED = {**SCHEMA, "additionalProperties": False}
CALL = tool_call("call_1", "weather", '{"city":"Oslo"}')
ENCRYPTED = ["reasoning.encrypted_content"]


def body(wire: WireRequest) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(wire.body)
    return document


def sent(call: ChatCall) -> dict[str, Any]:
    """What a request adds to model, input and store."""
    document = body(encode(call, stream=False))
    return {name: value for name, value in document.items() if name not in ("model", "input", "store")}


def items(call: ChatCall) -> list[Any]:
    found: list[Any] = body(encode(call, stream=False))["input"]
    return found


def test_a_plain_question_is_sent_with_nothing_else_and_not_stored(call: ChatCall) -> None:
    wire = encode(call, stream=False)
    assert body(wire) == {"model": "gpt-4o", "input": [HI], "store": False}
    assert (wire.path, wire.warnings) == ("/responses", ())
    assert body(encode(call, stream=True)) == {**body(wire), "stream": True}


MESSAGES: list[Any] = [
    pytest.param(
        [{"role": "system", "content": "A"}, HI, {"role": "system", "content": "B"}],
        [{"role": "system", "content": "A"}, HI, {"role": "system", "content": "B"}],
        id="system messages stay where they are",
    ),
    pytest.param(
        [{"role": "assistant", "content": "A"}], [{"role": "assistant", "content": "A"}], id="an answer"
    ),
    pytest.param(
        [{"role": "assistant", "content": None}],
        [{"role": "assistant", "content": ""}],
        id="an empty answer",
    ),
    pytest.param(
        [{"role": "assistant", "content": [{"type": "text", "text": "A"}, {"type": "refusal", "refusal": "B"}]}],
        [{"role": "assistant", "content": [{"type": "output_text", "text": "A"}, {"type": "refusal", "refusal": "B"}]}],
        id="an answer in parts",
    ),
    pytest.param(
        [{"role": "assistant", "content": "A", "tool_calls": [CALL]},
         {"role": "tool", "content": "12 °C", "tool_call_id": "call_1"}],
        [{"role": "assistant", "content": "A"},
         {"type": "function_call", "call_id": "call_1", "name": "weather", "arguments": '{"city":"Oslo"}'},
         {"type": "function_call_output", "call_id": "call_1", "output": "12 °C"}],
        id="a call and its result",
    ),
    pytest.param(
        [{"role": "assistant", "content": None, "tool_calls": [CALL]},
         {"role": "tool", "tool_call_id": "call_1", "content": [{"type": "text", "text": "A"}]}],
        [{"type": "function_call", "call_id": "call_1", "name": "weather", "arguments": '{"city":"Oslo"}'},
         {"type": "function_call_output", "call_id": "call_1", "output": [{"type": "input_text", "text": "A"}]}],
        id="only a call, and a result in parts",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("given", "expected"), MESSAGES)
def test_messages_become_items(given: list[Any], expected: list[Any], call_with: CallWith) -> None:
    assert items(call_with(messages=given)) == expected


def test_a_custom_call_that_the_user_wrote_has_a_custom_result(call_with: CallWith) -> None:
    made: Any = [{"id": "c", "type": "custom", "custom": {"name": "exp", "input": "4"}}]
    messages = [
        Message(role="assistant", content=None, tool_calls=made),
        Message(role="tool", content="4", tool_call_id="c"),
    ]
    assert items(call_with(messages=messages)) == [
        {"type": "custom_tool_call", "call_id": "c", "name": "exp", "input": "4"},
        {"type": "custom_tool_call_output", "call_id": "c", "output": "4"},
    ]


def test_arguments_that_are_an_object_are_sent_as_text(call_with: CallWith) -> None:
    made: Any = [{"id": "c", "function": {"name": "f", "arguments": {"a": 1}}}]
    messages = [Message(role="assistant", content=None, tool_calls=made)]
    assert items(call_with(messages=messages))[0]["arguments"] == '{"a":1}'


PARTS = [
    pytest.param({"type": "text", "text": "A"}, {"type": "input_text", "text": "A"}, id="text"),
    pytest.param({"type": "image_url", "image_url": {"url": "https://a/b.png"}},
                 {"type": "input_image", "image_url": "https://a/b.png", "detail": "auto"}, id="image"),
    pytest.param({"type": "image_url", "image_url": {"url": "data:image/png;base64,QQ==", "detail": "low"}},
                 {"type": "input_image", "image_url": "data:image/png;base64,QQ==", "detail": "low"}, id="image data"),
    pytest.param({"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "QQ=="}},
                 {"type": "input_file", "filename": "document.pdf", "file_data": "data:application/pdf;base64,QQ=="},
                 id="document"),
    pytest.param({"type": "document", "source": {"type": "url", "url": "https://a/b.pdf"}},
                 {"type": "input_file", "file_url": "https://a/b.pdf"}, id="document by its address"),
    pytest.param({"type": "input_file", "file_id": "file-1"}, {"type": "input_file", "file_id": "file-1"}, id="as it is"),
]  # fmt: skip


@pytest.mark.parametrize(("given", "expected"), PARTS)
def test_parts_become_content_of_the_responses_api(
    given: dict[str, Any], expected: dict[str, Any], call_with: CallWith
) -> None:
    assert items(call_with(messages=[Message(role="user", content=[given])]))[0]["content"] == [expected]


@pytest.mark.parametrize(
    ("role", "part"),
    [
        ("user", {"type": "input_audio", "input_audio": {"data": "QQ==", "format": "wav"}}),
        ("user", {"type": "video"}),
        ("assistant", {"type": "image_url", "image_url": {"url": "https://a"}}),
    ],
)
def test_a_part_without_a_place_is_named(role: Any, part: dict[str, Any], call_with: CallWith) -> None:
    with pytest.raises(UnsupportedContentError, match=part["type"]) as caught:
        encode(call_with(messages=[Message(role=role, content=[part])]), stream=False)
    assert caught.value.part.startswith(part["type"])


PARAMETERS: list[Any] = [
    pytest.param("gpt-4o", {"temperature": 0.0, "max_tokens": 99}, {"temperature": 0.0, "max_output_tokens": 99}, id="usual"),
    pytest.param("o3", {"max_tokens": 100}, {"max_output_tokens": 2100, "include": ENCRYPTED}, id="room for reasoning"),
    pytest.param("gpt-5.4", {"reasoning_effort": "low"}, {"reasoning": {"effort": "low"}, "include": ENCRYPTED}, id="effort"),
    pytest.param("gpt-4o", {"cache": {"key": "k"}}, {"prompt_cache_key": "k"}, id="cache"),
    pytest.param("gpt-4o", {"extra_params": {"top_p": 0.5, "api": "responses"}}, {"top_p": 0.5}, id="extra"),
    pytest.param("o3", {"reasoning_effort": "low", "extra_params": {"reasoning": {"summary": "auto"}}},
                 {"reasoning": {"effort": "low", "summary": "auto"}, "include": ENCRYPTED}, id="extra reasoning"),
    pytest.param("gpt-4o", {"response_format": {"type": "text"}, "extra_params": {"text": {"verbosity": "medium"}}},
                 {"text": {"format": {"type": "text"}, "verbosity": "medium"}}, id="extra text"),
    pytest.param("o3", {"extra_params": {"include": ["message.output_text.logprobs"]}},
                 {"include": [*ENCRYPTED, "message.output_text.logprobs"]}, id="extra include"),
    pytest.param("o3", {"extra_params": {"include": [*ENCRYPTED, {"odd": 1}]}},
                 {"include": [*ENCRYPTED, {"odd": 1}]}, id="odd include"),
    pytest.param("gpt-4o", {"extra_params": {"include": ENCRYPTED}}, {"include": ENCRYPTED}, id="include asked for"),
    pytest.param("gpt-4o", {"max_tokens": 9, "extra_params": {"max_completion_tokens": 30, "verbosity": "medium"}},
                 {"max_output_tokens": 30, "text": {"verbosity": "medium"}}, id="under the names of chat completions"),
    pytest.param("o3", {"reasoning_effort": "low", "extra_params": {"reasoning_effort": "high"}},
                 {"reasoning": {"effort": "high"}, "include": ENCRYPTED}, id="effort under its other name"),
    pytest.param("gpt-5-chat-latest", {"max_tokens": 99}, {"max_output_tokens": 99}, id="a chat model"),
]  # fmt: skip


@pytest.mark.parametrize(("model", "request_fields", "expected"), PARAMETERS)
def test_a_parameter_goes_where_the_responses_api_has_it(
    model: str, request_fields: dict[str, Any], expected: dict[str, Any], call_with: CallWith
) -> None:
    call = call_with(model, **request_fields)
    assert sent(call) == expected
    warned = any("max_tokens=100 was sent as 2100" in each for each in encode(call, stream=False).warnings)
    assert warned is (expected.get("max_output_tokens") == 2100)


def test_a_model_that_the_registry_knows_to_reason_is_asked_for_it_encrypted(call_with: CallWith) -> None:
    facts = ModelFacts(provider="openai", model="m", reasoning=True)
    assert sent(call_with("my-deployment", facts)) == {"include": ENCRYPTED}


def test_an_answer_is_stored_only_on_demand(call_with: CallWith) -> None:
    assert body(encode(call_with(extra_params={"store": True}), stream=False))["store"] is True
    assert "store" not in body(encode(call_with(extra_params={"background": True}), stream=False))


TOOLS = [
    pytest.param({"type": "function", "function": {"name": "f", "description": "D", "parameters": SCHEMA}},
                 {"type": "function", "name": "f", "description": "D", "parameters": SCHEMA, "strict": False},
                 id="not strict unless asked for"),
    pytest.param({"type": "function", "function": {"name": "f", "parameters": SCHEMA, "strict": True}},
                 {"type": "function", "name": "f", "parameters": CLOSED, "strict": True}, id="strict"),
    pytest.param({"name": "f"}, {"type": "function", "name": "f", "strict": False,
                                 "parameters": {"type": "object", "properties": {}}}, id="no parameters"),
    pytest.param({"type": "web_search"}, {"type": "web_search"}, id="hosted"),
    pytest.param({"type": "custom", "custom": {"name": "c", "format": {
                     "type": "grammar", "grammar": {"syntax": "lark", "definition": "x"}}}},
                 {"type": "custom", "name": "c", "format": {"type": "grammar", "syntax": "lark", "definition": "x"}},
                 id="custom"),
    pytest.param({"type": "custom", "name": "c"}, {"type": "custom", "name": "c"}, id="custom, flat"),
]  # fmt: skip


@pytest.mark.parametrize(("tool", "expected"), TOOLS)
def test_tools_have_the_form_of_the_responses_api(
    tool: dict[str, Any], expected: dict[str, Any], call_with: CallWith
) -> None:
    assert sent(call_with(tools=[tool])) == {"tools": [expected]}


CHOICES: list[Any] = [
    ("auto", "auto"),
    ("none", "none"),
    ("required", "required"),
    ("any", "required"),
    ("f", {"type": "function", "name": "f"}),
    ({"type": "function", "function": {"name": "f"}}, {"type": "function", "name": "f"}),
    ({"type": "web_search"}, {"type": "web_search"}),
    ({"type": "custom", "custom": {"name": "c"}}, {"type": "custom", "name": "c"}),
    ("any", "required"),
    ({"type": "none"}, "none"),
    ({"type": "tool", "name": "f"}, {"type": "function", "name": "f"}),
    ({"mode": "ANY", "allowedFunctionNames": ["f", "g"]}, {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "f"}, {"type": "function", "name": "g"}]}),
    ({"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": []}}, {"type": "allowed_tools", "mode": "auto", "tools": []}),
    (
        {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [{"type": "function", "function": {"name": "f"}}, {"type": "mcp", "server_label": "s"}]}},
        {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "f"}, {"type": "mcp", "server_label": "s"}]},
    ),
    ({"type": "allowed_tools", "mode": "auto", "tools": [{"type": "mcp"}]},) * 2,
]  # fmt: skip


@pytest.mark.parametrize(("choice", "expected"), CHOICES)
def test_a_tool_choice_has_the_form_of_the_responses_api(
    choice: Any, expected: Any, call_with: CallWith
) -> None:
    tools = [{"name": "f"}, {"name": "g"}]
    assert sent(call_with(tools=tools, tool_choice=choice))["tool_choice"] == expected


FORMATS: list[Any] = [
    pytest.param({"type": "json_object"}, {"type": "json_object"}, id="json"),
    pytest.param({"type": "json_schema", "json_schema": {"name": "a", "schema": SCHEMA}},
                 {"type": "json_schema", "name": "a", "schema": SCHEMA, "strict": False}, id="schema"),
    pytest.param({"type": "json_schema", "strict": True, "json_schema": {"schema": SCHEMA}},
                 {"type": "json_schema", "name": "response", "schema": CLOSED, "strict": True}, id="strict"),
]  # fmt: skip


@pytest.mark.parametrize(("wanted", "expected"), FORMATS)
def test_a_response_format_becomes_the_format_of_the_text(
    wanted: dict[str, Any], expected: dict[str, Any], call_with: CallWith
) -> None:
    assert sent(call_with(response_format=wanted))["text"] == {"format": expected}


def test_json_mode_says_json_because_openai_insists(call_with: CallWith) -> None:
    wish = {"role": "system", "content": "Answer with a JSON object."}
    assert items(call_with(json_response=True)) == [wish, HI]


@pytest.mark.parametrize(
    ("request_fields", "told"),
    [({"tool_choice": "auto"}, "no tools to choose from"), ({"extra_params": {"stream": False}}, "stream")],
)
def test_what_has_no_effect_is_told(request_fields: dict[str, Any], told: str, call_with: CallWith) -> None:
    warnings = encode(call_with(**request_fields), stream=False).warnings
    assert len(warnings) == 1
    assert re.search(told, warnings[0])


ROUND_TRIPS = ["responses-d8c4a7fb3a77", "responses-ab4618480f8a", "responses-6109a1ad418f"]


@pytest.mark.parametrize("name", ROUND_TRIPS)
def test_encrypted_reasoning_and_hosted_items_go_back_unchanged_after_a_json_round_trip(
    name: str, recorded: Recorded, call_with: CallWith
) -> None:
    answered = response.decode(recorded(name), call_with())
    message = msgspec.json.decode(msgspec.json.encode(answered.to_message()), type=Message)
    wire = encode(call_with("gpt-5", messages=[HI, message]), stream=False)
    output = json.loads(recorded(name))["output"]
    assert body(wire)["input"][: 1 + len(output)] == [HI, *output]
    assert all("has no result" in warning for warning in wire.warnings)


def test_the_result_of_a_custom_tool_follows_its_call(recorded: Recorded, call_with: CallWith) -> None:
    offered = call_with(tools=[{"type": "custom", "name": "math_exp"}])
    answered = response.decode(recorded("responses-f311afc6a6dd"), offered)
    result = Message(role="tool", content="8", tool_call_id="call_H8YsBUDPYjNHSq9fWOzwetxr")
    sent_items = items(call_with("gpt-5", messages=[answered.to_message(), result]))
    assert [item["type"] for item in sent_items] == ["custom_tool_call", "custom_tool_call_output"]


def test_reasoning_that_only_openai_had_stored_is_not_referred_to(
    recorded: Recorded, call_with: CallWith
) -> None:
    answered = response.decode(recorded("responses-f311afc6a6dd"), call_with())
    call = {"type": "custom_tool_call", "call_id": "call_H8YsBUDPYjNHSq9fWOzwetxr", "name": "math_exp"}
    assert items(call_with("gpt-5", messages=[answered.to_message()])) == [
        {**call, "input": "4 + 4", "status": "completed"}
    ]
    stored = items(call_with("gpt-5", messages=[answered.to_message()], extra_params={"store": True}))
    assert stored == json.loads(recorded("responses-f311afc6a6dd"))["output"]


def test_a_changed_message_wins_over_what_was_kept(recorded: Recorded, call_with: CallWith) -> None:
    message = response.decode(recorded("responses-ab4618480f8a"), call_with()).to_message()
    message.content = "13:00"
    wire = encode(call_with("gpt-5", messages=[message]), stream=False)
    assert body(wire)["input"] == [{"role": "assistant", "content": "13:00"}]
    assert len(wire.warnings) == 1
    assert "no longer what the model said" in wire.warnings[0]


@pytest.mark.parametrize("replay", [["odd"], [{"type": "message", "content": 5}], [{"type": "reasoning"}]])
def test_what_somebody_wrote_over_is_not_sent(replay: list[Any], call_with: CallWith) -> None:
    native = {"provider": "openai", "api": "responses", "replay": replay}
    message = Message(role="assistant", content="A", metadata={"native": native})
    assert items(call_with(messages=[message])) == [{"role": "assistant", "content": "A"}]


def test_a_model_without_system_messages_gets_user_messages(call_with: CallWith) -> None:
    facts = ModelFacts(provider="openai", model="m", system_message=False)
    call = call_with("m", facts, messages=[{"role": "system", "content": "S"}])
    assert items(call) == [{"role": "user", "content": "S"}]
    assert "sent as user messages" in encode(call, stream=False).warnings[0]


def test_sealed_reasoning_goes_only_to_a_model_that_reasons() -> None:
    items: list[dict[str, Any]] = [
        {"type": "reasoning", "id": "rs", "summary": [], "encrypted_content": "e", "status": "completed"},
        {
            "type": "message",
            "id": "msg",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "A"}],
        },
    ]
    native = {"provider": "openai", "api": "responses", "replay": items}
    said = Message(role="assistant", content="A", metadata={"native": native})
    for model, sent in (
        ("gpt-5", [{k: v for k, v in items[0].items() if k != "status"}, items[1]]),
        ("gpt-4o", [{k: v for k, v in items[1].items() if k != "id"}]),
    ):
        call = ChatCall(LLMRequest([said], extra_params={"api": "responses"}), ModelRef("openai", model))
        wire = OpenAIAdapter().encode(call, stream=False)
        assert json.loads(wire.body)["input"] == sent
        assert any("does not reason" in warning for warning in wire.warnings) is (model == "gpt-4o")
