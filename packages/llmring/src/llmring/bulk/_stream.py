"""The outcomes of a job as users iterate over them."""

from collections import deque
from types import TracebackType
from typing import Generic, Self

from llmring_types import Parsed

from llmring._runtime import LoopHandle, detached_context
from llmring._sync_streams import Runs, SyncStream
from llmring._tasks import BackgroundTask
from llmring.bulk._engine import Engine
from llmring.bulk._outcomes import Outcome


class Outcomes(Generic[Parsed]):
    """The outcomes of a job: ``async for outcome in ring.map(requests)``, or ``async with`` first, to leave it early.

    The job begins with the first outcome that is asked for. Leaving ``async with``, or :meth:`aclose`, stops it at
    once: calls under way are cancelled, and with a journal every answer that has come is in it. Several tasks may
    fetch from one job.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._task: BackgroundTask | None = None
        self._loop: LoopHandle | None = None
        self._is_closed = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Outcome[Parsed]:
        engine, outlet = self._engine, self._engine.outlet
        while (outcome := outlet.fetch()) is None:
            if self._is_closed:
                raise StopAsyncIteration
            if self._task is None:
                self._loop = LoopHandle()
                self._task = BackgroundTask(engine.run, name="llmring bulk job", context=detached_context())
            if outlet.is_over:
                self._is_closed = True
                await self._task.join()
                raise StopAsyncIteration
            await outlet.wait()
        return outcome

    async def next_ready(self) -> list[Outcome[Parsed]]:
        """Return all outcomes that are there, at least one.

        Raises:
            StopAsyncIteration: there are no more.
        """
        outcomes = [await anext(self)]
        while (outcome := self._engine.outlet.fetch()) is not None:
            outcomes.append(outcome)
        return outcomes

    async def aclose(self) -> None:
        """Stop at once; safe at any time and more than once."""
        self._is_closed = True
        task, self._task = self._task, None
        if task is not None:
            await task.cancel()
        self._engine.outlet.discard()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def __del__(self) -> None:
        task = self._task
        if task is not None and self._loop is not None and not task.is_over:
            self._loop.run(task.cancel_soon, soon=True)  # from any thread, between runs, or too late


class SyncOutcomes(SyncStream[Outcome[Parsed]], Generic[Parsed]):
    """:class:`Outcomes` for code without ``await``: ``for outcome in ring.map(requests)``, or ``with`` first.

    Iterables of requests are read in the thread of the ring.
    """

    _stream: Outcomes[Parsed]

    def __init__(self, outcomes: Outcomes[Parsed], loop: Runs) -> None:
        super().__init__(outcomes, loop)
        self._ready: deque[Outcome[Parsed]] = deque()

    def __next__(self) -> Outcome[Parsed]:
        if not self._ready:
            try:
                self._ready.extend(self._loop.run(self._stream.next_ready))
            except StopAsyncIteration:
                raise StopIteration from None
        return self._ready.popleft()

    def close(self) -> None:
        """Stop at once, as :meth:`Outcomes.aclose`."""
        self._ready.clear()
        super().close()
