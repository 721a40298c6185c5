"""A budget is a wall: whatever hosts do and say, what they can bill stays within it."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from math import nan
from typing import Any, NamedTuple

import anyio
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st
from llmring import (
    BudgetState,
    LLMRequest,
    LLMResponse,
    LLMRing,
    Message,
    Policy,
    Prices,
    RetryPolicy,
    StreamChunk,
)
from llmring.exceptions import LLMRingError, ProviderConnectionError, ProviderServerError
from llmring.tokens import estimate_tokens
from llmring_lockfile import Binding, Constraints, Lockfile, Profile
from llmring_providers import ChatCall
from llmring_types import ModelRef

INPUT, OUTPUT = Decimal("1e-6"), Decimal("10e-6")
PRICES = {"host:*": Prices(input=Decimal(1), output=Decimal(10))}
COUNTS = st.one_of(st.integers(0, 200), st.sampled_from([-1, -(10**9), 10**9, 2**70]))
"""What a host may claim to have used, whatever it did."""


class Turn(NamedTuple):
    """What the host does with one request.

    Attributes:
        way: how it ends.
        wrote: the share of the output limit that it generates, and bills.
        seconds: how long it takes.
        counts: what it claims; ``None`` claims nothing, ``"true"`` what it bills.
        billing: what it says besides of its own price, tier and searches.
    """

    way: str
    wrote: float
    seconds: float
    counts: Any
    billing: dict[str, Any] = {}  # noqa: RUF012 - never changed


class Host:
    """Bills what it generates, whether anybody gets it or not."""

    name = "host"

    def __init__(self, turns: Sequence[Turn]) -> None:
        self.turns = turns
        self.billed = Decimal(0)
        self.asked = 0

    async def chat(self, call: ChatCall) -> LLMResponse:
        turn, usage = await self._work(call)
        await self._end(turn)
        return LLMResponse(content="x", model=str(call.ref), usage=usage, finish_reason="stop")

    async def stream(self, call: ChatCall) -> "HostStream":
        turn, usage = await self._work(call)
        return HostStream(self, turn, StreamChunk(usage=usage, finish_reason="stop"))

    async def aclose(self) -> None:
        pass

    async def _work(self, call: ChatCall) -> tuple[Turn, Any]:
        turn = self.turns[self.asked % len(self.turns)]
        self.asked += 1
        prompt, limit = estimate_tokens(call.request), call.request.max_tokens
        assert limit is not None
        written = round(limit * turn.wrote)
        if turn.way != "refused":
            self.billed += prompt * INPUT + written * OUTPUT
        await anyio.sleep(turn.seconds)
        if turn.way == "refused":
            raise ProviderServerError("busy", provider="host", status_code=503)
        if turn.way == "lost":
            raise ProviderConnectionError("lost", provider="host")
        if turn.counts == "true":
            return turn, {"prompt_tokens": prompt, "completion_tokens": written, **turn.billing}
        return turn, None if turn.counts is None else {**turn.counts, **turn.billing}

    async def _end(self, turn: Turn) -> None:
        if turn.way == "hangs":
            await anyio.sleep_forever()
        if turn.way == "fails":
            raise ProviderServerError("broke down", provider="host")


class HostStream:
    def __init__(self, host: Host, turn: Turn, last: StreamChunk) -> None:
        self._host = host
        self._turn = turn
        self._chunks = [[StreamChunk(delta="x")], [last]]

    async def receive(self) -> Sequence[StreamChunk]:
        if len(self._chunks) == 1:
            await self._host._end(self._turn)
        return self._chunks.pop(0) if self._chunks else []

    def partial(self) -> StreamChunk:
        return StreamChunk()

    async def finish(self) -> None:
        pass

    def close(self) -> None:
        pass


class Wish(NamedTuple):
    """One call of the caller."""

    model: str
    max_tokens: int
    streamed: bool
    leaves: bool
    cancelled_after: float | None
    starts_at: float


turns = st.builds(
    Turn,
    way=st.sampled_from(["ends", "ends", "ends", "refused", "lost", "hangs", "fails"]),
    wrote=st.sampled_from([0.0, 0.3, 1.0]),
    seconds=st.sampled_from([0.0, 1.0, 3.0]),
    counts=st.one_of(
        st.none(),
        st.just("true"),
        st.fixed_dictionaries({}, optional={"prompt_tokens": st.sampled_from([-5, 10**9, 2**70])}),
        st.fixed_dictionaries({"prompt_tokens": st.just(-(10**6)), "completion_tokens": COUNTS}),
        st.fixed_dictionaries({"prompt_tokens": st.just(10**12), "completion_tokens": COUNTS}),
    ),
    billing=st.sampled_from(
        [
            {},
            {},
            {"reported_cost": 0.0},
            {"reported_cost": 1e-9},
            {"reported_cost": -5.0},
            {"reported_cost": nan},
            {"service_tier": "odd"},
            {"service_tier": "odd", "reported_cost": 0},
            {"web_searches": 3},
            {"web_searches": -(10**9)},
        ]
    ),
)
wishes = st.builds(
    Wish,
    model=st.sampled_from(["host:a", "pool", "pool", "narrow"]),
    max_tokens=st.integers(1, 60),
    streamed=st.booleans(),
    leaves=st.booleans(),
    cancelled_after=st.sampled_from([None, None, None, 0.5, 4.0]),
    starts_at=st.sampled_from([0.0, 0.0, 0.5, 2.0]),
)
LIMITED = Constraints(budget_usd=Decimal("0.0015"))
LOCKFILE = Lockfile(
    profiles={
        "default": Profile(
            "default",
            (
                Binding("pool", (ModelRef("host", "a"), ModelRef("host", "b"))),
                Binding("narrow", (ModelRef("host", "a"), ModelRef("host", "b")), constraints=LIMITED),
            ),
        )
    }
)


@given(
    st.lists(turns, min_size=1, max_size=8),
    st.lists(wishes, min_size=1, max_size=20),
    st.sampled_from([Decimal("0.001"), Decimal("0.004")]),
    st.sampled_from([None, 1.0]),
    st.integers(1, 5),
)
def test_no_mix_of_concurrency_faults_and_counts_spends_more_than_the_budget(
    host_turns: list[Turn], calls: list[Wish], budget: Decimal, hedge_after_s: float | None, places: int
) -> None:
    policy = Policy(
        budget_usd=budget,
        hedge_after_s=hedge_after_s,
        max_concurrent={"host": places},
        retry=RetryPolicy(attempts=2, base_s=0),
        breaker=None,
    )
    host = Host(host_turns)

    async def main() -> tuple[BudgetState, ...]:
        async with LLMRing(policy=policy, prices=PRICES, lockfile=LOCKFILE) as ring:
            ring.register_provider("host", host)
            async with trio.open_nursery() as nursery:
                for wish in calls:
                    nursery.start_soon(make, ring, wish)
            return ring.budgets

    states = trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    assert host.billed <= budget
    for state in states:
        assert state.reserved == 0
        assert state.spent >= 0
        assert state.spent + state.withheld <= state.limit
    assert host.billed <= states[0].spent + states[0].withheld


async def make(ring: LLMRing, wish: Wish) -> None:
    await trio.sleep(wish.starts_at)
    request = LLMRequest(
        messages=[Message(role="user", content="x" * 40)],
        model=wish.model,
        max_tokens=wish.max_tokens,
        timeout=5,
    )
    with trio.move_on_after(wish.cancelled_after or 1000):
        try:
            if not wish.streamed:
                await ring.chat(request)
                return
            async with ring.chat_stream(request) as stream:
                async for _ in stream:
                    if wish.leaves:
                        break
        except LLMRingError:
            pass


async def test_five_hundred_calls_at_once_spend_the_budget_and_not_more() -> None:
    """They wait for places and for one another: as many are answered as the budget pays for."""
    host = Host([Turn("ends", 0.5, 0.0, "true")])
    one = 14 * INPUT + 10 * OUTPUT
    policy = Policy(budget_usd=200 * one, max_concurrent={"host": 20})
    request = LLMRequest(messages=[Message(role="user", content="x" * 40)], model="host:a", max_tokens=20)
    async with LLMRing(policy=policy, prices=PRICES) as ring:
        ring.register_provider("host", host)
        ended = await asyncio.gather(*(ring.chat(request) for _ in range(500)), return_exceptions=True)
        (state,) = ring.budgets
    answered = [each for each in ended if isinstance(each, LLMResponse)]
    assert state.spent == host.billed == len(answered) * one
    assert 199 <= len(answered) <= 200


def test_threads_share_one_wall() -> None:
    """Four event loops in four threads spend from the same budget, and those that wait are woken across threads."""
    host = Host([Turn("ends", 1.0, 0.0001, "true")])
    one = 14 * INPUT + 20 * OUTPUT
    ring = LLMRing(policy=Policy(budget_usd=10 * one), prices=PRICES)
    ring.register_provider("host", host)
    request = LLMRequest(messages=[Message(role="user", content="x" * 40)], model="host:a", max_tokens=20)

    async def some() -> int:
        ended = await asyncio.gather(*(ring.chat(request) for _ in range(20)), return_exceptions=True)
        return sum(isinstance(each, LLMResponse) for each in ended)

    with ThreadPoolExecutor(4) as pool:
        answered = sum(pool.map(lambda _: asyncio.run(some()), range(4)))
    assert answered == 10
    assert host.billed == ring.budgets[0].spent == 10 * one
