"""Text to plain values, and those to :class:`Lockfile`. Pure: no file is opened here."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path, PurePath
from typing import Any, Final, TypeVar

import msgspec
from llmring_types import ModelRef
from llmring_types.exceptions import LockfileVersionError, ModelReferenceError

from llmring_lockfile._model import (
    DEFAULT_PROFILE,
    FORMAT_VERSION,
    Binding,
    Constraints,
    HostEntry,
    LockedModel,
    Lockfile,
    Profile,
)
from llmring_lockfile._names import KeyPath, read_relative
from llmring_lockfile._problems import ProblemError, kind_of, syntax_error

T = TypeVar("T")

BOM: Final = "\ufeff"
"""Some editors put this mark at the start of a file; TOML and JSON parsers refuse it."""
DEEPEST: Final = 64
"""Levels of tables and arrays. A lockfile has six; what walks over values would meet Python's own limit."""

_MOST_DOTS: Final = 500
"""In one key. The standard parser's time grows with the square of them."""
_STRING = re.compile(r"\"(?:\\.|[^\"\\])*\"|'[^']*'")
_KEY = re.compile(r"[A-Za-z0-9_. \t-]+")
_HALF_OF_A_PAIR = re.compile(r"\\u[dD][89a-fA-F]")

_MSGSPEC_MESSAGE = re.compile(r"^(?P<what>.*?)(?: - at `(?P<path>\$[^`]*)`)?$", re.DOTALL)
_PACKAGE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_CONSTRAINTS = frozenset(Constraints.__struct_fields__) - {"other"}


def is_json(path: PurePath | str | None) -> bool:
    """Return whether a file of this name is JSON; every other is TOML."""
    return path is not None and PurePath(path).suffix.lower() == ".json"


def parse(text: str, path: Path | str | None = None) -> Lockfile:
    """Read the text of a lockfile.

    Args:
        text: TOML, or JSON of the same shape when ``path`` ends in ``.json``.
        path: named in errors and kept in the result; it is not opened.

    Raises:
        LockfileVersionError: written by a format version that this library does not know.
        LockfileParseError: no TOML or JSON, or not the shape of a lockfile. The message names the file, the key
            path and the line, and says what was expected (also a ``ValueError``).
    """
    path = None if path is None else Path(path)
    return read_data(parse_data(text, path), text, path)


def parse_data(text: str, path: Path | None = None) -> dict[str, Any]:
    """Read TOML or JSON into plain values, whatever they mean.

    Raises:
        LockfileParseError: the text is neither, or so deep that no lockfile can be meant.
    """
    text, as_json = text.removeprefix(BOM), is_json(path)
    try:
        data = _loads_json(text) if as_json else _loads_toml(text)
        _check_depth(data)
    except (ValueError, RecursionError) as error:  # both parsers' errors are ValueErrors
        raise syntax_error(error, text, path, as_json=as_json) from error
    if not isinstance(data, dict):
        raise ProblemError((), f"expected an object, got {kind_of(data)}").located(
            text, path, as_json=as_json
        )
    return data


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


def read_data(data: Mapping[str, Any], text: str, path: Path | None) -> Lockfile:
    """Plain values to a lockfile. The text is what they were read from: errors are located in it.

    Raises:
        LockfileParseError: not the shape of a lockfile.
    """
    try:
        return _lockfile(data, path)
    except ProblemError as problem:
        text = text.removeprefix(BOM)
        raise problem.located(text, path, as_json=is_json(path)) from problem.__cause__


def _lockfile(data: Mapping[str, Any], path: Path | None) -> Lockfile:
    _check_version(data.get("version", FORMAT_VERSION))
    profiles = {
        name: _profile(name, as_table(table, ("profiles", name)))
        for name, table in as_table(data.get("profiles"), ("profiles",)).items()
    }
    named = as_text(data.get("default_profile"), ("default_profile",))
    default = named or DEFAULT_PROFILE
    if named and profiles and named not in profiles:
        raise ProblemError(
            ("default_profile",),
            f"the default profile is {default!r}, but there is no [profiles.{default}]; "
            f"expected one of: {', '.join(profiles)}",
        )
    return Lockfile(
        version=FORMAT_VERSION,
        created_at=as_timestamp(data.get("created_at"), ("created_at",)),
        updated_at=as_timestamp(data.get("updated_at"), ("updated_at",)),
        default_profile=default,
        metadata=as_table(data.get("metadata"), ("metadata",)),
        extends=_packages(as_table(data.get("extends"), ("extends",)).get("packages")),
        hosts={
            name: convert(entry, HostEntry, ("hosts", name))
            for name, entry in as_table(data.get("hosts"), ("hosts",)).items()
        },
        profiles=profiles,
        locked={
            name: convert(entry, LockedModel, ("locked", name))
            for name, entry in as_table(data.get("locked"), ("locked",)).items()
        },
        has_old_bindings=any(
            is_old_binding(row)
            for table in (data.get("profiles") or {}).values()
            for row in (table or {}).get("bindings") or ()
        ),
        path=path,
    )


def _check_version(version: object) -> None:
    if version != FORMAT_VERSION:
        raise ProblemError(
            ("version",),
            f"expected the format version {FORMAT_VERSION!r} as a string, got {version!r}; "
            "if a newer llmring wrote this file, upgrade llmring-lockfile",
            LockfileVersionError,
        )


def _packages(value: object) -> tuple[str, ...]:
    path: KeyPath = ("extends", "packages")
    packages = convert([] if value is None else value, tuple[str, ...], path)
    for position, package in enumerate(packages):
        if not _PACKAGE.fullmatch(package):
            raise ProblemError((*path, position), f"expected the name of a package, got {package!r}")
    return packages


def _profile(name: str, table: Mapping[str, Any]) -> Profile:
    path: KeyPath = ("profiles", name)
    as_text(table.get("name"), (*path, "name"))
    rows = table.get("bindings") or []
    if not isinstance(rows, list):
        raise ProblemError((*path, "bindings"), f"expected an array of tables, got {kind_of(rows)}")
    bindings = []
    first: dict[str, int] = {}
    for place, row in enumerate(rows):
        here = (*path, "bindings", place)
        binding = _binding(as_table(row, here), here)
        if binding.alias in first:
            raise ProblemError(
                (*here, "alias"),
                f"the alias {binding.alias!r} is bound twice in profile {name!r}; "
                f"the first is bindings[{first[binding.alias]}]. Put all its models into one list",
            )
        first[binding.alias] = place
        bindings.append(binding)
    versions = table.get("registry_versions") or {}
    return Profile(name, tuple(bindings), convert(versions, dict[str, int], (*path, "registry_versions")))


def _binding(row: Mapping[str, Any], path: KeyPath) -> Binding:
    alias = as_text(row.get("alias"), (*path, "alias"))
    if not alias or alias != alias.strip():
        raise ProblemError((*path, "alias"), f"expected the name of an alias, got {alias!r}")
    models = models_of(row)
    if not isinstance(models, list) or not models:
        raise ProblemError(
            (*path, "models"),
            f"expected a list of at least one 'provider:model' for the alias {alias!r}, "
            + ("got an empty list" if models == [] else f"got {kind_of(models)}"),
        )
    constraints = row.get("constraints")
    if not constraints and (constraints is None or constraints == {}):
        return Binding(alias, _pool(models, (*path, "models")))
    return Binding(alias, _pool(models, (*path, "models")), _constraints(constraints, (*path, "constraints")))


def is_old_binding(row: Mapping[str, Any]) -> bool:
    """Return whether a row names its model in the two keys that files written before 1.0 have."""
    return (
        row.get("models") is None
        and isinstance(row.get("provider"), str)
        and isinstance(row.get("model"), str)
    )


def models_of(row: Mapping[str, Any]) -> Any:
    """Return the pool of a row as written, also of a row from before 1.0."""
    return [f"{row['provider']}:{row['model']}"] if is_old_binding(row) else row.get("models")


def _pool(models: Sequence[object], path: KeyPath) -> tuple[ModelRef, ...]:
    pool = []
    for place, text in enumerate(models):
        if not isinstance(text, str):
            raise ProblemError((*path, place), f"expected the text 'provider:model', got {kind_of(text)}")
        try:
            pool.append(ModelRef.parse(text))
        except ModelReferenceError as error:
            raise ProblemError((*path, place), str(error)) from error
    return tuple(pool)


def _constraints(value: object, path: KeyPath) -> Constraints:
    table = as_table(value, path)
    known = {key: item for key, item in table.items() if key in _CONSTRAINTS and item is not None}
    other = {key: item for key, item in table.items() if key not in _CONSTRAINTS}
    return convert({**known, "other": other}, Constraints, path)


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
