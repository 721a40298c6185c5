"""The failover planner is pure: candidates and failures in, steps out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llmring._planner import Planner, Step
from llmring._policy import Policy, RetryPolicy
from llmring._routing import Candidate
from llmring_types import ModelRef
from llmring_types.exceptions import (
    LLMRingError,
    ModelNotFoundError,
    ProviderAuthenticationError,
    ProviderBadRequestError,
    ProviderConnectionError,
    ProviderOverloadedError,
    ProviderPermissionError,
    ProviderRateLimitError,
    ProviderTimeoutError,
    UnsupportedContentError,
)


def pool(*names: str) -> list[Candidate]:
    return [Candidate(ModelRef.parse(name)) for name in names]


MOVES_ON = [
    ProviderRateLimitError("slow down"),
    ProviderOverloadedError("busy"),
    ProviderTimeoutError("late"),
    ProviderConnectionError("refused"),
    ModelNotFoundError("gone"),
    UnsupportedContentError("no video", provider="a", part="video"),
]
STAYS = [ProviderBadRequestError("400"), ProviderAuthenticationError("401"), ProviderPermissionError("403")]


@pytest.mark.parametrize("error", MOVES_ON, ids=lambda error: type(error).__name__)
def test_a_failure_of_the_first_moves_on_at_once(error: LLMRingError) -> None:
    candidates = pool("a:x", "b:y")
    planner = Planner(candidates, Policy())
    assert planner.first() == Step(candidates[0])
    assert planner.after(error, 0.0) == Step(candidates[1], pause=0.0)


@pytest.mark.parametrize("error", STAYS, ids=lambda error: type(error).__name__)
def test_a_rejection_ends_the_call(error: LLMRingError) -> None:
    planner = Planner(pool("a:x", "b:y"), Policy())
    planner.first()
    assert planner.after(error, 0.0) is None


@pytest.mark.parametrize(("other", "moves"), [("b:y", True), ("a:y", False)])
def test_a_refused_key_moves_on_only_when_told_and_only_to_another_provider(
    other: str, *, moves: bool
) -> None:
    planner = Planner(pool("a:x", other), Policy(fail_over_on_authentication=True))
    planner.first()
    assert (planner.after(ProviderAuthenticationError("401"), 0.0) is not None) is moves


def test_a_skipped_candidate_moves_on_whatever_the_reason_and_is_never_asked_again() -> None:
    planner = Planner(pool("a:x", "b:y"), Policy())
    planner.first()
    assert planner.after(ProviderAuthenticationError("no key"), 0.0, sent=False) is not None
    assert planner.after(ProviderRateLimitError("breaker"), 0.0, sent=False) is None


def test_only_the_last_candidate_is_asked_again_after_a_jittered_pause() -> None:
    candidates = pool("a:x", "b:y")
    policy = Policy(retry=RetryPolicy(attempts=3, base_s=1.0, max_s=1.5))
    planner = Planner(candidates, policy, draw=lambda: 1.0)
    planner.first()
    steps = [planner.after(ProviderOverloadedError("busy"), 0.0) for _ in range(4)]
    assert steps == [Step(candidates[1]), Step(candidates[1], 1.0), Step(candidates[1], 1.5), None]


@pytest.mark.parametrize(("wish", "pause"), [(3.0, 3.0), (0.0, 0.0), (31.0, None)])
def test_retry_after_is_honoured_up_to_the_cap(wish: float, pause: float | None) -> None:
    planner = Planner(pool("a:x"), Policy())
    planner.first()
    step = planner.after(ProviderRateLimitError("slow down", retry_after=wish), 0.0)
    assert (step.pause if step else None) == pause


def test_nothing_starts_after_the_deadline_or_would_start_after_it() -> None:
    for now in (10.0, 8.0):
        planner = Planner(pool("a:x"), Policy(), deadline=10.0)
        planner.first()
        assert planner.after(ProviderRateLimitError("slow down", retry_after=5.0), now) is None


errors = st.sampled_from(MOVES_ON + STAYS)


@given(
    members=st.lists(
        st.sampled_from(["a:1", "a:2", "b:1", "c:1", "c:2"]), min_size=1, max_size=5, unique=True
    ),
    failures=st.lists(st.tuples(errors, st.booleans(), st.floats(0, 3)), max_size=20),
    attempts=st.integers(1, 4),
    deadline=st.none() | st.floats(0, 20),
)
def test_candidates_come_in_order_and_never_past_the_deadline(
    members: list[str],
    failures: list[tuple[LLMRingError, bool, float]],
    attempts: int,
    deadline: float | None,
) -> None:
    candidates = pool(*members)
    planner = Planner(candidates, Policy(retry=RetryPolicy(attempts=attempts)), deadline=deadline)
    tried, now = [planner.first().candidate], 0.0
    for error, sent, seconds in failures:
        now += seconds
        step = planner.after(error, now, sent=sent)
        if step is None:
            break
        assert deadline is None or now + step.pause < deadline
        tried.append(step.candidate)
    in_order = [candidates.index(candidate) for candidate in tried]
    assert in_order == sorted(in_order)
    for candidate in candidates[:-1]:
        assert tried.count(candidate) <= 1
    assert tried.count(candidates[-1]) <= attempts
