"""The engine of a job: a feeder, workers, and outcomes in the order of their arrival or of the rows."""

import sys
from collections import deque
from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

import anyio
import msgspec
from llmring_types import LLMRequest, LLMResponse
from llmring_types.exceptions import LLMRingError, ProviderRateLimitError

from llmring._call import Call
from llmring._chat import Chat
from llmring._policy import Pace
from llmring._runtime import Clock
from llmring._tasks import task_group
from llmring.bulk._digest import Digests, digest_of_text
from llmring.bulk._outcomes import Outcome, Requests, Tally
from llmring.bulk._tasks import END, Outlet, Settings, Source, Task, outcome_of, task_of, typed

if TYPE_CHECKING:
    from anyio.abc import TaskGroup

    from llmring.bulk._journal import Journal
    from llmring.bulk._lane import BatchLane

_MOST_REFUSALS = 8
"""Times that a row is asked again after its call was refused for a rate limit, retries of its policy included."""
_WINDOW = 2
"""Rows that may be taken and not yet handed out, by the calls at once."""
_ORDERED_WINDOW = 8
"""The same where outcomes wait for those before them."""


class Engine:
    """Takes rows, has them asked, and hands out their outcomes.

    All of it runs in one event loop. A row that was taken counts until its outcome has been fetched; while too many
    are out, no further one is taken.

    Args:
        chat: what the calls of the ring share.
        requests: the rows.
        settings: of the job.
        digests: names requests by their content; only for a journal.
    """

    def __init__(self, chat: Chat, requests: Requests, settings: Settings, digests: Digests) -> None:
        self.journal: Journal[Task] | None = None
        self.outlet = Outlet(ordered=settings.ordered)
        self._chat = chat
        self._requests = requests
        self._settings = settings
        self._digests = digests
        self._clock: Clock = chat.failover.clock
        if chat.failover.pacer is None:
            chat.pace(Pace())  # jobs learn that of their keys
        factor = _ORDERED_WINDOW if settings.ordered else _WINDOW
        is_live = settings.via == "live"
        self._window = factor * settings.concurrency if is_live else sys.maxsize
        self._most_begun = settings.concurrency if is_live else sys.maxsize
        self._lane: BatchLane | None = None
        self._unsettled = 0
        """Rows taken that have no outcome yet."""
        self._waiting: deque[Task] = deque()
        self._idle: list[anyio.Event] = []
        self._in_flight = 0
        self._same: dict[bytes, Task] = {}
        """With a journal: the rows that it has begun, and whose end is not in it yet."""
        self._begun = 0
        """Those of them that have no outcome, no more than may be under way at once."""
        self._settled: anyio.Event | None = None
        self._scope: anyio.CancelScope | None = None
        self._failure: BaseException | None = None
        self._tally = Tally(settings.on_progress, settings.total, self._clock)

    async def run(self) -> None:
        """Work until every row has its outcome."""
        try:
            await self._run()
        finally:
            self.outlet.end()

    async def _run(self) -> None:
        try:
            if self.journal is not None:
                await self.journal.open()
                if self._settings.account is not None:
                    self._settings.account.spent += Decimal(str(self.journal.spent))
            if self._settings.via != "live":
                from llmring.bulk._lane import BatchLane  # noqa: PLC0415 - most jobs are live

                self._lane = BatchLane(self._chat, self._settings, self.journal)
            async with task_group() as group:
                self._scope = group.cancel_scope
                if self._lane is not None:
                    group.start_soon(self._lane.run, self._end_batched, self._ask_live)
                await self._feed(group)
                if self._lane is not None:
                    self._lane.complete()
                while self._unsettled:
                    self._settled = anyio.Event()
                    await self._settled.wait()
                group.cancel_scope.cancel()  # workers without work
            if self._failure is not None:
                raise self._failure
        finally:
            if self.journal is not None:
                await self.journal.aclose()
            self._tally.report(self._in_flight, is_over=True)

    def fail(self, error: BaseException) -> None:
        """End the job with an error that came up outside of its tasks: its journal can no longer be written, say."""
        self._failure = self._failure or error
        if self._scope is not None:
            self._scope.cancel()

    # ------------------------------------------------------------------ feeding

    async def _feed(self, group: "TaskGroup") -> None:
        """Take the rows, each as soon as there is room for it."""
        source = Source(self._requests)
        try:
            index = 0
            while True:
                while self.outlet.taken >= self._window or self._begun >= self._most_begun:
                    await self.outlet.wait_for_room()
                item = await source.next()
                if item is END:
                    return
                if index < self._settings.concurrency:
                    group.start_soon(self._work)
                self.outlet.taken += 1
                self._unsettled += 1
                await self._admit(task_of(index, item, self._settings.key_of))
                index += 1
        finally:
            await source.aclose()

    async def _admit(self, task: Task) -> None:
        """Have a row asked, unless its outcome is known or will be."""
        journal, request = self.journal, task.request
        if journal is None:
            if isinstance(request, LLMRingError):
                self._end(task, outcome_of(task, request))
            else:
                self._expect()
                self._start(task)
            return
        if isinstance(request, LLMRequest):
            try:
                task.digest, task.route, task.encoded = await self._digests.of(request)
            except LLMRingError as error:
                request = task.request = error
        if isinstance(request, LLMRingError):
            task.digest = digest_of_text(task.key, type(request).__name__, request.message)
            await journal.expect(task.digest)
            journal.begin(task.digest, task.key, task.index, task.data, task)
            self._end(task, outcome_of(task, request))
            return
        leader = self._same.get(task.digest)
        if leader is not None:
            leader.followers = [*(leader.followers or ()), task]
        elif (found := await journal.find(task.digest)) is not None:
            task.outcome = outcome_of(task, await self._finished(found, request), from_journal=True)
        else:
            self._same[task.digest] = task
            self._begun += 1
            task.asked_again = self._lane is None and task.digest in journal.interrupted
            self._expect()
        journal.begin(task.digest, task.key, task.index, task.data, task)

    async def _finished(
        self, found: LLMResponse | LLMRingError, request: LLMRequest
    ) -> LLMResponse | LLMRingError:
        """Read the JSON of a kept answer anew, into the type that is asked for now."""
        if isinstance(found, LLMResponse) and (request.response_format is not None or request.json_response):
            try:
                await Call(self._chat, request, self._settings.profile, streamed=False).reread(found)
            except LLMRingError as error:
                return error
        return found

    def on_commit(self, written: Sequence[Task | anyio.Event]) -> None:
        """Continue with rows whose begin or end has been written, and with whoever waits for a batch to be."""
        try:
            for task in written:
                if not isinstance(task, Task):
                    task.set()
                elif task.outcome is not None:
                    if self._same.get(task.digest) is task:
                        del self._same[task.digest]
                    self._settle(task)
                elif self._same.get(task.digest) is task:
                    self._start(task)
        except BaseException as error:  # noqa: BLE001 - of on_progress; raised by the job, for an event loop would log it
            self.fail(error)

    def _expect(self) -> None:
        if self._lane is not None:
            self._lane.expect()

    def _end_batched(self, task: Task, ended: LLMResponse | LLMRingError) -> None:
        self._end(task, outcome_of(task, ended))

    def _start(self, task: Task) -> None:
        if self._lane is None:
            self._ask_live(task)
        else:
            self._lane.add(task)

    def _ask_live(self, task: Task) -> None:
        self._waiting.append(task)
        if self._idle:
            self._idle.pop().set()

    # ------------------------------------------------------------------ asking

    async def _work(self) -> None:
        while True:
            while not self._waiting:
                event = anyio.Event()
                self._idle.append(event)
                await event.wait()
            task = self._waiting.popleft()
            self._in_flight += 1
            try:
                outcome = await self._ask(task)
            finally:
                self._in_flight -= 1
            if isinstance(outcome.error, ProviderRateLimitError) and outcome.error.retryable:
                task.refusals = (*task.refusals, *outcome.attempts)
                if task.times_refused < _MOST_REFUSALS:
                    task.times_refused += 1
                    self._ask_live(task)  # behind the others; its key is slower from now on
                    continue
                outcome.attempts = task.refusals
            elif task.refusals:
                outcome.attempts = (*task.refusals, *outcome.attempts)
            self._end(task, outcome)

    async def _ask(self, task: Task) -> Outcome:
        settings, request = self._settings, task.request
        if not isinstance(request, LLMRequest):
            raise TypeError(request)
        call = Call(
            self._chat,
            request,
            settings.profile,
            streamed=False,
            account=settings.account,
            encoded=task.encoded,
            route=task.route,
        )
        try:
            return outcome_of(task, await call.answer())
        except (LLMRingError, OSError) as error:
            return outcome_of(task, typed(error))

    def _end(self, task: Task, outcome: Outcome) -> None:
        """Hand an outcome out: with a journal, once it is written."""
        task.outcome = outcome
        if self.journal is None:
            self._settle(task)
            return
        ended = outcome.response or outcome.error
        if ended is not None:
            self.journal.end(task.digest, ended, outcome.cost, task)
        if self._same.get(task.digest) is task:
            # The next row may begin: its begin follows this end in the journal, in the same commit or a later one.
            self._begun -= 1
            self.outlet.make_room()

    def _settle(self, task: Task) -> None:
        outcome, task.outcome = task.outcome, None
        if outcome is None:
            return
        self._hand_out(outcome)
        for follower in task.followers or ():
            self._hand_out(
                msgspec.structs.replace(
                    outcome,
                    key=follower.key,
                    index=follower.index,
                    data=follower.data,
                    attempts=(),
                    cost=0.0,
                    from_journal=True,
                    asked_again=False,
                )
            )

    def _hand_out(self, outcome: Outcome) -> None:
        self._tally.add(outcome, self._in_flight)
        self.outlet.put(outcome)
        self._unsettled -= 1
        if not self._unsettled and self._settled is not None:
            self._settled.set()
