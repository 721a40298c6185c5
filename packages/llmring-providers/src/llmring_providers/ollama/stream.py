"""The stream of a chat answer: one JSON object per line, the last one with ``done: true``.

https://docs.ollama.com/api/streaming
https://github.com/ndjson/ndjson-spec
"""

import msgspec
from llmring_types import StreamChunk

from llmring_providers._protocol import ChatCall
from llmring_providers._stream import BOM, BaseStreamDecoder, Event
from llmring_providers.ollama.response import Gathered
from llmring_providers.ollama.wire import Part, decode_lax_part, decode_part

_BLANKS = b" \t\r"


class LineSplitter:
    """Feed it bytes, take whole lines; a line is an :class:`Event` without a name. Blank lines are left out."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        """The beginning of the next line: joined once, however many pieces a long line comes in."""
        self._first = True

    def feed(self, data: bytes) -> list[Event]:
        """Return the lines that these bytes complete."""
        if b"\n" not in data:
            if data:
                self._pieces.append(data)
            return []
        if self._pieces:
            self._pieces.append(data)
            data = b"".join(self._pieces)
            self._pieces = []  # freed before the split copies it again
        lines = data.split(b"\n")
        rest = lines.pop()
        self._pieces = [rest] if rest else []
        return self._events(lines)

    def rest(self) -> Event | None:
        """Return the line that the end of the body leaves without its line end, if there is one."""
        events = self._events([b"".join(self._pieces)])
        self._pieces = []
        return events[0] if events else None

    def _events(self, lines: list[bytes]) -> list[Event]:
        if self._first:
            self._first = False
            lines[0] = lines[0].removeprefix(BOM)
        return [Event(b"", line) for line in map(bytes.strip, lines) if line]


class LinesOrDocument:
    """Splits a body into lines, or takes one that is a single document, laid out over many, as one."""

    def __init__(self) -> None:
        self._lines = LineSplitter()
        self._document: list[bytes] | None = None
        self._begin: bytes | None = b""
        """The beginning, while its kind cannot be known: nothing, or the brace that may stand alone in its line."""

    def feed(self, data: bytes) -> list[Event]:
        if self._begin is not None:
            data = (self._begin + data).lstrip()
            after = data[1:].lstrip(_BLANKS)
            if not after and data[:1] in (b"", b"{"):
                self._begin = data[:1]
                return []
            self._begin = None
            if data.startswith(b"{") and after.startswith(b"\n"):
                self._document = []
        if self._document is None:
            return self._lines.feed(data)
        self._document.append(data)
        return []

    def rest(self) -> Event | None:
        if self._document is not None:
            return Event(b"", b"".join(self._document).strip())
        begin, self._begin = self._begin, None
        if begin:
            self._lines.feed(begin)
        return self._lines.rest()


class ChatStreamDecoder(BaseStreamDecoder):
    """Decodes one stream."""

    def __init__(self, call: ChatCall) -> None:
        super().__init__(call, LinesOrDocument())
        self._gathered = Gathered(call)

    def _gathered_chunk(self) -> StreamChunk:
        return StreamChunk(**self._gathered.closing())

    def _take(self, event: Event, chunks: list[StreamChunk]) -> None:
        try:
            part = decode_part(event.data)
        except msgspec.DecodeError:
            odd = _odd_part(event.data)
            if odd is None:
                return
            part = odd
        self._gathered.take(part)
        message = part.message
        if message is not None:
            text = message.content
            if message.thinking:
                chunks.append(StreamChunk(delta=text or "", model=self._model, reasoning=message.thinking))
            elif text:
                chunks.append(StreamChunk(delta=text, model=self._model))
        if part.done:
            self._gathered.check()
            self.done = True
            chunks.append(self._gathered_chunk())


def _odd_part(line: bytes) -> Part | None:
    """Read a line in another form than Ollama's: numbers as text, or OpenAI's framing; ``None`` where it says nothing.

    Raises:
        msgspec.DecodeError: it is nothing that is known.
    """
    if not line.startswith(b"{"):
        if not line.startswith(b"data:") or line.endswith(b"[DONE]"):
            return None
        line = line.removeprefix(b"data:")
    return decode_lax_part(line)
