"""Results for calls of tools that have none."""

from typing import Any

import msgspec
import pytest
from llmring_providers import Adapter, ChatCall
from llmring_providers._fit.history import paired
from llmring_providers.anthropic import AnthropicAdapter
from llmring_providers.google import GoogleAdapter
from llmring_providers.ollama import OllamaAdapter
from llmring_providers.openai import OpenAIAdapter
from llmring_types import LLMRequest, Message, ModelRef, tool_call

ASKED = Message(role="user", content="x")
NEXT = Message(role="user", content="and?")


def calls(*ids: str) -> Message:
    return Message(role="assistant", content=None, tool_calls=[tool_call(name, "f", "{}") for name in ids])


def result(call_id: str) -> Message:
    return Message(role="tool", tool_call_id=call_id, content=f"result of {call_id}")


@pytest.mark.parametrize(
    ("messages", "order"),
    [
        ([ASKED, calls("a"), NEXT], ["user", "assistant", "a", "user"]),
        ([ASKED, calls("a", "b"), result("b"), NEXT], ["user", "assistant", "b", "a", "user"]),
        ([ASKED, calls("a"), NEXT, result("a")], ["user", "assistant", "a", "user"]),
        ([ASKED, calls("a"), calls("b"), result("b")], ["user", "assistant", "a", "assistant", "b"]),
        ([ASKED, calls("a"), result("a"), calls("a"), NEXT], ["user", "assistant", "a", "assistant", "a", "user"]),
        ([ASKED, calls("a"), calls("a"), result("a")], ["user", "assistant", "a", "assistant", "a"]),
        ([ASKED, calls("a", "a"), result("a"), result("a"), NEXT], ["user", "assistant", "a", "a_2", "user"]),
        ([ASKED, calls("a")], ["user", "assistant", "a"]),
        ([ASKED, calls("a", "b"), result("a")], ["user", "assistant", "a", "b"]),
        ([result("a"), NEXT], ["user", "user"]),
        ([ASKED, calls("a"), result("a"), result("a"), NEXT], ["user", "assistant", "a", "user", "user"]),
        ([ASKED, calls("a"), result("z"), NEXT], ["user", "assistant", "a", "user"]),
        ([ASKED, calls("a", "b"), result("a"), result("z")], ["user", "assistant", "a", "b"]),
        ([ASKED, calls("a", "b"), result("z"), NEXT], ["user", "assistant", "a", "b", "user", "user"]),
    ],
)  # fmt: skip
def test_each_call_has_its_result_behind_it_and_no_result_is_elsewhere(
    messages: list[Message], order: list[str]
) -> None:
    warnings: list[str] = []
    out = paired(messages, LLMRequest(messages), warnings)
    assert [message.tool_call_id or message.role for message in out] == order
    said = str(out)
    assert all(str(message.content) in said for message in messages)
    assert warnings or sorted(str(message.content) for message in messages) == sorted(
        str(message.content) for message in out
    )


def test_ids_are_unique_in_the_whole_conversation_where_the_vendor_wants_it() -> None:
    messages = [ASKED, calls("a"), result("a"), calls("a"), result("a"), NEXT]
    assert paired(messages, LLMRequest(messages), [], apart=False) == messages
    out = paired(messages, LLMRequest(messages), [], apart=True)
    assert [message.tool_call_id for message in out if message.role == "tool"] == ["a", "a_2"]
    assert [made["id"] for message in out for made in message.tool_calls or ()] == ["a", "a_2"]


def test_a_result_that_names_only_its_function_answers_the_call_of_it() -> None:
    made = [tool_call("a", "f", "{}"), tool_call("b", "g", "{}")]
    messages = [ASKED, Message(role="assistant", content=None, tool_calls=made)]
    messages += [Message(role="tool", name=name, content=name) for name in "gf"]
    out = paired(messages, LLMRequest(messages), [])
    assert [(message.tool_call_id, message.content) for message in out[2:]] == [("b", "g"), ("a", "f")]


def test_a_result_without_its_call_keeps_its_parts_and_its_failure() -> None:
    parts = [{"type": "text", "text": "no"}]
    metadata = {"is_error": True, "cache_control": {"type": "ephemeral"}}
    lost = Message(role="tool", name="f", tool_call_id="a", content=parts, metadata=metadata)
    (out,) = paired([lost], LLMRequest([lost]), [])
    assert out.role == "user"
    assert "The error of a tool call that is not in this conversation (f, a)" in out.content[0]["text"]
    assert out.content[1:] == parts
    assert out.metadata == {"cache_control": {"type": "ephemeral"}}


@pytest.mark.parametrize(
    "more",
    [
        {"extra_params": {"previous_response_id": "r"}},
        {"extra_params": {"conversation": "c"}},
        {"cache": {"cached_content": "cachedContents/1"}},
    ],
)
@pytest.mark.parametrize("messages", [[ASKED, calls("a"), NEXT], [result("a")]])
def test_calls_that_lie_with_the_host_are_left_to_it(messages: list[Message], more: dict[str, Any]) -> None:
    names = ("previous_response_id", "conversation", "cached_content")
    assert paired(messages, LLMRequest(messages, **more), [], continued=names) == messages
    assert paired(messages, LLMRequest(messages, **more), []) != messages


@pytest.mark.parametrize(
    ("adapter", "model", "told"),
    [
        (OpenAIAdapter(), "openai:gpt-4o", True),
        (OpenAIAdapter(), "openai:o3-pro", True),
        (AnthropicAdapter(), "anthropic:claude-haiku-4-5", True),
        (GoogleAdapter(), "google:gemini-2.5-flash", True),
        (OllamaAdapter(), "ollama:llama3.2", False),
    ],
)
def test_a_conversation_that_goes_on_without_a_result_is_one_that_the_vendor_takes(
    adapter: Adapter, model: str, told: Any
) -> None:
    call = ChatCall(LLMRequest([ASKED, calls("a"), NEXT]), ModelRef(*model.split(":")))
    wire = adapter.encode(call, stream=False)
    assert ("There is no result" in str(msgspec.json.decode(wire.body))) == told
    assert any("'a' has no result" in warning for warning in wire.warnings) == told
