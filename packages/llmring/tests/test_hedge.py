"""Hedged calls: the next member is started beside a slow one."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import trio
import trio.testing
from llmring._failover import Failover, Permit
from llmring._failover.hedge import Outcome, race
from llmring._policy import BreakerPolicy, Policy, RetryPolicy
from llmring._routing import Candidate, Route
from llmring_types import ModelRef
from llmring_types.exceptions import (
    CircuitBreakerError,
    ProviderBadRequestError,
    ProviderNotFoundError,
    ProviderServerError,
)

POLICY = Policy(hedge_after_s=0.01, retry=RetryPolicy(attempts=1))
ROUTE = Route([Candidate(ModelRef("a", "x")), Candidate(ModelRef("b", "y"))])


class Script:
    """Candidates that answer, fail or wait for ever, and a record of who was cancelled."""

    def __init__(self, **ways: object) -> None:
        self.ways = ways
        self.asked: list[str] = []
        self.cancelled: list[str] = []

    async def attempt(self, candidate: Candidate, _permit: Permit | None) -> str:
        name = candidate.ref.provider
        self.asked.append(name)
        way = self.ways[name]
        if isinstance(way, Exception):
            raise way
        if way is None:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                self.cancelled.append(name)
                raise
        return str(way)


async def test_a_quick_first_answer_starts_nothing_else() -> None:
    script = Script(a="hi", b="never")
    answered = await Failover(POLICY).run(ROUTE, script.attempt, timeout=1)
    assert (answered.result, script.asked) == ("hi", ["a"])


async def test_a_slow_first_member_is_overtaken_cancelled_and_accounted_for() -> None:
    script = Script(a=None, b="hi")
    answered = await Failover(POLICY).run(ROUTE, script.attempt, timeout=5)
    assert (answered.result, script.cancelled) == ("hi", ["a"])
    assert [(tried.model, tried.outcome, tried.billed) for tried in answered.attempts] == [
        ("a:x", "cancelled", None),
        ("b:y", "ok", True),
    ]


async def test_when_the_second_fails_the_first_is_still_waited_for() -> None:
    script = Script(a=None, b=ProviderServerError("down"))
    with pytest.raises(ProviderServerError) as caught:
        await Failover(POLICY).run(ROUTE, script.attempt, timeout=0.1)
    assert [tried.error for tried in caught.value.attempts] == ["ProviderServerError", "ProviderTimeoutError"]
    assert script.asked == ["a", "b"]


async def test_a_quick_failure_of_the_first_moves_on_as_ever() -> None:
    script = Script(a=ProviderServerError("down"), b="hi")
    answered = await Failover(POLICY).run(ROUTE, script.attempt, timeout=1)
    assert [tried.outcome for tried in answered.attempts] == ["error", "ok"]
    with pytest.raises(ProviderBadRequestError):
        await Failover(POLICY).run(ROUTE, Script(a=ProviderBadRequestError("no")).attempt, timeout=1)


def breaking(*, open_s: float) -> Failover:
    """Failover that has just seen the second member fail."""
    failover = Failover(Policy(hedge_after_s=0.01, breaker=BreakerPolicy(failures=1, open_s=open_s)))
    failover.breakers.record_failure(
        ROUTE.candidates[1].ref, ProviderServerError("down"), failover.clock.now()
    )
    return failover


async def test_a_second_member_that_is_never_started_keeps_its_probe() -> None:
    failover = breaking(open_s=0.0)
    for way in ("hi", ProviderBadRequestError("no")):
        script = Script(a=way, b="back again")
        with contextlib.suppress(ProviderBadRequestError):
            await failover.run(ROUTE, script.attempt, timeout=1)
        assert script.asked == ["a"]
    answered = await failover.run(ROUTE, Script(a=None, b="back again").attempt, timeout=5)
    assert answered.result == "back again"


async def test_a_second_member_with_an_open_breaker_is_skipped() -> None:
    async def attempt(candidate: Candidate, _permit: Permit | None) -> str:
        await asyncio.sleep(0.03)
        return candidate.ref.provider

    answered = await breaking(open_s=60.0).run(ROUTE, attempt, timeout=5)
    assert answered.result == "a"
    assert [(tried.model, tried.outcome) for tried in answered.attempts] == [
        ("b:y", "skipped"),
        ("a:x", "ok"),
    ]


async def test_a_second_member_without_its_key_is_not_started_beside_the_first() -> None:
    missing = ProviderNotFoundError("set B_API_KEY", provider="b")
    route = Route([ROUTE.candidates[0], Candidate(ModelRef("b", "y"), unusable=missing)])

    async def attempt(candidate: Candidate, _permit: Permit | None) -> str:
        await asyncio.sleep(0.03)
        return candidate.ref.provider

    answered = await Failover(POLICY).run(route, attempt, timeout=5)
    assert [(tried.model, tried.outcome) for tried in answered.attempts] == [("a:x", "ok")]


async def test_when_the_second_was_skipped_the_error_is_the_one_of_the_first() -> None:
    async def attempt(candidate: Candidate, _permit: Permit | None) -> str:
        await asyncio.sleep(0.03)
        raise ProviderServerError(f"{candidate.ref} is down")

    with pytest.raises(ProviderServerError, match="a:x is down"):
        await breaking(open_s=60.0).run(ROUTE, attempt, timeout=5)


async def test_where_both_breakers_are_open_nothing_is_sent() -> None:
    failover = breaking(open_s=60.0)
    failover.breakers.record_failure(
        ROUTE.candidates[0].ref, ProviderServerError("down"), failover.clock.now()
    )
    script = Script()
    with pytest.raises(CircuitBreakerError, match="a:x"):
        await failover.run(ROUTE, script.attempt, timeout=1)
    assert script.asked == []


async def test_cancelling_a_hedged_call_cancels_both_and_leaves_no_task() -> None:
    script = Script(a=None, b=None)
    task = asyncio.create_task(Failover(POLICY).run(ROUTE, script.attempt, timeout=60))
    async with asyncio.timeout(5):
        while len(script.asked) < 2:  # noqa: ASYNC110 - the second one starts by the clock
            await asyncio.sleep(0.001)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert sorted(script.cancelled) == ["a", "b"]
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_an_answer_that_comes_too_late_to_count_is_freed() -> None:
    freed: list[str] = []
    both = asyncio.Barrier(2)

    async def attempt(candidate: Candidate, _permit: Permit | None) -> str:
        await both.wait()
        return candidate.ref.provider

    answered = await Failover(POLICY).run(ROUTE, attempt, timeout=5, discard=freed.append)
    assert answered.result == "a"
    assert freed == ["b"]
    assert [(tried.model, tried.outcome) for tried in answered.attempts] == [
        ("b:y", "cancelled"),
        ("a:x", "ok"),
    ]


def outcome(result: str | None, after: float) -> Callable[[], Awaitable[Outcome[str]]]:
    async def call() -> Outcome[str]:
        await trio.sleep(after)
        return Outcome(result, None if result else ProviderServerError("down"))

    return call


def at_once(call: Callable[[], Awaitable[Outcome[str]]]) -> Callable[..., Awaitable[Outcome[str]]]:
    """A first call that is sent as soon as it begins."""

    async def first(sent: Callable[[], None]) -> Outcome[str]:
        sent()
        return await call()

    return first


RACES: list[tuple[Any, ...]] = [
    (("a", 0), ("b", 0), ("a", None, False)),
    (("a", 9), ("b", 1), (None, "b", True)),
    (("a", 3), ("b", 9), ("a", None, True)),
    ((None, 3), ("b", 9), ("error", "b", True)),
    ((None, 0), ("b", 9), ("error", None, False)),
]


@pytest.mark.parametrize(("first", "second", "expected"), RACES)
def test_the_race_is_the_same_under_trio(
    first: tuple[str, float], second: tuple[str, float], expected: tuple[object, ...]
) -> None:
    async def main() -> tuple[object, ...]:
        *ended, both = await race(at_once(outcome(*first)), outcome(*second), 1.5)
        told = [None if one is None else one.result or "error" for one in ended]
        return (*told, both)

    clock = trio.testing.MockClock(autojump_threshold=0)
    assert trio.run(main, clock=clock) == expected


def test_a_result_that_comes_while_the_race_is_cancelled_is_freed() -> None:
    freed: list[str] = []

    async def on_asyncio() -> None:
        task = asyncio.create_task(race(at_once(outcome_now), outcome_now, 9, freed.append))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    async def on_trio() -> None:
        with trio.CancelScope() as scope:

            async def call() -> Outcome[str]:
                scope.cancel()
                return Outcome("trio")

            await race(at_once(call), call, 9, freed.append)
        assert scope.cancelled_caught

    async def outcome_now() -> Outcome[str]:
        return Outcome("asyncio")

    asyncio.run(on_asyncio())
    trio.run(on_trio)
    assert freed == ["asyncio", "trio"]


def test_a_mistake_in_the_program_comes_out_as_it_is() -> None:
    async def call() -> Outcome[str]:
        raise KeyError("a mistake")

    for run in (asyncio.run, lambda main: trio.run(lambda: main)):
        with pytest.raises(KeyError):
            run(race(at_once(call), call, 9))
