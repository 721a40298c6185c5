"""Places for concurrent calls."""

import asyncio
import gc
import weakref
from collections.abc import Sequence
from decimal import Decimal
from functools import partial

import pytest
import trio
import trio.testing
from llmring import (
    Attempt,
    BreakerPolicy,
    CallRecord,
    LLMRequest,
    LLMResponse,
    LLMRing,
    Message,
    Policy,
    RetryPolicy,
    StreamChunk,
)
from llmring._failover import Failover, Permit
from llmring._failover.limits import Limits
from llmring._routing import Candidate, Route
from llmring.exceptions import (
    CircuitBreakerError,
    ConfigurationError,
    ProviderServerError,
    ProviderTimeoutError,
    StreamInterruptedError,
)
from llmring.testing import HANG, FakeProvider
from llmring_providers import ChatCall
from llmring_types import ModelRef, Prices

REQUEST = LLMRequest(messages=[Message(role="user", content="Hello")], model="gate:x")
POLICY = Policy(max_concurrent={"gate": 2})


class GateStream:
    def __init__(self, gate: "Gate") -> None:
        self.gate = gate
        self.chunks = [[StreamChunk(delta="a")], [StreamChunk(finish_reason="stop")]]

    async def receive(self) -> Sequence[StreamChunk]:
        return self.chunks.pop(0) if self.chunks else []

    def partial(self) -> StreamChunk:
        return StreamChunk()

    async def finish(self) -> None:
        self.close()

    def close(self) -> None:
        self.gate.inside.discard(id(self))


class Gate:
    """A provider that counts how many calls are inside at once."""

    name = "gate"

    def __init__(self) -> None:
        self.inside: set[int] = set()
        self.most = 0
        self.order: list[str] = []
        self.open = asyncio.Event()

    def _enter(self, key: int) -> None:
        self.inside.add(key)
        self.most = max(self.most, len(self.inside))

    async def chat(self, call: ChatCall) -> LLMResponse:
        key = id(call)
        self._enter(key)
        self.order.append(str(call.request.messages[0].content))
        try:
            await self.open.wait()
        finally:
            self.inside.discard(key)
        return LLMResponse(content="", model=str(call.ref))

    async def stream(self, call: ChatCall) -> GateStream:
        self.order.append(str(call.request.messages[0].content))
        stream = GateStream(self)
        self._enter(id(stream))
        return stream

    async def aclose(self) -> None:
        self.open.set()


def numbered(number: int) -> LLMRequest:
    return LLMRequest(messages=[Message(role="user", content=str(number))], model="gate:x")


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_no_more_calls_than_places_and_first_come_first_served() -> None:
    gate = Gate()
    async with LLMRing(policy=POLICY) as ring:
        ring.register_provider("gate", gate)
        calls = [asyncio.create_task(ring.chat(numbered(number))) for number in range(7)]
        await settle()
        assert len(gate.inside) == 2
        gate.open.set()
        await asyncio.gather(*calls)
    assert gate.most == 2
    assert gate.order == [str(number) for number in range(7)]


async def test_a_caller_that_is_cancelled_while_waiting_takes_no_place() -> None:
    gate = Gate()
    async with LLMRing(policy=Policy(max_concurrent={"gate": 1})) as ring:
        ring.register_provider("gate", gate)
        holder, waiter, after = (asyncio.create_task(ring.chat(numbered(number))) for number in range(3))
        await settle()
        waiter.cancel()
        holder.cancel()
        await settle()
        gate.open.set()
        await after
    assert gate.order == ["0", "2"]


async def test_the_trace_of_a_caller_that_is_cancelled_while_waiting_says_that_nothing_was_sent() -> None:
    clock = HeldClock()
    failover = Failover(Policy(max_concurrent={"gate": 1}), clock=clock)
    route, traces = Route([Candidate(ModelRef("gate", "x"))]), (list[Attempt](), list[Attempt]())

    async def attempt(_: Candidate, _permit: Permit | None) -> str:
        await asyncio.Event().wait()
        return ""

    calls = [
        asyncio.ensure_future(failover.run(route, attempt, timeout=None, trace=trace)) for trace in traces
    ]
    await settle()
    clock.time = 3
    for call in reversed(calls):
        call.cancel()
    await asyncio.wait(calls)
    fields = [[(one.outcome, one.seconds, one.waited_s, one.billed) for one in trace] for trace in traces]
    assert fields == [[("cancelled", 3, 0, None)], [("cancelled", 0, 3, False)]]


async def test_a_stream_holds_its_place_until_it_ends() -> None:
    gate = Gate()
    async with LLMRing(policy=Policy(max_concurrent={"gate": 1})) as ring:
        ring.register_provider("gate", gate)
        first = ring.chat_stream(REQUEST)
        await anext(first)
        second = ring.chat_stream(REQUEST)
        waiting = asyncio.ensure_future(anext(second))
        await settle()
        assert not waiting.done()
        assert [chunk.finish_reason async for chunk in first] == ["stop"]
        await waiting
        third = asyncio.ensure_future(anext(ring.chat_stream(REQUEST)))
        await settle()
        assert not third.done()
        await second.aclose()
        await third
    assert gate.most == 1


async def test_a_provider_that_is_not_named_has_no_limit() -> None:
    limits = Limits({"gate": 1})
    assert await limits.take("other", None) is None


def test_places_work_in_one_event_loop_after_another() -> None:
    limits = Limits({"gate": 1})

    async def use() -> None:
        place = await limits.take("gate", None)
        assert place is not None
        place.release()

    asyncio.run(use())
    asyncio.run(use())
    trio.run(use)


def test_loops_side_by_side_have_places_of_their_own() -> None:
    limits = Limits({"gate": 1})

    async def take(*, free: bool) -> None:
        taking = asyncio.ensure_future(limits.take("gate", None))
        await settle()
        assert taking.done() is free
        taking.cancel()

    with asyncio.Runner() as one, asyncio.Runner() as other:
        one.run(take(free=True))
        other.run(take(free=True))
        one.run(take(free=False))
        other.run(take(free=False))


def test_loops_that_have_ended_are_let_go_of() -> None:
    limits = Limits({"gate": 1})
    seen: list[weakref.ref[asyncio.AbstractEventLoop]] = []

    async def contend() -> None:
        seen.append(weakref.ref(asyncio.get_running_loop()))
        await asyncio.gather(use(), use())

    async def use() -> None:
        place = await limits.take("gate", None)
        assert place is not None
        await asyncio.sleep(0)
        place.release()

    for _ in range(4):
        asyncio.run(contend())
    gc.collect()
    assert [loop() is not None for loop in seen] == [False] * 4


@pytest.mark.parametrize("stream", [False, True])
async def test_a_call_that_gets_no_place_before_its_deadline_tells_nothing_about_the_model(
    stream: bool,
) -> None:
    gate, records = Gate(), list[CallRecord]()
    policy = Policy(max_concurrent={"gate": 1}, deadline_s=0.02, breaker=BreakerPolicy(failures=1))
    async with LLMRing(policy=policy, observers=[records.append]) as ring:
        ring.register_provider("gate", gate)
        holder = ring.chat_stream(REQUEST)
        await anext(holder)
        late = asyncio.ensure_future(started_by(ring, stream=stream))
        with pytest.raises(ProviderTimeoutError, match="nothing was sent") as caught:
            await late
        await holder.aclose()
        gate.open.set()
        await ring.chat(REQUEST)  # the breaker is closed
    assert [(one.outcome, one.billed) for one in caught.value.attempts] == [("skipped", False)]
    assert caught.value.attempts[0].waited_s >= 0.02
    assert records[0].failed_cost == 0
    assert len(gate.order) == 2


async def started_by(ring: LLMRing, *, stream: bool) -> object:
    return await (anext(ring.chat_stream(REQUEST)) if stream else ring.chat(REQUEST))


class VirtualClock:
    """The time of trio's mock clock, which jumps."""

    def now(self) -> float:
        return trio.current_time()

    async def sleep(self, seconds: float) -> None:
        await trio.sleep(seconds)


def test_the_time_limit_of_an_attempt_begins_when_it_has_its_place() -> None:
    """200 calls of a second at three places wait up to 66 s: none times out after 60, and none moves on."""
    route = Route([Candidate(ModelRef("gate", "x")), Candidate(ModelRef("other", "y"))])
    policy = Policy(max_concurrent={"gate": 3}, breaker=BreakerPolicy(failures=1))
    traces: list[list[Attempt]] = []

    async def attempt(candidate: Candidate, _permit: Permit | None) -> str:
        await trio.sleep(1)
        return candidate.ref.provider

    async def main() -> None:
        failover = Failover(policy, clock=VirtualClock())

        async def one() -> None:
            answered = await failover.run(route, attempt, timeout=60)
            traces.append(answered.attempts)

        async with trio.open_nursery() as nursery:
            for _ in range(200):
                nursery.start_soon(one)

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    assert [[(each.model, each.outcome) for each in trace] for trace in traces] == [[("gate:x", "ok")]] * 200
    assert {round(trace[0].seconds, 6) for trace in traces} == {1.0}
    assert [round(trace[0].waited_s) for trace in traces] == [place // 3 for place in range(200)]


class HeldClock:
    """Time passes only when somebody says so, whatever the event loop's timers do."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.time += seconds


async def test_a_call_that_gets_its_place_after_its_deadline_is_not_sent() -> None:
    """A busy event loop fires timers late, so a place may come before the timer that ends the wait."""
    clock, asked = HeldClock(), list[str]()
    failover = Failover(Policy(max_concurrent={"gate": 1}, deadline_s=5), clock=clock)

    async def attempt(candidate: Candidate, _permit: Permit | None) -> str:
        asked.append(candidate.ref.provider)
        await asyncio.sleep(0)
        clock.time = 10
        return ""

    route = Route([Candidate(ModelRef("gate", "x"))])
    calls = (failover.run(route, attempt, timeout=60) for _ in range(2))
    _, late = await asyncio.gather(*calls, return_exceptions=True)
    assert isinstance(late, ProviderTimeoutError)
    assert "nothing was sent" in str(late)
    assert asked == ["gate"]
    await failover.run(route, attempt, timeout=60)  # it gave its place back


def test_the_start_of_a_hedge_counts_from_the_moment_that_the_first_call_is_sent() -> None:
    route = Route([Candidate(ModelRef("gate", "x")), Candidate(ModelRef("other", "y"))])
    policy = Policy(max_concurrent={"gate": 1}, hedge_after_s=2)
    asked: list[str] = []

    async def attempt(candidate: Candidate, _permit: Permit | None) -> str:
        asked.append(candidate.ref.provider)
        await trio.sleep(1)
        return candidate.ref.provider

    async def main() -> None:
        failover = Failover(policy, clock=VirtualClock())
        async with trio.open_nursery() as nursery:
            for _ in range(5):
                nursery.start_soon(partial(failover.run, route, attempt, timeout=60))

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    assert asked == ["gate"] * 5


async def test_a_breaker_that_opened_during_the_wait_is_respected() -> None:
    gate = Failing()
    policy = Policy(
        max_concurrent={"gate": 1}, breaker=BreakerPolicy(failures=1), retry=RetryPolicy(attempts=1)
    )
    async with LLMRing(policy=policy) as ring:
        ring.register_provider("gate", gate)
        calls = [asyncio.ensure_future(ring.chat(numbered(number))) for number in range(3)]
        await settle()
        gate.open.set()
        ended = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(error) for error in ended] == [ProviderServerError, CircuitBreakerError, CircuitBreakerError]
    assert gate.order == ["0"]


async def test_what_was_set_aside_for_a_call_that_is_refused_after_its_wait_is_free_again() -> None:
    gate = Failing()
    policy = Policy(
        max_concurrent={"gate": 1},
        breaker=BreakerPolicy(failures=1),
        retry=RetryPolicy(attempts=1),
        budget_usd=1,
    )
    prices = {"gate:x": Prices(input=Decimal(1), output=Decimal(1))}
    async with LLMRing(policy=policy, prices=prices) as ring:
        ring.register_provider("gate", gate)
        requests = [LLMRequest(REQUEST.messages, model="gate:x", max_tokens=1000) for _ in range(3)]
        calls = [asyncio.ensure_future(ring.chat(request)) for request in requests]
        await settle()
        (first,) = ring.budgets
        gate.open.set()
        ended = await asyncio.gather(*calls, return_exceptions=True)
        (last,) = ring.budgets
    assert [type(error) for error in ended] == [ProviderServerError, CircuitBreakerError, CircuitBreakerError]
    assert last.reserved == 0
    assert 0 < last.spent + last.withheld <= first.reserved  # the first call may be billed


class Failing(Gate):
    async def chat(self, call: ChatCall) -> LLMResponse:
        await super().chat(call)
        raise ProviderServerError("down", provider="gate")


async def test_a_task_does_not_wait_for_a_place_that_its_own_open_stream_holds() -> None:
    async with LLMRing(policy=Policy(max_concurrent={"gate": 1})) as ring:
        ring.register_provider("gate", Gate())
        async with ring.chat_stream(REQUEST) as stream:
            await anext(stream)
            with pytest.raises(ProviderTimeoutError, match="this task holds them all"):
                await ring.chat(REQUEST)


async def test_a_wait_that_was_cancelled_is_not_mistaken_for_a_later_one() -> None:
    gate = Gate()
    async with LLMRing(policy=Policy(max_concurrent={"gate": 1}, retry=RetryPolicy(attempts=1))) as ring:
        ring.register_provider("gate", gate)
        ring.register_provider("slow", FakeProvider(HANG))
        holder = asyncio.create_task(ring.chat(numbered(0)))
        await settle()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await ring.chat(numbered(1))
        with pytest.raises(ProviderTimeoutError, match="did not answer") as caught:
            await ring.chat(LLMRequest(messages=REQUEST.messages, model="slow:x", timeout=0))
        gate.open.set()
        await holder
    assert [one.outcome for one in caught.value.attempts] == ["error"]


def test_a_limit_below_one_is_told() -> None:
    with pytest.raises(ConfigurationError, match="max_concurrent"):
        Policy(max_concurrent={"gate": 0})


async def test_a_stream_that_is_cut_gives_its_place_back_and_has_what_came() -> None:
    class Cut(Gate):
        async def stream(self, call: ChatCall) -> GateStream:
            stream = await super().stream(call)
            del stream.chunks[1:]
            return stream

    gate = Cut()
    async with LLMRing(policy=Policy(max_concurrent={"gate": 1})) as ring:
        ring.register_provider("gate", gate)
        for _ in range(2):
            with pytest.raises(StreamInterruptedError, match="not the whole answer") as caught:
                async for _chunk in ring.chat_stream(REQUEST):
                    pass
            assert caught.value.partial is not None
            assert caught.value.partial.content == "a"
    assert gate.inside == set()
