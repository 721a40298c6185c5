"""Streams: events out of bytes that may be split anywhere, and the base of what decodes them.

https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
"""

import re
from abc import ABC, abstractmethod
from typing import Protocol

import msgspec
from llmring_types import StreamChunk
from llmring_types.exceptions import LLMRingError, MalformedResponseError, StreamInterruptedError

from llmring_providers._json import DECODE_ERRORS, REPAIRED, Halves, malformed, mend, repaired, web_page
from llmring_providers._pieces import documents
from llmring_providers._protocol import ChatCall

_ODD = "an event of the stream is not what the protocol says"
BOM = b"\xef\xbb\xbf"
_END = re.compile(rb"\s*data:\s*\[DONE\]\s*\Z")
"""Of a stream, behind a document: some hosts put it there."""
_LONE_CR = re.compile(rb"\r(?!\n)")
_BLOCK = re.compile(
    rb"data: ([^\n]+)\n\n"  # OpenAI and Gemini
    rb"|event: ([^\n]+)\ndata: ([^\n]+)\n\n"  # Anthropic
    rb"|(.*?)\n\n",
    re.DOTALL,
)
"""A block that a blank line ends: an event as nearly all hosts write it, without or with its name, or another block."""


class Event(msgspec.Struct, frozen=True, gc=False):
    """One event. ``name`` is empty where the server gave none."""

    name: bytes
    data: bytes


class EventSplitter:
    """Feed it bytes, take whole events."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        """The beginning of the next event: joined once, however many pieces a long event comes in."""
        self._after_newline = False
        self._carriage_return = False
        self._first = True

    def feed(self, data: bytes) -> list[Event]:
        """Return the events that these bytes complete."""
        if self._carriage_return or b"\r" in data:
            data = self._normalised(data)
        if b"\n\n" not in data and not (self._after_newline and data.startswith(b"\n")):
            if data:
                self._pieces.append(data)
                self._after_newline = data.endswith(b"\n")
            return []
        if self._pieces:
            self._pieces.append(data)
            data = b"".join(self._pieces)
            self._pieces = []  # freed before the events copy it again
        end = data.rindex(b"\n\n") + 2
        rest = data[end:]
        self._pieces = [rest] if rest else []
        self._after_newline = rest.endswith(b"\n")
        events: list[Event] = []
        for unnamed, name, named, other in _BLOCK.findall(data, 0, end):
            if unnamed or named:
                self._first = False
                events.append(Event(name, unnamed or named))
            elif (event := self._event(other)) is not None:
                events.append(event)
        return events

    def rest(self) -> Event | None:
        """Return the event that the end of the body leaves without its blank line, if it has data."""
        block = b"".join(self._pieces)
        self._pieces = []
        return self._event(block)

    def _normalised(self, data: bytes) -> bytes:
        """Bring all three kinds of line end to one; a lone CR at the end may be half of a CRLF, so it waits."""
        if self._carriage_return:
            data = b"\r" + data
        self._carriage_return = data.endswith(b"\r")
        if self._carriage_return:
            data = data[:-1]
        if _LONE_CR.search(data) is None:  # only CRLF: deleting costs a tenth of replacing
            return data.replace(b"\r", b"")
        return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _event(self, block: bytes) -> Event | None:
        if self._first:
            block = block.removeprefix(BOM)
            begin = block.lstrip()
            self._first = not begin  # hosts that keep the line open with white space have not begun yet
            if begin.startswith(b"{"):  # no stream but one JSON document: an error, or a whole answer
                return Event(b"", block)
        name = b""
        data: list[bytes] = []
        for line in block.split(b"\n"):
            field, _, value = line.partition(b":")
            value = value.removeprefix(b" ")
            if field == b"data":
                data.append(value)
            elif field == b"event":
                name = value
        return Event(name, b"\n".join(data)) if data else None


class EventsOrDocument:
    """Splits a body into events, or takes one that is a single JSON document as one event: some hosts do not stream."""

    def __init__(self) -> None:
        self._events = EventSplitter()
        self._document: list[bytes] | None = None
        self._begun = False

    def feed(self, data: bytes) -> list[Event]:
        if not self._begun and (start := data.removeprefix(BOM).lstrip()):
            self._begun = True
            if start.startswith(b"{"):
                self._document = []
        if self._document is None:
            return self._events.feed(data)
        self._document.append(data)
        return []

    def rest(self) -> Event | None:
        if self._document is None:
            return self._events.rest()
        return Event(b"", _END.sub(b"", b"".join(self._document).removeprefix(BOM)))


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
        self._begun = False
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
        if not self._begun:
            self._begun, self.failure = True, web_page(data, self._call)
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
        if lines := documents(event.data):
            self._take_lines(event, lines, chunks)
            return
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
        self.failure = malformed(_ODD, self._call, error)

    def _take_lines(self, event: Event, lines: list[bytes], chunks: list[StreamChunk]) -> None:
        """Take the events of a host that puts no blank line between them."""
        for line in lines:
            try:
                self._take(Event(event.name, line), chunks)
            except LLMRingError as error:
                self.failure = error
            except DECODE_ERRORS as error:
                self.failure = malformed(_ODD, self._call, error)
            if self._over():
                return

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
                self._take_lines(rest, documents(rest.data), chunks)
                if isinstance(self.failure, MalformedResponseError):
                    self.failure = None
            except LLMRingError as error:
                self.failure = error
        return chunks

    def _over(self) -> bool:
        return self.done or self.failure is not None
