"""Two calls at once where the first is slow: the first good outcome counts, the other call is cancelled."""

from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar

import msgspec
from llmring_types.exceptions import LLMRingError

from llmring._runtime import in_trio

T = TypeVar("T")


class Outcome(msgspec.Struct, Generic[T], frozen=True):
    """How a call ended: with a result or with an error. ``sent`` is false where nothing was sent."""

    result: T | None
    error: LLMRingError | None = None
    sent: bool = True


Call = Callable[[], Awaitable[Outcome[T]]]


async def race(
    first: Call[T], second: Call[T], delay: float, discard: Callable[[T], None] | None = None
) -> tuple[Outcome[T] | None, Outcome[T] | None, bool]:
    """Run the first call, and the second beside it when the first has not ended after ``delay`` seconds.

    A call that has not ended when another has given a result is cancelled, and awaited until it has ended.

    Args:
        first: the call that has the start.
        second: the other one.
        delay: seconds.
        discard: frees a result that came when the race as a whole was cancelled already.

    Returns:
        The outcome of each, ``None`` for one that was cancelled or never started; and whether the second was started.
    """
    ended: list[Outcome[T]] = []

    async def noted(call: Call[T]) -> Outcome[T]:
        outcome = await call()
        ended.append(outcome)
        return outcome

    run = _race_in_trio if in_trio() else _race_in_asyncio
    try:
        return await run(lambda: noted(first), lambda: noted(second), delay)
    except BaseException:
        for outcome in ended:
            if discard is not None and outcome.result is not None:
                discard(outcome.result)
        raise


async def _race_in_asyncio(
    first: Call[T], second: Call[T], delay: float
) -> tuple[Outcome[T] | None, Outcome[T] | None, bool]:
    import asyncio  # noqa: PLC0415 - it is loaded already

    tasks = [asyncio.ensure_future(first())]
    try:
        await asyncio.wait(tasks, timeout=delay)
        if not tasks[0].done():
            tasks.append(asyncio.ensure_future(second()))
        while (waiting := [task for task in tasks if not task.done()]) and not _any_good(tasks):
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    outcomes = [None if task.cancelled() else task.result() for task in tasks]
    return outcomes[0], outcomes[1] if len(outcomes) > 1 else None, len(outcomes) > 1


def _any_good(tasks: list[Any]) -> bool:
    return any(task.done() and not task.cancelled() and task.result().error is None for task in tasks)


async def _race_in_trio(
    first: Call[T], second: Call[T], delay: float
) -> tuple[Outcome[T] | None, Outcome[T] | None, bool]:
    import trio  # noqa: PLC0415 - it is loaded already

    outcomes: list[Outcome[T] | None] = [None, None]
    ended = trio.Event()
    started = False

    async def run(place: int, call: Call[T], scope: trio.CancelScope) -> None:
        outcome = outcomes[place] = await call()
        if place == 0:
            ended.set()
        if outcome.error is None:
            scope.cancel()

    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(run, 0, first, nursery.cancel_scope)
            with trio.move_on_after(delay):
                await ended.wait()
            if not ended.is_set():
                started = True
                nursery.start_soon(run, 1, second, nursery.cancel_scope)
    except ExceptionGroup as group:  # the nursery's wrapping; nobody outside knows of a nursery
        raise group.exceptions[0] from group.exceptions[0].__cause__
    return outcomes[0], outcomes[1], started
