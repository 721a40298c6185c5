"""Server-sent events out of bytes that may be split anywhere.

https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
"""

from typing import NamedTuple

_BOM = b"\xef\xbb\xbf"


class Event(NamedTuple):
    """One event. ``name`` is empty where the server gave none."""

    name: bytes
    data: bytes


class EventSplitter:
    """Feed it bytes, take whole events."""

    def __init__(self) -> None:
        self._rest = b""
        self._carriage_return = False
        self._started = False

    def feed(self, data: bytes) -> list[Event]:
        """Return the events that these bytes complete."""
        data = self._normalised(data)
        rest = self._rest
        buffer = rest + data if rest else data
        end = buffer.rfind(b"\n\n", max(0, len(rest) - 1))
        if end < 0:
            self._rest = buffer
            return []
        self._rest = buffer[end + 2 :]
        return [event for block in buffer[:end].split(b"\n\n") if (event := _event(block)) is not None]

    def rest(self) -> Event | None:
        """Return the event that the end of the body leaves without its blank line, if it has data."""
        block, self._rest = self._rest, b""
        return _event(block)

    def _normalised(self, data: bytes) -> bytes:
        """Bring all three kinds of line end to one; a lone CR at the end may be half of a CRLF, so it waits."""
        if not self._started and data:
            self._started = True
            data = data.removeprefix(_BOM)
        if self._carriage_return:
            data = b"\r" + data
            self._carriage_return = False
        if b"\r" not in data:
            return data
        if data.endswith(b"\r"):
            self._carriage_return = True
            data = data[:-1]
        return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def _event(block: bytes) -> Event | None:
    if block.startswith(b"data: ") and b"\n" not in block:  # nearly every event of OpenAI and Gemini
        return Event(b"", block[6:])
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
