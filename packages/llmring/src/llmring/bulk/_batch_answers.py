"""Results of a batch become answers: matched with their rows, decoded, priced and reported as those of a call are."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from copy import copy
from decimal import Decimal
from functools import partial

import msgspec
from llmring_providers.batches import BatchApi, BatchResult, BatchStatus
from llmring_types import Attempt, LLMResponse
from llmring_types.exceptions import (
    BatchCancelledError,
    BatchError,
    BatchExpiredError,
    BatchQueueFullError,
    BatchRejectedError,
    LLMRingError,
    MalformedResponseError,
    ProviderError,
    ProviderTimeoutError,
    StructuredOutputError,
)

from llmring._chat import Chat
from llmring._failover.planner import is_billed
from llmring._money.accounting import check_counts
from llmring._runtime import Clock, TimeLimitError, within
from llmring.bulk._batch_parts import BatchPart
from llmring.bulk._batch_rows import Pending, digest_in
from llmring.structured import finish

_READ_S = 120.0
"""Seconds to wait for the next result."""

_TRIES, _PAUSE_S = 3, 4.0
"""Times that results are read from the start, where there is no connection or it breaks, or a line cannot be read; and
the seconds before the second time. There are four times as many before the third."""

_NOTHING = Decimal(0)
_QUICK_LETTERS = 1024
"""An answer of so many letters is checked at once; a longer one in a thread."""


class BatchAnswer(msgspec.Struct, kw_only=True):
    """The outcome of one row.

    Attributes:
        key: of the row.
        response: the answer.
        error: why there is none.
        attempts: how many batches it was in.
        live: it is to be asked alone instead: no batch API takes it, or none has answered it by the deadline.
    """

    key: str
    response: LLMResponse | None = None
    error: LLMRingError | None = None
    attempts: int = 0
    live: bool = False


async def matched(
    api: BatchApi, part: BatchPart, status: BatchStatus, waiting: dict[str, Pending], clock: Clock
) -> AsyncGenerator[tuple[Pending, BatchResult]]:
    """Yield the rows of a part with their results, each once. Results of nobody, and the second of a row, are dropped.

    A line that cannot be read ends nothing, unless there is no other.

    Args:
        api: of the provider.
        part: the batch.
        status: with the places of its results.
        waiting: its rows by digest; those that are yielded are taken out.
        clock: waits before the results are read again.

    Raises:
        ProviderError: the results cannot be read.
        BatchError: some of them cannot, and those of the rows that wait are not among the others.
    """
    for tried in range(1, _TRIES + 1):
        lines = unreadable = 0
        try:
            async with aclosing(api.read(status, at_most=2 * len(part.rows) + 1)) as results:
                while (result := await _next(results, part)) is not None:
                    lines += 1
                    unreadable += result.kind == "unreadable"
                    digest = digest_in(result.key, part.label)
                    row = waiting.pop(digest, None) if digest is not None else None
                    if row is not None:
                        yield row, result
        except ProviderError as error:
            if tried == _TRIES or not error.retryable:
                raise
            await clock.sleep(_PAUSE_S**tried)
        else:
            if not unreadable or not waiting:
                return
    problem = f"{unreadable:,} of {lines:,} lines of the results of batch {part.batch_id} cannot be read"
    if unreadable == lines:
        raise MalformedResponseError(problem, provider=part.provider, model=part.model)
    raise BatchError(
        f"{problem}, and the others have none for the request: it may have been billed",
        provider=part.provider,
        model=part.model,
        batch_id=part.batch_id,
    )


async def _next(results: AsyncGenerator[BatchResult], part: BatchPart) -> BatchResult | None:
    try:
        return await within(_READ_S, anext(results, None))
    except TimeLimitError:
        raise ProviderTimeoutError(
            f"the next result of the batch did not come within {_READ_S:g} s",
            provider=part.provider,
            timeout=_READ_S,
        ) from None


class Answering:
    """Turns results into answers.

    Args:
        chat: what the calls of a ring share.
    """

    def __init__(self, chat: Chat) -> None:
        self._chat = chat

    async def answers(
        self, api: BatchApi, part: BatchPart, status: BatchStatus | None, rows: dict[str, Pending]
    ) -> AsyncGenerator[tuple[Pending, BatchAnswer]]:
        """Yield the rows of a part that has ended, each with its answer or its error.

        Args:
            api: of the provider.
            part: the batch.
            status: as the provider reports it; ``None`` where it no longer has it.
            rows: by digest; they are taken out.
        """
        unreadable: BatchError | None = None
        clock = self._chat.failover.clock
        if status is not None and status.state != "failed":
            try:
                async with aclosing(matched(api, part, status, rows, clock)) as results:
                    async for row, result in results:
                        yield row, await self.answer(api, part, row, result)
            except BatchError as error:
                unreadable = error
        while rows:
            _, row = rows.popitem()
            yield row, self.failed(part, row, copy(unreadable) or unanswered(part, status))

    async def answer(self, api: BatchApi, part: BatchPart, row: Pending, result: BatchResult) -> BatchAnswer:
        """Return the answer of a row, priced by the tier ``batch`` and counted in the budgets."""
        shape = row.shape
        watch = self._chat.watcher.begin(shape.asked, shape.route)
        try:
            response = api.answer(shape.call, shape.wire, result)
            response.attempts = [Attempt(model=str(shape.candidate.ref), outcome="ok")]
            self._account(row, response)
            await self._read(row, response)
        except LLMRingError as error:
            if isinstance(error, BatchError):
                error.batch_id = part.batch_id
            return self.failed(part, row, error)
        if watch is not None:
            watch.attempts += response.attempts
            watch.report_answer(response)
        return BatchAnswer(key=row.key, response=response, attempts=part.attempt)

    def failed(self, part: BatchPart, row: Pending, error: LLMRingError) -> BatchAnswer:
        """Return the error of a row as its outcome."""
        ref, is_paid = str(row.shape.candidate.ref), isinstance(error, StructuredOutputError)
        billed = is_billed(error)
        if isinstance(error, BatchError):
            billed = None if type(error) is BatchError else False  # itself: results that are lost
        status = getattr(error, "status_code", None)
        error.attempts = (
            Attempt(
                model=ref,
                outcome="ok" if is_paid else "error",
                error=None if is_paid else type(error).__name__,
                message=None if is_paid else error.message,
                status_code=status,
                billed=billed,
            ),
        )
        return BatchAnswer(key=row.key, error=error, attempts=part.attempt)

    def ended(self, row: Pending, answer: BatchAnswer, *, live: bool) -> BatchAnswer:
        """Return the answer with which a row leaves the batches.

        Whatever is still set aside for it is free again. An error is reported to observers now, and not for each batch.
        """
        if row.reservation is not None and answer.error is not None:
            is_free = answer.error.attempts[-1].billed is False
            row.reservation.settle(_NOTHING, certain=is_free)  # once: that of an answer is counted
        answer.live = live
        if answer.error is not None and not live:
            watch = self._chat.watcher.begin(row.shape.asked, row.shape.route)
            if watch is not None:
                watch.attempts += answer.error.attempts
                watch.report_failure(answer.error)
        return answer

    def _account(self, row: Pending, response: LLMResponse) -> None:
        chat, shape = self._chat, row.shape
        reservation = row.reservation
        most = None if reservation is None else reservation.output_limit
        sure = check_counts(response, shape.asked, most_output=most)
        chat.accounting.price_answer(response, shape.candidate)
        usage = response.usage
        if reservation is not None:
            facts = shape.candidate.facts or chat.accounting.facts(
                shape.candidate.ref, response.provider_model
            )
            cost, exact = chat.accounting.budgeted(usage or {}, facts)
            reported = usage is not None and "prompt_tokens" in usage and "completion_tokens" in usage
            reservation.settle(cost, certain=sure and exact and reported)

    async def _read(self, row: Pending, response: LLMResponse) -> None:
        expectation = row.shape.expectation
        if expectation is None:
            return
        if not expectation.validates or len(response.content) < _QUICK_LETTERS:
            finish(response, expectation)
            return
        from anyio import to_thread  # noqa: PLC0415 - only for long answers to strict schemas

        await to_thread.run_sync(partial(finish, response, expectation), abandon_on_cancel=True)


def unanswered(part: BatchPart, status: BatchStatus | None) -> LLMRingError:
    """Return the error of a row that has no result although its batch has ended."""
    name, ids = part.provider, {"provider": part.provider, "model": part.model, "batch_id": part.batch_id}
    if status is None:
        return BatchError(f"{name} no longer has the batch {part.batch_id}: its results are lost", **ids)
    if status.state == "failed":
        reason = "; ".join(status.problems[:3]) or "no reason given"
        kind = BatchQueueFullError if status.is_queue_full else BatchRejectedError
        return kind(f"the batch was refused: {reason}", **ids)
    if status.state == "cancelled" or part.is_cancelled:
        return BatchCancelledError("the batch was cancelled before the request was processed", **ids)
    return BatchExpiredError("the batch ended without a result for the request", **ids)
