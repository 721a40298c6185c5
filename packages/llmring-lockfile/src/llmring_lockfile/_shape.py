"""Plain values checked for their kind; what is wrong is told by its key path."""

import re
from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any, TypeVar

import msgspec
from llmring_types.exceptions import LockfileParseError

from llmring_lockfile._keys import KeyPath, read_relative

T = TypeVar("T")

_MSGSPEC_MESSAGE = re.compile(r"^(?P<what>.*?)(?: - at `(?P<path>\$[^`]*)`)?$", re.DOTALL)


class ProblemError(Exception):
    """Something is wrong at a key path; the line is looked for only now that it is needed."""

    def __init__(self, path: KeyPath, text: str, kind: type[LockfileParseError] = LockfileParseError) -> None:
        super().__init__(text)
        self.path = path
        self.text = text
        self.kind = kind


def convert(value: object, kind: type[T], path: KeyPath) -> T:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        match = _MSGSPEC_MESSAGE.match(str(error))
        assert match is not None  # noqa: S101 - the pattern matches every text
        inner = match["path"] or "$"
        what = match["what"]
        raise ProblemError(path + read_relative(inner), what[:1].lower() + what[1:]) from error


def as_table(value: object, path: KeyPath) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ProblemError(path, f"expected a table, got {kind_of(value)}")
    return value


def as_text(value: object, path: KeyPath) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise ProblemError(path, f"expected a string, got {kind_of(value)}")


def as_timestamp(value: object, path: KeyPath) -> str | None:
    # TOML has dates of its own, which people who write by hand may use.
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    return as_text(value, path)


_KINDS: dict[type, str] = {
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


def kind_of(value: object) -> str:
    return _KINDS.get(type(value), type(value).__name__)
