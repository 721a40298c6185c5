"""Two attempts at once where the first is slow: the first good outcome counts, the other one is cancelled."""

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Generic, Protocol, TypeVar

import msgspec
from llmring_types import Attempt
from llmring_types.exceptions import LLMRingError

from llmring._failover.planner import Planner
from llmring._routing import Candidate
from llmring._tasks import task_group

T = TypeVar("T")


class Outcome(msgspec.Struct, Generic[T], frozen=True):
    """The end of a call: a result or an error. ``sent`` is false where nothing was sent."""

    result: T | None
    error: LLMRingError | None = None
    sent: bool = True


First = Callable[[Callable[[], None]], Awaitable[Outcome[T]]]
"""A call that reports when it is sent: what comes before that is llmring's own queue, and no slowness of the model."""


class Making(Protocol[T]):
    """Asks a candidate; ``sent`` is called at the moment that it is asked."""

    def __call__(
        self, candidate: Candidate, sent: Callable[[], None] | None = None
    ) -> Coroutine[Any, Any, Outcome[T]]: ...


async def hedged(
    candidate: Candidate,
    planner: Planner,
    make: Making[T],
    *,
    delay: float,
    trace: list[Attempt],
    discard: Callable[[T], None] | None,
) -> Outcome[T]:
    """Ask a candidate, and the next one beside it, if that can be used, when this one is slow.

    Args:
        candidate: whom to ask first.
        planner: knows the next one.
        make: asks one of them.
        delay: seconds until the second is asked.
        trace: of the call.
        discard: frees a result that came too late to count.
    """
    backup = planner.following()
    if backup is None or backup.unusable is not None:
        return await make(candidate)
    first, second, both = await race(lambda sent: make(candidate, sent), lambda: make(backup), delay, discard)
    if both:
        planner.advance()
    ended = [(who, each) for who, each in ((candidate, first), (backup, second)) if each is not None]
    good = [(who, outcome) for who, outcome in ended if outcome.error is None]
    if not good:
        failed = [outcome for _, outcome in ended]
        return ([outcome for outcome in failed if outcome.sent] or failed)[-1]
    for who, late in good[1:]:
        _withdraw(who, trace)
        if discard is not None and late.result is not None:
            discard(late.result)
    trace.sort(key=lambda tried: tried.outcome == "ok")  # who answered stands last
    return good[0][1]


def _withdraw(late: Candidate, trace: list[Attempt]) -> None:
    place = next(place for place, tried in enumerate(trace) if tried.model == str(late.ref))
    trace[place] = msgspec.structs.replace(trace[place], outcome="cancelled")


async def race(
    first: First[T],
    second: Callable[[], Awaitable[Outcome[T]]],
    delay: float,
    discard: Callable[[T], None] | None = None,
) -> tuple[Outcome[T] | None, Outcome[T] | None, bool]:
    """Run the first call, and the second beside it when the first has not ended ``delay`` seconds after it was sent.

    A call that has not ended when another has given a result is cancelled, and awaited until it has ended.

    Args:
        first: the call that has the start.
        second: the other one.
        delay: seconds.
        discard: frees a result that came when the race as a whole was cancelled already.

    Returns:
        The outcome of each, ``None`` for one that was cancelled or never started; and whether the second was started.
    """
    import anyio  # noqa: PLC0415 - only where calls are hedged

    outcomes: list[Outcome[T] | None] = [None, None]
    sent, ended = anyio.Event(), anyio.Event()
    started = False

    async def run(place: int, call: Callable[[], Awaitable[Outcome[T]]]) -> None:
        outcome = outcomes[place] = await call()
        if place == 0:
            sent.set()
            ended.set()
        if outcome.error is None:
            group.cancel_scope.cancel()

    try:
        async with task_group() as group:
            group.start_soon(run, 0, lambda: first(sent.set))
            await sent.wait()
            with anyio.move_on_after(delay):
                await ended.wait()
            if not ended.is_set():
                started = True
                group.start_soon(run, 1, second)
    except BaseException:
        for outcome in outcomes:
            if discard is not None and outcome is not None and outcome.result is not None:
                discard(outcome.result)
        raise
    return outcomes[0], outcomes[1], started
