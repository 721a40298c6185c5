"""Change the value of one ``key = value`` statement and keep its comments and form."""

import re
import tomllib
from collections.abc import Mapping, MutableMapping
from difflib import SequenceMatcher
from typing import Any

import tomlkit
from tomlkit.items import Array, Item

from llmring_lockfile._keys import KeyPath
from llmring_lockfile._render import render_line, render_value

_LINE_END = re.compile(r"\r?\n")
_COMMENT = re.compile(r"\"(?:\\.|[^\"\\\n])*\"|'[^'\n]*'|(#[^\r\n]*)")


def replace_value(statement: str, keys: KeyPath, new: Any) -> str:
    """The statement with another value.

    Args:
        statement: one whole ``key = value`` with its line ends.
        keys: its key; more than one for a dotted key.
        new: the plain value that it shall have.
    """
    document = tomlkit.parse(statement)
    table: Any = document
    for key in keys[:-1]:
        table = table[key]
    _put(table, keys[-1], new)
    result = tomlkit.dumps(document)
    if not _says(result, keys, new):
        result = _rendered_anew(statement, keys, new)
    return _LINE_END.sub("\r\n", result) if "\r\n" in statement else result


def _says(statement: str, keys: KeyPath, value: object) -> bool:
    try:
        found: Any = tomllib.loads(statement)
    except tomllib.TOMLDecodeError:
        return False
    for key in keys:
        found = found[key]
    return bool(found == value)


def _rendered_anew(statement: str, keys: KeyPath, new: Any) -> str:
    """What tomlkit 0.15 gets wrong: items put behind a comment that ends an array. Its comments move above it."""
    indent = statement[: len(statement) - len(statement.lstrip())]
    comments = [found[1] for found in _COMMENT.finditer(statement) if found[1]]
    above = "".join(f"{indent}{comment}\n" for comment in comments)
    return above + indent + render_line((), keys, new)


def _put(container: Any, key: Any, new: Any) -> None:
    old = container[key]
    if isinstance(old, MutableMapping) and isinstance(new, Mapping):
        _change_table(old, new)
    elif isinstance(old, Array) and isinstance(new, list):
        _change_array(old, new)
    else:
        container[key] = _item(new)


def _change_table(old: MutableMapping[str, Any], new: Mapping[str, Any]) -> None:
    for key in [key for key in old if key not in new]:
        del old[key]
    for key, value in new.items():
        if key not in old:
            old[key] = _item(value)
        elif old[key] != value:
            _put(old, key, value)


def _change_array(old: Array, new: list[Any]) -> None:
    """Items that stay keep their comments, wherever they move between the others."""
    before, after = [list(map(repr, items)) for items in (old.unwrap(), new)]
    for _, start, end, first, last in reversed(
        SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    ):
        both = min(end - start, last - first)
        for place in reversed(range(start + both, end)):
            del old[place]
        for offset in range(both, last - first):
            old.insert(start + offset, _item(new[first + offset]))
        for offset in range(both):
            if before[start + offset] != after[first + offset]:
                _put(old, start + offset, new[first + offset])


def _item(value: Any) -> Item:
    item: Item = tomlkit.value(render_value(value))
    return item
