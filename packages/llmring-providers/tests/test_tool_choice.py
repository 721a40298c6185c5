"""The choice among tools in every form that is in use."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llmring_providers._tool_choice import ToolChoice, function_names, read_choice

F = ToolChoice("required", ("f",))
CHOICES: list[Any] = [
    ("auto", ToolChoice("auto")),
    ("none", ToolChoice("none")),
    ("required", ToolChoice("required")),
    ("any", ToolChoice("required")),
    ("ANY", ToolChoice("required")),
    ("validated", ToolChoice("auto")),
    ("f", F),
    ("Auto", ToolChoice("required", ("Auto",))),
    ({"function": "f"}, F),
    ({"name": "f"}, F),
    ({"type": "function", "function": {"name": "f"}}, F),
    ({"type": "function", "name": "f"}, F),
    ({"type": "tool", "name": "f"}, F),
    ({"type": "auto"}, ToolChoice("auto")),
    ({"type": "any", "disable_parallel_tool_use": True}, ToolChoice("required")),
    ({"mode": "ANY"}, ToolChoice("required")),
    ({"mode": "ANY", "allowedFunctionNames": ["f"]}, F),
    ({"mode": "AUTO", "allowed_function_names": ["f", "g"]}, ToolChoice("auto", ("f", "g"))),
    (
        {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [{"type": "function", "function": {"name": "f"}}]}},
        F,
    ),
    ({"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "f"}, {"type": "mcp"}]}, ToolChoice("auto", ("f",))),
    ({"allowed_tools": {"tools": []}}, ToolChoice("auto")),
    ({"type": "web_search"}, None),
    ({"type": "custom", "custom": {"name": "c"}}, None),
    ({"type": "function"}, None),
    ({"odd": 1}, None),
    ({}, None),
]  # fmt: skip


@pytest.mark.parametrize(("choice", "expected"), CHOICES)
def test_every_form_is_read(choice: Any, expected: ToolChoice | None) -> None:
    assert read_choice(choice, ["f", "Auto"]) == expected


def test_functions_have_names_in_both_forms_and_other_tools_have_none() -> None:
    tools: list[Any] = [
        {"name": "f", "parameters": {}},
        {"type": "function", "function": {"name": "g"}},
        {"type": "web_search"},
        {"googleSearch": {}},
        "odd",
    ]
    assert function_names(tools) == ["f", "g"]


json_values = st.recursive(
    st.none() | st.integers() | st.text(max_size=3) | st.sampled_from(["auto", "function", "allowed_tools"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(
                ["type", "function", "name", "mode", "tools", "allowed_tools", "allowedFunctionNames"]
            ),
            inner,
        )
    ),
)


@given(st.text() | json_values.filter(lambda value: isinstance(value, dict)))
def test_no_form_is_an_accident(choice: Any) -> None:
    read = read_choice(choice, [])
    assert read is None or (
        read.mode in ("auto", "none", "required") and all(isinstance(name, str) for name in read.names)
    )
