"""How many calls a provider gets at once."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from weakref import WeakKeyDictionary

from llmring_providers import ProviderStream
from llmring_types import StreamChunk

from llmring._runtime import Semaphore, has_ended, make_semaphore, running_loop

_waiting: ContextVar[tuple["Limits", str] | None] = ContextVar("_waiting", default=None)
"""The place that this task waits for. It stays where the wait was cut off, for whoever cut it off to see."""


class Limits:
    """Places for concurrent calls, first come, first served. A stream holds its place until it ends.

    Args:
        places: provider to most calls at once, in each event loop; a provider that is not named has no limit.
    """

    def __init__(self, places: Mapping[str, int]) -> None:
        self._places = places
        self._semaphores: WeakKeyDictionary[object, dict[str, Semaphore]] = WeakKeyDictionary()

    def __bool__(self) -> bool:
        return bool(self._places)

    async def take(self, provider: str) -> Semaphore | None:
        """Wait for a place; whoever gets it has to release it. ``None`` where there is no limit."""
        places = self._places.get(provider)
        if places is None:
            return None
        semaphore = self._semaphore(provider, places)
        _waiting.set((self, provider))
        await semaphore.acquire()
        _waiting.set(None)
        return semaphore

    def was_in_vain(self, provider: str) -> bool:
        """Whether the work that this task has just cut off was still waiting for a place: nothing was sent then."""
        return bool(self._places) and _waiting.get() == (self, provider)

    def _semaphore(self, provider: str, places: int) -> Semaphore:
        loop = running_loop()
        semaphores = self._semaphores.get(loop)
        if semaphores is None:
            self._forget_ended_loops()
            semaphores = self._semaphores[loop] = {}
        semaphore = semaphores.get(provider)
        if semaphore is None:
            semaphore = semaphores[provider] = make_semaphore(places)
        return semaphore

    def _forget_ended_loops(self) -> None:
        """Let go of loops that only their own semaphores hold: asyncio's keep the loop that they waited in."""
        for loop in list(self._semaphores):
            if has_ended(loop):
                self._semaphores.pop(loop, None)

    @asynccontextmanager
    async def place(self, provider: str) -> AsyncIterator[None]:
        """Hold a place for the length of the block."""
        semaphore = await self.take(provider)
        try:
            yield
        finally:
            if semaphore is not None:
                semaphore.release()


class PlacedStream:
    """A stream that gives its place back when it ends."""

    def __init__(self, stream: ProviderStream, place: Semaphore) -> None:
        self._stream = stream
        self._place: Semaphore | None = place

    async def receive(self) -> Sequence[StreamChunk]:
        return await self._stream.receive()

    def partial(self) -> StreamChunk:
        return self._stream.partial()

    async def finish(self) -> None:
        try:
            await self._stream.finish()
        finally:
            self._release()

    def close(self) -> None:
        try:
            self._stream.close()
        finally:
            self._release()

    def _release(self) -> None:
        place, self._place = self._place, None
        if place is not None:
            place.release()
