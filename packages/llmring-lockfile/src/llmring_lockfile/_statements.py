"""TOML text as a list of statements: which lines say what.

Every statement of a TOML file begins on a line of its own, so the file can be cut into statements by asking the
standard parser, line by line, whether what was read so far is complete. No second parser is needed, and none
can disagree with the first.
"""

import re
import tomllib
from functools import lru_cache
from typing import Literal

import msgspec

from llmring_lockfile._keys import KeyPath

_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_SIMPLE_KEY = re.compile(r"\s*([A-Za-z0-9_-]+)\s*=")
_WHOLE_ARRAY = re.compile(r"[^\[#]*\[[^\[#]*\]\s*")
"""One bracket opens, and the line ends with one that closes: a string cannot hold the last, as it would not end."""

_LAST = re.compile(r"\]|\"\"\"|'''")
"""What closes a value of several lines."""


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
    """Cut valid TOML into its statements, in order."""
    found: list[Statement] = []
    table: KeyPath = ()
    elements: dict[KeyPath, int] = {}
    at = 0
    while at < len(lines):
        line = lines[at]
        end = at + 1
        if line.lstrip().startswith("["):
            kind, table = _read_header(line, elements)
            found.append(Statement(kind, table, table, at, end))
        elif not is_blank(line) and not is_comment(line):
            end = _end_of_value(lines, at)
            found.append(Statement("key", table + _read_key(line), table, at, end))
        at = end
    return found


def line_of(text: str, path: KeyPath) -> int | None:
    """The line, counted from 1, on which the value at a path begins, or else the nearest one around it."""
    statements = scan(split_lines(text))
    for length in range(len(path), 0, -1):
        for statement in statements:
            if statement.path[:length] == path[:length]:
                return statement.start + 1
    return None


def _read_header(line: str, elements: dict[KeyPath, int]) -> tuple[Literal["table", "element"], KeyPath]:
    path: KeyPath = ()
    *outer, last = _header_keys(line.strip())
    for key in outer:
        path += (key,)
        if path in elements:  # a table below an array belongs to its latest element
            path += (elements[path],)
    path += (last,)
    if not line.lstrip().startswith("[["):
        return "table", path
    elements[path] = elements.get(path, -1) + 1
    return "element", (*path, elements[path])


@lru_cache(maxsize=64)
def _header_keys(header: str) -> tuple[str, ...]:
    return tuple(_nested_keys(tomllib.loads(header)))


def _read_key(line: str) -> KeyPath:
    simple = _SIMPLE_KEY.match(line)
    if simple:
        return (simple[1],)
    # A quoted key may contain an equals sign: the key ends at the first one before which the text is a key.
    for sign in re.finditer("=", line):
        try:
            return tuple(_nested_keys(tomllib.loads(line[: sign.end()] + " 0")))
        except tomllib.TOMLDecodeError:
            continue
    raise AssertionError(f"not a statement: {line!r}")  # pragma: no cover - the text was parsed before


def _nested_keys(value: object) -> list[str]:
    keys: list[str] = []
    while isinstance(value, (dict, list)) and value:
        if isinstance(value, dict):
            key, value = next(iter(value.items()))
            keys.append(key)
        else:
            value = value[0]
    return keys


def _end_of_value(lines: list[str], start: int) -> int:
    line = lines[start]
    # Only arrays and strings in three quotes go over several lines.
    long_string = '"""' in line or "'''" in line
    if not long_string and ("[" not in line or _WHOLE_ARRAY.fullmatch(line)):
        return start + 1
    for end in range(start + 1, len(lines)):
        # The parser reads all from the start each time it is asked. A first line may be whole: a bracket in a string.
        if end > start + 1 and _LAST.search(lines[end - 1]) is None:
            continue
        try:
            tomllib.loads("".join(lines[start:end]))
        except tomllib.TOMLDecodeError:
            continue
        return end
    return len(lines)
