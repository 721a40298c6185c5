"""JSON values one per line, out of bytes that may be split anywhere: https://github.com/ndjson/ndjson-spec"""

from llmring_providers._sse import Event

_BOM = b"\xef\xbb\xbf"


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
        *lines, rest = data.split(b"\n")
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
