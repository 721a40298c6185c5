"""Results for calls of tools that have none."""

from typing import Any

import msgspec
import pytest
from llmring_providers import Adapter, ChatCall
from llmring_providers._pairs import paired
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
        ([ASKED, calls("a", "a"), result("a"), result("a"), NEXT], ["user", "assistant", "a", "a", "user"]),
        ([ASKED, calls("a")], ["user", "assistant"]),
        ([result("a"), NEXT], ["a", "user"]),
    ],
)  # fmt: skip
def test_each_call_has_its_result_behind_it(messages: list[Message], order: list[str]) -> None:
    out = paired(messages, {}, [])
    assert [message.tool_call_id or message.role for message in out] == order
    assert all(message in out for message in messages)


def test_calls_that_lie_with_the_host_are_left_to_it() -> None:
    messages = [ASKED, calls("a"), NEXT]
    assert paired(messages, {"previous_response_id": "r"}, []) == messages


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
