import msgspec
import pytest
from llmring_types import Message
from llmring_types.exceptions import MessageValidationError


@pytest.mark.parametrize("role", ["system", "user", "assistant", "tool"])
def test_the_four_roles_are_taken(role: str) -> None:
    assert Message(role=role, content="x").role == role  # type: ignore[arg-type]


GOOD = {"id": "x", "type": "function", "function": {"name": "f", "arguments": "{}"}}
WRONG = {
    "role": ({"role": "admin", "content": "x"}, "role must be one of"),
    "number as content": ({"role": "user", "content": 5}, "string or a list"),
    "no content from the user": ({"role": "user", "content": None}, "must not be None"),
    "part without a type": ({"role": "user", "content": [{"text": "x"}]}, r"content\[0\]"),
    "part as text": ({"role": "user", "content": ["x"]}, r"content\[0\]"),
    "one tool call outside a list": ({"role": "assistant", "content": "", "tool_calls": {}}, "tool_calls"),
    "tool call without a function": (
        {"role": "assistant", "content": "", "tool_calls": [{"id": "x"}]},
        r"calls\[0\]",
    ),
    "tool call without a name": (
        {"role": "assistant", "content": "", "tool_calls": [GOOD, {"function": {"arguments": "{}"}}]},
        r"tool_calls\[1\] must be a call",
    ),
    "number as id of a call": (
        {"role": "assistant", "content": "", "tool_calls": [{**GOOD, "id": 7}]},
        r"tool_calls\[0\]",
    ),
    "list as arguments": (
        {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "f", "arguments": []}}]},
        r"tool_calls\[0\]",
    ),
    "tool call as text": ({"role": "assistant", "content": "", "tool_calls": ["f()"]}, r"tool_calls\[0\]"),
    "tool call id as number": ({"role": "tool", "content": "", "tool_call_id": 7}, "tool_call_id"),
    "metadata as text": ({"role": "user", "content": "", "metadata": "x"}, "metadata"),
}


@pytest.mark.parametrize(("fields", "text"), WRONG.values(), ids=WRONG.keys())
def test_what_cannot_be_a_message_is_told_at_construction(fields: dict[str, object], text: str) -> None:
    with pytest.raises(MessageValidationError, match=text):
        Message(**fields)  # type: ignore[arg-type]


def test_an_assistant_that_only_calls_tools_needs_no_content() -> None:
    assert Message(role="assistant", content=None).content is None


@pytest.mark.parametrize(
    "call",
    [
        GOOD,
        {"function": {"name": "f"}},
        {"id": None, "function": {"name": "f", "arguments": {"a": 1}}},
        {"id": "x", "type": "custom", "custom": {"name": "c", "input": "text"}},
    ],
)
def test_calls_that_some_provider_can_take_are_taken(call: dict[str, object]) -> None:
    assert Message(role="assistant", content=None, tool_calls=[call]).tool_calls == [call]  # type: ignore[list-item]


def test_a_conversation_survives_json() -> None:
    message = Message(
        role="user", content=[{"type": "text", "text": "hé"}], metadata={"cache_control": {"a": [1]}}
    )
    assert msgspec.json.decode(msgspec.json.encode(message), type=Message) == message
