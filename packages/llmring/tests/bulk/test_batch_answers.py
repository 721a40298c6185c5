"""Results are matched with their rows, each once, also where the connection breaks."""

from collections.abc import AsyncGenerator

import pytest
from batch_hosts import MODELS, Clock, Host, rows_of
from llmring.bulk._batch_answers import Answering, matched
from llmring.bulk._batch_parts import BatchPart
from llmring.bulk._batch_rows import Encoder, Pending, digest_in, key_of
from llmring_providers.batches import BatchApi, BatchResult, BatchStatus
from llmring_types.exceptions import (
    BatchError,
    BatchExpiredError,
    LLMRingError,
    MalformedResponseError,
    ProviderServerError,
    StreamInterruptedError,
    StructuredOutputError,
)

STATUS = BatchStatus(id="b", state="completed", results=("/results",))


class Api:
    """The results of a batch; the first readings break off after so many."""

    def __init__(self, results: list[BatchResult], *broken: int) -> None:
        self.results = results
        self.broken = list(broken)
        self.limits: list[int] = []

    async def read(self, _: BatchStatus, *, at_most: int) -> AsyncGenerator[BatchResult]:
        self.limits.append(at_most)
        last = self.broken.pop(0) if self.broken else None
        for result in self.results[:last]:
            yield result
        if last is not None:
            raise StreamInterruptedError("cut", provider="openai")


async def part_of(count: int) -> tuple[BatchPart, dict[str, Pending]]:
    host = Host()
    encoder = Encoder(host.ring._chat, None)
    rows = [(await encoder.encode(row.key, row.request)).row for row in rows_of(MODELS["openai"], count)]
    waiting = {row.digest: row for row in rows}
    names = {row.digest: row.key for row in rows}
    part = BatchPart(
        label="lr1-0",
        provider="openai",
        model="m",
        path="/chat/completions",
        rows=names,
        batch_id="b1",
    )
    return part, waiting


async def keys_of(api: Api, part: BatchPart, waiting: dict[str, Pending]) -> list[str]:
    typed: BatchApi = api  # type: ignore[assignment]  # no more of it is asked for
    return [row.key async for row, _ in matched(typed, part, STATUS, waiting, Clock())]


@pytest.mark.parametrize("broken", [(), (1,), (2, 3)])
async def test_results_are_read_again_where_the_connection_breaks_and_no_row_comes_twice(
    broken: tuple[int, ...],
) -> None:
    part, waiting = await part_of(3)
    api = Api([BatchResult(key_of(part.label, digest), "answered") for digest in waiting], *broken)
    assert await keys_of(api, part, waiting) == ["k0", "k1", "k2"]
    assert waiting == {}
    assert api.limits == [7] * (len(broken) + 1)  # each twice, and one of nobody


async def test_after_three_readings_that_break_the_error_is_raised() -> None:
    part, waiting = await part_of(2)
    api = Api([BatchResult(key_of(part.label, digest), "answered") for digest in waiting], 1, 1, 1)
    with pytest.raises(StreamInterruptedError):
        await keys_of(api, part, waiting)
    assert len(waiting) == 1


async def test_results_of_another_batch_are_nobody_s() -> None:
    part, waiting = await part_of(1)
    (digest,) = waiting
    strangers = [key_of("lr1-1", digest), key_of("lr1", digest), digest, f"{part.label}-", "", "-"]
    api = Api([BatchResult(key, "answered") for key in strangers])
    assert await keys_of(api, part, waiting) == []
    assert digest_in(key_of(part.label, digest), part.label) == digest


async def test_a_key_has_only_what_every_vendor_takes() -> None:
    part, waiting = await part_of(1)
    (digest,) = waiting
    key = key_of(part.label, digest)
    assert len(key) <= 64
    assert set(key) <= set("abcdefghijklmnopqrstuvwxyz0123456789-_")


async def test_where_a_line_cannot_be_read_the_others_are_read_again_and_none_comes_twice() -> None:
    part, waiting = await part_of(3)
    results = [BatchResult(key_of(part.label, digest), "answered") for digest in waiting]
    api = Api([results[0], BatchResult("", "unreadable"), results[2]])
    with pytest.raises(BatchError, match="1 of 3 lines of the results of batch b1 cannot be read"):
        await keys_of(api, part, waiting)
    assert [row.key for row in waiting.values()] == ["k1"]
    assert len(api.limits) == 3


async def test_lines_that_cannot_be_read_and_belong_to_nobody_are_dropped() -> None:
    part, waiting = await part_of(1)
    results = [BatchResult(key_of(part.label, digest), "answered") for digest in waiting]
    assert await keys_of(Api([BatchResult("", "unreadable"), *results]), part, waiting) == ["k0"]


async def test_a_document_that_is_no_results_is_an_error_and_the_batch_stays_to_be_collected() -> None:
    part, waiting = await part_of(1)
    with pytest.raises(MalformedResponseError, match="1 of 1 lines"):
        await keys_of(Api([BatchResult("", "unreadable")]), part, waiting)
    assert len(waiting) == 1


@pytest.mark.parametrize(
    ("error", "outcome", "named", "billed"),
    [
        (BatchError("the results are lost", provider="openai"), "error", "BatchError", None),
        (BatchExpiredError("too late", provider="openai"), "error", "BatchExpiredError", False),
        (ProviderServerError("down", status_code=500), "error", "ProviderServerError", False),
        (MalformedResponseError("half a line", provider="openai"), "error", "MalformedResponseError", None),
        (StructuredOutputError("not as asked", raw_text="x"), "ok", None, True),
    ],
)
async def test_the_trace_of_a_row_without_an_answer_says_whether_it_may_be_billed(
    error: LLMRingError, outcome: str, named: str | None, billed: bool | None
) -> None:
    part, waiting = await part_of(1)
    (row,) = waiting.values()
    answer = Answering(Host().ring._chat).failed(part, row, error)
    assert answer.error is error
    (tried,) = error.attempts
    assert (tried.outcome, tried.error, tried.billed) == (outcome, named, billed)
    assert (tried.message is None) is (named is None)
