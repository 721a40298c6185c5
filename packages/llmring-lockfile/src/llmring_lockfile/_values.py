"""Change the value of one TOML statement and keep its comments and its form.

The text is valid TOML already, so that finding where a value ends takes a few patterns and no second parser.
"""

import re
import tomllib
from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from llmring_lockfile._emit import render_key, render_value
from llmring_lockfile._names import KeyPath

_PART = re.compile(r"""[A-Za-z0-9_-]+|"(?:\\.|[^"\\])*"|'[^']*'""")
_KEY = re.compile(rf"(?:[ \t.]|{_PART.pattern})+")
_SPACE = re.compile(r"[ \t]*")
_BETWEEN = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
"""Text allowed between the items of an array."""
_COMMENT = re.compile(r"[ \t]*#[^\r\n]*")
_SCALAR = re.compile(
    r"""\"{3}(?:\\.|[^\\])*?\"{3,5}|'{3}.*?'{3,5}|"(?:\\.|[^"\\])*"|'[^']*'|[^,\]}#\r\n]+""", re.DOTALL
)


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
    at = _past(_BETWEEN, text, at + 1)
    while text[at] != closing:
        if opening == "{":
            at = _past(_SPACE, text, read_key(text, at)[1] + 1)
        at = _past(_BETWEEN, text, end_of_value(text, at))
        if text[at] == ",":
            at = _past(_BETWEEN, text, at + 1)
    return at + 1


def place_of_value(statement: str, at: int = 0) -> tuple[int, int]:
    """Return the start and the end of the value in the ``key = value`` that begins at ``at``."""
    start = _past(_SPACE, statement, read_key(statement, at)[1] + 1)
    return start, end_of_value(statement, start)


def replace_value(statement: str, old: Any, new: Any) -> str:
    """Return a whole ``key = value`` that means ``old`` with the value ``new``."""
    start, end = place_of_value(statement)
    return statement[:start] + _changed(statement[start:end], old, new) + statement[end:]


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


def _past(pattern: re.Pattern[str], text: str, at: int) -> int:
    match = pattern.match(text, at)
    return at if match is None else match.end()


def _plain_part(part: str) -> str:
    if part[0] not in "\"'":
        return part
    if "\\" in part and part[0] == '"':
        return str(tomllib.loads(f"key = {part}")["key"])
    return part[1:-1]


def _changed(text: str, old: Any, new: Any) -> str:
    if type(old) is type(new) and repr(old) == repr(new):
        return text
    if isinstance(new, list) and text.startswith("["):
        return _Array(text).render(old, new)
    if isinstance(new, Mapping) and text.startswith("{"):
        return _changed_table(text, old, new)
    return render_value(new)


def _changed_table(text: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    pairs: dict[str, str] = {}
    separator = ""
    first = at = _past(_SPACE, text, 1)
    while text[at] != "}":
        keys, behind = read_key(text, at)
        if len(keys) > 1:
            return render_value(new)  # a dotted key says a part of a table
        key = str(keys[0])
        start = _past(_SPACE, text, behind + 1)
        end = end_of_value(text, start)
        if key in new:
            pairs[key] = text[at:start] + _changed(text[start:end], old[key], new[key])
        comma = _past(_SPACE, text, end)
        at = _past(_SPACE, text, comma + 1) if text[comma] == "," else comma
        separator = separator or (text[end:at] if text[comma] == "," else "")
        last = end
    for key, value in new.items():
        if key not in pairs:
            pairs[key] = f"{render_key((key,))} = {render_value(value)}"
    if not old or not pairs:
        return "{" + ", ".join(pairs.values()) + "}"
    return text[:first] + (separator or ", ").join(pairs.values()) + text[last:]


class _Item(msgspec.Struct):
    """One item of an array and the text that goes with it.

    Attributes:
        lead: between the item before, or its comment, and this one.
        body: the value.
        gap: between the value and its comma.
        comma: whether there is one.
        comment: what ends the line behind the comma.
    """

    lead: str
    body: str
    gap: str = ""
    comma: bool = False
    comment: str = ""


class _Array:
    """The text of an array, cut into items; comments go where their items go."""

    def __init__(self, text: str) -> None:
        at = _past(_COMMENT, text, 1)
        self.head = text[:at]
        self.items: list[_Item] = []
        while True:
            start, at = at, _past(_BETWEEN, text, at)
            if text[at] == "]":
                self.tail = text[start:]
                break
            item = _Item(text[start:at], text[at : end_of_value(text, at)])
            end = at + len(item.body)
            at = _past(_BETWEEN, text, end)
            item.comma = text[at] == ","
            item.gap, at = (text[end:at], at + 1) if item.comma else ("", end)
            end = _past(_COMMENT, text, at)
            item.comment, at = text[at:end], end
            self.items.append(item)
        self.eol = "\r\n" if "\r\n" in text else "\n"
        own_lines = [item.lead for item in self.items if "\n" in item.lead]
        self.many_lines = bool(own_lines) or "\n" in self.tail
        self.indent = own_lines[0].rpartition("\n")[2] if own_lines else "    "

    def render(self, old: Sequence[Any], new: Sequence[Any]) -> str:
        out = self.head
        trailing = self.items[-1].comma if self.items else self.many_lines
        commented = "#" in self.head
        for place, (value, source) in enumerate(zip(new, match_items(old, new), strict=True)):
            item = _Item("", render_value(value)) if source is None else self.items[source]
            body = item.body if source is None else _changed(item.body, old[source], value)
            lead = item.lead if source is not None and "\n" in item.lead else self._lead(place)
            if commented and "\n" not in lead:
                lead = self.eol + self.indent
            comma = "," if trailing or place < len(new) - 1 else ""
            out += lead + body + item.gap + comma + item.comment
            commented = bool(item.comment)
        return out + (self.eol if commented and "\n" not in self.tail else "") + self.tail

    def _lead(self, place: int) -> str:
        if self.many_lines:
            return self.eol + self.indent
        if place == 0:
            return self.items[0].lead if self.items else ""
        return self.items[1].lead if len(self.items) > 1 else " "


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
