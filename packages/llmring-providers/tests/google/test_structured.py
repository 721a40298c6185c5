"""JSON answers, alone and beside tools."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from llmring_providers import ChatCall
from llmring_providers.google import GoogleAdapter
from llmring_types import LLMResponse, Message

SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
ITEMS = {"type": "array", "items": {"$ref": "#/$defs/I"}, "$defs": {"I": {"type": "integer"}}}
F = {"name": "f"}


def asked(schema: Any) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}


def body_of(call: ChatCall) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(GoogleAdapter().encode(call, stream=False).body)
    return body


def test_gemini_3_takes_a_schema_beside_functions(call_with: Callable[..., ChatCall]) -> None:
    body = body_of(call_with("gemini-3-flash", tools=[F], response_format=asked(SCHEMA)))
    assert body["tools"] == [{"functionDeclarations": [F]}]
    assert body["generationConfig"] == {
        "responseMimeType": "application/json",
        "responseJsonSchema": SCHEMA,
    }


def test_a_schema_in_geminis_older_language_has_its_own_field(call_with: Callable[..., ChatCall]) -> None:
    schema = {"type": "ARRAY", "items": {"type": "STRING"}}
    config = body_of(call_with(response_format=asked(schema)))["generationConfig"]
    assert config == {"responseMimeType": "application/json", "responseSchema": schema}


def test_a_schema_may_stand_beside_the_type(call_with: Callable[..., ChatCall]) -> None:
    call = call_with(response_format={"type": "json_schema", "schema": SCHEMA})
    assert body_of(call)["generationConfig"]["responseJsonSchema"] == SCHEMA


def answer_with(calls: list[dict[str, Any]], call: ChatCall) -> LLMResponse:
    """What the adapter makes of an answer to the request that it has written itself."""
    adapter = GoogleAdapter()
    parts = [{"functionCall": made} for made in calls]
    body = json.dumps({"candidates": [{"content": {"parts": parts}, "finishReason": "STOP"}]}).encode()
    return adapter.decode(body, call, adapter.encode(call, stream=False))


SCHEMAS: list[Any] = [
    pytest.param(SCHEMA, SCHEMA, {"a": 1}, '{"a":1}', id="object"),
    pytest.param(
        ITEMS,
        {
            "type": "object",
            "properties": {"value": {"type": "array", "items": {"$ref": "#/$defs/I"}}},
            "required": ["value"],
            "additionalProperties": False,
            "$defs": {"I": {"type": "integer"}},
        },
        {"value": [1, 2]},
        "[1,2]",
        id="array",
    ),
]


@pytest.mark.parametrize(("schema", "parameters", "arguments", "text"), SCHEMAS)
def test_older_models_are_given_one_more_function_to_answer_with(
    schema: Any, parameters: Any, arguments: Any, text: str, call_with: Callable[..., ChatCall]
) -> None:
    call = call_with(tools=[F], response_format=asked(schema))
    body = body_of(call)
    assert "generationConfig" not in body
    assert body["toolConfig"] == {"functionCallingConfig": {"mode": "ANY"}}
    ((own, added),) = [tool["functionDeclarations"] for tool in body["tools"]]
    assert own == F
    assert (added["name"], added["parametersJsonSchema"]) == ("respond_with_structure", parameters)
    response = answer_with([{"name": "respond_with_structure", "args": arguments}], call)
    assert response == LLMResponse(
        content=text, model="google:gemini-2.5-flash", finish_reason="stop", provider_finish_reason="STOP"
    )


def test_functions_may_still_be_called_instead(call_with: Callable[..., ChatCall]) -> None:
    response = answer_with([{"name": "f"}], call_with(tools=[F], response_format=asked(SCHEMA)))
    assert response.finish_reason == "tool_calls"
    assert [made["function"]["name"] for made in response.tool_calls or ()] == ["f"]
    assert response.content == ""


def test_an_openapi_schema_is_a_function_too(call_with: Callable[..., ChatCall]) -> None:
    schema = {"type": "OBJECT", "properties": {"a": {"type": "INTEGER"}}}
    call = call_with(tools=[F], response_format=asked(schema))
    assert body_of(call)["tools"][0]["functionDeclarations"][1]["parameters"] == schema
    assert answer_with([{"name": "respond_with_structure", "args": {"a": 1}}], call).content == '{"a":1}'


@pytest.mark.parametrize(
    ("choice", "config", "names"),
    [
        ("auto", {"mode": "ANY"}, ["f", "respond_with_structure"]),
        (
            "none",
            {"mode": "ANY", "allowedFunctionNames": ["respond_with_structure"]},
            ["f", "respond_with_structure"],
        ),
        ("required", {"mode": "ANY", "allowedFunctionNames": ["f"]}, ["f"]),
        ("f", {"mode": "ANY", "allowedFunctionNames": ["f"]}, ["f"]),
    ],
)
def test_the_users_choice_still_holds(
    choice: str, config: dict[str, Any], names: list[str], call_with: Callable[..., ChatCall]
) -> None:
    body = body_of(call_with(tools=[F], tool_choice=choice, response_format=asked(SCHEMA)))
    assert body["toolConfig"] == {"functionCallingConfig": config}
    assert [function["name"] for function in body["tools"][0]["functionDeclarations"]] == names


def test_a_function_of_that_name_is_nothing_special_when_nobody_asked(
    call_with: Callable[..., ChatCall],
) -> None:
    call = call_with(tools=[{"name": "respond_with_structure"}])
    response = answer_with([{"name": "respond_with_structure"}], call)
    assert response.finish_reason == "tool_calls"


def test_the_answer_is_text_in_the_next_turn(call_with: Callable[..., ChatCall]) -> None:
    call = call_with(tools=[F], response_format=asked(SCHEMA))
    message = answer_with([{"name": "respond_with_structure", "args": {"a": 1}}], call).to_message()
    body = body_of(call_with(messages=[Message(role="user", content="Hi"), message]))
    assert body["contents"][1] == {"role": "model", "parts": [{"text": '{"a":1}'}]}
