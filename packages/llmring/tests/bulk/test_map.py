"""``ring.map``: every row has one outcome, typed, and nothing is taken before it is wanted."""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing
from decimal import Decimal
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from llmring import LLMRequest, LLMResponse, LLMRing, Message, Prices
from llmring.bulk import Outcome, Progress, Row
from llmring.bulk._outcomes import Tally
from llmring.exceptions import (
    AliasNotFoundError,
    BudgetExceededError,
    ProviderBadRequestError,
    ProviderRateLimitError,
    ProviderServerError,
    ValidationError,
)
from llmring.testing import HANG, FakeProvider
from llmring_providers import ChatCall

Main = Callable[[], Any]


@pytest.fixture(params=["asyncio", "trio"])
def run(request: pytest.FixtureRequest) -> Callable[[Main], Any]:
    """Run an async function on either library."""
    return lambda main: anyio.run(main, backend=request.param)


def ring_with(*replies: Any, **options: Any) -> tuple[LLMRing, FakeProvider]:
    ring, provider = LLMRing(**options), FakeProvider(*replies)
    ring.register_provider("fake", provider)
    return ring, provider


def question(text: str, model: str = "fake:x") -> LLMRequest:
    return LLMRequest([Message(role="user", content=text)], model=model, max_tokens=10)


def questions(number: int) -> Iterator[LLMRequest]:
    for place in range(number):
        yield question(f"question {place}")


def echo(call: ChatCall) -> str:
    return str(call.request.messages[0].content)


def text(outcome: Outcome) -> str:
    return outcome.unwrap().content


def test_every_row_of_an_iterable_or_async_iterable_has_one_outcome(run: Callable[[Main], Any]) -> None:
    async def arriving() -> AsyncIterator[LLMRequest]:
        for request in questions(30):
            await anyio.lowlevel.checkpoint()
            yield request

    async def main() -> None:
        ring, _ = ring_with(echo)
        for requests in (questions(30), [*questions(30)], arriving()):
            outcomes = [outcome async for outcome in ring.map(requests, concurrency=4)]
            assert sorted(outcome.index for outcome in outcomes) == [*range(30)]
            assert all(text(outcome) == f"question {outcome.index}" for outcome in outcomes)
            assert all(outcome.key == str(outcome.index) for outcome in outcomes)
            assert all(len(outcome.attempts) == 1 for outcome in outcomes)

    run(main)


def test_outcomes_come_as_they_are_ready_or_in_the_order_of_the_rows(run: Callable[[Main], Any]) -> None:
    async def main(ordered: bool) -> list[int]:
        ring = LLMRing()
        second = anyio.Event()

        class Late(FakeProvider):
            async def chat(self, call: ChatCall) -> LLMResponse:
                if echo(call) == "question 0":
                    await second.wait()
                second.set()
                return await super().chat(call)

        ring.register_provider("fake", Late())
        return [outcome.index async for outcome in ring.map(questions(2), ordered=ordered, concurrency=2)]

    assert run(lambda: main(False)) == [1, 0]
    assert run(lambda: main(True)) == [0, 1]


def test_rows_are_taken_only_as_outcomes_are_fetched(run: Callable[[Main], Any]) -> None:
    taken: list[int] = []

    def counted() -> Iterator[LLMRequest]:
        for place, request in enumerate(questions(1000)):
            taken.append(place)
            yield request

    async def main() -> None:
        ring, _ = ring_with("yes")
        async with ring.map(counted(), concurrency=5) as outcomes:
            fetched = 0
            async for _outcome in outcomes:
                fetched += 1
                await anyio.wait_all_tasks_blocked()
                assert len(taken) <= fetched + 2 * 5
                if fetched == 40:
                    break

    run(main)
    assert len(taken) < 60


def test_an_error_is_an_outcome_and_the_other_rows_are_answered(run: Callable[[Main], Any]) -> None:
    def answer(call: ChatCall) -> Any:
        return (
            ProviderBadRequestError("no such thing", provider="fake", status_code=400)
            if echo(call) == "question 2"
            else echo(call)
        )

    async def main() -> None:
        ring, _ = ring_with(answer)
        rows: list[LLMRequest | Row] = [
            *questions(5),
            question("?", "unbound"),
            Row(request=ValidationError("bad row"), key="bad"),
        ]
        outcomes = [outcome async for outcome in ring.map(rows, ordered=True)]
        assert [outcome.is_answered for outcome in outcomes] == [True, True, False, True, True, False, False]
        assert isinstance(outcomes[2].error, ProviderBadRequestError)
        assert [attempt.status_code for attempt in outcomes[2].attempts] == [400]
        assert isinstance(outcomes[5].error, AliasNotFoundError)
        assert (outcomes[6].key, str(outcomes[6].error)) == ("bad", "bad row")
        with pytest.raises(ValidationError, match="bad row"):
            outcomes[6].unwrap()

    run(main)


def test_what_is_no_request_is_an_outcome() -> None:
    async def main() -> None:
        ring, _ = ring_with("yes")
        outcomes = [each async for each in ring.map(["hello", question("?")], ordered=True)]  # type: ignore[list-item]
        assert isinstance(outcomes[0].error, ValidationError)
        assert "row 0 is no LLMRequest but a str" in str(outcomes[0].error)
        assert text(outcomes[1]) == "yes"

    anyio.run(main)


def test_rows_have_keys_and_data_of_their_own(run: Callable[[Main], Any]) -> None:
    async def main() -> None:
        ring, _ = ring_with(echo)
        rows: list[LLMRequest | Row] = [
            Row(request=question("a"), key="first", data={"line": 7}),
            question("b"),
        ]
        outcomes = [
            each async for each in ring.map(rows, ordered=True, key=lambda request: f"<{request.model}>")
        ]
        assert [(each.key, each.data) for each in outcomes] == [("first", {"line": 7}), ("<fake:x>", None)]

    run(main)


def test_an_error_of_the_application_ends_the_job_and_is_raised(run: Callable[[Main], Any]) -> None:
    def broken() -> Iterator[LLMRequest]:
        yield question("a")
        raise ZeroDivisionError("mine")

    def refuse(_: object) -> Any:
        raise ZeroDivisionError("mine")

    async def main() -> None:
        ring, _ = ring_with("yes")
        for job in (
            ring.map(broken()),
            ring.map(questions(3), key=refuse),
            ring.map(questions(3), on_progress=refuse),
        ):
            with pytest.raises(ZeroDivisionError, match="mine"):
                async for _outcome in job:
                    pass
            assert [outcome async for outcome in job] == []

    run(main)


@pytest.mark.parametrize("ending", [KeyboardInterrupt, SystemExit])
def test_the_end_of_the_program_amid_a_job_is_not_logged(
    caplog: pytest.LogCaptureFixture, ending: type[BaseException]
) -> None:
    def interrupted() -> Iterator[LLMRequest]:
        yield question("a")
        raise ending

    async def main() -> None:
        async for _ in ring_with(echo)[0].map(interrupted()):
            pass

    with pytest.raises(ending):
        anyio.run(main)
    gc.collect()
    assert caplog.records == []


def test_leaving_the_job_stops_it_at_once(run: Callable[[Main], Any]) -> None:
    closed: list[bool] = []

    def rows() -> Iterator[LLMRequest]:
        try:
            yield from questions(100)
        finally:
            closed.append(True)

    async def main() -> None:
        ring, provider = ring_with("first", HANG)
        async with ring.map(rows(), concurrency=8) as outcomes:
            assert text(await anext(outcomes)) == "first"
        assert provider.cancelled == len(provider.calls) - 1
        assert closed == [True]
        assert [outcome async for outcome in outcomes] == []
        await outcomes.aclose()

    run(main)


async def test_a_job_that_nobody_holds_any_more_stops() -> None:
    ring, provider = ring_with("first", HANG)
    async for _ in ring.map(questions(100), concurrency=8):
        break
    gc.collect()
    await anyio.wait_all_tasks_blocked()
    assert provider.cancelled == len(provider.calls) - 1 == 8


def test_an_abandoned_wait_for_an_outcome_loses_none(run: Callable[[Main], Any]) -> None:
    async def main() -> None:
        ring = LLMRing()
        released = anyio.Event()

        class Slow(FakeProvider):
            async def chat(self, call: ChatCall) -> LLMResponse:
                await released.wait()
                return await super().chat(call)

        ring.register_provider("fake", Slow(echo))
        outcomes = ring.map(questions(3))
        with anyio.CancelScope() as scope:
            scope.cancel()
            await anext(outcomes)
        released.set()
        assert sorted([text(outcome) async for outcome in outcomes]) == [*map(text_of, range(3))]

    def text_of(place: int) -> str:
        return f"question {place}"

    run(main)


def test_a_row_that_is_refused_for_a_rate_limit_is_asked_again_behind_the_others() -> None:
    class Clock:
        """Time that passes while somebody sleeps."""

        moment = 0.0

        def now(self) -> float:
            return self.moment

        async def sleep(self, seconds: float) -> None:
            self.moment += seconds
            await anyio.lowlevel.checkpoint()

    async def main() -> None:
        refusal = ProviderRateLimitError("slow down", provider="fake", status_code=429, retry_after=5.0)
        ring, provider = ring_with(*[refusal] * 5, echo)
        ring._chat.failover.clock = Clock()
        outcomes = [each async for each in ring.map(questions(3), concurrency=1)]
        assert sorted(map(text, outcomes)) == ["question 0", "question 1", "question 2"]
        assert sum(len(outcome.attempts) for outcome in outcomes) == 8 == len(provider.calls)
        provider.replies = [refusal]
        (outcome,) = [each async for each in ring.map(questions(1))]
        assert isinstance(outcome.error, ProviderRateLimitError)
        assert len(outcome.attempts) == 2 * 9

    anyio.run(main)


USAGE = {"prompt_tokens": 10, "completion_tokens": 10, "total_tokens": 20}
PRICES = {"fake:x": Prices(input=Decimal(0), output=Decimal(100_000))}
"""A dollar for ten output tokens, which is what each row may write at most."""


def priced(content: str = "yes") -> LLMResponse:
    return LLMResponse(content=content, model="fake:x", usage=USAGE)  # type: ignore[arg-type]


def test_the_budget_of_a_job_is_a_wall(run: Callable[[Main], Any]) -> None:
    async def main() -> None:
        ring, provider = ring_with(priced(), prices=PRICES)
        outcomes = [each async for each in ring.map(questions(20), concurrency=20, budget_usd=7)]
        assert sum(outcome.cost or 0 for outcome in outcomes) == 7
        assert len(provider.calls) == 7
        refused = [outcome.error for outcome in outcomes if outcome.error is not None]
        assert len(refused) == 13
        assert all(isinstance(error, BudgetExceededError) for error in refused)
        assert "of the budget of the job" in str(refused[0])

    run(main)


def test_progress_is_reported_at_the_end_with_all_counts(run: Callable[[Main], Any]) -> None:
    reports: list[Progress] = []

    async def main() -> None:
        ring, _ = ring_with(priced(), ProviderServerError("down", provider="fake"), prices=PRICES)
        rows = [*questions(1), question("other", "unbound")]
        assert len([each async for each in ring.map(rows, on_progress=reports.append)]) == 2

    run(main)
    last = reports[-1]
    assert last.is_over
    assert (last.done, last.answered, last.failed, last.total, last.in_flight) == (2, 1, 1, 2, 0)
    assert (last.cost, last.tokens) == (1.0, 20)
    assert last.seconds_left == 0


def test_progress_estimates_the_rest() -> None:
    counts = {"answered": 50, "failed": 0, "in_flight": 4, "cost": 0.0, "tokens": 0, "seconds": 10.0}
    progress = Progress(done=50, from_journal=20, total=200, **counts)  # type: ignore[arg-type]
    assert progress.rows_per_second == 3
    assert progress.seconds_left == 30
    assert Progress(done=50, from_journal=0, **counts).seconds_left is None  # type: ignore[arg-type]
    resumed = Progress(done=50, from_journal=49, total=200, recent_rate=0.5, **counts)  # type: ignore[arg-type]
    assert resumed.seconds_left == 300


def test_the_recent_rate_forgets_the_rows_of_the_journal() -> None:
    class Hand:
        time = 0.0

        def now(self) -> float:
            return self.time

    clock, reports = Hand(), list[Progress]()
    tally = Tally(reports.append, 100_000, clock)  # type: ignore[arg-type]  # it does not sleep
    for _ in range(50_000):
        clock.time += 0.0001
        tally.add(Outcome(key="", index=0, from_journal=True), 1)
    assert reports[0].recent_rate is None
    assert reports[-1].recent_rate == pytest.approx(10_000, rel=0.01)
    for _ in range(1000):
        clock.time += 0.2
        tally.add(Outcome(key="", index=0), 1)
    assert reports[-1].recent_rate == pytest.approx(5)
    assert reports[-1].seconds_left == pytest.approx(49_000 / 5, rel=0.01)


def test_the_sync_ring_maps_too() -> None:
    with LLMRing.sync() as ring:
        ring.register_provider("fake", FakeProvider(echo))
        outcomes = [*ring.map(questions(50), ordered=True, concurrency=7)]
        assert [text(outcome) for outcome in outcomes] == [f"question {place}" for place in range(50)]
        with ring.map(questions(50)) as job:
            next(job)
        assert [*job] == []


def test_calls_of_the_sync_ring_wait_for_the_budget_that_others_hold() -> None:
    """Their tasks are not one owner, though one thread has asked for them."""
    with LLMRing.sync(prices=PRICES) as ring:
        ring.register_provider("fake", FakeProvider(priced()))
        assert (
            sum(outcome.is_answered for outcome in ring.map(questions(9), concurrency=9, budget_usd=9.5)) == 9
        )


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"concurrency": 0}, "concurrency must be an integer, 1 or more; got 0"),
        ({"concurrency": True}, "got True"),
        ({"budget_usd": -1}, "budget_usd must be a number above 0; got -1"),
        ({"poll_s": -1.0}, "poll_s must be seconds, 0 or more; got -1.0"),
        ({"deadline_s": "1 day"}, "deadline_s must be seconds"),
        ({"deadline_s": 60}, "deadline_s is the time that batches have, and via='live' sends none"),
        ({"deadline_s": 0, "via": "live"}, "via='live' sends none"),
        ({"total": 1.5}, "total must be a number of rows; got 1.5"),
        ({"ordered": "yes"}, "ordered must be True or False"),
        ({"key": "id"}, "key must be a function"),
        ({"on_progress": True}, "on_progress must be a function"),
        ({"profile": 5}, "profile must be the name"),
        ({"journal": ""}, "journal must be a path"),
        ({"jornal": "x"}, "map has no option jornal; it has journal, concurrency"),
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, Any], match: str) -> None:
    with pytest.raises(ValidationError, match=match):
        LLMRing().map([], **options)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_an_iterator_that_outlives_its_loop_is_collected_in_silence(backend: str) -> None:
    """A loop that was closed runs none of its tasks any more: there is nothing to stop."""
    ring, _ = ring_with("yes", HANG)

    async def begin() -> object:
        outcomes = ring.map(questions(9), concurrency=2)
        await anext(outcomes)
        return outcomes

    if backend == "trio":
        job: object = anyio.run(begin, backend=backend)
    else:
        with closing(
            asyncio.new_event_loop()
        ) as loop:  # closed without the end of its tasks that a Runner waits for
            job = loop.run_until_complete(begin())
    assert job is not None
    del job
    gc.collect()  # pytest fails for what a finalizer raises


def test_a_job_that_is_collected_between_two_runs_of_its_loop_stops() -> None:
    ring, provider = ring_with("yes", HANG)

    async def begin() -> object:
        outcomes = ring.map(questions(9), concurrency=2)
        await anext(outcomes)
        return outcomes

    async def rest() -> None:
        while not provider.cancelled:
            await anyio.lowlevel.checkpoint()

    with asyncio.Runner() as runner:
        job = runner.run(begin())
        assert job is not None
        del job
        gc.collect()
        runner.run(asyncio.wait_for(rest(), 10))
