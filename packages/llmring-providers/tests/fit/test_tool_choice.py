"""The choice among tools in every form that is in use."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llmring_providers import Adapter, ChatCall
from llmring_providers._fit.tools import ToolChoice, distinct, function_names, read_choice
from llmring_providers.anthropic import AnthropicAdapter
from llmring_providers.google import GoogleAdapter
from llmring_providers.ollama import OllamaAdapter
from llmring_providers.openai import OpenAIAdapter
from llmring_types import LLMRequest, Message, ModelRef
from llmring_types.exceptions import UnsupportedContentError

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


ADAPTERS: list[tuple[Adapter, str]] = [
    (OpenAIAdapter(), "openai:gpt-4o"),
    (OpenAIAdapter(), "openai:o3-pro"),
    (AnthropicAdapter(), "anthropic:claude-haiku-4-5"),
    (GoogleAdapter(), "google:gemini-2.5-flash"),
]
TOOLS: list[dict[str, Any]] = [
    {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}},
    {"name": "g", "input_schema": {"type": "object", "properties": {}}},
]


def call_with(model: str, **more: Any) -> ChatCall:
    return ChatCall(LLMRequest([Message(role="user", content="x")], **more), ModelRef(*model.split(":")))


@pytest.mark.parametrize(("adapter", "model"), ADAPTERS)
@pytest.mark.parametrize(
    "choice",
    [
        "h",
        {"type": "function", "function": {"name": "h"}},
        {"type": "tool", "name": "h"},
        {"mode": "ANY", "allowedFunctionNames": ["f", "h"]},
        {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "h"}]},
    ],
)
def test_a_choice_that_names_no_tool_asks_the_next_member(adapter: Adapter, model: str, choice: Any) -> None:
    with pytest.raises(UnsupportedContentError, match="'h', which is none of the tools: f, g") as caught:
        adapter.encode(call_with(model, tools=TOOLS, tool_choice=choice), stream=False)
    assert caught.value.part == "tool_choice"
    assert caught.value.fails_over


@pytest.mark.parametrize(("adapter", "model"), ADAPTERS)
@pytest.mark.parametrize("choice", ["f", {"type": "function", "function": {"name": "f"}}])
def test_a_choice_without_tools_is_said_to_need_them(adapter: Adapter, model: str, choice: Any) -> None:
    with pytest.raises(
        UnsupportedContentError, match=r"tool_choice names 'f', which needs tools=\[…\] with it"
    ):
        adapter.encode(call_with(model, tool_choice=choice), stream=False)
    adapter.encode(call_with(model, tool_choice="auto"), stream=False)


def test_ollama_has_no_choice_to_refuse() -> None:
    wire = OllamaAdapter().encode(call_with("ollama:m", tools=TOOLS, tool_choice="h"), stream=False)
    assert any("tool_choice was dropped" in warning for warning in wire.warnings)


@pytest.mark.parametrize(("adapter", "model"), [*ADAPTERS, (OllamaAdapter(), "ollama:m")])
def test_the_same_tool_twice_is_sent_once_and_two_of_one_name_are_refused(
    adapter: Adapter, model: str
) -> None:
    wire = adapter.encode(call_with(model, tools=[*TOOLS, TOOLS[0]]), stream=False)
    assert wire.body == adapter.encode(call_with(model, tools=TOOLS), stream=False).body
    assert wire.warnings == ("a second tool 'f' was left out: it is the same as the first",)
    other = {"name": "f", "description": "another", "parameters": {"type": "object", "properties": {}}}
    with pytest.raises(UnsupportedContentError, match="two different tools are named 'f'"):
        adapter.encode(call_with(model, tools=[*TOOLS, other]), stream=False)


def test_tools_that_have_no_name_are_never_doubles() -> None:
    tools: list[dict[str, Any]] = [
        {"type": "web_search"},
        {"type": "web_search"},
        {"googleSearch": {}},
        TOOLS[0],
    ]
    assert distinct(tools, call_with("openai:m"), []) is tools
