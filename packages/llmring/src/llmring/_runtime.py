"""The few things that asyncio and trio do differently: time limits, sleep, and who is running.

The standard library and trio are used as they are: anyio would cost every call about as much as the rest of llmring.
"""

import math
import sys
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from contextvars import ContextVar
from threading import get_ident
from typing import Any, Protocol, TypeVar

import msgspec

_T = TypeVar("_T")


class TimeLimitError(Exception):
    """The time given to :func:`within` is over; what ran was cancelled."""


def in_trio() -> bool:
    """Whether the caller runs under trio; never imports it."""
    trio = sys.modules.get("trio")
    return trio is not None and bool(trio.lowlevel.in_trio_run())


class _Limit(msgspec.Struct, frozen=True):
    """A time limit that runs, the clock it goes by, and the moment that it never goes past."""

    scope: Any
    now: Callable[[], float]
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
        import trio  # noqa: PLC0415 - it is loaded already

        with trio.move_on_after(seconds) as scope:
            return await (_limited(work, scope, trio.current_time, at_most) if movable else work)
        raise TimeLimitError
    import asyncio  # noqa: PLC0415 - ten megabytes that whoever awaits this has loaded already

    try:
        async with asyncio.timeout(seconds) as timeout:
            if not movable:
                return await work
            return await _limited(work, timeout, asyncio.get_running_loop().time, at_most)
    except TimeoutError:
        if timeout.expired():
            raise TimeLimitError from None
        raise


def extend_deadline(seconds: float | None) -> None:
    """Let the innermost movable :func:`within` that runs end so many seconds from now, ``None`` for never."""
    limit = _running.get()
    if limit is None:
        return
    end = min(math.inf if seconds is None else limit.now() + seconds, limit.latest)
    if in_trio():
        limit.scope.deadline = end
    elif not limit.scope.expired():
        limit.scope.reschedule(None if math.isinf(end) else end)


async def _limited(
    work: Coroutine[Any, Any, _T], scope: Any, now: Callable[[], float], at_most: float | None
) -> _T:
    token = _running.set(_Limit(scope, now, math.inf if at_most is None else now() + at_most))
    try:
        return await work
    finally:
        _running.reset(token)


class Semaphore(Protocol):
    """What a semaphore of either library is: first come, first served, and safe to cancel."""

    async def acquire(self) -> Any:
        """Wait for a place and take it."""

    def release(self) -> None:
        """Give the place back."""


def make_semaphore(places: int) -> Semaphore:
    """Return a semaphore of the running library."""
    if in_trio():
        import trio  # noqa: PLC0415 - it is loaded already

        return trio.Semaphore(places)
    import asyncio  # noqa: PLC0415 - it is loaded already

    return asyncio.Semaphore(places)


def running_loop() -> object:
    """Return what tells one run of an event loop from the next."""
    if in_trio():
        import trio  # noqa: PLC0415 - it is loaded already

        return trio.lowlevel.current_trio_token()
    import asyncio  # noqa: PLC0415 - it is loaded already

    return asyncio.get_running_loop()


def has_ended(loop: object) -> bool:
    """Whether a loop, as :func:`running_loop` gave it, runs no more; only asyncio's can tell."""
    import asyncio  # noqa: PLC0415 - it is loaded already

    return isinstance(loop, asyncio.AbstractEventLoop) and loop.is_closed()


class Home:
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
    """Something to wait for that another task, loop or thread calls off."""

    def __init__(self) -> None:
        import anyio  # noqa: PLC0415 - only where somebody waits

        self._home = Home()
        self._event = anyio.Event()

    async def wait(self) -> None:
        await self._event.wait()

    def call(self) -> None:
        """End the wait, now or later."""
        self._home.run(self._event.set)


def current_task() -> object:
    """Return the running task, which tells whose calls are whose."""
    if in_trio():
        import trio  # noqa: PLC0415 - it is loaded already

        return trio.lowlevel.current_task()
    import asyncio  # noqa: PLC0415 - it is loaded already

    return asyncio.current_task()


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
        if in_trio():
            import trio  # noqa: PLC0415 - it is loaded already

            await trio.sleep(seconds)
        else:
            import asyncio  # noqa: PLC0415 - it is loaded already

            await asyncio.sleep(seconds)
