"""TOML text: its statements, keys and values, found where they stand and written anew.

The text is valid TOML already, so that reading it takes a few patterns and no second parser.
"""

import re
import tomllib
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, time
from typing import Any, Literal

import msgspec

from llmring_lockfile._names import BARE, KeyPath

_WIDTH = 100
"""Lists that would make a line longer than this are written one item a line."""

_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_PART = re.compile(r"""[A-Za-z0-9_-]+|"(?:\\.|[^"\\])*"|'[^']*'""")
_KEY = re.compile(rf"(?:[ \t.]|{_PART.pattern})+")
SPACE = re.compile(r"[ \t]*")
BETWEEN = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
"""Text allowed between the items of an array."""
_SCALAR = re.compile(
    r"""\"{3}(?:\\.|[^\\])*?\"{3,5}|'{3}.*?'{3,5}|"(?:\\.|[^"\\])*"|'[^']*'|[^,\]}#\r\n]+""", re.DOTALL
)

Tables = Mapping[str, Any]


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


def with_comments_above(lines: list[str], line: int) -> int:
    """Go up over the comment lines that stand right above a statement."""
    while line > 0 and is_comment(lines[line - 1]):
        line -= 1
    return line


def past_comments(lines: list[str], line: int) -> int:
    """Go down over comment lines that follow at once, unless they stand right above another statement."""
    end = line
    while end < len(lines) and is_comment(lines[end]):
        end += 1
    return end if end == len(lines) or is_blank(lines[end]) else line


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


def _plain_part(part: str) -> str:
    if part[0] not in "\"'":
        return part
    if "\\" in part and part[0] == '"':
        return str(tomllib.loads(f"key = {part}")["key"])
    return part[1:-1]


def place_of_value(statement: str, at: int = 0) -> tuple[int, int]:
    """Return the start and the end of the value in the ``key = value`` that begins at ``at``."""
    start = past(SPACE, statement, read_key(statement, at)[1] + 1)
    return start, end_of_value(statement, start)


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


def past(pattern: re.Pattern[str], text: str, at: int) -> int:
    match = pattern.match(text, at)
    return at if match is None else match.end()


def match_items(old: Sequence[Any], new: Sequence[Any]) -> list[int | None]:
    """Find for each new item the old one that it is, wherever it was, or in whose place it comes.

    Bindings are the same if their alias is; what comes in the place of a binding with another alias is new.
    """
    waiting: dict[str, deque[int]] = defaultdict(deque)
    for place, item in enumerate(old):
        waiting[_identity(item)].append(place)
    found: list[int | None] = []
    for item in new:
        same = waiting.get(_identity(item))
        found.append(same.popleft() if same else None)
    free = {place for places in waiting.values() for place in places}
    for place, source in enumerate(found):
        before = found[place - 1] if place else -1
        if source is None and before is not None and before + 1 in free and not _has_alias(new[place]):
            found[place] = before + 1
            free.remove(before + 1)
    return found


def _identity(item: Any) -> str:
    return f"alias {item['alias']}" if _has_alias(item) else repr(item)


def _has_alias(item: Any) -> bool:
    return isinstance(item, Mapping) and "alias" in item


def is_block(path: KeyPath, value: object) -> bool:
    """Return whether a value gets a ``[header]`` of its own rather than a line in its parent's table.

    Tables inside an array's element stay on one line, and what is locked of a model becomes dotted keys, so that
    a reviewer's diff shows one line for each fact that changed.
    """
    if any(isinstance(step, int) for step in path) or (path[0] == "locked" and path[2:]):
        return False
    if isinstance(value, Mapping):
        return True
    return isinstance(value, list) and bool(value) and all(isinstance(item, Mapping) for item in value)


def render_block(path: KeyPath, value: Any) -> str:
    """A table with its header and everything below it, or an array of tables. Blocks are parted by a blank line."""
    if isinstance(value, Mapping):
        return "\n".join(_blocks(path, value))
    return "\n".join(render_element(path, element) for element in value)


def render_element(path: KeyPath, element: Tables) -> str:
    """One element of an array of tables."""
    return f"[[{render_key(path)}]]\n" + _lines((*path, 0), element)


def _blocks(path: KeyPath, table: Tables) -> Iterable[str]:
    direct = {key: value for key, value in table.items() if not is_block((*path, key), value)}
    below = {key: value for key, value in table.items() if key not in direct}
    if direct or not below:
        header = f"[{render_key(path)}]\n" if path else ""
        yield header + _lines(path, direct)
    for key, value in below.items():
        yield render_block((*path, key), value)


def _lines(path: KeyPath, table: Tables) -> str:
    return "".join(render_line(path, (key,), value) for key, value in table.items() if value is not None)


def render_line(path: KeyPath, key: KeyPath, value: Any) -> str:
    """``key = value``, or for what is locked of a model one line for each inner value."""
    if isinstance(value, Mapping) and value and path[:1] == ("locked",):
        return "".join(render_line(path, (*key, inner), item) for inner, item in value.items())
    name = render_key(key)
    text = f"{name} = {render_value(value)}"
    if isinstance(value, (list, tuple)) and len(text) > _WIDTH:
        items = "".join(f"    {item},\n" for item in _items(value))
        text = f"{name} = [\n{items}]"
    return text + "\n"


def render_key(path: KeyPath) -> str:
    steps = (step for step in path if isinstance(step, str))
    return ".".join(step if BARE.fullmatch(step) else _text(step) for step in steps)


def render_value(value: Any) -> str:
    """A value on one line: tables and lists of tables too. What is ``None``, which TOML lacks, is left out."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return _text(value)
        case int() | float():
            return repr(value)
        case date() | time():
            return re.sub(r"\+00:00$", "Z", value.isoformat())
        case Mapping():
            pairs = ((key, item) for key, item in value.items() if item is not None)
            return (
                "{" + ", ".join(f"{render_key((key,))} = {render_value(item)}" for key, item in pairs) + "}"
            )
        case list() | tuple():
            return "[" + ", ".join(_items(value)) + "]"
    raise TypeError(f"TOML has no {type(value).__name__}")


def _items(values: Iterable[Any]) -> Iterable[str]:
    return (render_value(value) for value in values if value is not None)


def _text(text: str) -> str:
    """A basic string: JSON's escapes are TOML's, but for the one control character that JSON leaves as it is."""
    return msgspec.json.encode(text).decode().replace("\x7f", "\\u007f")


def is_same(one: Any, other: Any) -> bool:
    """Return whether two values are the same, NaN included."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(is_same(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(is_same, one, other))
    return bool(one == other) or (one != one and other != other)  # noqa: PLR0124
