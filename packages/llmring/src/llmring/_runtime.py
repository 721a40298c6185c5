"""Waiting: time limits, sleep, wake-ups, and whose calls are whose.

anyio does the waiting, on asyncio and on trio, and is loaded by the first call that waits for more than its answer.
By hand stands only what every call pays for: asyncio's time limit, and how a stream that is collected as garbage gets
back to its loop (``docs/decisions/2026-11-29-anyio.md`` has the figures).
"""

import math
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from threading import get_ident
from typing import Any, Protocol, TypeVar

import msgspec

_T = TypeVar("_T")


class TimeLimitError(Exception):
    """The time given to :func:`within` is over; what ran was cancelled."""


def in_trio() -> bool:
    """Return whether the caller runs under trio; never imports it."""
    trio = sys.modules.get("trio")
    return trio is not None and bool(trio.lowlevel.in_trio_run())


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
            import trio  # noqa: PLC0415 - it is loaded already

            self._soon = trio.lowlevel.current_trio_token().run_sync_soon
        else:
            import asyncio  # noqa: PLC0415 - it is loaded already

            self._soon = asyncio.get_running_loop().call_soon_threadsafe

    def run(self, act: Callable[[], object]) -> None:
        """Run it: at once in the loop's own thread, and where the loop has ended; else in the loop, soon."""
        if get_ident() != self._thread:
            with suppress(RuntimeError):  # of both libraries, where the loop has ended
                self._soon(act)
                return
        act()


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


def current_caller() -> object:
    """Return whose calls these are: the running task's, unless it works for somebody else."""
    caller = _caller.get()
    if caller is not None:
        return caller
    from anyio import get_current_task  # noqa: PLC0415 - only where calls may wait for one another

    return get_current_task()


class Clock(Protocol):
    """Time as failover sees it; tests bring their own."""

    def now(self) -> float:
        """Seconds from some fixed moment, never going back."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""


class SystemClock:
    """Real time."""

    def now(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        import anyio  # noqa: PLC0415 - only between retries

        await anyio.sleep(seconds)
