"""A bounded queue that is emptied in the background."""

from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from functools import partial
from typing import Any, Generic, TypeVar

from llmring._runtime import TimeLimitError, within
from llmring._tasks import BackgroundTask, run_together

T = TypeVar("T")

_AT_ONCE = 8
_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 60.0


class Delivery(Generic[T]):
    """Hands items to ``send``, a few at a time, off the path of the caller.

    A task of the running loop does so; it lives only while there is something to do. Outside of any loop, items wait
    for :meth:`aclose`. When the server cannot be reached, items wait, and the task tries again after a pause that grows
    up to a minute. When the queue is full, the oldest item is lost.

    Args:
        send: delivers one item; ``False`` where it should be tried again later.
        size: items that wait at most.
        close_limit_s: seconds that :meth:`aclose` may take.
    """

    def __init__(
        self, send: Callable[[T], Awaitable[bool]], *, size: int = 1000, close_limit_s: float = 5.0
    ) -> None:
        self._send = send
        self._queue: deque[T] = deque()
        self._size = size
        self._close_limit_s = close_limit_s
        self._workers: dict[Any, _Worker] = {}
        self.lost = 0
        """Items dropped for newer ones, or undelivered when time was up."""

    def offer(self, item: T) -> None:
        """Put an item into the queue. Never waits, never fails; safe in any thread."""
        if len(self._queue) >= self._size and self._take(1):
            self.lost += 1
        self._queue.append(item)
        self._start()

    async def aclose(self) -> None:
        """Deliver what is left, within the limit of time; what then remains is lost. Items can be offered again."""
        with suppress(TimeLimitError):
            await within(self._close_limit_s, self._finish())
        self.lost += len(self._queue)
        self._queue.clear()

    async def empty(self) -> bool:
        """Deliver what is in the queue; ``False`` where some of it should be tried again later."""
        while group := self._take(_AT_ONCE):
            begun: set[int] = set()
            delivered: set[int] = set()
            try:
                await run_together(
                    [
                        partial(self._send_one, place, item, begun, delivered)
                        for place, item in enumerate(group)
                    ]
                )
            except BaseException:
                self.lost += len(
                    begun - delivered
                )  # they may have arrived: sent again, they might be stored twice
                self._keep(item for place, item in enumerate(group) if place not in begun)
                raise
            if len(delivered) < len(group):
                self._keep(item for place, item in enumerate(group) if place not in delivered)
                return False
        return True

    async def _send_one(self, place: int, item: T, begun: set[int], delivered: set[int]) -> None:
        begun.add(place)
        if await self._send(item):
            delivered.add(place)

    def _keep(self, items: Iterable[T]) -> None:
        self._queue.extendleft(reversed(list(items)))

    def _take(self, most: int) -> list[T]:
        items: list[T] = []
        try:
            while len(items) < most:
                items.append(self._queue.popleft())
        except IndexError:
            pass
        return items

    def _start(self) -> None:
        """Have a task of the running loop empty the queue, if there is a loop that can have one."""
        from anyio.lowlevel import current_token  # noqa: PLC0415 - only where a server is told of calls

        try:
            loop = current_token()
        except RuntimeError:
            return
        worker = self._workers.get(loop)
        if worker is None or worker.is_over:
            self._workers = {other: busy for other, busy in self._workers.items() if not busy.is_over}
            self._workers[loop] = _Worker(self.empty)

    async def _finish(self) -> None:
        from anyio.lowlevel import current_token  # noqa: PLC0415 - only where a server is told of calls

        worker = self._workers.get(current_token())
        if worker is None or worker.is_over:
            await self.empty()
        else:
            await worker.finish()


class _Worker:
    """The task that empties the queue on one loop, and ends when the queue is empty."""

    def __init__(self, empty: Callable[[], Awaitable[bool]]) -> None:
        import anyio  # noqa: PLC0415 - only where a server is told of calls

        self._empty = empty
        self._emptied = False
        self._closing = anyio.Event()
        self._task = BackgroundTask(self._work, name="llmring usage delivery")

    @property
    def is_over(self) -> bool:
        """It does not look at the queue any more."""
        return self._emptied or self._task.is_over

    async def finish(self) -> None:
        """Wait until the queue is empty or the server proves unreachable. Cancelled, it cancels the task."""
        self._closing.set()
        await self._task.join()

    async def _work(self) -> None:
        pause, last = _FIRST_PAUSE_S, False
        while not await self._empty() and not last:
            last = self._closing.is_set()  # then it is tried once more, at once
            if not last:
                try:
                    await within(pause, self._closing.wait())
                    last = True
                except TimeLimitError:
                    pause = min(2 * pause, _LONGEST_PAUSE_S)
        self._emptied = True
