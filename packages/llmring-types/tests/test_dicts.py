"""Messages given as dicts."""

from typing import Any

import pytest
from llmring_types import LLMRequest, Message
from llmring_types.exceptions import ValidationError

CALL: Any = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}


def read(*messages: dict[str, Any]) -> list[Message]:
    return LLMRequest(messages=list(messages)).messages  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param(
            {"role": "developer", "content": "brief"}, Message(role="system", content="brief"), id="developer"
        ),
        pytest.param(
            {"role": "assistant", "tool_calls": [CALL]},
            Message(role="assistant", content=None, tool_calls=[CALL]),
            id="no content",
        ),
        pytest.param(
            {"role": "user", "content": "x", "name": "alice"},
            Message(role="user", content="x", name="alice"),
            id="name",
        ),
        pytest.param(
            {"role": "assistant", "content": "so", "refusal": "no"},
            Message(
                role="assistant",
                content=[{"type": "text", "text": "so"}, {"type": "refusal", "refusal": "no"}],
            ),
            id="refusal",
        ),
        pytest.param(
            {
                "role": "assistant",
                "content": "x",
                "refusal": None,
                "audio": None,
                "annotations": [],
                "function_call": None,
            },
            Message(role="assistant", content="x"),
            id="OpenAI's empty fields",
        ),
        pytest.param(
            {"role": "assistant", "content": "x", "reasoning_content": "hm"},
            Message(role="assistant", content="x", metadata={"fields": {"reasoning_content": "hm"}}),
            id="a field of a host",
        ),
        pytest.param(
            {"role": "user", "content": "x", "cache_control": {"type": "ephemeral"}},
            Message(role="user", content="x", metadata={"cache_control": {"type": "ephemeral"}}),
            id="cache mark",
        ),
        *(
            pytest.param(
                {"role": "assistant", "content": None, "tool_calls": [call]},
                Message(role="assistant", content=None, tool_calls=[CALL]),
                id=form,
            )
            for form, call in {
                "arguments as an object": {"id": "c1", "function": {"name": "f", "arguments": {"a": 1}}},
                "LangChain's call": {"id": "c1", "name": "f", "args": {"a": 1}, "type": "tool_call"},
                "a flat call": {
                    "call_id": "c1",
                    "id": "fc_1",
                    "type": "function_call",
                    "name": "f",
                    "arguments": '{"a":1}',
                },
            }.items()
        ),
    ],
)
def test_a_dict_loses_nothing(given: dict[str, Any], expected: Message) -> None:
    assert read(given) == [expected]


def test_a_legacy_result_answers_the_last_call_of_its_function() -> None:
    called, result = read(
        {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
        {"role": "function", "name": "f", "content": "5"},
    )
    assert called.tool_calls is not None
    assert (result.role, result.tool_call_id, result.name) == ("tool", called.tool_calls[0]["id"], "f")


def test_blocks_of_tools_become_calls_and_results() -> None:
    called, result, rest = read(
        {
            "role": "assistant",
            "content": [
                {"type": "text", "text": "ok"},
                {"type": "tool_use", "id": "t1", "name": "f", "input": {"a": 1}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "t1", "content": "no", "is_error": True},
                {"type": "text", "text": "go on"},
            ],
        },
    )
    assert called == Message(
        role="assistant", content=[{"type": "text", "text": "ok"}], tool_calls=[CALL | {"id": "t1"}]
    )
    assert result == Message(role="tool", content="no", tool_call_id="t1", metadata={"is_error": True})
    assert rest == Message(role="user", content=[{"type": "text", "text": "go on"}])


@pytest.mark.parametrize("calls", ["f", [5], [{"id": "c"}], [{"id": 5, "function": {"name": "f"}}]])
def test_what_is_no_call_is_refused_by_its_place(calls: Any) -> None:
    with pytest.raises(ValidationError, match=r"messages\[1\]: tool_calls"):
        read({"role": "user", "content": "x"}, {"role": "assistant", "content": None, "tool_calls": calls})
