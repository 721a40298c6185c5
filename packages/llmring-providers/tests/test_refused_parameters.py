"""Parameters that a model refuses, alone or together: dropped or cut, each with a warning."""

from typing import Any

import msgspec
import pytest
from llmring_providers import Adapter, ChatCall
from llmring_providers.anthropic import AnthropicAdapter
from llmring_providers.google import GoogleAdapter
from llmring_providers.ollama import OllamaAdapter
from llmring_providers.openai import OpenAIAdapter
from llmring_types import LLMRequest, Message, ModelRef
from llmring_types.exceptions import UnsupportedContentError

ADAPTERS: dict[str, Adapter] = {
    "openai": OpenAIAdapter(),
    "anthropic": AnthropicAdapter(),
    "google": GoogleAdapter(),
    "ollama": OllamaAdapter(),
}
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}
SIX = list("abcdef")


def sent(
    model: str, *, host: str | None = None, messages: list[Message] | None = None, **more: Any
) -> tuple[Any, str]:
    ref = ModelRef(*model.split(":"))
    call = ChatCall(
        LLMRequest(messages or [Message(role="user", content="x")], **more), ref, None, None, host
    )
    wire = ADAPTERS[ref.provider].encode(call, stream=False)
    return msgspec.json.decode(wire.body), "; ".join(wire.warnings)


@pytest.mark.parametrize(
    ("model", "request_", "kept", "dropped", "warning"),
    [
        (
            "anthropic:claude-sonnet-4-5",
            {"temperature": 0.5, "extra_params": {"top_p": 0.9}},
            {"temperature": 0.5},
            "top_p",
            "not both",
        ),
        (
            "anthropic:claude-opus-4-1",
            {"extra_params": {"top_p": 0.9, "temperature": 0.5}},
            {"temperature": 0.5},
            "top_p",
            "not both",
        ),
        (
            "anthropic:claude-sonnet-4-0",
            {"temperature": 0.5, "extra_params": {"top_p": 0.9}},
            {"temperature": 0.5, "top_p": 0.9},
            "",
            "",
        ),
        ("anthropic:claude-sonnet-4-5", {"extra_params": {"top_p": 0.9}}, {"top_p": 0.9}, "", ""),
        (
            "anthropic:claude-haiku-4-5",
            {"reasoning_effort": "low", "extra_params": {"top_k": 5}},
            {},
            "top_k",
            "thinking",
        ),
        (
            "anthropic:claude-haiku-4-5",
            {"reasoning_effort": "low", "extra_params": {"temperature": 0.5}},
            {},
            "temperature",
            "thinking",
        ),
        (
            "anthropic:claude-haiku-4-5",
            {"reasoning_effort": "low", "extra_params": {"top_p": 0.5}},
            {},
            "top_p",
            "0.95",
        ),
        (
            "anthropic:claude-haiku-4-5",
            {"reasoning_effort": "low", "extra_params": {"top_p": 0.95}},
            {"top_p": 0.95},
            "",
            "",
        ),
        (
            "anthropic:claude-haiku-4-5",
            {"extra_params": {"stop": ["", "\n", "END"]}},
            {"stop_sequences": ["END"]},
            "",
            "blank",
        ),
        ("anthropic:claude-haiku-4-5", {"extra_params": {"stop": "\n"}}, {}, "stop_sequences", "blank"),
        (
            "anthropic:claude-haiku-4-5",
            {"extra_params": {"metadata": {"user_id": "u", "team": "t"}}},
            {"metadata": {"user_id": "u"}},
            "",
            "user_id",
        ),
        ("openai:gpt-4o", {"extra_params": {"stop": SIX}}, {"stop": SIX[:4]}, "", "from 6 to 4"),
        ("google:gemini-2.5-flash", {"extra_params": {"stop": SIX}}, {}, "stop", "from 6 to 5"),
        ("openai:gpt-5", {"extra_params": {"stop": "a"}}, {}, "stop", "does not take it"),
        ("openai:o3", {"extra_params": {"stop": "a"}}, {}, "stop", "does not take it"),
        ("openai:gpt-5.2", {"extra_params": {"stop": "a"}}, {}, "stop", "does not take it"),
        ("openai:gpt-5.5", {"extra_params": {"stop": "a"}}, {"stop": "a"}, "", ""),
        ("openai:o3-mini", {"extra_params": {"stop": "a"}}, {"stop": "a"}, "", ""),
        ("openai:gpt-5-chat-latest", {"extra_params": {"stop": "a"}}, {"stop": "a"}, "", ""),
        (
            "openai:gpt-4o",
            {"extra_params": {"parallel_tool_calls": False}},
            {},
            "parallel_tool_calls",
            "with tools only",
        ),
        (
            "openai:gpt-4o",
            {"tools": [TOOL], "extra_params": {"parallel_tool_calls": False}},
            {"parallel_tool_calls": False},
            "",
            "",
        ),
        (
            "anthropic:claude-haiku-4-5",
            {"extra_params": {"parallel_tool_calls": False}},
            {"tool_choice": None},
            "parallel_tool_calls",
            "with tools only",
        ),
        (
            "anthropic:claude-haiku-4-5",
            {
                "extra_params": {
                    "parallel_tool_calls": False,
                    "tools": [{"type": "bash_20250124", "name": "bash"}],
                }
            },
            {"tool_choice": {"type": "auto", "disable_parallel_tool_use": True}},
            "parallel_tool_calls",
            "",
        ),
        ("anthropic:claude-haiku-4-5", {"tool_choice": "required"}, {}, "tool_choice", "no tools"),
        ("ollama:llama3.2", {"tool_choice": "required"}, {}, "tool_choice", "no tools"),
        (
            "anthropic:claude-opus-5-5",
            {"tools": [TOOL], "tool_choice": "required"},
            {"tool_choice": {"type": "auto"}},
            "",
            "cannot be forced",
        ),
        (
            "anthropic:claude-fable-5-1",
            {"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "f"}}},
            {"tool_choice": {"type": "auto"}},
            "",
            "cannot be forced",
        ),
        (
            "anthropic:claude-opus-5",
            {"tools": [TOOL], "tool_choice": "required"},
            {"tool_choice": {"type": "any"}},
            "",
            "",
        ),
    ],
)
def test_what_a_model_refuses_is_left_out_with_a_warning(
    model: str, request_: dict[str, Any], kept: dict[str, Any], dropped: str, warning: str
) -> None:
    body, warnings = sent(model, **request_)
    assert {name: body.get(name) for name in kept} == kept
    assert not dropped or dropped not in body
    assert warning in warnings if warning else not warnings


def test_another_host_gets_what_was_asked_for() -> None:
    body, warnings = sent("openai:m", host="api.example.com", extra_params={"stop": SIX})
    assert (body["stop"], warnings) == (SIX, "")


BEGUN = [Message(role="user", content="x"), Message(role="assistant", content="{")]


@pytest.mark.parametrize("model", ["claude-opus-4-6", "claude-sonnet-5", "claude-fable-5"])
def test_a_model_that_continues_no_answer_leaves_it_to_the_next_member(model: str) -> None:
    with pytest.raises(UnsupportedContentError, match="end with a message of the user") as caught:
        sent(f"anthropic:{model}", messages=BEGUN)
    assert caught.value.fails_over


def test_older_models_continue_a_begun_answer() -> None:
    body, _ = sent("anthropic:claude-haiku-4-5", messages=BEGUN)
    assert body["messages"][-1]["role"] == "assistant"


@pytest.mark.parametrize(
    "tool",
    [
        {"name": "f", "inputSchema": {"type": "object"}, "title": "F", "annotations": {"readOnlyHint": True}},
        {"functionDeclarations": [{"name": "f", "parametersJsonSchema": {"type": "object"}}]},
    ],
)
def test_anthropic_gets_no_fields_of_other_forms_of_a_tool(tool: dict[str, Any]) -> None:
    body, _ = sent("anthropic:claude-haiku-4-5", tools=[tool])
    assert body["tools"] == [{"name": "f", "input_schema": {"type": "object", "properties": {}}}]


@pytest.mark.parametrize(
    ("model", "host", "kept"),
    [
        ("openai:o3-mini", None, False),
        ("openai:o4-mini", None, False),
        ("openai:o3-pro", None, True),
        ("openai:gpt-4o", None, True),
        ("openai:gpt-5.2", None, True),
        ("openai:o3-mini", "gateway.example", True),
    ],
)
def test_models_that_cannot_be_told_how_many_calls_to_make_are_not(
    model: str, host: str | None, kept: bool
) -> None:
    body, warnings = sent(model, host=host, tools=[TOOL], extra_params={"parallel_tool_calls": False})
    assert ("parallel_tool_calls" in body) is kept
    assert ("parallel_tool_calls was dropped" in warnings) is not kept


METADATA = {"user": "u", "attempt": 3, "tags": ["a"], "none": None}
TEXTS = {"user": "u", "attempt": "3", "tags": '["a"]'}


@pytest.mark.parametrize(
    ("model", "host", "extra", "expected", "warned"),
    [
        ("openai:gpt-4o", None, {"store": True}, TEXTS, "metadata['attempt'] was sent as text"),
        ("openai:gpt-4o", None, {}, None, "metadata was dropped"),
        ("openai:gpt-4o", None, {"store": False}, None, "metadata was dropped"),
        ("openai:gpt-4o", None, {"api": "responses"}, TEXTS, "metadata['tags'] was sent as text"),
        ("openai:gpt-4o", "gateway.example", {}, METADATA, ""),
    ],
)
def test_metadata_is_texts_and_goes_with_what_is_stored(
    model: str, host: str | None, extra: dict[str, Any], expected: Any, warned: str
) -> None:
    body, warnings = sent(model, host=host, extra_params={**extra, "metadata": METADATA})
    assert body.get("metadata") == expected
    assert warned in warnings
