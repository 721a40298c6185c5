"""The statements of a TOML text and their lines: cut apart, keys and values found in them, and joined again.

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


class Splice:
    """Lines taken out of a text and put into it, all counted in the text as it was, and moved at once."""

    def __init__(self, lines: list[str]) -> None:
        self._lines = lines
        self._eol = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
        self._cut: set[int] = set()
        self._inserted: dict[int, list[tuple[str, bool]]] = defaultdict(list)

    def cut(self, start: int, end: int) -> None:
        self._cut.update(range(start, end))

    def cut_block(self, start: int, end: int) -> None:
        """Cut, and of the blank lines around it leave one."""
        lines = self._lines
        if start == 0 or is_blank(lines[start - 1]):
            while end < len(lines) and is_blank(lines[end]):
                end += 1
        if end == len(lines):
            while start > 0 and is_blank(lines[start - 1]):
                start -= 1
        self.cut(start, end)

    def replace(self, start: int, end: int, text: str) -> None:
        """``text`` has its line ends already."""
        self.cut(start, end)
        self._inserted[start].append((text, False))

    def insert(self, at: int, text: str, *, is_block: bool = False) -> None:
        """Put text above a line; a block is parted from its neighbours by blank lines."""
        if not text:
            return
        self._inserted[at].append((text.replace("\n", self._eol), is_block))

    def apply(self) -> str:
        out: list[str] = []
        after_block = False
        for at in range(len(self._lines) + 1):
            for text, parted in self._inserted.get(at, ()):
                self._end_line(out)
                if (parted or after_block) and out and not is_blank(out[-1]):
                    out.append(self._eol)
                out.append(text)
                after_block = parted
            if at < len(self._lines) and at not in self._cut:
                if after_block and not is_blank(self._lines[at]):
                    out.append(self._eol)
                out.append(self._lines[at])
                after_block = False
        return "".join(out)

    def _end_line(self, out: list[str]) -> None:
        if out and not out[-1].endswith("\n"):
            out.append(self._eol)
