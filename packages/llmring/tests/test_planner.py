"""The failover planner is pure: candidates and failures in, steps out."""

from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llmring._failover.planner import Planner, Step
from llmring._policy import Policy, RetryPolicy
from llmring._routing import Candidate
from llmring_types import ModelFacts, ModelRef
from llmring_types.exceptions import (
    LLMRingError,
    ModelNotFoundError,
    ProviderAuthenticationError,
    ProviderBadRequestError,
    ProviderConnectionError,
    ProviderOverloadedError,
    ProviderPermissionError,
    ProviderRateLimitError,
    ProviderRequestTooLargeError,
    ProviderTimeoutError,
    ProviderUnsupportedRequestError,
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
    ProviderUnsupportedRequestError("no such parameter"),
    ProviderRequestTooLargeError("too long"),
]
STAYS = [ProviderBadRequestError("400"), ProviderAuthenticationError("401"), ProviderPermissionError("403")]


@pytest.mark.parametrize("error", MOVES_ON, ids=lambda error: type(error).__name__)
def test_a_failure_of_the_first_moves_on_at_once(error: LLMRingError) -> None:
    candidates = pool("a:x", "b:y")
    planner = Planner(candidates, Policy())
    assert planner.after(error, 0.0) == Step(candidates[1], pause=0.0)


@pytest.mark.parametrize("error", STAYS, ids=lambda error: type(error).__name__)
def test_a_rejection_ends_the_call(error: LLMRingError) -> None:
    planner = Planner(pool("a:x", "b:y"), Policy())
    assert planner.after(error, 0.0) is None


REFUSED_KEY = [
    (("a:x", "b:y"), Step(pool("b:y")[0])),
    (
        ("a:x", "a:y", "a:z", "b:y", "a:u"),
        Step(pool("b:y")[0], passed_over=tuple(pool("a:y", "a:z")), reason="the key of a was refused"),
    ),
    (("a:x", "a:y"), None),
    (("a:x",), None),
]


@pytest.mark.parametrize(("members", "step"), REFUSED_KEY)
def test_a_refused_key_moves_on_only_when_told_and_only_to_another_provider(
    members: tuple[str, ...], step: Step | None
) -> None:
    for policy, expected in ((Policy(fail_over_on_authentication=True), step), (Policy(), None)):
        planner = Planner(pool(*members), policy)
        assert planner.after(ProviderAuthenticationError("401"), 0.0) == expected


WINDOWS = [
    ((8, 8, 4, None, 9), 3),
    ((8, 200), 1),
    ((8, None, 9), 1),
    ((None, 4), 1),
    ((8, 8, 4), None),
]


@pytest.mark.parametrize(("windows", "chosen"), WINDOWS)
def test_a_request_too_long_for_one_asks_the_next_that_may_be_larger(
    windows: tuple[int | None, ...], chosen: int | None
) -> None:
    candidates = [
        Candidate(
            ModelRef("a", str(place)), ModelFacts(provider="a", model=str(place), context_window=window)
        )
        for place, window in enumerate(windows)
    ]
    planner = Planner(candidates, Policy())
    step = planner.after(ProviderRequestTooLargeError("413"), 0.0)
    if chosen is None:
        assert step is None
        return
    assert step is not None
    assert step.candidate is candidates[chosen]
    assert list(step.passed_over) == candidates[1:chosen]
    assert step.reason == ("its context window is no larger" if chosen > 1 else "")


def test_a_skipped_candidate_moves_on_whatever_the_reason_and_is_never_asked_again() -> None:
    planner = Planner(pool("a:x", "b:y"), Policy())
    assert planner.after(ProviderAuthenticationError("no key"), 0.0, sent=False) is not None
    assert planner.after(ProviderRateLimitError("breaker"), 0.0, sent=False) is None


def test_only_the_last_candidate_is_asked_again_after_a_jittered_pause() -> None:
    candidates = pool("a:x", "b:y")
    policy = Policy(retry=RetryPolicy(attempts=3, base_s=1.0, max_s=1.5))
    planner = Planner(candidates, policy, draw=lambda: 1.0)
    steps = [planner.after(ProviderOverloadedError("busy"), 0.0) for _ in range(4)]
    assert steps == [Step(candidates[1]), Step(candidates[1], 1.0), Step(candidates[1], 1.5), None]


@pytest.mark.parametrize(("wish", "pause"), [(3.0, 3.0), (0.0, 0.0), (30.0, 30.0), (30.1, None)])
def test_retry_after_is_honoured_up_to_the_cap(wish: float, pause: float | None) -> None:
    planner = Planner(pool("a:x"), Policy())
    step = planner.after(ProviderRateLimitError("slow down", retry_after=wish), 0.0)
    assert (step.pause if step else None) == pause


def test_the_pause_doubles_up_to_its_limit() -> None:
    policy = Policy(retry=RetryPolicy(attempts=6, base_s=1.0, max_s=6.0))
    planner = Planner(pool("a:x"), policy, draw=lambda: 0.5)
    steps = [planner.after(ProviderOverloadedError("busy"), 0.0) for _ in range(6)]
    assert [step.pause if step else None for step in steps] == [0.5, 1.0, 2.0, 3.0, 3.0, None]


@pytest.mark.parametrize(("now", "goes_on"), [(9.9, True), (10.0, False), (11.0, False)])
def test_at_the_deadline_nothing_starts(now: float, goes_on: bool) -> None:
    planner = Planner(pool("a:x", "b:y"), Policy(), deadline=10.0)
    assert (planner.after(ProviderTimeoutError("late"), now) is not None) is goes_on


def test_nothing_starts_after_the_deadline_or_would_start_after_it() -> None:
    for now in (10.0, 8.0):
        planner = Planner(pool("a:x"), Policy(), deadline=10.0)
        assert planner.after(ProviderRateLimitError("slow down", retry_after=5.0), now) is None


errors = st.sampled_from([*MOVES_ON, *STAYS, ProviderRateLimitError("later", retry_after=5.0)])
failures = st.lists(st.tuples(errors, st.booleans(), st.floats(0, 3)), max_size=20)
pools = st.lists(
    st.sampled_from(["a:1", "a:2", "b:1", "c:1", "c:2"]), min_size=1, max_size=5, unique=True
).map(lambda names: pool(*names))
policies = st.builds(
    Policy,
    retry=st.builds(
        RetryPolicy,
        attempts=st.integers(1, 4),
        base_s=st.floats(0, 2),
        max_s=st.floats(0, 4),
        retry_after_cap_s=st.floats(0, 10),
    ),
    fail_over_on_authentication=st.booleans(),
)


class Walk(NamedTuple):
    """The steps that a planner gave, each with the failure before it."""

    steps: list[tuple[LLMRingError, bool, float, Step]]
    ended_by: tuple[LLMRingError, bool] | None


def walk(planner: Planner, failures: list[tuple[LLMRingError, bool, float]]) -> Walk:
    steps: list[tuple[LLMRingError, bool, float, Step]] = []
    now = 0.0
    for error, sent, seconds in failures:
        now += seconds
        step = planner.after(error, now, sent=sent)
        if step is None:
            return Walk(steps, (error, sent))
        steps.append((error, sent, now, step))
    return Walk(steps, None)


@given(candidates=pools, policy=policies, failures=failures, deadline=st.none() | st.floats(0, 20))
def test_candidates_come_in_order_none_twice_and_never_past_the_deadline(
    candidates: list[Candidate],
    policy: Policy,
    failures: list[tuple[LLMRingError, bool, float]],
    deadline: float | None,
) -> None:
    planner = Planner(candidates, policy, deadline=deadline)
    tried = [candidates[0]]
    for _, _, now, step in walk(planner, failures).steps:
        assert deadline is None or now + step.pause < deadline
        tried += [*step.passed_over, step.candidate]
    *earlier, last = candidates
    assert tried[: len(candidates)] == candidates[: len(tried)]
    assert tried[len(candidates) :] == [last] * (len(tried) - len(candidates))
    assert all(tried.count(candidate) <= 1 for candidate in earlier)
    assert tried.count(last) <= policy.retry.attempts


@given(candidates=pools, policy=policies, failures=failures)
def test_nobody_waits_while_another_candidate_can_be_tried_and_never_longer_than_told(
    candidates: list[Candidate], policy: Policy, failures: list[tuple[LLMRingError, bool, float]]
) -> None:
    planner = Planner(candidates, policy)
    candidate = candidates[0]
    for error, _, _, step in walk(planner, failures).steps:
        if step.candidate is not candidate:
            assert step.pause == 0
        else:
            wish = getattr(error, "retry_after", None)
            assert step.pause == wish or (wish is None and 0 <= step.pause <= policy.retry.max_s)
            assert step.pause <= max(policy.retry.max_s, policy.retry.retry_after_cap_s)
        candidate = step.candidate


@given(candidates=pools, policy=policies, failures=failures)
def test_a_call_goes_on_exactly_when_it_may(
    candidates: list[Candidate], policy: Policy, failures: list[tuple[LLMRingError, bool, float]]
) -> None:
    """What was sent and rejected is final; what may work elsewhere is tried there while there is an elsewhere."""
    planner = Planner(candidates, policy)
    candidate, tries = candidates[0], 1
    ended = walk(planner, failures)
    for error, sent, _, step in ended.steps:
        if step.candidate is candidate:
            assert sent
            assert error.retryable
            assert candidate is candidates[-1]
            tries += 1
        else:
            refused = isinstance(error, ProviderAuthenticationError) and policy.fail_over_on_authentication
            assert not sent or error.fails_over or refused
            tries = 1
        candidate = step.candidate
    if ended.ended_by is not None:
        error, sent = ended.ended_by
        wish = getattr(error, "retry_after", None) or 0.0
        if candidate is candidates[-1]:
            may = sent and error.retryable and wish <= policy.retry.retry_after_cap_s
            assert not may or tries == policy.retry.attempts
        else:
            assert sent
            assert not error.fails_over


@given(
    candidates=pools,
    policy=policies,
    failures=failures,
    deadline=st.none() | st.floats(0, 20),
    draws=st.lists(st.floats(0, 1), min_size=20, max_size=20),
)
def test_the_same_failures_lead_to_the_same_steps(
    candidates: list[Candidate],
    policy: Policy,
    failures: list[tuple[LLMRingError, bool, float]],
    deadline: float | None,
    draws: list[float],
) -> None:
    walks = [
        walk(Planner(candidates, policy, deadline=deadline, draw=iter(draws).__next__), failures)
        for _ in range(2)
    ]
    assert walks[0] == walks[1]
