"""Streams put together: events and lines out of bytes that may be split anywhere, texts out of their pieces.

https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
https://github.com/ndjson/ndjson-spec
"""

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from llmring_providers._json import DECODE_ERRORS

RESENT = "the host sent the arguments of a call more than once: they were taken once"
_BOM = b"\xef\xbb\xbf"
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


class Pieces:
    """A text that is still coming, where the text itself is to stand."""

    def __init__(self, text: str) -> None:
        self._pieces = [text]

    def add(self, piece: str) -> None:
        self._pieces.append(piece)

    def __str__(self) -> str:
        return "".join(self._pieces)


def extended(there: str | Pieces, piece: str) -> Pieces:
    """Return the text that stands there with one more piece."""
    if isinstance(there, str):
        there = Pieces(there)
    there.add(piece)
    return there


def joined(value: Any) -> Any:
    """Return the value with its texts whole; what is there stays as it is, and may go on."""
    if isinstance(value, Pieces):
        return str(value)
    if isinstance(value, dict):
        return {name: joined(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [joined(inner) for inner in value]
    return value


def join_arguments(pieces: Sequence[str]) -> tuple[str, bool]:
    """Return the arguments of a call, and whether some had to be left out because the host had sent them again.

    Some hosts send all arguments so far in every piece, others all of them, or an empty object, once more at the end
    (https://github.com/NousResearch/hermes-agent/pull/35718). What is a JSON object as it stands is never touched.
    """
    text, last = "".join(pieces), pieces[-1] if pieces else ""
    if len(pieces) < 2 or not last.startswith("{") or _is_object(text):  # noqa: PLR2004 - one piece repeats none
        return text, False
    before = text[: -len(last)]
    if last == "{}" and _is_object(before):
        return before, True
    if (before == last or all(last.startswith(piece) for piece in pieces)) and _is_object(last):
        return last, True
    return text, False


def _is_object(text: str) -> bool:
    try:
        return isinstance(msgspec.json.decode(text), dict)
    except DECODE_ERRORS:
        return False


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
            block = block.removeprefix(_BOM)
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
        if not self._begun and (start := data.removeprefix(_BOM).lstrip()):
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
        return Event(b"", _END.sub(b"", b"".join(self._document).removeprefix(_BOM)))


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
            lines[0] = lines[0].removeprefix(_BOM)
        return [Event(b"", line) for line in map(bytes.strip, lines) if line]
