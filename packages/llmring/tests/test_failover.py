"""Failover over fake candidates, with time that only moves when told."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from llmring._failover import Failover, Permit
from llmring._policy import BreakerPolicy, Policy, RetryPolicy
from llmring._routing import Candidate, Route
from llmring_types import Attempt, ModelRef
from llmring_types.exceptions import (
    CircuitBreakerError,
    LLMRingError,
    ProviderAuthenticationError,
    ProviderConnectionError,
    ProviderNotFoundError,
    ProviderRateLimitError,
    ProviderServerError,
    ProviderTimeoutError,
    StructuredOutputError,
    UnsupportedContentError,
)

Script = dict[str, list[LLMRingError | str]]


class StillClock:
    """A clock that moves only by sleeping."""

    def __init__(self) -> None:
        self.time = 1000.0
        self.slept: list[float] = []

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds


def route(*names: str, **unusable: LLMRingError) -> Route:
    return Route(
        [Candidate(ModelRef.parse(name), unusable=unusable.get(name.partition(":")[0])) for name in names]
    )


def scripted(
    script: Script,
) -> tuple[Callable[[Candidate, Permit | None], Coroutine[Any, Any, str]], list[str]]:
    asked: list[str] = []

    async def attempt(candidate: Candidate, _permit: Permit | None) -> str:
        name = str(candidate.ref)
        asked.append(name)
        outcome = script[name].pop(0)
        if isinstance(outcome, str):
            return outcome
        raise outcome

    return attempt, asked


async def test_one_rate_limit_with_a_fallback_costs_one_request_and_no_sleep() -> None:
    clock = StillClock()
    attempt, asked = scripted(
        {"a:x": [ProviderRateLimitError("slow", retry_after=9, status_code=429)], "b:y": ["hi"]}
    )
    answered = await Failover(Policy(), clock=clock).run(route("a:x", "b:y"), attempt, timeout=1)
    assert answered.result == "hi"
    assert asked == ["a:x", "b:y"]
    assert clock.slept == []
    assert [(tried.model, tried.outcome, tried.error, tried.status_code) for tried in answered.attempts] == [
        ("a:x", "error", "ProviderRateLimitError", 429),
        ("b:y", "ok", None, None),
    ]
    assert [tried.billed for tried in answered.attempts] == [False, True]
    assert [tried.seconds for tried in answered.attempts] == [0, 0]


async def test_a_probe_that_is_cancelled_makes_way_for_another() -> None:
    clock = StillClock()
    failover = Failover(
        Policy(breaker=BreakerPolicy(failures=1, open_s=5), retry=RetryPolicy(attempts=1)), clock=clock
    )
    attempt, asked = scripted({"a:x": [ProviderServerError("down"), "hi"]})
    with pytest.raises(ProviderServerError):
        await failover.run(route("a:x"), attempt, timeout=None)
    clock.time += 6

    async def hang(_: Candidate, _permit: Permit | None) -> str:
        await asyncio.get_running_loop().create_future()
        raise AssertionError

    trace: list[Attempt] = []
    probe = asyncio.ensure_future(failover.run(route("a:x"), hang, timeout=None, trace=trace))
    await asyncio.sleep(0)
    with pytest.raises(CircuitBreakerError):
        await failover.run(route("a:x"), attempt, timeout=None)
    clock.time += 3
    probe.cancel()
    await asyncio.wait([probe])
    assert [(one.outcome, one.seconds) for one in trace] == [("cancelled", 3)]
    assert (await failover.run(route("a:x"), attempt, timeout=None)).result == "hi"
    assert asked == ["a:x", "a:x"]


async def test_when_all_fail_the_last_error_carries_every_attempt() -> None:
    attempt, _ = scripted({"a:x": [ProviderServerError("down")], "b:y": [ProviderRateLimitError("slow")]})
    policy = Policy(retry=RetryPolicy(attempts=1))
    with pytest.raises(ProviderRateLimitError) as caught:
        await Failover(policy, clock=StillClock()).run(route("a:x", "b:y"), attempt, timeout=1)
    assert [tried.error for tried in caught.value.attempts] == [
        "ProviderServerError",
        "ProviderRateLimitError",
    ]


async def test_the_only_candidate_is_asked_again_after_what_the_provider_wished() -> None:
    clock = StillClock()
    attempt, asked = scripted({"a:x": [ProviderRateLimitError("slow", retry_after=7), "hi"]})
    answered = await Failover(Policy(), clock=clock).run(route("a:x"), attempt, timeout=1)
    assert (answered.result, clock.slept, len(asked)) == ("hi", [7], 2)


async def test_a_member_without_its_key_is_skipped_and_traced() -> None:
    attempt, asked = scripted({"b:y": ["hi"]})
    missing = ProviderNotFoundError("set A_API_KEY", provider="a")
    answered = await Failover(Policy()).run(route("a:x", "b:y", a=missing), attempt, timeout=1)
    assert asked == ["b:y"]
    assert answered.attempts[0].outcome == "skipped"
    assert "A_API_KEY" in (answered.attempts[0].message or "")


async def test_with_no_usable_member_the_first_reason_is_raised() -> None:
    attempt, asked = scripted({})
    reasons = {"a": ProviderNotFoundError("set A_API_KEY", provider="a"), "b": ProviderNotFoundError("set B")}
    with pytest.raises(ProviderNotFoundError, match="A_API_KEY") as caught:
        await Failover(Policy()).run(route("a:x", "b:y", **reasons), attempt, timeout=1)
    assert asked == []
    assert [tried.outcome for tried in caught.value.attempts] == ["skipped", "skipped"]


async def test_an_attempt_that_takes_too_long_is_a_timeout_and_moves_on() -> None:
    async def attempt(candidate: Candidate, _permit: Permit | None) -> str:
        if candidate.ref.provider == "a":
            await asyncio.Event().wait()
        return "hi"

    answered = await Failover(Policy()).run(route("a:x", "b:y"), attempt, timeout=0.01)
    assert answered.result == "hi"
    assert (answered.attempts[0].error, answered.attempts[0].billed) == ("ProviderTimeoutError", None)


async def test_a_timeout_names_the_model_its_provider_and_the_limit() -> None:
    async def hang(_: Candidate, _permit: Permit | None) -> str:
        await asyncio.Event().wait()
        return ""

    with pytest.raises(ProviderTimeoutError, match=r"a:x did not answer within 0\.001 s") as caught:
        await Failover(Policy(retry=RetryPolicy(attempts=1))).run(route("a:x"), hang, timeout=0.001)
    assert (caught.value.provider, caught.value.model_name, caught.value.timeout) == ("a", "x", 0.001)


async def test_the_deadline_bounds_all_attempts_together() -> None:
    clock = StillClock()

    async def attempt(candidate: Candidate, _permit: Permit | None) -> str:
        clock.time += 6
        raise ProviderServerError(f"{candidate.ref} is down")

    policy = Policy(deadline_s=10.0, retry=RetryPolicy(attempts=9, base_s=0))
    with pytest.raises(ProviderServerError) as caught:
        await Failover(policy, clock=clock).run(route("a:x", "b:y", "c:z"), attempt, timeout=None)
    assert [tried.model for tried in caught.value.attempts] == ["a:x", "b:y"]


async def test_a_deadline_shorter_than_the_timeout_cuts_the_attempt() -> None:
    async def attempt(candidate: Candidate, _permit: Permit | None) -> str:
        await asyncio.Event().wait()
        return str(candidate.ref)

    with pytest.raises(ProviderTimeoutError) as caught:
        await Failover(Policy(deadline_s=0.01)).run(route("a:x"), attempt, timeout=60)
    assert caught.value.timeout is not None
    assert caught.value.timeout <= 0.01


async def test_an_open_breaker_moves_on_and_alone_is_an_error() -> None:
    policy = Policy(breaker=BreakerPolicy(failures=1), retry=RetryPolicy(attempts=1))
    failover = Failover(policy, clock=StillClock())
    attempt, asked = scripted({"a:x": [ProviderServerError("down")], "b:y": ["one", "two"]})
    for _ in range(2):
        await failover.run(route("a:x", "b:y"), attempt, timeout=1)
    assert asked == ["a:x", "b:y", "b:y"]
    with pytest.raises(CircuitBreakerError):
        await failover.run(route("a:x"), attempt, timeout=1)


async def test_a_refused_key_ends_the_call() -> None:
    attempt, asked = scripted({"a:x": [ProviderAuthenticationError("401")]})
    with pytest.raises(ProviderAuthenticationError):
        await Failover(Policy()).run(route("a:x", "b:y"), attempt, timeout=1)
    assert asked == ["a:x"]


async def test_half_open_lets_one_of_many_concurrent_calls_through() -> None:
    failover = Failover(Policy(breaker=BreakerPolicy(failures=1, open_s=0.0)))
    candidates = route("a:x", "b:y")
    failover.breakers.record_failure(ModelRef("a", "x"), ProviderServerError("down"), failover.clock.now())
    over = asyncio.Event()
    asked: list[str] = []

    async def attempt(candidate: Candidate, _permit: Permit | None) -> str:
        asked.append(candidate.ref.provider)
        await over.wait()
        return candidate.ref.provider

    calls = [asyncio.create_task(failover.run(candidates, attempt, timeout=5)) for _ in range(20)]
    await asyncio.sleep(0)
    over.set()
    answers = [answered.result for answered in await asyncio.gather(*calls)]
    assert answers == ["a"] + ["b"] * 19
    assert sorted(asked) == sorted(answers)
    assert (await failover.run(candidates, attempt, timeout=5)).result == "a"


async def test_a_refused_key_may_move_on_to_another_provider_and_the_trace_says_so() -> None:
    attempt, asked = scripted({"a:x": [ProviderAuthenticationError("401", status_code=401)], "b:z": ["hi"]})
    policy = Policy(fail_over_on_authentication=True)
    answered = await Failover(policy).run(route("a:x", "a:y", "b:z"), attempt, timeout=1)
    assert asked == ["a:x", "b:z"]
    assert [(tried.model, tried.outcome, tried.error, tried.message) for tried in answered.attempts] == [
        ("a:x", "error", "ProviderAuthenticationError", "401"),
        ("a:y", "skipped", None, "the key of a was refused"),
        ("b:z", "ok", None, None),
    ]


BILLED = [
    (ProviderRateLimitError("slow", status_code=429), False),
    (ProviderServerError("in the stream"), None),
    (ProviderConnectionError("lost"), None),
    (StructuredOutputError("no JSON", raw_text="hm"), True),
    (UnsupportedContentError("no video", provider="a", part="video"), False),
]


@pytest.mark.parametrize(("error", "billed"), BILLED, ids=lambda value: type(value).__name__)
async def test_the_trace_says_whether_a_failure_is_billed(error: LLMRingError, billed: bool | None) -> None:
    attempt, _ = scripted({"a:x": [error]})
    policy = Policy(retry=RetryPolicy(attempts=1))
    with pytest.raises(type(error)) as caught:
        await Failover(policy).run(route("a:x"), attempt, timeout=1)
    assert [tried.billed for tried in caught.value.attempts] == [billed]


async def test_cancellation_passes_through_and_leaves_no_task() -> None:
    async def attempt(candidate: Candidate, _permit: Permit | None) -> str:
        await asyncio.Event().wait()
        return str(candidate.ref)

    task = asyncio.create_task(Failover(Policy()).run(route("a:x", "b:y"), attempt, timeout=60))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_mistake_of_a_provider_is_raised_and_traced_as_what_it_is() -> None:
    async def attempt(_: Candidate, _permit: Permit | None) -> str:
        raise ZeroDivisionError

    trace: list[Attempt] = []
    with pytest.raises(ZeroDivisionError):
        await Failover(Policy()).run(route("a:x", "b:y"), attempt, timeout=1, trace=trace)
    assert [(one.outcome, one.error, one.billed) for one in trace] == [("error", "ZeroDivisionError", None)]
