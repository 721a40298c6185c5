"""A value changed where it stands in TOML text, in the form that a person gave it."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from llmring_lockfile._toml import (
    BETWEEN,
    SPACE,
    end_of_value,
    match_items,
    past,
    place_of_value,
    read_key,
    render_key,
    render_value,
)

_COMMENT = re.compile(r"[ \t]*#[^\r\n]*")


def replace_value(statement: str, old: Any, new: Any) -> str:
    """Return a whole ``key = value`` that means ``old`` with the value ``new``."""
    start, end = place_of_value(statement)
    return statement[:start] + _changed(statement[start:end], old, new) + statement[end:]


def comments_in(statement: str) -> str:
    """The comments inside and behind the value of a statement, each on a line of its own."""
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
    return "".join(f"{comment}\n" for comment in found)


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
        at = past(_COMMENT, text, 1)
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
            end = past(_COMMENT, text, at)
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
