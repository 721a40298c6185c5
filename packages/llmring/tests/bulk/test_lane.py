"""Jobs through batch APIs by ``ring.map``: the same outcomes, half the price, and a live tail."""

import re
from collections.abc import AsyncIterator
from itertools import accumulate
from pathlib import Path
from typing import Any

import anyio
import pytest
from batch_hosts import MODELS, Host, Row, row_said, rows_of
from llmring import LLMRequest
from llmring.bulk import Row as MapRow
from llmring.exceptions import BatchExpiredError, ValidationError
from llmring.testing import BatchRule, Script

VENDORS = ("openai", "anthropic", "google")


def requests_of(rows: list[Row]) -> list[MapRow]:
    return [MapRow(request=row.request, key=row.key) for row in rows]


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("ordered", [False, True])
async def test_rows_go_through_a_batch(vendor: str, ordered: bool) -> None:
    host, rows = Host(), rows_of(MODELS[vendor], 300)
    job = host.ring.map(requests_of(rows), via="batch", ordered=ordered, poll_s=0.0)
    outcomes = [outcome async for outcome in job]
    assert sorted(outcome.key for outcome in outcomes) == sorted(row.key for row in rows)
    assert all(row_said(outcome.unwrap()) == outcome.key for outcome in outcomes)
    assert {(outcome.unwrap().usage or {})["service_tier"] for outcome in outcomes} == {"batch"}
    assert len([*host.batches]) == 1
    if ordered:
        assert [outcome.index for outcome in outcomes] == [*range(300)]


async def test_what_a_batch_does_not_answer_is_asked_live(tmp_path: Path) -> None:
    host = Host(Script((), (BatchRule(expired_every=10),)))
    rows = rows_of(MODELS["openai"], 100)
    job = host.ring.map(requests_of(rows), via="auto", poll_s=0.0, journal=tmp_path / "job.db")
    outcomes = [outcome async for outcome in job]
    assert all(row_said(outcome.unwrap()) == outcome.key for outcome in outcomes)
    tiers = [(outcome.unwrap().usage or {}).get("service_tier") for outcome in outcomes]
    assert (tiers.count("batch"), tiers.count(None)) == (90, 10)


async def test_at_the_deadline_the_rest_is_asked_live() -> None:
    host, rows = Host(Script((), (BatchRule(looks=30),))), rows_of(MODELS["openai"], 4)
    job = host.ring.map(requests_of(rows), via="auto", deadline_s=100.0)
    outcomes = [outcome async for outcome in job]
    assert [row_said(outcome.unwrap()) for outcome in outcomes] == [outcome.key for outcome in outcomes]
    assert [(outcome.unwrap().usage or {}).get("service_tier") for outcome in outcomes].count(None) == 2
    assert 100.0 in accumulate(host.clock.pauses)  # the moment at which the batch was cancelled


async def test_a_row_that_no_batch_answers_is_an_error_after_three_of_them() -> None:
    host = Host(Script((), (BatchRule(looks=20, expired_every=1),)))
    job = host.ring.map(requests_of(rows_of(MODELS["openai"], 1)), via="batch", poll_s=30.0)
    (outcome,) = [outcome async for outcome in job]
    assert isinstance(outcome.error, BatchExpiredError)
    assert len([*host.batches]) == 3
    assert max(host.clock.pauses) == 30.0


@pytest.mark.parametrize("via", ["batch", "auto"])
async def test_rows_of_a_slow_source_go_through_batches_too(via: Any) -> None:
    async def slowly(rows: list[MapRow]) -> AsyncIterator[MapRow]:
        await anyio.wait_all_tasks_blocked()
        for row in rows:
            yield row
            await anyio.wait_all_tasks_blocked()

    host, rows = Host(), rows_of(MODELS["openai"], 5)
    with anyio.fail_after(20):
        job = host.ring.map(slowly(requests_of(rows)), via=via, poll_s=0.0)
        outcomes = [outcome async for outcome in job]
    assert sorted(row_said(outcome.unwrap()) for outcome in outcomes) == [row.key for row in rows]
    assert {(outcome.unwrap().usage or {})["service_tier"] for outcome in outcomes} == {"batch"}


async def test_the_next_run_takes_up_the_batches_of_the_last(tmp_path: Path) -> None:
    host, rows = Host(Script((), (BatchRule(looks=3),))), rows_of(MODELS["anthropic"], 50)
    journal = tmp_path / "job.db"
    job = host.ring.map(requests_of(rows), via="batch", poll_s=3600.0, journal=journal)
    async with anyio.create_task_group() as group:
        group.start_soon(job.__anext__)
        while not [*host.batches]:
            await anyio.lowlevel.checkpoint()
        await anyio.wait_all_tasks_blocked()
        group.cancel_scope.cancel()
    await job.aclose()
    turned = requests_of(rows)[::-1]
    again = host.ring.map(turned, via="batch", poll_s=0.0, journal=journal)
    outcomes = [outcome async for outcome in again]
    assert all(row_said(outcome.unwrap()) == outcome.key for outcome in outcomes)
    assert not any(outcome.asked_again for outcome in outcomes)
    assert len([*host.batches]) == 1


async def test_identical_rows_are_in_a_batch_once(tmp_path: Path) -> None:
    host = Host()
    request: LLMRequest = rows_of(MODELS["openai"], 1)[0].request
    job = host.ring.map([request] * 20, via="batch", poll_s=0.0, journal=tmp_path / "job.db")
    outcomes = [outcome async for outcome in job]
    assert len(outcomes) == 20
    assert [len(batch.lines) for batch in host.batches] == [1]


def test_another_way_is_refused() -> None:
    with pytest.raises(ValidationError, match=re.escape("via must be live, batch or auto; got 'post'")):
        Host().ring.map([], via="post")  # type: ignore[arg-type]
