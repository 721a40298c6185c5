"""Mistakes in a lockfile: at which value, on which line, and what was expected. Pure: no file is opened here."""

import re
from collections.abc import Callable
from datetime import date, datetime, time
from pathlib import Path

from llmring_types.exceptions import LockfileParseError

from llmring_lockfile._names import KeyPath, show_key

_AT_LINE = re.compile(r"line (\d+)")
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


class ProblemError(Exception):
    """Something is wrong at a key path; the line is looked for only now that it is needed."""

    def __init__(self, path: KeyPath, text: str, kind: type[LockfileParseError] = LockfileParseError) -> None:
        super().__init__(text)
        self.path = path
        self.text = text
        self.kind = kind

    def located(self, text: str, path: Path | None, *, as_json: bool) -> LockfileParseError:
        """Return the error for a caller, with the line of the text that the values were read from."""
        line = line_finder(text, as_json=as_json)(self.path)
        key = show_key(self.path)
        return self.kind(
            f"{_located(path, line)}: {key}: {self.text}" if key else f"{_located(path, line)}: {self.text}",
            path=None if path is None else str(path),
            key=key or None,
            line=line,
        )


def syntax_error(error: Exception, text: str, path: Path | None, *, as_json: bool) -> LockfileParseError:
    """Return the error for a text that a parser of the language refused."""
    line = getattr(error, "lineno", None) or _line_in(str(error), text)
    return LockfileParseError(
        f"{_located(path, line)}: this is not valid {'JSON' if as_json else 'TOML'}: {error}",
        path=None if path is None else str(path),
        line=line,
        original=error,
    )


def _line_in(message: str, text: str) -> int | None:
    match = _AT_LINE.search(message)
    if match:
        return int(match[1])
    return text.count("\n") + 1 if "end of document" in message else None


def kind_of(value: object) -> str:
    """Name the kind of a plain value for a message."""
    return _NAMES_OF_KINDS.get(type(value), type(value).__name__)


def _located(path: Path | None, line: int | None) -> str:
    """Name a line of a file for a message."""
    file = "lockfile" if path is None else str(path)
    return file if line is None else f"{file}:{line}"


def line_finder(text: str, *, as_json: bool) -> Callable[[KeyPath], int | None]:
    """Return the function that gives the line of the value at a path, counted from 1, or of the nearest around it.

    Args:
        text: valid TOML or JSON, which is read once, however many lines are asked for.
        as_json: which of both.
    """
    return _lines_of_json(text) if as_json else _lines_of_toml(text)


def _lines_of_toml(text: str) -> Callable[[KeyPath], int | None]:
    from llmring_lockfile._toml import scan, split_lines  # noqa: PLC0415 - most have no mistake to find

    first: dict[KeyPath, int] = {}
    for statement in scan(split_lines(text)):
        for length in range(1, len(statement.path) + 1):
            first.setdefault(statement.path[:length], statement.start + 1)

    def line_of(path: KeyPath) -> int | None:
        return next((first[path[:n]] for n in range(len(path), 0, -1) if path[:n] in first), None)

    return line_of


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
