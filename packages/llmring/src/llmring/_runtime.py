"""Waiting: time limits, sleep, the way back to a loop, and whose calls are whose.

anyio does the waiting, on asyncio and on trio, and is loaded by the first call that waits for more than its answer.
By hand stands only what every call pays for: asyncio's time limit, and how a stream that is collected as garbage gets
back to its loop (``docs/decisions/2026-11-29-anyio.md`` has the figures).
"""

import math
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from contextvars import Context, ContextVar, copy_context
from threading import get_ident
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import msgspec

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Task

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
        return await _within_on_trio(seconds, work, movable=movable, at_most=at_most)
    asyncio = sys.modules["asyncio"]  # it runs; an import statement would take three times as long
    loop = asyncio.get_running_loop()
    limit = _AsyncioLimit(loop, asyncio.current_task(loop), seconds)
    try:
        result = await (_limited(work, loop.time, limit.move, at_most) if movable else work)
    except BaseException as error:
        if limit.end() and isinstance(error, (asyncio.CancelledError, TimeoutError)):
            raise TimeLimitError from None
        raise
    limit.end()
    return result


async def _within_on_trio(
    seconds: float, work: Coroutine[Any, Any, _T], *, movable: bool, at_most: float | None
) -> _T:
    import anyio  # noqa: PLC0415 - seldom needed on asyncio, and slow to load

    def set_deadline(moment: float) -> None:
        scope.deadline = moment

    with anyio.move_on_after(seconds) as scope:
        return await (_limited(work, anyio.current_time, set_deadline, at_most) if movable else work)
    raise TimeLimitError


class _AsyncioLimit:
    """A time limit of a task: the steps of :class:`asyncio.Timeout`, at three fifths of its instructions.

    Args:
        loop: the running one.
        task: is cancelled when the time is over.
        seconds: from now.
    """

    def __init__(self, loop: "AbstractEventLoop", task: "Task[Any]", seconds: float) -> None:
        self._loop = loop
        self._task = task
        self._cancellations = task.cancelling()
        self._expired = False
        self._timer = loop.call_at(loop.time() + seconds, self._expire)

    def _expire(self) -> None:
        self._expired = True
        self._task.cancel()

    def move(self, moment: float) -> None:
        """Let it end at another moment of the loop's clock; infinity for never."""
        if self._expired:
            return
        self._timer.cancel()
        if not math.isinf(moment):
            self._timer = self._loop.call_at(moment, self._expire)

    def end(self) -> bool:
        """Stop the clock. Return whether time is over, and nobody else has cancelled the task meanwhile."""
        self._timer.cancel()
        return self._expired and self._task.uncancel() <= self._cancellations


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
    # As anyio's own does; that one takes twenty times as long.
    return id(sys.modules["asyncio"].current_task())


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
