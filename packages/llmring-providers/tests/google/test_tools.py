"""Tools and the choice among them."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from llmring_providers import ChatCall
from llmring_providers.google.request import encode
from llmring_providers.google.tools import _HOSTED
from llmring_types.exceptions import UnsupportedContentError, ValidationError

SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}
F = {"name": "f", "parameters": SCHEMA}
G = {"type": "function", "function": {"name": "g"}}


def sent(
    call_with: Callable[..., ChatCall], name: str = "gemini-2.5-flash", **request: Any
) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(encode(call_with(name, **request), stream=False).body)
    return body


def declared(*functions: dict[str, Any]) -> list[Any]:
    return [{"functionDeclarations": list(functions)}]


FUNCTIONS: list[Any] = [
    pytest.param(F, {"name": "f", "parametersJsonSchema": SCHEMA}, id="flat"),
    pytest.param(G, {"name": "g"}, id="without parameters"),
    pytest.param(
        {"type": "function", "function": {"name": "f", "description": "D", "parameters": SCHEMA, "strict": False}},
        {"name": "f", "description": "D", "parametersJsonSchema": SCHEMA},
        id="OpenAI",
    ),
    pytest.param({"name": "f", "input_schema": SCHEMA}, {"name": "f", "parametersJsonSchema": SCHEMA}, id="Anthropic"),
    pytest.param(
        {"name": "f", "parameters": {"type": "OBJECT", "properties": {"a": {"type": "STRING", "nullable": True}}}},
        {"name": "f", "parameters": {"type": "OBJECT", "properties": {"a": {"type": "STRING", "nullable": True}}}},
        id="Gemini's older schema language",
    ),
    pytest.param(
        {"name": "f", "parameters_json_schema": SCHEMA, "behavior": "BLOCKING", "response": {"type": "STRING"}},
        {"name": "f", "parametersJsonSchema": SCHEMA, "behavior": "BLOCKING", "response": {"type": "STRING"}},
        id="Gemini's own fields",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("tool", "declaration"), FUNCTIONS)
def test_functions_are_declared(
    tool: dict[str, Any], declaration: dict[str, Any], call_with: Callable[..., ChatCall]
) -> None:
    assert sent(call_with, tools=[tool])["tools"] == declared(declaration)


HOSTED: list[Any] = [
    ({"type": "google_search"}, {"googleSearch": {}}),
    ({"type": "exa_ai_search", "apiKey": "k"}, {"exaAiSearch": {"apiKey": "k"}}),
    ({"type": "parallel_ai_search"}, {"parallelAiSearch": {}}),
    ({"type": "googleSearch", "time_range_filter": {}}, {"googleSearch": {"time_range_filter": {}}}),
    ({"type": "url_context", "url_context": {}}, {"urlContext": {}}),
    ({"type": "code_execution"}, {"codeExecution": {}}),
    ({"google_search": {}}, {"google_search": {}}),
    ({"somethingNew": {"a": 1}}, {"somethingNew": {"a": 1}}),
]


@pytest.mark.parametrize(("tool", "expected"), HOSTED)
def test_tools_that_gemini_runs_pass_through(
    tool: dict[str, Any], expected: dict[str, Any], call_with: Callable[..., ChatCall]
) -> None:
    body = sent(call_with, tools=[tool])
    assert body["tools"] == [expected]
    assert "toolConfig" not in body


def test_functions_already_declared_are_functions(call_with: Callable[..., ChatCall]) -> None:
    own = {"function_declarations": [{"name": "h"}], "urlContext": {}}
    body = sent(call_with, tools=[own, F], tool_choice="h")
    assert body["tools"] == [
        {"urlContext": {}},
        *declared({"name": "h"}, {"name": "f", "parametersJsonSchema": SCHEMA}),
    ]
    assert body["toolConfig"]["functionCallingConfig"]["allowedFunctionNames"] == ["h"]


def test_the_hosted_tools_are_those_that_the_sdk_knows() -> None:
    types = pytest.importorskip("google.genai.types")
    fields = {field.alias or name for name, field in types.Tool.model_fields.items()}
    assert fields == {*_HOSTED, "functionDeclarations"}


@pytest.mark.parametrize("tool", [{"type": "web_search_20250305"}, {"name": "f", "parameters": [1]}])
def test_a_tool_of_another_provider_is_named(
    tool: dict[str, Any], call_with: Callable[..., ChatCall]
) -> None:
    with pytest.raises(UnsupportedContentError) as caught:
        sent(call_with, tools=[tool])
    assert (caught.value.part, caught.value.provider) == ("tools", "google")


def test_a_function_without_a_name_is_told(call_with: Callable[..., ChatCall]) -> None:
    with pytest.raises(ValidationError, match="tool without a name"):
        sent(call_with, tools=[{"description": "D", "parameters": SCHEMA}])


CHOICES: list[Any] = [
    (None, None),
    ("auto", {"mode": "AUTO"}),
    ("none", {"mode": "NONE"}),
    ("required", {"mode": "ANY"}),
    ("any", {"mode": "ANY"}),
    ("f", {"mode": "ANY", "allowedFunctionNames": ["f"]}),
    ({"type": "function", "function": {"name": "f"}}, {"mode": "ANY", "allowedFunctionNames": ["f"]}),
    ({"function": "f"}, {"mode": "ANY", "allowedFunctionNames": ["f"]}),
    ({"type": "tool", "name": "f"}, {"mode": "ANY", "allowedFunctionNames": ["f"]}),
    ({"type": "any"}, {"mode": "ANY"}),
    ({"type": "auto"}, {"mode": "AUTO"}),
    (
        {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [F, G]}},
        {"mode": "ANY", "allowedFunctionNames": ["f", "g"]},
    ),
    (
        {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [F]}},
        {"mode": "VALIDATED", "allowedFunctionNames": ["f"]},
    ),
    ({"type": "allowed_tools", "allowed_tools": {"mode": "auto"}}, {"mode": "AUTO"}),
    ({"mode": "VALIDATED"}, {"mode": "VALIDATED"}),
]


@pytest.mark.parametrize(("choice", "config"), CHOICES)
def test_every_form_of_a_choice_is_translated(
    choice: Any, config: dict[str, Any] | None, call_with: Callable[..., ChatCall]
) -> None:
    body = sent(call_with, tools=[F, G], tool_choice=choice)
    assert body.get("toolConfig", {}).get("functionCallingConfig") == config


def test_a_function_may_be_called_like_a_word(call_with: Callable[..., ChatCall]) -> None:
    body = sent(call_with, tools=[{"name": "Any"}], tool_choice="Any")
    assert body["toolConfig"] == {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["Any"]}}


@pytest.mark.parametrize(
    ("choice", "mode"), [(None, "VALIDATED"), ("auto", "VALIDATED"), ("none", "NONE"), ("required", "ANY")]
)
def test_strict_functions_are_kept_to_their_schemas(
    choice: str | None, mode: str, call_with: Callable[..., ChatCall]
) -> None:
    body = sent(call_with, tools=[{**F, "strict": True}, G], tool_choice=choice)
    assert body["toolConfig"] == {"functionCallingConfig": {"mode": mode}}


def test_gemini_3_is_told_that_functions_and_hosted_tools_go_together(
    call_with: Callable[..., ChatCall],
) -> None:
    tools = [F, {"type": "google_search"}]
    body = sent(call_with, "gemini-3-flash", tools=tools, tool_choice="auto")
    assert body["tools"] == [
        {"googleSearch": {}},
        *declared({"name": "f", "parametersJsonSchema": SCHEMA}),
    ]
    assert body["toolConfig"] == {"includeServerSideToolInvocations": True}
    forced = sent(call_with, "gemini-3-flash", tools=tools, tool_choice="f")["toolConfig"]
    assert forced["functionCallingConfig"] == {"mode": "ANY", "allowedFunctionNames": ["f"]}
    assert "toolConfig" not in sent(call_with, tools=tools)
    assert "toolConfig" not in sent(call_with, "publishers/google/models/gemini-3-flash", tools=tools)
