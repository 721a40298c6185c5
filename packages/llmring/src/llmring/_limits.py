"""How many calls a provider gets at once."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from weakref import WeakKeyDictionary

from llmring_providers import ProviderStream
from llmring_types import StreamChunk

from llmring._runtime import Semaphore, make_semaphore, running_loop


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
        semaphores = self._semaphores.setdefault(running_loop(), {})
        semaphore = semaphores.get(provider)
        if semaphore is None:
            semaphore = semaphores[provider] = make_semaphore(places)
        await semaphore.acquire()
        return semaphore

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
        self._stream.close()
        self._release()

    def _release(self) -> None:
        place, self._place = self._place, None
        if place is not None:
            place.release()
