"""Plans: what a job would come to, with nothing sent; and journals read beside a job."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from llmring import LLMRequest, LLMResponse, LLMRing, Message, Prices
from llmring.bulk import Row, journal_outcomes, journal_state, retry_failed
from llmring.exceptions import (
    ConfigurationError,
    ProviderBadRequestError,
    StructuredOutputError,
    ValidationError,
)
from llmring.testing import FakeProvider

PRICES = {"fake:x": Prices(input=Decimal(10), output=Decimal(100))}


def question(text: str, model: str = "fake:x", **options: Any) -> LLMRequest:
    return LLMRequest([Message(role="user", content=text)], model=model, **options)


def ring_with(*replies: Any) -> tuple[LLMRing, FakeProvider]:
    ring, provider = LLMRing(prices=PRICES), FakeProvider(*replies)
    ring.register_provider("fake", provider)
    ring.register_provider("openai", api_key="k", base_url="http://127.0.0.1:9")
    return ring, provider


async def test_a_plan_counts_rows_tokens_and_dollars() -> None:
    ring, provider = ring_with("yes")
    rows: list[LLMRequest | Row] = [
        question("x" * 40, max_tokens=10),
        question("x" * 40, max_tokens=10),
        question("y" * 40, max_tokens=10),
        Row(request=ValidationError("no row")),
        question("?", "unbound"),
        question("?", "nobody:x"),
    ]
    plan = await ring.plan(rows)
    assert provider.calls == []
    assert (plan.rows, plan.unreadable, plan.repeated, plan.unpriced) == (6, 3, 1, 0)
    assert plan.first_error == "no row"
    assert plan.models == {"fake:x": 3}
    assert (plan.input_tokens, plan.output_tokens) == (3 * 14, 30)
    assert plan.live_usd == pytest.approx((3 * 14 * 10 + 30 * 100) / 1e6)
    assert plan.batch_usd is None


async def test_a_plan_takes_the_users_word_for_the_length_of_answers() -> None:
    ring, _ = ring_with()
    plan = await ring.plan([question("?", "openai:gpt-4o", max_tokens=1000)] * 2, output_tokens=50)
    assert plan.output_tokens == 100
    assert plan.batch_usd == pytest.approx(plan.live_usd / 2)


async def test_what_has_no_price_is_counted_apart() -> None:
    ring, _ = ring_with()
    ring.register_provider("free", FakeProvider("yes"))
    plan = await ring.plan([question("?", "free:x"), question("?")])
    assert plan.unpriced == 1
    assert plan.live_usd > 0


@pytest.mark.parametrize("length", [-5, 1.5, "x", True])
async def test_a_length_of_answers_that_is_none_is_refused(length: Any) -> None:
    with pytest.raises(ValidationError, match="output_tokens must be a number of tokens"):
        await LLMRing().plan([], output_tokens=length)


@pytest.mark.parametrize("requests", [LLMRequest([]), "hello", {"a": 1}, 5, None])
async def test_what_has_no_rows_is_refused_by_every_job(requests: Any) -> None:
    ring = LLMRing()
    with pytest.raises(ValidationError, match="a job takes an iterable"):
        ring.map(requests)
    for call in (ring.plan, ring.submit_batch):
        with pytest.raises(ValidationError, match="a job takes an iterable"):
            await call(requests)


def test_the_sync_ring_plans_too() -> None:
    with LLMRing.sync(prices=PRICES) as ring:
        ring.register_provider("fake", FakeProvider("yes"))
        assert ring.plan([question("?")]).rows == 1


async def test_a_journal_is_read_beside_its_job(tmp_path: Path) -> None:
    path = tmp_path / "job.db"
    usage = {"prompt_tokens": 10, "completion_tokens": 20, "total_tokens": 30}
    answer = LLMResponse(content="yes", model="fake:x", usage=usage)  # type: ignore[arg-type]
    ring, provider = ring_with(answer, ProviderBadRequestError("no", provider="fake"))
    job = ring.map([Row(request=question("a"), data={"n": 1}), question("b")], journal=path, concurrency=1)
    async with job as outcomes:
        await anext(outcomes)
        assert journal_state(path).answered == 1
        assert (await anext(outcomes)).error is not None
        assert [outcome async for outcome in outcomes] == []
    state = journal_state(path)
    assert (state.rows, state.answered, state.failed, state.begun) == (2, 1, 1, 0)
    assert (state.input_tokens, state.output_tokens, state.runs, state.open_runs) == (10, 20, 1, 0)
    assert state.cost == pytest.approx((10 * 10 + 20 * 100) / 1e6)
    assert state.errors == {"ProviderBadRequestError": 1}
    read = list(journal_outcomes(path))
    assert [(outcome.key, outcome.data, outcome.is_answered) for outcome in read] == [
        ("0", {"n": 1}, True),
        ("1", None, False),
    ]
    assert isinstance(read[1].error, ProviderBadRequestError)
    assert retry_failed(path, ["ProviderServerError"]) == 0
    assert retry_failed(path) == 1
    provider.replies = ["now"]
    again = [each async for each in ring.map([question("a"), question("b")], journal=path, ordered=True)]
    assert [outcome.unwrap().content for outcome in again] == ["yes", "now"]


async def test_answers_of_a_journal_are_read_into_a_type_as_a_run_reads_them(tmp_path: Path) -> None:
    path = tmp_path / "job.db"
    ring, _ = ring_with('{"name": "Oslo"}', "no city")
    rows = [question("a"), question("b")]
    assert [each async for each in ring.map(rows, journal=path, concurrency=1)]
    form = {"name": "city", "schema": {"type": "object", "required": ["name"]}, "strict": True}
    first, second = journal_outcomes(path, {"type": "json_schema", "json_schema": form})
    assert first.unwrap().parsed == {"name": "Oslo"}
    assert second.response is None
    assert isinstance(second.error, StructuredOutputError)
    assert [outcome.unwrap().parsed for outcome in journal_outcomes(path)] == [None, None]
    with pytest.raises(ValidationError, match="response_format"):
        list(journal_outcomes(path, {"type": "json_shema"}))


@pytest.mark.parametrize("read", [journal_state, retry_failed, lambda path: list(journal_outcomes(path))])
def test_a_journal_that_is_not_there_is_not_made(tmp_path: Path, read: Any) -> None:
    with pytest.raises(ConfigurationError, match="there is no journal"):
        read(tmp_path / "job.db")
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize("journaled", [False, True])
async def test_a_row_whose_file_has_gone_is_an_outcome_and_not_the_end(
    tmp_path: Path, journaled: bool
) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("Buy milk.")
    async with LLMRing() as ring:
        gone = ring.register_file(path)
        path.unlink()
        rows = [
            LLMRequest([Message.user("Read it.")], model="sim:demo", files=[gone]),
            LLMRequest([Message.user("Hello")], model="sim:demo"),
        ]
        job = ring.map(rows, journal=tmp_path / "job.db") if journaled else ring.map(rows)
        async with job as outcomes:
            ended = {outcome.index: outcome async for outcome in outcomes}
        plan = await ring.plan(rows)
    assert isinstance(ended[0].error, ValidationError)
    assert "a file of the request cannot be read" in str(ended[0].error)
    assert ended[1].response is not None
    assert (plan.rows, plan.unreadable) == (2, 1)
    assert "a file of the request cannot be read" in str(plan.first_error)
