"""A job through batch APIs: submitted in parts, looked at until all have ended, matched row by row."""

from collections.abc import AsyncGenerator, AsyncIterable, Iterator
from contextlib import aclosing
from typing import Literal

from llmring_providers.batches import BatchStatus
from llmring_types import LLMRequest
from llmring_types.exceptions import (
    BatchCancelledError,
    BatchRejectedError,
    BudgetExceededError,
    LLMRingError,
    ModelCapabilityError,
    ProviderError,
    ProviderRateLimitError,
)

from llmring._chat import Chat
from llmring._money.accounts import Account
from llmring._money.calls import CallBudget
from llmring._runtime import current_caller
from llmring.bulk._batch_answers import Answering, BatchAnswer
from llmring.bulk._batch_parts import BatchPart, BatchStore, MemoryStore
from llmring.bulk._batch_rows import BatchRow, Encoder, Pending, Spool
from llmring.bulk._batch_submission import PART_BYTES, Part, Submission

_ATTEMPTS = 3
"""Batches that a row may be in before its failure counts."""

_FULL_LOOKS = 1_440
"""Looks in a row, a day at the longest pause, in which no batch of the job runs and the account has no room for one."""

FIRST_LOOK_S, LOOKS_FACTOR = 5.0, 1.5
"""The pause before the first look, and by what each is longer than the one before."""

Tail = Literal["batch", "live"]
Fate = Literal["final", "again", "live"]


class BatchRun:
    """Answers rows through batch APIs.

    Args:
        chat: what the calls of a ring share.
        profile: the lockfile's profile.
        store: keeps the parts; parts in it that are not done are taken up again.
        account: that of the job, if it is bounded.
        tail: what becomes of rows that expired or failed in a way that may pass: ``batch`` submits them again, up to
            three times in all, ``live`` hands them back to be asked alone.
        deadline_s: seconds after which running batches are cancelled, and what they have not answered is handed back.
        poll_s: the longest pause between two looks at a batch; the first ones are shorter.
        part_bytes: the largest part.
    """

    def __init__(
        self,
        chat: Chat,
        *,
        profile: str | None = None,
        store: BatchStore | None = None,
        account: Account | None = None,
        tail: Tail = "batch",
        deadline_s: float | None = None,
        poll_s: float = 60.0,
        part_bytes: int = PART_BYTES,
    ) -> None:
        self._chat = chat
        self._clock = chat.failover.clock
        self._encoder = Encoder(chat, profile)
        self._answering = Answering(chat)
        self._submission = Submission(
            self._encoder,
            store or MemoryStore(),
            self._clock,
            part_bytes=part_bytes,
            pause_s=poll_s,
            fail=self._fail,
        )
        self._account = account
        self._tail: Tail = tail
        self._deadline = None if deadline_s is None else self._clock.now() + deadline_s
        self._poll_s = poll_s
        self._spool = Spool()
        self._known: dict[str, str] = {}
        """Digests of rows that were submitted before, with the label of their part."""
        self._is_taking = True
        self._ready: list[BatchAnswer] = []
        self._later: list[tuple[Pending, int]] = []
        """Rows to be submitted again, with the attempt that it will be."""
        self._full_looks = 0
        self._pause_s = min(FIRST_LOOK_S, poll_s)
        self._next_look = self._clock.now() + self._pause_s

    async def answers(self, rows: AsyncIterable[BatchRow]) -> AsyncGenerator[BatchAnswer]:
        """Yield an answer for each row, in any order.

        Raises:
            ProviderError: a batch that was submitted cannot be looked at; it is in the store, to be taken up again.
        """
        try:
            await self._submission.resume()
            for label, part in self._submission.open.items():
                self._known |= dict.fromkeys(part.part.rows, label)
            async for row in rows:
                async with aclosing(self._taken(row)) as answers:
                    async for answer in answers:
                        yield answer
            self._is_taking = False
            await self._submission.flush()
            while self._submission.open or self._ready or self._later:
                async with aclosing(self._looked()) as answers:
                    async for answer in answers:
                        yield answer
        finally:
            self._spool.close()

    @property
    def _is_late(self) -> bool:
        return self._deadline is not None and self._clock.now() >= self._deadline

    # ------------------------------------------------------------------ taking

    async def _taken(self, row: BatchRow) -> AsyncGenerator[BatchAnswer]:
        """Take a row; where the budget has no room for it, wait for what others leave of theirs."""
        while True:
            error = await self._refusal(row)
            if not isinstance(error, BudgetExceededError) or not await self._has_others():
                break
            async with aclosing(self._looked()) as answers:
                async for answer in answers:
                    yield answer
        if error is not None:
            live = self._tail == "live" and isinstance(error, (ModelCapabilityError, BatchCancelledError))
            yield BatchAnswer(key=row.key, error=error, live=live)
        if self._ready or (self._submission.open and self._clock.now() >= self._next_look):
            async with aclosing(self._looked(wait=False)) as answers:
                async for answer in answers:
                    yield answer

    async def _refusal(self, row: BatchRow) -> LLMRingError | None:
        """Put a row into a part; return the error of one that is in none."""
        try:
            if self._is_late:
                raise BatchCancelledError("the deadline for batches is over, and the row was in none")
            await self._take(row.key, row.request)
        except LLMRingError as error:
            return error
        return None

    async def _take(self, key: str, request: LLMRequest) -> None:
        encoded = await self._encoder.encode(key, request)
        row, shape = encoded.row, encoded.row.shape
        row.place = self._spool.add(encoded.body)
        label = self._known.pop(row.digest, None)
        if label is not None and label in self._submission.open:
            self._submission.open[label].rows[row.digest] = row
            return
        if self._chat.bounded or shape.route.bounded or self._account is not None:
            asked = encoded.request
            budget = CallBudget(
                self._chat.purse, asked, asked, shape.route, account=self._account, tier="batch"
            )
            row.reservation = await budget.reserve(shape.candidate, current_caller())
        await self._submission.put(row, encoded.body, attempt=1)

    async def _has_others(self) -> bool:
        """Submit what waits, and return whether some rows may still leave a part of what is set aside for them."""
        await self._submission.flush()
        return bool(self._later) or any(self._is_whole(running) for running in self._submission.open.values())

    def _is_whole(self, running: Part) -> bool:
        """Return whether the rows of a part are all here: those of one from an earlier run come one by one."""
        return not self._is_taking or len(running.rows) == len(running.part.rows)

    # ------------------------------------------------------------------ looking

    async def _looked(self, *, wait: bool = True) -> AsyncGenerator[BatchAnswer]:
        """Look at every part once, at the time for it, and yield the answers of those that have ended."""
        for answer in self._drained():
            yield answer
        if wait and (self._submission.open or self._later):
            moments = [self._next_look]
            if self._deadline is not None and not self._is_late:
                moments.append(self._deadline)
            await self._clock.sleep(max(min(moments) - self._clock.now(), 0.0))
        late = self._is_late
        for running in list(self._submission.open.values()):
            if not self._is_whole(running):
                continue
            if late:
                await self._cancel(running)
            status = await self._submission.look(running)
            if status == "lost" or (status is not None and not status.has_ended):
                continue
            async with aclosing(self._finished(running, status)) as answers:
                async for answer in answers:
                    yield answer
        await self._submit_later()
        for answer in self._drained():
            yield answer
        self._pause_s = min(self._poll_s, self._pause_s * LOOKS_FACTOR)
        self._next_look = self._clock.now() + self._pause_s

    async def _submit_later(self) -> None:
        """Submit rows again; those for which there is still no room wait for the next look."""
        self._full_looks = 0 if self._submission.open else self._full_looks + 1
        later, self._later = self._later, []
        for row, attempt in later:
            await self._submission.put(row, self._spool.read(row.place), attempt=attempt)
        await self._submission.flush()

    async def _cancel(self, running: Part) -> None:
        try:
            await self._submission.cancel(running)
        except ProviderError as error:
            if not error.retryable:
                raise

    async def _finished(self, ended: Part, status: BatchStatus | None) -> AsyncGenerator[BatchAnswer]:
        """Yield the answers of a part that has ended; rows that may be answered yet go into another one."""
        part, again = ended.part, list[Pending]()
        api = self._submission.api(part)
        async with aclosing(self._answering.answers(api, part, status, ended.rows)) as answers:
            async for row, answer in answers:
                fate = self._fate(part, status, answer.error)
                if fate == "again":
                    again.append(row)
                else:
                    yield self._answering.ended(row, answer, live=fate == "live")
        await self._submission.close(ended)
        for row in again:
            full = status is not None and status.is_queue_full
            self._later.append((row, part.attempt if full else part.attempt + 1))

    def _fate(self, part: BatchPart, status: BatchStatus | None, error: LLMRingError | None) -> Fate:
        """Decide what becomes of a row with this error."""
        if error is None or status is None:
            return "final"
        cancelled = isinstance(error, BatchCancelledError)
        if cancelled and part.is_cancelled:
            return "live" if self._tail == "live" and self._is_late else "final"
        # Gemini cancels single requests of batches that nobody has cancelled.
        may_pass = error.retryable or (cancelled and status.state != "cancelled")
        if self._tail == "live":
            return "live" if may_pass or isinstance(error, BatchRejectedError) else "final"
        tried, most = (self._full_looks, _FULL_LOOKS) if status.is_queue_full else (part.attempt, _ATTEMPTS)
        return "again" if may_pass and tried < most and not self._is_late else "final"

    def _fail(self, part: BatchPart, row: Pending, error: LLMRingError) -> None:
        """Record a row that was not submitted; one for which there is no room now waits until there is."""
        is_full = isinstance(error, ProviderRateLimitError) and error.retryable
        if is_full and self._tail == "batch" and not self._is_late and self._full_looks < _FULL_LOOKS:
            self._later.append((row, part.attempt))
            return
        answer = self._answering.failed(part, row, error)
        self._ready.append(self._answering.ended(row, answer, live=self._tail == "live"))

    def _drained(self) -> Iterator[BatchAnswer]:
        ready, self._ready = self._ready, []
        yield from ready
