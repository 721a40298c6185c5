"""Text of a lockfile to plain values, and the line of each. Pure: no file is opened here."""

import re
import tomllib
from collections.abc import Callable
from datetime import date, datetime, time
from pathlib import Path, PurePath
from typing import Any, Final

from llmring_types.exceptions import LockfileParseError

from llmring_lockfile._names import KeyPath

BOM: Final = "\ufeff"
"""Some editors put this mark at the start of a file; TOML and JSON parsers refuse it."""
DEEPEST: Final = 64
"""Levels of tables and arrays. A lockfile has six; what walks over values would meet Python's own limit."""

_MOST_DOTS: Final = 500
"""In one key. The standard parser's time grows with the square of them."""
_AT_LINE = re.compile(r"line (\d+)")
_STRING = re.compile(r"\"(?:\\.|[^\"\\])*\"|'[^']*'")
_KEY = re.compile(r"[A-Za-z0-9_. \t-]+")
_HALF_OF_A_PAIR = re.compile(r"\\u[dD][89a-fA-F]")
_SPACE = re.compile(r"[ \t\r\n]*")

_NAMES_OF_KINDS: dict[type, str] = {
    bool: "a boolean",
    int: "an integer",
    float: "a number",
    str: "a string",
    list: "an array",
    dict: "a table",
    date: "a date",
    datetime: "a date",
    time: "a time",
    type(None): "nothing",
}


def is_json(path: PurePath | str | None) -> bool:
    """Return whether a file of this name is JSON; every other is TOML."""
    return path is not None and PurePath(path).suffix.lower() == ".json"


def parse_data(text: str, path: Path | None = None) -> dict[str, Any]:
    """Read TOML or JSON into plain values, whatever they mean.

    Raises:
        LockfileParseError: the text is neither, or so deep that no lockfile can be meant.
    """
    text = text.removeprefix(BOM)
    try:
        data = _loads_json(text) if is_json(path) else _loads_toml(text)
        _check_depth(data)
    except (ValueError, RecursionError) as error:  # both parsers' errors are ValueErrors
        line = getattr(error, "lineno", None) or _line_in(str(error), text)
        language = "JSON" if is_json(path) else "TOML"
        raise LockfileParseError(
            f"{located(path, line)}: this is not valid {language}: {error}",
            path=None if path is None else str(path),
            line=line,
            original=error,
        ) from error
    if not isinstance(data, dict):
        raise LockfileParseError(
            f"{located(path, 1)}: expected an object, got {kind_of(data)}", path=str(path), line=1
        )
    return data


def located(path: Path | None, line: int | None) -> str:
    """Name a line of a file for a message."""
    file = "lockfile" if path is None else str(path)
    return file if line is None else f"{file}:{line}"


def line_finder(text: str, path: PurePath | str | None) -> Callable[[KeyPath], int | None]:
    """Return the function that gives the line of the value at a path, counted from 1, or of the nearest around it.

    Args:
        text: valid TOML or JSON, which is read once, however many lines are asked for.
        path: the file's name, which says which of both.
    """
    text = text.removeprefix(BOM)
    if is_json(path):
        return _lines_of_json(text)
    from llmring_lockfile._statements import lines_of  # noqa: PLC0415 - most have no mistake to find

    return lines_of(text)


def _loads_toml(text: str) -> dict[str, Any]:
    if text.count(".") > _MOST_DOTS:
        for number, line in enumerate(text.split("\n"), 1):
            if line.count(".") > _MOST_DOTS and _dots_of_a_key(line) > _MOST_DOTS:
                raise ValueError(f"a key has more than {_MOST_DOTS} dots (at line {number})")
    return tomllib.loads(text)


def _dots_of_a_key(line: str) -> int:
    bare = _STRING.sub("_", line).partition("#")[0]
    return max((run.count(".") for run in _KEY.findall(bare)), default=0)


def _loads_json(text: str) -> Any:
    import json  # noqa: PLC0415 - few lockfiles are JSON

    data = json.loads(text)
    if _HALF_OF_A_PAIR.search(text):
        try:
            json.dumps(data, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise ValueError("a string has half of a surrogate pair, which no file can hold") from None
    return data


def _check_depth(data: object) -> None:
    level = [data] if isinstance(data, (dict, list)) else []
    for _ in range(DEEPEST):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, (dict, list))
        ]
        if not level:
            return
    raise ValueError(f"tables and arrays are nested more than {DEEPEST} levels deep")


def _line_in(message: str, text: str) -> int | None:
    match = _AT_LINE.search(message)
    if match:
        return int(match[1])
    return text.count("\n") + 1 if "end of document" in message else None


def kind_of(value: object) -> str:
    """Name the kind of a plain value for a message."""
    return _NAMES_OF_KINDS.get(type(value), type(value).__name__)


def _lines_of_json(text: str) -> Callable[[KeyPath], int | None]:
    import json  # noqa: PLC0415 - few lockfiles are JSON
    from bisect import bisect  # noqa: PLC0415

    decode = json.JSONDecoder().raw_decode
    places: dict[KeyPath, int] = {}

    def walk(path: KeyPath, at: int) -> int:
        places[path] = at
        opening = text[at]
        if opening not in "{[":
            return decode(text, at)[1]
        at = _skip(text, at + 1)
        position = 0
        while text[at] not in "}]":
            key: str | int = position
            if opening == "{":
                key, at = decode(text, at)
                at = _skip(text, _skip(text, at) + 1)  # the colon
            at = _skip(text, walk((*path, key), at))
            if text[at] == ",":
                at = _skip(text, at + 1)
            position += 1
        return at + 1

    walk((), _skip(text, 0))
    breaks = [match.start() for match in re.finditer("\n", text)]

    def line_of(path: KeyPath) -> int | None:
        nearest = next(path[:length] for length in range(len(path), -1, -1) if path[:length] in places)
        return bisect(breaks, places[nearest]) + 1

    return line_of


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return at if match is None else match.end()
