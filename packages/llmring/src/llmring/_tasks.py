"""Tasks beside the caller's own: in the background, in groups, and what wakes them.

anyio does the waiting, on asyncio and on trio, and is loaded by the first call that has more than one task.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from contextvars import Context
from typing import TYPE_CHECKING, Any, TypeAlias

from llmring._runtime import LoopHandle, in_trio

if TYPE_CHECKING:
    import asyncio

    from anyio.abc import TaskGroup

_Waiting: TypeAlias = Coroutine[Any, Any, None]


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

        self._task = asyncio.create_task(self._run(), name=name, context=context or Context())
        self._task.add_done_callback(self._end)

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

    def _end(self, task: "asyncio.Task[None]") -> None:
        self._over.set()  # a task that never began has no ``finally``
        if not task.cancelled():
            task.exception()  # what Ctrl-C has left in it the loop has raised already: nothing to be logged

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


class WatchedWork:
    """Work that is cancelled when one of its watches returns, as when a client has left. For one piece of work.

    On asyncio it is done by hand: of a request to the gateway, a task group takes an eighth, most of it to cancel the
    watch of a client that has stayed (``docs/decisions/2026-11-29-anyio.md``).
    """

    def __init__(self) -> None:
        self._ended = False
        self._group: TaskGroup | None = None
        self._worker: asyncio.Task[Any] | None = None
        self._watches: list[asyncio.Task[None]] = []

    async def run(self, work: Callable[[], Awaitable[None]], watch: Callable[[], _Waiting]) -> bool:
        """Do the work, and return whether it was done, not ended by a watch."""
        if not in_trio():
            return await self._run_on_asyncio(work, watch)
        done = False
        async with task_group() as self._group:
            self.add(watch)
            await work()
            done = True
            self._group.cancel_scope.cancel()
        return done

    def add(self, watch: Callable[[], _Waiting]) -> None:
        """Have the work, which is being done, watched by one more."""
        if self._group is not None:
            self._group.start_soon(self._wait, watch, self._group)
            return
        import asyncio  # noqa: PLC0415 - it is loaded already

        task = asyncio.get_running_loop().create_task(watch())
        task.add_done_callback(self._end)
        self._watches.append(task)

    async def _wait(self, watch: Callable[[], _Waiting], group: "TaskGroup") -> None:
        await watch()
        group.cancel_scope.cancel()

    def _end(self, watch: "asyncio.Task[None]") -> None:
        if not self._ended and self._worker is not None and not watch.cancelled():
            self._ended = True
            self._worker.cancel()

    async def _run_on_asyncio(
        self, work: Callable[[], Awaitable[None]], watch: Callable[[], _Waiting]
    ) -> bool:
        import asyncio  # noqa: PLC0415 - it is loaded already

        worker = self._worker = asyncio.current_task()
        before = 0 if worker is None else worker.cancelling()
        self.add(watch)
        try:
            await work()
        except asyncio.CancelledError:
            if not self._ended or worker is None or worker.uncancel() > before:
                raise  # somebody else has cancelled the caller
        finally:
            for task in self._watches:
                task.remove_done_callback(self._end)
                task.cancel()
            self._watches.clear()  # its traceback has what this is part of: a cycle for each request
        return not self._ended


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
