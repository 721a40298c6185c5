from typing import Any

import msgspec
import pytest
from llmring_types import LLMResponse, StreamChunk, Usage, collect, tool_call

CALL = tool_call("c1", "look", {"at": "sky"})

TOTALS: list[tuple[Usage | None, int | None]] = [
    (None, None),
    ({}, None),
    ({"total_tokens": 9, "prompt_tokens": 1}, 9),
    ({"prompt_tokens": 3, "completion_tokens": 4}, 7),
    ({"completion_tokens": 4}, 4),
]


@pytest.mark.parametrize(("usage", "total"), TOTALS)
def test_total_tokens_is_the_reported_total_or_the_sum(usage: Usage | None, total: int | None) -> None:
    assert LLMResponse(content="", model="a:b", usage=usage).total_tokens == total
    assert StreamChunk(usage=usage).total_tokens == total


@pytest.mark.parametrize(
    ("usage", "cost"), [(None, None), ({}, None), ({"cost": None}, None), ({"cost": 0.5}, 0.5)]
)
def test_the_cost_is_that_of_the_usage(usage: Usage | None, cost: float | None) -> None:
    assert LLMResponse(content="", model="a:b", usage=usage).cost == cost
    assert StreamChunk(usage=usage).cost == cost


def test_to_message_carries_text_calls_and_what_the_provider_wants_back() -> None:
    native = {"provider": "anthropic", "content": [{"type": "thinking", "signature": "s"}]}
    response = LLMResponse(content="", model="a:b", tool_calls=[CALL], native=native)
    message = response.to_message()
    assert (message.role, message.content, message.tool_calls) == ("assistant", None, [CALL])
    assert message.metadata == {"native": native}
    assert LLMResponse(content="hi", model="a:b").to_message().metadata is None
    assert LLMResponse(content="", model="a:b").to_message().content == ""


def test_a_chunks_content_is_its_delta() -> None:
    assert StreamChunk(delta="x").content == "x"


def test_collected_chunks_are_the_response_of_the_same_call() -> None:
    chunks = [
        StreamChunk(reasoning="hm", model="a:b"),
        StreamChunk(delta="Hel", model="a:b"),
        StreamChunk(delta="lo", model="a:b"),
        StreamChunk(model="a:b", finish_reason="tool_calls", usage={"total_tokens": 3}, tool_calls=[CALL]),
    ]
    response = collect(chunks)
    assert response == LLMResponse(
        content="Hello",
        reasoning="hm",
        model="a:b",
        finish_reason="tool_calls",
        usage={"total_tokens": 3},
        tool_calls=[CALL],
    )


def test_a_response_survives_json() -> None:
    response = LLMResponse(
        content="é", model="a:b", usage={"prompt_tokens": 1}, warnings=["w"], parsed={"a": [1]}
    )
    assert msgspec.json.decode(msgspec.json.encode(response), type=LLMResponse) == response


@pytest.mark.parametrize(
    "field", sorted(set(StreamChunk.__struct_fields__) - {"delta", "reasoning", "refusal", "model"})
)
def test_what_one_chunk_alone_says_is_in_the_response(field: str) -> None:
    said: Any = {"of": field}
    chunks = [StreamChunk(delta="a"), StreamChunk(**{field: said}), StreamChunk(delta="b")]
    response = collect(chunks)
    assert response.content == "ab"
    assert getattr(response, field) == said
