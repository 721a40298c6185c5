"""Change the value of one ``key = value`` statement and keep its comments and form."""

import tomllib
from collections.abc import Mapping, MutableMapping
from typing import Any

import tomlkit
from tomlkit.items import Array

from llmring_lockfile._keys import KeyPath
from llmring_lockfile._render import render_line, render_value


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
    if _value(result, keys) == new:
        return result
    end = "\r\n" if statement.endswith("\r\n") else "\n"
    indent = statement[: len(statement) - len(statement.lstrip())]
    return indent + render_line((), keys, new).replace("\n", end)


def _put(container: Any, key: Any, new: Any) -> None:
    old = container[key]
    if isinstance(old, MutableMapping) and isinstance(new, Mapping):
        _change_table(old, new)
    elif isinstance(old, Array) and isinstance(new, list):
        _change_array(old, new)
    else:
        container[key] = render_value(new)


def _change_table(old: MutableMapping[str, Any], new: Mapping[str, Any]) -> None:
    for key in [key for key in old if key not in new]:
        del old[key]
    for key, value in new.items():
        if key not in old:
            old[key] = render_value(value)
        elif old[key] != value:
            _put(old, key, value)


def _change_array(old: Array, new: list[Any]) -> None:
    plain = old.unwrap()
    shorter = min(len(plain), len(new))
    head = next((i for i in range(shorter) if plain[i] != new[i]), shorter)
    tail = next((i for i in range(shorter - head) if plain[-1 - i] != new[-1 - i]), shorter - head)
    both = shorter - tail
    for place in range(head, both):
        if plain[place] != new[place]:
            _put(old, place, new[place])
    for place in reversed(range(both, len(plain) - tail)):
        del old[place]
    for place in range(both, len(new) - tail):
        old.insert(place, render_value(new[place]))


def _value(statement: str, keys: KeyPath) -> object:
    value: Any = tomllib.loads(statement)
    for key in keys:
        value = value[key]
    return value
