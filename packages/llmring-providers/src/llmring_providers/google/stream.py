"""The stream of an answer: whole answers of the same form, each with what came since the last.

https://ai.google.dev/api/generate-content#method:-models.streamgeneratecontent
There is no terminal event: the answer is whole if the body ends after a ``finishReason``.
"""

import re

from llmring_types import StreamChunk

from llmring_providers._protocol import ChatCall, WireRequest
from llmring_providers._stream import BaseStreamDecoder, Event, EventSplitter, Splitter
from llmring_providers.google.response import Gathered
from llmring_providers.google.wire import decode_reply

_OUTSIDE = re.compile(rb'["{}]')
_INSIDE = re.compile(rb'"|\\.', re.DOTALL)


class StreamSplitter:
    """Looks at the first byte, then splits by the one or the other."""

    def __init__(self) -> None:
        self._splitter: Splitter | None = None

    def feed(self, data: bytes) -> list[Event]:
        """Return the events that these bytes complete."""
        if self._splitter is None:
            data = data.lstrip()
            if not data:
                return []
            self._splitter = ObjectSplitter() if data[:1] in (b"[", b"{") else EventSplitter()
        return self._splitter.feed(data)

    def rest(self) -> Event | None:
        """Return what the end of the body leaves without its separator, if anything."""
        return None if self._splitter is None else self._splitter.rest()


class ObjectSplitter:
    """The outermost objects of JSON, whatever stands between them."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._at = 0
        self._start = 0
        self._depth = 0
        self._in_string = False

    def feed(self, data: bytes) -> list[Event]:
        """Return the objects that these bytes complete."""
        buffer = self._buffer
        buffer += data
        events: list[Event] = []
        while found := (_INSIDE if self._in_string else _OUTSIDE).search(buffer, self._at):
            self._at = found.end()
            mark = found[0]
            if mark == b'"':
                self._in_string = not self._in_string
            elif mark == b"{":
                if self._depth == 0:
                    self._start = found.start()
                self._depth += 1
            elif mark == b"}" and self._depth:
                self._depth -= 1
                if self._depth == 0:
                    events.append(Event(b"", bytes(buffer[self._start : self._at])))
        self._skip()
        return events

    def rest(self) -> Event | None:
        """Return nothing: half an object is not one."""
        return None

    def _skip(self) -> None:
        """Forget what was looked at, but not the open object, nor a backslash that the next byte belongs to."""
        end = len(self._buffer)
        self._at = end - 1 if self._in_string and self._buffer.endswith(b"\\") and self._at < end else end
        if self._depth == 0:
            del self._buffer[: self._at]
            self._at = 0


class GenerateStreamDecoder(BaseStreamDecoder):
    """Decodes one stream."""

    def __init__(self, call: ChatCall, wire: WireRequest) -> None:
        super().__init__(call, StreamSplitter())
        self._gathered = Gathered(call, wire)

    def _gathered_chunk(self) -> StreamChunk:
        return StreamChunk(**self._gathered.closing())

    def _take(self, event: Event, chunks: list[StreamChunk]) -> None:
        text, reasoning = self._gathered.take(decode_reply(event.data))
        if text or reasoning:
            chunks.append(StreamChunk(delta=text, model=self._model, reasoning=reasoning or None))

    def _last_without_terminal(self) -> StreamChunk | None:
        # Earlier models repeat the word in every event and usage may follow it, so only the body's end is the end.
        return self._gathered_chunk() if self._gathered.over else None
