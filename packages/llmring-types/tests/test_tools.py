from typing import Any

import pytest
from llmring_types import function_spec, tool_call
from llmring_types.exceptions import ValidationError

ARGUMENTS: list[tuple[object, str]] = [
    (None, "{}"),
    ("", "{}"),
    ("  ", "{}"),
    ({}, "{}"),
    ({"a": 1}, '{"a":1}'),
    ('{"a": 1}', '{"a": 1}'),
    (b'{"a": 1}', '{"a": 1}'),
    ('{"a": ', '{"a": '),
]


@pytest.mark.parametrize(("given", "text"), ARGUMENTS)
def test_arguments_are_always_text_and_what_the_model_wrote_is_kept(given: object, text: str) -> None:
    call = tool_call("id", "f", given)  # type: ignore[arg-type]
    assert call == {"id": "id", "type": "function", "function": {"name": "f", "arguments": text}}


def test_both_forms_of_a_function_give_its_spec() -> None:
    spec = {"name": "f", "parameters": {}}
    assert function_spec({"type": "function", "function": spec}) == spec
    assert function_spec(spec) == spec
    assert function_spec({"type": "function", **spec}) == {"type": "function", **spec}


def test_a_providers_own_tool_is_no_function() -> None:
    assert function_spec({"type": "web_search"}) is None


@pytest.mark.parametrize("nested", [True, False])
def test_parameters_may_have_the_name_that_anthropic_gives_them(nested: bool) -> None:
    tool: dict[str, Any] = {"name": "f", "input_schema": {"type": "object"}}
    given = {"type": "function", "function": tool} if nested else tool
    assert function_spec(given) == {"name": "f", "parameters": {"type": "object"}}
    assert "input_schema" in tool
    both = {"name": "f", "input_schema": {}, "parameters": {"type": "object"}}
    assert function_spec(both) is both


@pytest.mark.parametrize("tool", [{"type": "function", "function": {}}, {"parameters": {}}, {"name": ""}])
def test_a_function_without_a_name_is_told(tool: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="without a name"):
        function_spec(tool)


@pytest.mark.parametrize(
    "name", ["parameters", "input_schema", "inputSchema", "parametersJsonSchema", "parameters_json_schema"]
)
@pytest.mark.parametrize("kind", [{}, {"type": "custom"}, {"type": "function"}])
def test_a_schema_is_found_under_every_name_in_use(name: str, kind: dict[str, str]) -> None:
    if kind.get("type") == "custom" and name != "input_schema":
        return
    spec = function_spec({**kind, "name": "f", name: {"type": "object"}})
    assert spec is not None
    assert spec["parameters"] == {"type": "object"}


def test_what_a_listing_says_to_people_is_left_out() -> None:
    tool = {
        "name": "f",
        "description": "d",
        "inputSchema": {},
        "title": "F",
        "annotations": {"readOnlyHint": True},
    }
    assert function_spec(tool) == {"name": "f", "description": "d", "parameters": {}}
