"""Time limits that the work may have put off, on both event loops."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from llmring._runtime import TimeLimitError, extend_deadline, within
from llmring._tasks import WatchedWork, task_group

SHORT, LONG = 0.02, 30.0


@pytest.fixture(params=["asyncio", "trio"])
def backend(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


async def sleeps() -> str:
    await anyio.sleep(LONG)
    return "late"


async def goes_on() -> str:
    extend_deadline(LONG)
    await anyio.sleep(2 * SHORT)
    return "in time"


async def needs_no_limit() -> str:
    extend_deadline(None)
    await anyio.sleep(2 * SHORT)
    return "in time"


async def has_no_time_left() -> str:
    extend_deadline(0.0)
    await anyio.sleep(LONG)
    return "late"


async def contains_another() -> str:
    with pytest.raises(TimeLimitError):
        await within(SHORT, sleeps(), movable=True)
    return await goes_on()


Work = Callable[[], Coroutine[Any, Any, str]]
LIMITS: list[tuple[Work, float | None, float | None, bool]] = [
    (goes_on, SHORT, None, True),
    (needs_no_limit, SHORT, None, True),
    (goes_on, None, None, True),
    (contains_another, LONG, None, True),
    (sleeps, SHORT, None, False),
    (sleeps, SHORT, LONG, False),
    (goes_on, SHORT, SHORT, False),
    (needs_no_limit, SHORT, SHORT, False),
    (has_no_time_left, LONG, None, False),
    (sleeps, 0.0, 0.0, False),
]


@pytest.mark.parametrize(("work", "seconds", "at_most", "in_time"), LIMITS)
def test_a_limit_may_be_moved_but_not_past_the_last_moment(
    work: Work, seconds: float | None, at_most: float | None, in_time: bool, backend: str
) -> None:
    async def main() -> None:
        if in_time:
            assert await within(seconds, work(), movable=True, at_most=at_most) == "in time"
        else:
            with pytest.raises(TimeLimitError):
                await within(seconds, work(), movable=True, at_most=at_most)

    anyio.run(main, backend=backend)


def test_a_limit_that_is_fixed_stays(backend: str) -> None:
    async def main() -> None:
        with pytest.raises(TimeLimitError):
            await within(SHORT, goes_on())

    anyio.run(main, backend=backend)


def test_without_a_limit_there_is_nothing_to_extend(backend: str) -> None:
    async def main() -> None:
        extend_deadline(1.0)

    anyio.run(main, backend=backend)


def test_a_timeout_of_the_work_itself_stays_one(backend: str) -> None:
    async def main() -> None:
        async def fails() -> None:
            raise TimeoutError("its own")

        with pytest.raises(TimeoutError, match="its own"):
            await within(LONG, fails())

    anyio.run(main, backend=backend)


@pytest.mark.parametrize("in_a_task", [True, False])
def test_a_group_of_tasks_raises_what_one_of_them_raised(backend: str, *, in_a_task: bool) -> None:
    error = ValueError("v")

    async def fail() -> None:
        raise error

    async def main() -> None:
        async with task_group() as group:
            if in_a_task:
                group.start_soon(fail)
                await anyio.sleep(LONG)
            await fail()

    with pytest.raises(ValueError, match="v") as caught:
        anyio.run(main, backend=backend)
    assert caught.value is error
    assert error.__context__ is None


async def ignores_its_end() -> str:
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.sleep(LONG)
    return "late"


async def is_cancelled_besides() -> str:
    task = asyncio.current_task()
    assert task is not None
    try:
        await asyncio.sleep(LONG)
    except asyncio.CancelledError:
        task.cancel()
        await asyncio.sleep(LONG)
    return "never"


async def fails_at_its_end() -> str:
    try:
        await asyncio.sleep(LONG)
    except asyncio.CancelledError:
        raise ValueError("v") from None
    return "never"


@pytest.mark.parametrize(
    ("work", "outcome", "left"),
    [
        (sleeps, TimeLimitError, 0),
        (ignores_its_end, None, 0),
        (fails_at_its_end, ValueError, 0),
        (is_cancelled_besides, asyncio.CancelledError, 1),
    ],
)
async def test_a_limit_takes_back_its_own_cancellation_and_no_other(
    work: Work, outcome: type[BaseException] | None, left: int
) -> None:
    task = asyncio.current_task()
    assert task is not None
    caught: BaseException | None = None
    try:
        await within(SHORT, work())
    except BaseException as error:  # noqa: BLE001 - a cancellation among them
        caught = error
    counted = task.cancelling()
    while task.uncancel():
        pass
    assert (None if caught is None else type(caught), counted) == (outcome, left)


async def test_a_limit_within_another_ends_alone() -> None:
    async def inner() -> str:
        with pytest.raises(TimeLimitError):
            await within(SHORT, sleeps())
        return "in time"

    assert await within(LONG, inner()) == "in time"
    with pytest.raises(TimeLimitError):
        await within(SHORT, within(LONG, sleeps()))


async def never() -> None:
    await anyio.sleep_forever()


async def at_once() -> None:
    return


@pytest.mark.parametrize(
    ("work", "watch", "done"), [(at_once, never, True), (never, at_once, False), (at_once, at_once, True)]
)
def test_work_is_done_unless_its_watch_ends_first(backend: str, work: Any, watch: Any, *, done: bool) -> None:
    async def run() -> bool:
        with anyio.fail_after(LONG):
            found = await WatchedWork().run(work, watch)
        await anyio.lowlevel.checkpoint()  # no cancellation is left over
        return found

    assert anyio.run(run, backend=backend) is done


def test_work_may_have_further_watches_and_is_ended_once(backend: str) -> None:
    async def run() -> bool:
        watched = WatchedWork()

        async def work() -> None:
            watched.add(at_once)
            watched.add(at_once)
            await never()

        with anyio.fail_after(LONG):
            found = await watched.run(work, never)
        await anyio.lowlevel.checkpoint()
        return found

    assert anyio.run(run, backend=backend) is False


def test_an_error_of_watched_work_comes_out_and_the_watch_ends(backend: str) -> None:
    ended = []

    async def watch() -> None:
        try:
            await never()
        finally:
            ended.append(True)

    async def work() -> None:
        await anyio.lowlevel.checkpoint()
        raise ZeroDivisionError

    async def run() -> None:
        with pytest.raises(ZeroDivisionError):
            await WatchedWork().run(work, watch)
        await anyio.lowlevel.checkpoint()

    anyio.run(run, backend=backend)
    assert ended == [True]


async def test_watched_work_that_somebody_else_cancels_is_cancelled() -> None:
    task = asyncio.ensure_future(WatchedWork().run(never, never))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_watched_work_that_is_cancelled_besides_stays_cancelled() -> None:
    async def watch() -> None:
        task.cancel()

    task = asyncio.ensure_future(WatchedWork().run(never, watch))
    with pytest.raises(asyncio.CancelledError):
        await task
