"""Waiting: time limits, sleep, wake-ups, and whose calls are whose.

anyio does the waiting, on asyncio and on trio, and is loaded by the first call that waits for more than its answer.
By hand stands only what every call pays for: asyncio's time limit, and how a stream that is collected as garbage gets
back to its loop (``docs/decisions/2026-11-29-anyio.md`` has the figures).
"""

import math
import sys
import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from contextvars import Context, ContextVar, copy_context
from threading import get_ident
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import msgspec

if TYPE_CHECKING:
    from anyio.abc import TaskGroup

_T = TypeVar("_T")


class TimeLimitError(Exception):
    """The time given to :func:`within` is over; what ran was cancelled."""


def in_trio() -> bool:
    """Return whether the caller runs under trio; never imports it."""
    return "trio" in sys.modules and bool(sys.modules["trio"].lowlevel.in_trio_run())


class _Limit(msgspec.Struct, frozen=True):
    """A time limit that runs, the clock it goes by, how it is moved, and the moment that it never goes past."""

    now: Callable[[], float]
    move: Callable[[float], None]
    latest: float


_running: ContextVar[_Limit | None] = ContextVar("_running", default=None)


async def within(
    seconds: float | None,
    work: Coroutine[Any, Any, _T],
    *,
    movable: bool = False,
    at_most: float | None = None,
) -> _T:
    """Await the work for at most so many seconds; ``None`` waits for ever.

    Args:
        seconds: from now.
        work: what is awaited.
        movable: the work may call :func:`extend_deadline` to move the end.
        at_most: seconds from now that it may be moved to.

    Raises:
        TimeLimitError: it took longer and was cancelled.
    """
    if seconds is None:
        return await work
    if in_trio():
        import anyio  # noqa: PLC0415 - seldom needed on asyncio, and slow to load

        def set_deadline(moment: float) -> None:
            scope.deadline = moment

        with anyio.move_on_after(seconds) as scope:
            return await (_limited(work, anyio.current_time, set_deadline, at_most) if movable else work)
        raise TimeLimitError
    import asyncio  # noqa: PLC0415 - ten megabytes that whoever awaits this has loaded already

    def reschedule(moment: float) -> None:
        if not timeout.expired():
            timeout.reschedule(None if math.isinf(moment) else moment)

    try:
        async with asyncio.timeout(seconds) as timeout:
            if not movable:
                return await work
            return await _limited(work, asyncio.get_running_loop().time, reschedule, at_most)
    except TimeoutError:
        if timeout.expired():
            raise TimeLimitError from None
        raise


def extend_deadline(seconds: float | None) -> None:
    """Let the innermost movable :func:`within` that runs end so many seconds from now, ``None`` for never."""
    limit = _running.get()
    if limit is not None:
        limit.move(min(math.inf if seconds is None else limit.now() + seconds, limit.latest))


async def _limited(
    work: Coroutine[Any, Any, _T],
    now: Callable[[], float],
    move: Callable[[float], None],
    at_most: float | None,
) -> _T:
    token = _running.set(_Limit(now, move, math.inf if at_most is None else now() + at_most))
    try:
        return await work
    finally:
        _running.reset(token)


class LoopHandle:
    """The event loop that makes it, for what may be let go of in another thread."""

    def __init__(self) -> None:
        self._thread = get_ident()
        self._soon: Callable[[Callable[[], object]], object]
        if in_trio():
            self._soon = sys.modules["trio"].lowlevel.current_trio_token().run_sync_soon
        else:
            import asyncio  # noqa: PLC0415 - it is loaded already

            self._soon = asyncio.get_running_loop().call_soon_threadsafe

    def run(self, act: Callable[[], object], *, soon: bool = False) -> None:
        """Run it at once in the loop's own thread, or where the loop has ended; if ``soon``, in the loop or never."""
        if soon or get_ident() != self._thread:
            with suppress(RuntimeError):  # of both libraries, where the loop has ended
                self._soon(act)
                return
        if not soon:
            act()


class BackgroundTask:
    """A task of the running loop that no caller waits for, with nothing of the context in which it began unless given.

    asyncio has such tasks, trio its system tasks; anyio has none. The loop cancels the task when it ends.
    """

    def __init__(
        self, work: Callable[[], Coroutine[Any, Any, None]], *, name: str, context: Context | None = None
    ) -> None:
        import anyio  # noqa: PLC0415 - seldom needed

        self._work = work
        self._scope = anyio.CancelScope()
        self._over = anyio.Event()
        self._outcome: BaseException | None = None
        if in_trio():
            import trio  # noqa: PLC0415 - it is loaded already

            trio.lowlevel.spawn_system_task(self._run, name=name, context=context or Context())
            return
        import asyncio  # noqa: PLC0415 - it is loaded already

        loop = asyncio.get_running_loop()
        self._task = loop.create_task(self._run(), name=name, context=context or Context())
        self._task.add_done_callback(lambda _: self._over.set())  # a task that never began has no ``finally``

    @property
    def is_over(self) -> bool:
        return self._over.is_set()

    async def join(self) -> None:
        """Wait for its end, and raise what it raised. Cancelled, it cancels the task, and waits for that."""
        try:
            await self._over.wait()
        except BaseException:
            await self.cancel()
            raise
        if self._outcome is not None:
            raise self._outcome

    async def cancel(self) -> None:
        """Cancel the task and wait for its end; without effect on one that is over."""
        if self.is_over:
            return
        import anyio  # noqa: PLC0415 - it is loaded already

        self._scope.cancel()
        with anyio.CancelScope(shield=True):
            await self._over.wait()

    def cancel_soon(self) -> None:
        """Cancel the task without waiting for its end."""
        self._scope.cancel()

    async def _run(self) -> None:
        try:
            with self._scope:
                await self._work()
        except Exception as error:  # noqa: BLE001 - kept for whoever joins; a system task that raises ends trio's run
            self._outcome = error
        finally:
            self._over.set()


@asynccontextmanager
async def task_group() -> "AsyncGenerator[TaskGroup, None]":
    """Open a task group that raises its first error as it is: callers never meet an ``ExceptionGroup``."""
    import anyio  # noqa: PLC0415 - seldom needed

    failure: BaseException | None = None
    try:
        async with anyio.create_task_group() as group:
            yield group
    except BaseExceptionGroup as failures:
        failure = failures.exceptions[0]
    if failure is not None:
        context = failure.__context__
        try:
            raise failure
        finally:  # neither the group nor the cancellation of its tasks led to it
            failure.__context__ = context


async def run_together(work: Sequence[Callable[[], Coroutine[Any, Any, None]]]) -> None:
    """Await all at the same time, in tasks that a loop may end before they begin: a task group would warn of those.

    Raises:
        BaseException: what the first of them in order raised; the others are cancelled.
    """
    tasks = [BackgroundTask(each, name="llmring") for each in work]
    try:
        for task in tasks:
            await task.join()
    finally:
        for task in tasks:
            await task.cancel()


class Wakeup:
    """An event that another task, loop or thread may set."""

    def __init__(self) -> None:
        import anyio  # noqa: PLC0415 - only where somebody waits

        self._loop = LoopHandle()
        self._event = anyio.Event()

    async def wait(self) -> None:
        await self._event.wait()

    def set(self) -> None:
        """End the wait, now or soon."""
        self._loop.run(self._event.set)


_caller: ContextVar[object] = ContextVar("_caller", default=None)


@contextmanager
def calling_for(caller: object) -> Iterator[None]:
    """Have tasks that are started within the block work for somebody outside the event loop, a thread say."""
    token = _caller.set(caller)
    try:
        yield
    finally:
        _caller.reset(token)


def detached_context() -> Context:
    """Return a copy of the present context, spans and all, for tasks with callers and time limits of their own."""
    context = copy_context()
    context.run(_caller.set, None)
    context.run(_running.set, None)
    return context


def current_caller() -> object:
    """Return whose calls these are: the running task's, unless it works for somebody else."""
    caller = _caller.get()
    if caller is not None:
        return caller
    if in_trio():
        return id(sys.modules["trio"].lowlevel.current_task())
    import asyncio  # noqa: PLC0415 - it is loaded already

    return id(asyncio.current_task())  # as anyio's own does; that one takes twenty times as long


class Clock(Protocol):
    """Time as failover sees it; tests bring their own."""

    def now(self) -> float:
        """Seconds from some fixed moment, never going back."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""


class SystemClock:
    """Real time."""

    now = staticmethod(time.monotonic)

    async def sleep(self, seconds: float) -> None:
        import anyio  # noqa: PLC0415 - only between retries

        await anyio.sleep(seconds)
