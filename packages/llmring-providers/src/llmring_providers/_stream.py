"""Base of all stream decoders: the end of a stream, its errors, and cuts."""

from abc import ABC, abstractmethod
from typing import Protocol

from llmring_types import StreamChunk
from llmring_types.exceptions import LLMRingError, MalformedResponseError, StreamInterruptedError

from llmring_providers._json import DECODE_ERRORS, REPAIRED, Halves, malformed, mend, repaired
from llmring_providers._pieces import Event, EventSplitter
from llmring_providers._protocol import ChatCall


class Splitter(Protocol):
    """Cuts a body into its events, wherever its bytes are split."""

    def feed(self, data: bytes) -> list[Event]:
        """Return the events that these bytes complete."""

    def rest(self) -> Event | None:
        """Return what the end of the body leaves without its separator, if anything."""


class BaseStreamDecoder(ABC):
    """A :class:`StreamDecoder` that lacks only the meaning of one event.

    A subclass implements :meth:`_take` and :meth:`_gathered_chunk`, and sets ``done`` at the terminal event.
    """

    def __init__(self, call: ChatCall, splitter: Splitter | None = None) -> None:
        self.done = False
        self.failure: LLMRingError | None = None
        self._call = call
        self._model = str(call.ref)
        self._halves: Halves | None = None
        """Once an event had to be repaired."""
        self._splitter: Splitter = splitter or EventSplitter()

    @abstractmethod
    def _take(self, event: Event, chunks: list[StreamChunk]) -> None:
        """Read one event and append the chunks that it gives.

        An error raised here ends the stream: one of ours as it is, one of :data:`DECODE_ERRORS` as malformed data.
        """

    @abstractmethod
    def _gathered_chunk(self) -> StreamChunk:
        """Return what has been gathered for the last chunk so far."""

    def partial(self) -> StreamChunk:
        """Return what has been gathered for the last chunk so far."""
        chunk = self._gathered_chunk()
        if self._halves is not None:
            mend(chunk)
        return chunk

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
                break
            except DECODE_ERRORS as error:
                self._take_repaired(event, chunks, error)
                if self.failure is not None:
                    break
            if self.done:
                break
        if self._halves is not None:
            self._mend(chunks)
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
        if self._halves is not None:
            self._mend(chunks)
        return chunks

    def _take_repaired(self, event: Event, chunks: list[StreamChunk], error: Exception) -> None:
        """Take an event again without what a strict reader refuses."""
        fixed = repaired(event.data)
        try:
            if fixed != event.data:
                self._take(Event(event.name, fixed), chunks)
                self._halves = self._halves or Halves()
                return
        except LLMRingError as failure:
            self.failure = failure
            return
        except DECODE_ERRORS as again:
            error = again
        self.failure = malformed("an event of the stream is not what the protocol says", self._call, error)

    def _mend(self, chunks: list[StreamChunk]) -> None:
        if self._halves is not None and chunks:
            self._halves.mend(chunks, last=self.done)
            if self.done:
                chunks[-1].warnings = [*(chunks[-1].warnings or ()), REPAIRED]

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
