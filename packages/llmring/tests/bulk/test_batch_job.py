"""Batch jobs that are submitted now and read later: ``ring.submit_batch`` and its companions."""

import os
from collections.abc import AsyncIterable, AsyncIterator, Sequence
from pathlib import Path

import msgspec
import pytest
from batch_hosts import MODELS, Host, row_said, rows_of
from llmring import LLMRequest, LLMRing, Message
from llmring.bulk import BatchHandle, Outcome, Row
from llmring.bulk._batch_job import HandleFile
from llmring.bulk._batch_parts import BatchPart
from llmring.testing import Answer, BatchRule, Rule, Script, Simulator
from llmring_types.exceptions import (
    BatchCancelledError,
    BatchError,
    BatchExpiredError,
    ConfigurationError,
    MessageValidationError,
    ModelCapabilityError,
    ProviderNotFoundError,
    ProviderServerError,
    ValidationError,
)

VENDORS = ("openai", "anthropic", "google")


def requests_of(vendor: str, count: int) -> list[Row]:
    return [Row(request=row.request, key=row.key) for row in rows_of(MODELS[vendor], count)]


async def outcomes_of(
    host: Host, handle: BatchHandle, requests: Sequence[Row] | None = None
) -> dict[str, Outcome]:
    found = {outcome.key: outcome async for outcome in host.ring.batch_results(handle, requests)}
    assert len(found) == handle.rows
    return found


@pytest.mark.parametrize("vendor", VENDORS)
async def test_a_handle_is_enough_to_read_the_answers_in_another_process(vendor: str) -> None:
    host = Host(Script(batches=(BatchRule(looks=1, is_shuffled=True),)))
    handle = await host.ring.submit_batch(requests_of(vendor, 9))
    assert (await host.ring.batch_status(handle)).has_ended is False
    kept = BatchHandle.from_json(handle.to_json())
    for _ in range(2):  # and as often as one likes
        found = await outcomes_of(host, kept)
        assert {key: row_said(outcome.unwrap()) for key, outcome in found.items()} == {
            key: key for key in found
        }
        assert sorted(outcome.index for outcome in found.values()) == list(range(9))
        assert all(outcome.cost and outcome.attempts for outcome in found.values())
    progress = await host.ring.batch_status(kept)
    assert (progress.has_ended, progress.rows, progress.succeeded) == (True, 9, 9)


async def test_with_the_requests_given_again_answers_are_read_into_their_types() -> None:
    class City(msgspec.Struct):
        name: str

    host = Host(Script((Rule(answer=Answer(json={"name": "Oslo"})),)))
    rows = [LLMRequest([Message(role="user", content="x")], model=MODELS["openai"], response_format=City)]
    handle = await host.ring.submit_batch(rows)
    plain = [outcome async for outcome in host.ring.batch_results(handle)]
    assert plain[0].unwrap().parsed is None
    typed = [outcome async for outcome in host.ring.batch_results(handle, rows)]
    assert typed[0].unwrap().parsed == City("Oslo")


async def test_rows_that_cannot_be_submitted_are_outcomes() -> None:
    host = Host()
    host.ring.register_provider("groq", api_key="k")
    rows = [
        *requests_of("openai", 1),
        Row(key="groq", request=rows_of("groq:llama", 1)[0].request),
        Row(key="unread", request=ValidationError("line 7 is no JSON")),
        Row(key="empty", request=LLMRequest([], model=MODELS["openai"])),
        Row(key="nobody", request=LLMRequest([Message(role="user", content="x")], model="absent:m")),
    ]
    handle = await host.ring.submit_batch(rows)
    found = await outcomes_of(host, BatchHandle.from_json(handle.to_json()))
    assert found["k0"].response is not None
    assert isinstance(found["groq"].error, ModelCapabilityError)
    assert isinstance(found["unread"].error, ValidationError)
    assert found["unread"].cost == 0
    assert isinstance(found["empty"].error, MessageValidationError)
    assert isinstance(found["nobody"].error, ProviderNotFoundError)
    given = [outcome async for outcome in host.ring.batch_results(handle, rows)]
    assert {outcome.key for outcome in given} == found.keys()


async def test_rows_of_one_key_are_all_submitted_and_all_read() -> None:
    host = Host()
    (good,) = requests_of("openai", 1)
    empty = LLMRequest([], model=MODELS["openai"])
    rows = [Row(key="k", request=request) for request in (good.request, good.request, empty, empty)]
    handle = await host.ring.submit_batch(rows)
    for given in (None, rows):
        found = {outcome.key: outcome async for outcome in host.ring.batch_results(handle, given)}
        answered = {key: outcome.is_answered for key, outcome in found.items()}
        assert answered == {"k": True, "k (row 1)": True, "k (row 2)": False, "k (row 3)": False}


async def test_where_nothing_can_be_submitted_the_first_reason_is_raised() -> None:
    host = Host()
    host.ring.register_provider("groq", api_key="k")
    with pytest.raises(ModelCapabilityError, match="OpenAI, Anthropic and Gemini have batch APIs"):
        await host.ring.submit_batch([row.request for row in rows_of("groq:llama", 2)])


ENDINGS = [
    (BatchRule(expired_every=1), BatchExpiredError, ProviderServerError),
    (BatchRule(lost_every=1), BatchExpiredError, BatchExpiredError),
]


@pytest.mark.parametrize(("rule", "kind", "of_gemini"), ENDINGS)
@pytest.mark.parametrize("vendor", VENDORS)
async def test_a_row_without_an_answer_is_an_error_of_its_own(
    vendor: str, rule: BatchRule, kind: type[Exception], of_gemini: type[Exception]
) -> None:
    host = Host(Script(batches=(rule,)))
    handle = await host.ring.submit_batch(requests_of(vendor, 2))
    found = await outcomes_of(host, handle)
    assert all(isinstance(each.error, of_gemini if vendor == "google" else kind) for each in found.values())
    if kind is BatchError:
        assert all(each.cost == 0 for each in found.values())


@pytest.mark.parametrize("vendor", VENDORS)
async def test_a_cancelled_job_has_the_answers_that_came_first(vendor: str) -> None:
    host = Host(Script(batches=(BatchRule(looks=2),)))
    handle = await host.ring.submit_batch(requests_of(vendor, 4))
    assert (await host.ring.cancel_batch(handle)).has_ended is False
    found = await outcomes_of(host, handle)
    assert [key for key, each in sorted(found.items()) if each.error is None] == ["k0", "k1"]
    assert all(isinstance(found[key].error, BatchCancelledError) for key in ("k2", "k3"))
    assert found["k3"].cost == 0


async def test_results_are_waited_for_for_days() -> None:
    host = Host(Script(batches=(BatchRule(looks=2_000),)))
    handle = await host.ring.submit_batch(requests_of("openai", 1))
    (outcome,) = (await outcomes_of(host, handle)).values()
    assert outcome.response is not None
    assert max(host.clock.pauses) == 60


async def test_a_batch_that_its_provider_forgot_is_an_error_of_its_rows() -> None:
    host = Host()
    handle = await host.ring.submit_batch(requests_of("anthropic", 1))
    gone = BatchHandle.from_json(handle.to_json().replace(b"msgbatch_000001", b"msgbatch_000009"))
    (outcome,) = (await outcomes_of(host, gone)).values()
    assert isinstance(outcome.error, BatchError)
    assert outcome.error.batch_id == "msgbatch_000009"
    assert (await host.ring.batch_status(gone)).parts == [None]


class DeathError(Exception):
    """The end of a process."""


async def dying(rows: Sequence[Row]) -> AsyncIterator[Row]:
    for row in rows:
        yield row
    raise DeathError


@pytest.mark.parametrize("vendor", VENDORS)
async def test_with_a_file_nothing_is_submitted_twice(
    vendor: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, path, rows = Host(), tmp_path / "job.json", requests_of(vendor, 6)
    monkeypatch.setattr("llmring.bulk._batch_job.PART_BYTES", 300)

    async def run(requests: Sequence[Row] | AsyncIterable[Row]) -> BatchHandle:
        return await host.ring.submit_batch(requests, path=path)

    with pytest.raises(DeathError):
        await run(dying(rows[:4]))
    first = BatchHandle.from_json(path.read_bytes())
    assert 0 < first.rows < 4
    handle = await run(rows)
    assert BatchHandle.from_json(path.read_bytes()) == handle
    assert sorted(key for part in handle.parts for key in part.rows.values()) == [row.key for row in rows]
    assert sum(len(batch.lines) for batch in host.batches) == 6
    assert await run(rows) == handle
    assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("vendor", VENDORS)
async def test_a_part_that_was_never_confirmed_is_found_by_the_next_process(
    vendor: str, tmp_path: Path
) -> None:
    host, path, rows = Host(), tmp_path / "job.json", requests_of(vendor, 2)
    handle = await host.ring.submit_batch(rows, path=path)
    (part,) = handle.parts
    unsure = BatchPart(
        label=part.label, provider=part.provider, model=part.model, path=part.path, rows=part.rows
    )
    store = HandleFile(path)
    await store.save(unsure)
    again = await host.ring.submit_batch(rows, path=path)
    assert again.parts[0].batch_id == part.batch_id
    assert len(list(host.batches)) == 1


async def test_a_file_that_is_no_handle_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("mine")
    with pytest.raises(ConfigurationError, match=r"notes\.txt, cannot be read: this is no handle"):
        await Host().ring.submit_batch(requests_of("openai", 1), path=path)
    assert path.read_text() == "mine"
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(ConfigurationError, match="no regular file"):
        await Host().ring.submit_batch(requests_of("openai", 1), path=pipe)
    missing = tmp_path / "no" / "such" / "job.json"
    with pytest.raises(ConfigurationError, match="cannot be written"):
        await Host().ring.submit_batch(requests_of("openai", 1), path=missing)


def test_the_sync_ring_does_the_same() -> None:
    with Simulator() as simulator, LLMRing.sync() as ring:
        ring.register_provider("openai", base_url=simulator.base_url("openai"), api_key="k")
        handle = ring.submit_batch(requests_of("openai", 3))
        found = {outcome.key: row_said(outcome.unwrap()) for outcome in ring.batch_results(handle)}
        assert found == {key: key for key in ("k0", "k1", "k2")}
        assert ring.batch_status(handle).has_ended
        assert ring.cancel_batch(handle).succeeded == 3
