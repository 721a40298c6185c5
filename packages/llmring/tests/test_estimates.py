"""What is estimated of calls that the provider did not report on."""

from math import inf, nan
from typing import Any

import pytest
from llmring import LLMRequest, LLMResponse, Message
from llmring._money.accounting import check_counts
from llmring._money.estimates import (
    UNKNOWN_OUTPUT_TOKENS,
    completed_usage,
    maybe_billed,
    most_usage,
)
from llmring_types import Attempt, ModelFacts

ASKED = LLMRequest(messages=[Message(role="user", content="x" * 400)])  # 104 tokens
CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{" + " " * 400 + "}"}}


def came(**fields: Any) -> LLMResponse:
    return LLMResponse(**{"content": "y" * 40, "model": "a:b", **fields})


CASES: list[tuple[LLMResponse, bool, int, int, bool]] = [
    (came(), True, 104, 10, True),
    (came(usage={"prompt_tokens": 90, "completion_tokens": 7}), True, 90, 7, False),
    (came(usage={"prompt_tokens": 90}), True, 90, 10, True),
    (came(usage={"completion_tokens": 7}), True, 104, 7, True),
    (came(usage={"prompt_tokens": 90, "completion_tokens": 1}), False, 90, 10, True),
    (came(usage={"prompt_tokens": 90, "completion_tokens": 70}), False, 90, 70, True),
    (came(reasoning="z" * 80), False, 104, 30, True),
    (came(content="", tool_calls=[CALL]), False, 104, 118, True),
]


@pytest.mark.parametrize(("response", "whole", "prompt", "completion", "estimated"), CASES)
def test_what_was_reported_stands_and_the_rest_is_estimated(
    response: LLMResponse, prompt: int, completion: int, *, whole: bool, estimated: bool
) -> None:
    before = dict(response.usage or {})
    usage, guessed = completed_usage(ASKED, response, whole=whole)
    assert (usage["prompt_tokens"], usage["completion_tokens"], guessed) == (prompt, completion, estimated)
    if estimated:
        assert usage["total_tokens"] == prompt + completion
    assert (response.usage or {}) == before


FACTS = ModelFacts(provider="a", model="b", max_output_tokens=4000)


@pytest.mark.parametrize(
    ("facts", "limit", "answers", "output"),
    [
        (None, 10, 1, 10),
        (FACTS, 10, 3, 30),
        (FACTS, None, 1, 4000),
        (FACTS, None, 2, 8000),
        (None, None, 1, UNKNOWN_OUTPUT_TOKENS),
    ],
)
def test_before_a_call_its_output_is_what_the_request_allows_or_else_the_model(
    facts: ModelFacts | None, limit: int | None, answers: int, output: int
) -> None:
    assert most_usage(ASKED, 104, facts, output_limit=limit, answers=answers) == {
        "prompt_tokens": 104,
        "completion_tokens": output,
    }


def test_before_a_call_its_input_counts_as_written_to_the_cache_where_that_is_asked_for() -> None:
    asked = LLMRequest(messages=ASKED.messages, cache={"type": "ephemeral"})
    assert most_usage(asked, 104, None, output_limit=1)["cache_creation_1h_tokens"] == 104


ATTEMPTS: list[tuple[Attempt, bool]] = [
    (Attempt(model="a:b", outcome="ok", billed=True), False),
    (Attempt(model="a:b", outcome="skipped", billed=False), False),
    (Attempt(model="a:b", outcome="error", error="ProviderServerError", billed=False), False),
    (Attempt(model="a:b", outcome="error", error="ProviderConnectionError", billed=None), False),
    (Attempt(model="a:b", outcome="error", error="ProviderTimeoutError", billed=None), True),
    (Attempt(model="a:b", outcome="error", error="StructuredOutputError", billed=True), True),
    (Attempt(model="a:b", outcome="cancelled", billed=None), True),
]


@pytest.mark.parametrize(("attempt", "billed"), ATTEMPTS)
def test_an_attempt_counts_where_it_may_be_billed(attempt: Attempt, *, billed: bool) -> None:
    assert list(maybe_billed([attempt])) == ([attempt] if billed else [])


@pytest.mark.parametrize("cost", [-0.01, nan, inf, 1e300, "0", True, None])
def test_a_cost_that_cannot_be_is_dropped_with_a_warning(cost: Any) -> None:
    response = came(usage={"prompt_tokens": 90, "completion_tokens": 7, "reported_cost": cost})
    assert check_counts(response, ASKED)
    assert response.usage == {"prompt_tokens": 90, "completion_tokens": 7}
    assert "reported a cost of" in response.warnings[0]


@pytest.mark.parametrize("count", [-1, 10**12, 2**70, True, 1.5, "3", None])
@pytest.mark.parametrize(("name", "estimate"), [("prompt_tokens", 104), ("completion_tokens", 10)])
def test_a_count_that_cannot_be_is_estimated_with_a_warning(name: Any, estimate: int, count: Any) -> None:
    usage: Any = {"prompt_tokens": 90, "completion_tokens": 7, name: count, "total_tokens": -5}
    response = came(usage=usage)
    assert not check_counts(response, ASKED)
    counts = {"prompt_tokens": 90, "completion_tokens": 7, name: estimate}
    assert response.usage == {**counts, "total_tokens": sum(counts.values())}
    assert [f"{name}={count!r}"[:30] in warning for warning in response.warnings] == [True]


def test_counts_of_a_compaction_that_cannot_be_are_dropped_with_a_warning() -> None:
    usage: Any = {"prompt_tokens": 90, "completion_tokens": 7, "compaction": {"prompt_tokens": -5}}
    response = came(usage=usage)
    assert not check_counts(response, ASKED)
    assert response.usage == {"prompt_tokens": 90, "completion_tokens": 7}
    assert len(response.warnings) == 1


@pytest.mark.parametrize("searches", [-1, 2**70, 1.5])
def test_a_number_of_searches_that_cannot_be_counts_as_none(searches: Any) -> None:
    response = came(usage={"prompt_tokens": 90, "completion_tokens": 7, "web_searches": searches})
    assert not check_counts(response, ASKED)
    assert response.usage is not None
    assert response.usage["web_searches"] == 0
