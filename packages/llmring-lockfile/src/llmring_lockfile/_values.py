"""TOML values: written in the one layout of every new line, or changed where they stand in the form they have."""

import re
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, time
from typing import Any

import msgspec

from llmring_lockfile._names import BARE, KeyPath
from llmring_lockfile._statements import BETWEEN, COMMENT, SPACE, end_of_value, past, place_of_value, read_key

_WIDTH = 100
"""Lists that would make a line longer than this are written one item a line."""

Tables = Mapping[str, Any]


def replace_value(statement: str, old: Any, new: Any) -> str:
    """Return a whole ``key = value`` that means ``old`` with the value ``new``."""
    start, end = place_of_value(statement)
    return statement[:start] + _changed(statement[start:end], old, new) + statement[end:]


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
    first = at = past(SPACE, text, 1)
    while text[at] != "}":
        keys, behind = read_key(text, at)
        if len(keys) > 1:
            return render_value(new)  # a dotted key says a part of a table
        key = str(keys[0])
        start = past(SPACE, text, behind + 1)
        end = end_of_value(text, start)
        if key in new:
            pairs[key] = text[at:start] + _changed(text[start:end], old[key], new[key])
        comma = past(SPACE, text, end)
        at = past(SPACE, text, comma + 1) if text[comma] == "," else comma
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
        at = past(COMMENT, text, 1)
        self.head = text[:at]
        self.items: list[_Item] = []
        while True:
            start, at = at, past(BETWEEN, text, at)
            if text[at] == "]":
                self.tail = text[start:]
                break
            item = _Item(text[start:at], text[at : end_of_value(text, at)])
            end = at + len(item.body)
            at = past(BETWEEN, text, end)
            item.comma = text[at] == ","
            item.gap, at = (text[end:at], at + 1) if item.comma else ("", end)
            end = past(COMMENT, text, at)
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


def render_document(data: Tables) -> str:
    """A whole file."""
    return "\n".join(_blocks((), data))


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
