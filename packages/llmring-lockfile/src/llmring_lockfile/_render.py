"""Plain values to TOML text, in the one layout that every new line of a lockfile has."""

import re
from collections.abc import Iterable, Mapping
from datetime import date, time
from typing import Any

import msgspec

from llmring_lockfile._keys import BARE, KeyPath

_WIDTH = 100
"""Lists that would make a line longer than this are written one item a line."""

Tables = Mapping[str, Any]


def is_block(path: KeyPath, value: object) -> bool:
    """Whether a value gets a ``[header]`` of its own rather than a line in its parent's table.

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
