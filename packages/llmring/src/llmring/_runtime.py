"""The few things that asyncio and trio do differently: time limits, sleep, and who is running.

The standard library and trio are used as they are: anyio would cost every call about as much as the rest of llmring.
"""

import sys
import time
from collections.abc import Coroutine
from typing import Any, Protocol, TypeVar

_T = TypeVar("_T")


class TimeLimitError(Exception):
    """The time given to :func:`within` is over; what ran was cancelled."""


def in_trio() -> bool:
    """Whether the caller runs under trio; never imports it."""
    trio = sys.modules.get("trio")
    return trio is not None and bool(trio.lowlevel.in_trio_run())


async def within(seconds: float | None, work: Coroutine[Any, Any, _T]) -> _T:
    """Await the work for at most so many seconds; ``None`` waits for ever.

    Raises:
        TimeLimitError: it took longer and was cancelled.
    """
    if seconds is None:
        return await work
    if in_trio():
        import trio  # noqa: PLC0415 - it is loaded already

        with trio.move_on_after(seconds):
            return await work
        raise TimeLimitError
    import asyncio  # noqa: PLC0415 - ten megabytes that whoever awaits this has loaded already

    try:
        async with asyncio.timeout(seconds) as limit:
            return await work
    except TimeoutError:
        if limit.expired():
            raise TimeLimitError from None
        raise


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
