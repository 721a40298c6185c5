"""One resource per event loop, closed when its loop ends."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from types import AsyncGeneratorType
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")


class _Held(NamedTuple, Generic[T]):
    resource: T
    holder: AsyncGenerator[T, None]

    @property
    def is_over(self) -> bool:
        return isinstance(self.holder, AsyncGeneratorType) and self.holder.ag_frame is None


class PerLoop(Generic[T]):
    """Keeps what belongs to the loop that made it, such as a connection pool.

    A transport may outlive a loop (two ``asyncio.run`` with one transport) and serve several (one in each thread).
    The resource is held by an async generator, since loops close the generators that they have started before they
    end: what the caller forgot to close is closed in its own loop, and nothing is left to warn about.

    Args:
        hold: a generator function that makes the resource, yields it once and closes it.
        current_loop: returns what stands for the running loop.
    """

    def __init__(
        self,
        hold: Callable[[], AsyncGenerator[T, None]],
        current_loop: Callable[[], object] = asyncio.get_running_loop,
    ) -> None:
        self._hold = hold
        self._current_loop = current_loop
        self._held: dict[object, _Held[T]] = {}

    def kept(self) -> T | None:
        """Return the running loop's resource; ``None`` where :meth:`get` has not made it yet."""
        held = self._held.get(self._current_loop())
        return None if held is None or held.is_over else held.resource

    async def get(self) -> T:
        """Return the running loop's resource, made at the first call."""
        resource = self.kept()
        if resource is None:
            self._forget_ended_loops()
            holder = self._hold()
            resource = await anext(holder)
            self._held[self._current_loop()] = _Held(resource, holder)
        return resource

    async def aclose(self) -> None:
        """Close what there is: in the running loop at once, in others as soon as they get to it."""
        own = self._held.pop(self._current_loop(), None)
        self._held.clear()  # a generator that nobody holds is closed by its own loop, if that still runs
        if own is not None:
            await own.holder.aclose()

    def _forget_ended_loops(self) -> None:
        for loop, held in list(self._held.items()):
            closed = isinstance(loop, asyncio.AbstractEventLoop) and loop.is_closed()
            if closed or held.is_over:
                self._held.pop(loop, None)
