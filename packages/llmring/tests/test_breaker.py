"""Circuit breakers, with time as a number."""

import pytest
from llmring._failover.planner import Breakers
from llmring._policy import BreakerPolicy
from llmring_types import ModelRef
from llmring_types.exceptions import (
    LLMRingError,
    ProviderAuthenticationError,
    ProviderBadRequestError,
    ProviderConnectionError,
    ProviderRateLimitError,
    ProviderServerError,
    ProviderTimeoutError,
    StreamInterruptedError,
    UnsupportedContentError,
)

REF = ModelRef("openai", "gpt-4o")
OTHER = ModelRef("openai", "gpt-4o-mini")


def opened(at: float = 0.0) -> Breakers:
    breakers = Breakers(BreakerPolicy(failures=2, open_s=10.0))
    for _ in range(2):
        breakers.record_failure(REF, ProviderServerError("down"), at)
    return breakers


def test_it_opens_after_failures_in_a_row_and_tells_how_long() -> None:
    refusal = opened(at=5.0).refusal(REF, 8.0)
    assert refusal is not None
    assert (refusal.retry_after, refusal.failure_count, refusal.provider) == (7.0, 2, "openai")


def test_it_is_of_one_model_only() -> None:
    assert opened().refusal(OTHER, 1.0) is None


def test_half_open_lets_one_probe_through() -> None:
    breakers = opened()
    early = breakers.refusal(REF, 9.75)
    assert early is not None
    assert (early.retry_after, "0.2 s more" in str(early)) == (0.25, True)
    assert breakers.refusal(REF, 10.0) is None
    beside = breakers.refusal(REF, 10.0)
    assert beside is not None
    assert beside.retry_after == 0.0


def test_a_probe_that_succeeds_closes_it_and_one_that_fails_opens_it_again() -> None:
    breakers = opened()
    breakers.refusal(REF, 10.0)
    breakers.record_failure(REF, ProviderTimeoutError("late"), 11.0)
    assert breakers.refusal(REF, 12.0) is not None
    assert breakers.refusal(REF, 21.0) is None
    breakers.record_success(REF)
    assert breakers.refusal(REF, 21.0) is None
    assert breakers.refusal(REF, 21.0) is None


def test_an_answer_that_has_begun_lets_others_through_and_forgets_nothing() -> None:
    breakers = opened()
    assert breakers.refusal(REF, 10.0) is None
    breakers.record_success(REF, whole=False)
    assert breakers.refusal(REF, 10.0) is None
    breakers.record_failure(REF, StreamInterruptedError("cut"), 11.0)
    assert breakers.refusal(REF, 11.5) is not None
    breakers.record_success(REF)
    breakers.record_failure(REF, StreamInterruptedError("cut"), 12.0)
    assert breakers.refusal(REF, 12.5) is None
    breakers.record_success(OTHER, whole=False)


def test_a_probe_that_was_cancelled_may_be_tried_again() -> None:
    breakers = opened()
    breakers.refusal(REF, 10.0)
    breakers.release_probe(REF)
    assert breakers.refusal(REF, 10.0) is None


def test_a_probe_that_is_answered_closes_it_even_if_the_answer_is_a_rejection() -> None:
    breakers = opened()
    breakers.refusal(REF, 10.0)
    breakers.record_failure(REF, ProviderBadRequestError("no", status_code=400), 11.0)
    assert [breakers.refusal(REF, 11.0) for _ in range(2)] == [None, None]


def test_a_probe_that_never_left_tells_nothing() -> None:
    breakers = opened()
    breakers.refusal(REF, 10.0)
    breakers.record_failure(REF, UnsupportedContentError("no video", provider="openai", part="video"), 11.0)
    assert breakers.refusal(REF, 11.0) is None
    assert breakers.refusal(REF, 11.0) is not None


@pytest.mark.parametrize(
    "error",
    [ProviderRateLimitError("429"), ProviderBadRequestError("400"), ProviderAuthenticationError("401")],
    ids=lambda error: type(error).__name__,
)
def test_an_answer_that_is_no_failure_of_availability_does_not_count(error: LLMRingError) -> None:
    breakers = Breakers(BreakerPolicy(failures=1))
    breakers.record_failure(REF, error, 0.0)
    assert breakers.refusal(REF, 0.0) is None


@pytest.mark.parametrize(
    "error",
    [ProviderConnectionError("refused"), StreamInterruptedError("cut"), ProviderTimeoutError("late")],
    ids=lambda error: type(error).__name__,
)
def test_failures_of_availability_count(error: LLMRingError) -> None:
    breakers = Breakers(BreakerPolicy(failures=1))
    breakers.record_failure(REF, error, 0.0)
    assert breakers.refusal(REF, 0.0) is not None


def test_without_a_policy_nothing_is_refused() -> None:
    breakers = Breakers(None)
    for _ in range(9):
        breakers.record_failure(REF, ProviderServerError("down"), 0.0)
    assert breakers.refusal(REF, 0.0) is None
