"""Base of all stream decoders: the end of a stream, its errors, and cuts."""

from abc import ABC, abstractmethod
from typing import Protocol

from llmring_types import StreamChunk
from llmring_types.exceptions import LLMRingError, MalformedResponseError, StreamInterruptedError

from llmring_providers._json import DECODE_ERRORS, malformed
from llmring_providers._protocol import ChatCall
from llmring_providers._sse import Event, EventSplitter


class Splitter(Protocol):
    """Cuts a body into its events, wherever its bytes are split."""

    def feed(self, data: bytes) -> list[Event]:
        """Return the events that these bytes complete."""

    def rest(self) -> Event | None:
        """Return what the end of the body leaves without its separator, if anything."""


class BaseStreamDecoder(ABC):
    """A :class:`StreamDecoder` that lacks only the meaning of one event.

    A subclass implements :meth:`_take` and :meth:`partial`, and sets ``done`` at the terminal event.
    """

    def __init__(self, call: ChatCall, splitter: Splitter | None = None) -> None:
        self.done = False
        self.failure: LLMRingError | None = None
        self._call = call
        self._model = str(call.ref)
        self._splitter: Splitter = splitter or EventSplitter()

    @abstractmethod
    def _take(self, event: Event, chunks: list[StreamChunk]) -> None:
        """Read one event and append the chunks that it gives.

        An error raised here ends the stream: one of ours as it is, one of :data:`DECODE_ERRORS` as malformed data.
        """

    @abstractmethod
    def partial(self) -> StreamChunk:
        """Return what has been gathered for the last chunk so far."""

    def _last_without_terminal(self) -> StreamChunk | None:
        """Return the last chunk of a body without a terminal event, where the answer is known to be whole."""
        return None

    def feed(self, data: bytes) -> list[StreamChunk]:
        chunks: list[StreamChunk] = []
        if self._over():
            return chunks
        take = self._take
        for event in self._splitter.feed(data):
            try:
                take(event, chunks)
            except LLMRingError as error:
                self.failure = error
            except DECODE_ERRORS as error:
                self.failure = malformed(
                    "an event of the stream is not what the protocol says", self._call, error
                )
            if self.done or self.failure is not None:
                break
        return chunks

    def close(self) -> list[StreamChunk]:
        chunks = [] if self._over() else self._rest()
        if self.failure is not None:
            raise self.failure
        if not self.done:
            last = self._last_without_terminal()
            if last is None:
                raise StreamInterruptedError(
                    "the stream ended before the model had finished: what came is not the whole answer",
                    provider=self._call.ref.provider,
                    model=self._call.ref.model,
                )
            self.done = True
            chunks.append(last)
        return chunks

    def _rest(self) -> list[StreamChunk]:
        """Take the event whose separator is missing; half an event at the end is a cut, not malformed data."""
        chunks: list[StreamChunk] = []
        rest = self._splitter.rest()
        if rest is not None:
            try:
                self._take(rest, chunks)
            except (MalformedResponseError, *DECODE_ERRORS):
                pass
            except LLMRingError as error:
                self.failure = error
        return chunks

    def _over(self) -> bool:
        return self.done or self.failure is not None
