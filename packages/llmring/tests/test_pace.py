"""Pacing on a virtual clock: the limit is nearly used and hardly ever met, by one ring or by several."""

import os
import random
import shutil
import sqlite3
import stat
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import trio
import trio.testing
from llmring import LLMRequest, LLMResponse, LLMRing, Message, ModelRef, Pace, Policy, RetryPolicy
from llmring._failover.ledgers import FileLedger, Ledger, MemoryLedger, given, open_ledger
from llmring._failover.limits import Permit
from llmring._failover.pace import Pacer
from llmring.exceptions import (
    ConfigurationError,
    MissingSDKError,
    ProviderConnectionError,
    ProviderQuotaError,
    ProviderRateLimitError,
    ProviderTimeoutError,
)
from llmring.testing import HANG, FakeProvider
from llmring_lockfile import Binding, Lockfile, Profile
from llmring_providers import ChatCall
from llmring_types import RateLimit, RateLimits, StreamChunk

MODEL = ModelRef("fake", "x")


class TrioClock:
    def now(self) -> float:
        return trio.current_time()

    async def sleep(self, seconds: float) -> None:
        await trio.sleep(seconds)


class Host:
    """A host that counts calls and tokens in a sliding minute, and refuses what is over its limits."""

    def __init__(self, requests: float = 1e9, tokens: float = 1e9, *, states: bool = False) -> None:
        self.requests, self.tokens, self.states = requests, tokens, states
        self.accepted: list[tuple[float, int]] = []
        self.refused = self._first = 0
        self._tokens = 0

    def ask(self, tokens: int) -> None:
        now = trio.current_time()
        while self._first < len(self.accepted) and self.accepted[self._first][0] <= now - 60:
            self._tokens -= self.accepted[self._first][1]
            self._first += 1
        calls = len(self.accepted) - self._first
        if calls + 1 > self.requests or self._tokens + tokens > self.tokens:
            self.refused += 1
            raise ProviderRateLimitError("slow down", provider="fake", retry_after=2.0)
        self.accepted.append((now, tokens))
        self._tokens += tokens

    def counts(self, since: float, until: float) -> tuple[int, int]:
        """Return the calls and tokens that were accepted in a time."""
        found = [tokens for moment, tokens in self.accepted if since <= moment < until]
        return len(found), sum(found)

    @property
    def limits(self) -> RateLimits | None:
        if not self.states:
            return None
        return RateLimits(requests=RateLimit(limit=self.requests), tokens=RateLimit(limit=self.tokens))


class Result(NamedTuple):
    answered: int
    tokens: int
    refused: int


def request(length: int) -> LLMRequest:
    return LLMRequest([Message(role="user", content="word " * length)], model="fake:x", max_tokens=400)


async def calls(pacer: Pacer, host: Host, seed: int) -> None:
    """Ask without a pause."""
    draw = random.Random(seed)  # noqa: S311 - a traffic, no secret
    while True:
        asked, used, prompt = request(draw.randint(10, 300)), draw.randint(20, 300), draw.randint(20, 400)
        ticket = await pacer.admit(MODEL, asked)
        try:
            host.ask(prompt + used)
        except ProviderRateLimitError as error:
            await pacer.failed(MODEL, error, ticket)
            continue
        await trio.sleep(draw.uniform(0.2, 1.5))
        usage = {"prompt_tokens": prompt, "completion_tokens": used, "total_tokens": prompt + used}
        response = LLMResponse(content="", model="fake:x", usage=usage, rate_limits=host.limits)  # type: ignore[arg-type]
        pacer.answered(MODEL, response, ticket)


def run_for(
    minutes: int, host: Host, make: Callable[[], Pacer], *, pacers: int = 1, each: int = 200, warm: int = 1
) -> Result:
    """Run many callers for so many virtual minutes, and count after the first ones."""

    async def main() -> Result:
        began = trio.current_time()
        with trio.move_on_after(minutes * 60):
            async with trio.open_nursery() as nursery:
                for number, pacer in enumerate(make() for _ in range(pacers)):
                    for seed in range(each):
                        nursery.start_soon(calls, pacer, host, number * each + seed)
        answered, tokens = host.counts(began + warm * 60, began + minutes * 60)
        return Result(answered, tokens, host.refused)

    return trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


def check(
    result: Result, *, minutes: float, requests: float | None = None, tokens: float | None = None
) -> None:
    """Hold the rate over 90 % of the limit, and refusals under 1 %."""
    assert result.refused < 0.01 * result.answered, result
    if requests is not None:
        assert result.answered > 0.9 * requests * minutes, result
    if tokens is not None:
        assert result.tokens > 0.9 * tokens * minutes, result


def test_a_limit_of_tokens_is_nearly_used_and_hardly_met() -> None:
    host = Host(tokens=200_000)
    pace = Pace(tokens_per_minute=200_000)
    check(run_for(5, host, lambda: pacer_of(pace)), minutes=4, tokens=200_000)


def test_a_limit_of_requests_is_nearly_used_and_hardly_met() -> None:
    host = Host(requests=600)
    check(run_for(4, host, lambda: pacer_of(Pace(requests_per_minute=600))), minutes=3, requests=600)


def test_limits_are_learned_from_the_headers_of_answers() -> None:
    host = Host(requests=600, tokens=200_000, states=True)
    check(run_for(6, host, lambda: pacer_of(Pace()), each=50), minutes=5, tokens=200_000)


def test_four_processes_share_a_limit_through_a_file(tmp_path: Path) -> None:
    host, pace = Host(tokens=200_000), Pace(tokens_per_minute=200_000)

    def make() -> Pacer:
        return pacer_of(pace, FileLedger(tmp_path / "pace.db", now=trio.current_time))

    check(run_for(5, host, make, pacers=4, each=60), minutes=4, tokens=200_000)


def test_without_any_limit_refusals_alone_slow_a_key_down() -> None:
    host = Host(requests=600)
    result = run_for(10, host, lambda: pacer_of(Pace()), each=50, warm=5)
    assert result.refused < 0.05 * result.answered
    assert result.answered > 0.9 * 600 * 5


def test_a_refusal_stops_the_whole_key_and_the_next_calls_come_one_by_one() -> None:
    sent: list[float] = []

    async def main() -> None:
        pacer = pacer_of(Pace(requests_per_minute=600))

        async def call() -> None:
            await pacer.admit(MODEL, None)
            sent.append(trio.current_time() - began)

        began = trio.current_time()
        ticket = await pacer.admit(MODEL, None)
        async with trio.open_nursery() as nursery:
            for _ in range(20):
                nursery.start_soon(call)
            await trio.testing.wait_all_tasks_blocked()
            await pacer.failed(MODEL, ProviderRateLimitError("no", provider="fake", retry_after=30.0), ticket)

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    late = [moment for moment in sent if moment > 1]
    assert len(late) > 10
    assert min(late) >= 30
    assert max(late) - min(late) > 0.9


def test_other_failures_slow_nothing_down_and_what_was_not_sent_counts_nothing() -> None:
    async def main() -> None:
        pacer = pacer_of(Pace(requests_per_minute=60))
        began = trio.current_time()
        for _ in range(50):
            ticket = await pacer.admit(MODEL, None)
            await pacer.failed(MODEL, ProviderConnectionError("no", provider="fake", sent=False), ticket)
        assert trio.current_time() - began < 5  # not 50

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


def test_a_quota_that_is_used_up_slows_nothing_down() -> None:
    async def main() -> None:
        pacer = pacer_of(Pace(requests_per_minute=600))
        ticket = await pacer.admit(MODEL, None)
        await pacer.failed(MODEL, ProviderQuotaError("no credit", provider="fake", retry_after=50.0), ticket)
        began = trio.current_time()
        await pacer.admit(MODEL, None)
        assert trio.current_time() - began < 1

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


async def test_a_short_wait_does_not_end_a_longer_one() -> None:
    time = [100.0]
    ledger = MemoryLedger(HeldTime(time))
    unlimited = (None,) * 4
    for seconds in (30.0, 1.0):
        await ledger.block("lane", seconds)
    assert await ledger.take("lane", (1.0, 0.0, 0.0, 0.0), unlimited) == 30.0
    time[0] += 31
    assert await ledger.take("lane", (1.0, 0.0, 0.0, 0.0), unlimited) == 0.0


class HeldTime:
    """A clock that somebody sets."""

    def __init__(self, time: list[float]) -> None:
        self._time = time

    def now(self) -> float:
        return self._time[0]

    async def sleep(self, seconds: float) -> None:
        self._time[0] += seconds


def test_a_permit_that_is_given_back_counts_nothing() -> None:
    async def main() -> None:
        pacer = pacer_of(Pace(requests_per_minute=60))
        began = trio.current_time()
        for _ in range(50):
            Permit(None, None, await pacer.admit(MODEL, None)).cancel()
        assert trio.current_time() - began < 5  # not 50

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


def test_a_caller_that_is_cancelled_while_it_waits_takes_nothing() -> None:
    async def main() -> None:
        pacer = pacer_of(Pace(requests_per_minute=60))
        began = trio.current_time()
        for _ in range(100):
            with trio.move_on_after(0.001):
                await pacer.admit(MODEL, None)
        await pacer.admit(MODEL, None)
        assert trio.current_time() - began < 10  # not 100

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


def test_providers_have_paces_of_their_own() -> None:
    async def main() -> None:
        pacer = Pacer({"slow": Pace(requests_per_minute=1)}, TrioClock(), lambda _: ())
        assert pacer.concerns("slow")
        assert not pacer.concerns("other")
        assert await pacer.admit(ModelRef("other", "x"), None) is None

    trio.run(main)


def paced_ring(policy: Policy, *replies: Any) -> LLMRing:
    """Return a ring on the clock of trio."""
    ring = LLMRing(policy=policy)
    ring.register_provider("fake", FakeProvider(*replies))
    ring._chat.failover.clock = TrioClock()
    if policy.pace is not None:
        ring._chat.pace(policy.pace)
    return ring


def test_calls_of_a_ring_wait_for_their_turn_within_the_deadline() -> None:
    async def main() -> None:
        policy = Policy(pace=Pace(requests_per_minute=60), deadline_s=4.0)
        ring = paced_ring(policy, "yes")
        began = trio.current_time()
        for _ in range(3):
            response = await ring.chat(request(1))
        assert 1.4 < trio.current_time() - began < 2.5
        assert response.attempts[0].waited_s > 0.9
        late = 0

        async def call() -> None:
            nonlocal late
            try:
                await ring.chat(request(1))
            except ProviderTimeoutError as error:
                late += "for the pace" in str(error)

        async with trio.open_nursery() as nursery:
            for _ in range(6):
                nursery.start_soon(call)
        assert late in (2, 3)

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


@pytest.mark.parametrize("hedge_after_s", [None, 1.0])
@pytest.mark.parametrize("members", [("openai:x", "fake:x"), ("fake:x", "openai:x")])
async def test_a_member_without_its_key_is_passed_over_where_calls_are_paced(
    members: tuple[str, str], hedge_after_s: float | None
) -> None:
    binding = Binding(alias="fast", models=tuple(map(ModelRef.parse, members)))
    lockfile = Lockfile(profiles={"default": Profile(name="default", bindings=(binding,))})
    ring = LLMRing(lockfile=lockfile, policy=Policy(pace=Pace(), hedge_after_s=hedge_after_s))
    ring.register_provider("fake", FakeProvider("yes"))
    response = await ring.chat(LLMRequest([Message(role="user", content="Hi")], model="fast"))
    assert (response.content, response.attempts[-1].model) == ("yes", "fake:x")


def test_a_stream_is_paced_too() -> None:
    async def main() -> None:
        ring = paced_ring(Policy(pace=Pace(requests_per_minute=60)), "yes")
        began = trio.current_time()
        for _ in range(3):
            async for _chunk in ring.chat_stream(request(1)):
                pass
        assert trio.current_time() - began > 1.4

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


def test_streams_teach_the_pace_at_their_start() -> None:
    limits = RateLimits(requests=RateLimit(limit=60))

    async def main() -> None:
        first = StreamChunk(delta="yes", model="fake:x", rate_limits=limits)
        ring = paced_ring(Policy(pace=Pace()), (first, HANG))
        stream = await ring.chat_stream(request(1)).start()
        began = trio.current_time()
        ring.register_provider("fake", FakeProvider("yes"))
        for _ in range(3):
            await ring.chat(request(1))
        assert trio.current_time() - began > 1.4
        await stream.aclose()

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


def test_a_bulk_job_learns_the_pace_of_its_key() -> None:
    host = Host(requests=300, states=True)

    class Limited(FakeProvider):
        async def chat(self, call: ChatCall) -> LLMResponse:
            host.ask(10)
            await trio.sleep(1)
            response = await super().chat(call)
            response.rate_limits = host.limits
            return response

    async def main() -> None:
        ring = paced_ring(Policy(retry=RetryPolicy(attempts=4)), "yes")
        ring.register_provider("fake", Limited("yes"))
        outcomes = [each async for each in ring.map((request(1) for _ in range(1200)), concurrency=64)]
        assert all(outcome.is_answered for outcome in outcomes)
        assert host.refused < 12
        assert trio.current_time() - began < 1200 / 300 * 60 * 1.15

    clock = trio.testing.MockClock(autojump_threshold=0)
    began = clock.current_time()
    trio.run(main, clock=clock)


def pacer_of(pace: Pace, ledger: Ledger | None = None) -> Pacer:
    pacer = Pacer(pace, TrioClock(), lambda _: ("k",))
    if ledger is not None:
        pacer._ledgers[None] = ledger
    return pacer


def test_the_rule_of_the_ledger() -> None:
    start, moments = given((0, 0), 0, (1, 0), (2.0, None), 10)
    assert (start, moments) == (10, [10.5, 0])
    start, moments = given((12, 0), 0, (1, 0), (2.0, None), 10)
    assert (start, moments) == (11.5, [12.5, 0])
    start, moments = given((0, 0), 20, (1, 0), (2.0, None), 10)
    assert (start, moments) == (20, [20.5, 0])


@pytest.mark.skipif(os.name != "posix", reason="modes of POSIX")
def test_a_shared_file_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "pace.db"
    FileLedger(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o644)
    with pytest.raises(ConfigurationError, match="others may read or write"):
        FileLedger(path)


async def test_a_shared_file_that_breaks_is_a_typed_error(tmp_path: Path) -> None:
    ledger = FileLedger(tmp_path / "pace.db")
    with closing(sqlite3.connect(tmp_path / "pace.db", isolation_level=None)) as database:
        database.execute("DROP TABLE lane")
    with pytest.raises(ConfigurationError, match="no such table"):
        await ledger.take("x", (1, 0, 0, 0), (1.0, None, None, None))


async def test_a_shared_file_that_is_deleted_is_made_anew(tmp_path: Path) -> None:
    rates, path = (1.0, None, None, None), tmp_path / "cache" / "pace.db"
    one, other = FileLedger(path), FileLedger(path)
    await one.take("x", (1, 0, 0, 0), rates)
    shutil.rmtree(path.parent)
    assert await one.take("x", (5, 0, 0, 0), rates) == 0
    assert await other.take("x", (1, 0, 0, 0), rates) > 4


def test_rings_share_a_pace_through_a_file(tmp_path: Path) -> None:
    async def main() -> None:
        path = tmp_path / "pace.db"
        policy = Policy(pace=Pace(requests_per_minute=6000, shared=path))
        one, other = paced_ring(policy, "yes"), paced_ring(policy, "yes")
        await one.chat(request(1))
        await other.chat(request(1))
        with closing(sqlite3.connect(path, isolation_level=None)) as database:
            names = [name for (name,) in database.execute("SELECT name FROM lane")]
        assert len(names) == 1
        assert names[0].startswith("fake ")

    trio.run(main)


def test_a_lease_ends_with_its_time(tmp_path: Path) -> None:
    async def main() -> int:
        ledger = FileLedger(tmp_path / "pace.db", now=trio.current_time)
        pacer = pacer_of(Pace(requests_per_minute=6000), ledger)
        await pacer.admit(MODEL, None)
        await trio.sleep(10)
        began, admitted = trio.current_time(), 0
        while trio.current_time() == began:
            await pacer.admit(MODEL, None)
            admitted += 1
        return admitted

    admitted = trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    assert admitted <= 95 * 0.5 + 3  # the burst, without what was left of the lease


async def test_a_refusal_in_one_process_stops_the_others(tmp_path: Path) -> None:
    one, other = (FileLedger(tmp_path / "pace.db", now=lambda: 1000.0) for _ in range(2))
    rates = (10.0, None, None, None)
    await one.block("lane", 20.0)
    assert await other.take("lane", (1, 0, 0, 0), rates) == 20


@pytest.mark.parametrize("blocked", [False, True])
async def test_a_clock_that_is_set_back_makes_nobody_wait_for_the_moments_before(
    tmp_path: Path, blocked: bool
) -> None:
    rates = (10.0, None, None, None)
    before = FileLedger(tmp_path / "pace.db", now=lambda: 1000.0)
    await before.take("lane", (1, 0, 0, 0), rates)
    if blocked:
        await before.block("lane", 20.0)
    five_minutes_earlier = FileLedger(tmp_path / "pace.db", now=lambda: 700.0)
    assert await five_minutes_earlier.take("lane", (1, 0, 0, 0), rates) == 0


async def test_what_takes_longer_than_minutes_to_come_back_is_not_forgotten(tmp_path: Path) -> None:
    ledger = FileLedger(tmp_path / "pace.db", now=lambda: 1000.0)
    await ledger.take("lane", (0, 100_000, 0, 0), (None, 100.0, None, None))
    assert await ledger.take("lane", (0, 1, 0, 0), (None, 100.0, None, None)) == 999.5


def test_redis_without_its_client_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(MissingSDKError, match=r"llmring\[redis\]"):
        open_ledger("redis://localhost")


@pytest.mark.parametrize(
    ("fields", "match"),
    [
        ({"requests_per_minute": 0}, "pace.requests_per_minute must be a number above 0"),
        ({"tokens_per_minute": True}, "pace.tokens_per_minute must be a number above 0"),
        ({"shared": 1}, "pace.shared must be a path or an address"),
    ],
)
def test_a_pace_that_cannot_be_is_refused(fields: dict[str, Any], match: str) -> None:
    with pytest.raises(ConfigurationError, match=match):
        Pace(**fields)


@pytest.mark.parametrize("pace", [60, {"openai": 60}])
def test_what_is_no_pace_is_refused_by_the_policy(pace: Any) -> None:
    with pytest.raises(ConfigurationError, match="Pace"):
        Policy(pace=pace)
