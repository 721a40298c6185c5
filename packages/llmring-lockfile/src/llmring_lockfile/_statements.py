"""The statements of a TOML text: which lines say what, where new ones would go, and where keys and values end.

The text is valid TOML already, so that this takes a few patterns and no second parser.
"""

import re
import tomllib
from collections import defaultdict
from typing import Literal

import msgspec

from llmring_lockfile._names import KeyPath

_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_PART = re.compile(r"""[A-Za-z0-9_-]+|"(?:\\.|[^"\\])*"|'[^']*'""")
_KEY = re.compile(rf"(?:[ \t.]|{_PART.pattern})+")
SPACE = re.compile(r"[ \t]*")
BETWEEN = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
"""Text allowed between the items of an array."""
COMMENT = re.compile(r"[ \t]*#[^\r\n]*")
_SCALAR = re.compile(
    r"""\"{3}(?:\\.|[^\\])*?\"{3,5}|'{3}.*?'{3,5}|"(?:\\.|[^"\\])*"|'[^']*'|[^,\]}#\r\n]+""", re.DOTALL
)


class Statement(msgspec.Struct, frozen=True):
    """One header or one ``key = value``.

    Attributes:
        kind: ``table`` for ``[a.b]``, ``element`` for ``[[a.b]]``, ``key`` for ``a = 1``.
        path: the whole key path; an element ends with its place in the array.
        table: the table in whose block it stands; a header stands in its own.
        start: first line, counted from 0.
        end: the line after its last.
    """

    kind: Literal["table", "element", "key"]
    path: KeyPath
    table: KeyPath
    start: int
    end: int


def split_lines(text: str) -> list[str]:
    """The lines with their ends. Only a line feed ends a line in TOML (``str.splitlines`` knows more)."""
    return _LINE.findall(text)


def is_blank(line: str) -> bool:
    return not line.strip()


def is_comment(line: str) -> bool:
    return line.lstrip().startswith("#")


def scan(lines: list[str]) -> list[Statement]:
    """Cut valid TOML into its statements, in order. Each begins on a line of its own."""
    text = "".join(lines)
    found: list[Statement] = []
    table: KeyPath = ()
    elements: dict[KeyPath, int] = {}
    start = offset = 0
    while start < len(lines):
        line = lines[start]
        end, behind = start + 1, offset + len(line)
        if line.lstrip().startswith("["):
            kind, table = _read_header(line.lstrip(), elements)
            found.append(Statement(kind, table, table, start, end))
        elif not is_blank(line) and not is_comment(line):
            last = place_of_value(text, offset)[1]
            while behind < last:
                behind += len(lines[end])
                end += 1
            found.append(Statement("key", table + read_key(line)[0], table, start, end))
        start, offset = end, behind
    return found


def _read_header(line: str, elements: dict[KeyPath, int]) -> tuple[Literal["table", "element"], KeyPath]:
    is_element = line.startswith("[[")
    path: KeyPath = ()
    *outer, last = read_key(line, 2 if is_element else 1)[0]
    for key in outer:
        path += (key,)
        if path in elements:  # a table below an array belongs to its latest element
            path += (elements[path],)
    path += (last,)
    if not is_element:
        return "table", path
    elements[path] = elements.get(path, -1) + 1
    return "element", (*path, elements[path])


class Outline:
    """The statements of a file, found by key path. Places are lines, counted from 0."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self._statements = scan(lines)
        self._under: dict[KeyPath, list[int]] = defaultdict(list)
        self._headers: dict[KeyPath, int] = {}
        for place, statement in enumerate(self._statements):
            for length in range(1, len(statement.path) + 1):
                self._under[statement.path[:length]].append(place)
            if statement.kind != "key":
                self._headers.setdefault(statement.path, place)
        self._last_of_block = list(range(len(self._statements)))
        for place in range(len(self._statements) - 2, -1, -1):
            if self._statements[place + 1].kind == "key":
                self._last_of_block[place] = self._last_of_block[place + 1]

    def under(self, path: KeyPath) -> list[Statement]:
        """Everything that is said of a path and below it, in order."""
        return [self._statements[place] for place in self._under.get(path, ())]

    def first(self, path: KeyPath) -> Statement | None:
        """The first statement of a path or below it."""
        return self._statements[self._under[path][0]] if path in self._under else None

    def last(self, path: KeyPath) -> Statement:
        """The last statement of a path or below it."""
        return self._statements[self._under[path][-1]]

    def key(self, path: KeyPath) -> Statement | None:
        """The ``key = value`` that says the whole of a path."""
        first = self.first(path)
        return first if first is not None and first.kind == "key" and first.path == path else None

    def header(self, path: KeyPath) -> Statement | None:
        """The header of a table."""
        return self._statements[self._headers[path]] if path in self._headers else None

    def end_of_block(self, path: KeyPath) -> int:
        """Below the keys of a table that has a header."""
        return self._statements[self._last_of_block[self._headers[path]]].end

    def top(self) -> int:
        """Above the first statement and the comment that belongs to it."""
        return self.with_comments_above(self._statements[0].start) if self._statements else len(self.lines)

    def has_keys_at_top(self) -> bool:
        return bool(self._statements) and self._statements[0].kind == "key"

    def before(self, path: KeyPath) -> int:
        """Above everything that is said of a path, and above the comment that belongs to it."""
        return self.with_comments_above(self._statements[self._under[path][0]].start)

    def after(self, path: KeyPath) -> int:
        """Below everything that is said of a path, and below the rest of the table where that ends."""
        return self.past_comments(self._statements[self._last_of_block[self._under[path][-1]]].end)

    def with_comments_above(self, line: int) -> int:
        """Up over the comment lines that stand right above a statement."""
        while line > 0 and is_comment(self.lines[line - 1]):
            line -= 1
        return line

    def past_comments(self, line: int) -> int:
        """Down over comment lines that follow at once, unless they stand right above another statement."""
        end = line
        while end < len(self.lines) and is_comment(self.lines[end]):
            end += 1
        return end if end == len(self.lines) or is_blank(self.lines[end]) else line


def read_key(text: str, at: int = 0) -> tuple[KeyPath, int]:
    """Read a dotted key; gives it and the place behind it."""
    match = _KEY.match(text, at)
    assert match is not None  # noqa: S101 - valid TOML has a key here
    return tuple(map(_plain_part, _PART.findall(match[0]))), match.end()


def end_of_value(text: str, at: int) -> int:
    """Return the place behind the value that begins at ``at``."""
    opening = text[at]
    if opening not in "[{":
        match = _SCALAR.match(text, at)
        assert match is not None  # noqa: S101 - valid TOML has a value here
        return at + len(match[0].rstrip())
    closing = "]" if opening == "[" else "}"
    at = past(BETWEEN, text, at + 1)
    while text[at] != closing:
        if opening == "{":
            at = past(SPACE, text, read_key(text, at)[1] + 1)
        at = past(BETWEEN, text, end_of_value(text, at))
        if text[at] == ",":
            at = past(BETWEEN, text, at + 1)
    return at + 1


def place_of_value(statement: str, at: int = 0) -> tuple[int, int]:
    """Return the start and the end of the value in the ``key = value`` that begins at ``at``."""
    start = past(SPACE, statement, read_key(statement, at)[1] + 1)
    return start, end_of_value(statement, start)


def comments_in(statement: str) -> list[str]:
    """The comments inside and behind the value of a statement."""
    start, end = place_of_value(statement)
    found = []
    while start < len(statement):
        if statement[start] == "#":
            found.append(statement[start:].partition("\n")[0].rstrip())
            start += len(found[-1])
        elif start < end and statement[start] in "\"'":
            start = end_of_value(statement, start)
        else:
            start += 1
    return found


def past(pattern: re.Pattern[str], text: str, at: int) -> int:
    match = pattern.match(text, at)
    return at if match is None else match.end()


def _plain_part(part: str) -> str:
    if part[0] not in "\"'":
        return part
    if "\\" in part and part[0] == '"':
        return str(tomllib.loads(f"key = {part}")["key"])
    return part[1:-1]
