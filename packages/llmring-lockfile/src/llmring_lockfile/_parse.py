"""Text to :class:`Lockfile`. Pure: no file is opened here."""

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any, Final

from llmring_types import ModelRef
from llmring_types.exceptions import LockfileParseError, LockfileVersionError, ModelReferenceError

from llmring_lockfile._constraints import Constraints
from llmring_lockfile._keys import KeyPath, show_key
from llmring_lockfile._model import DEFAULT_PROFILE, FORMAT_VERSION, Binding, LockedModel, Lockfile, Profile
from llmring_lockfile._shape import ProblemError, as_table, as_text, as_timestamp, convert, kind_of

BOM: Final = "\ufeff"
"""Some editors put this mark at the start of a file; TOML and JSON parsers refuse it."""

_PACKAGE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_AT_LINE = re.compile(r"line (\d+)")
_CONSTRAINTS = frozenset(Constraints.__struct_fields__) - {"other"}


def is_json(path: PurePath | str | None) -> bool:
    """Whether a file of this name is JSON; every other is TOML."""
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


def read_data(data: Mapping[str, Any], text: str, path: Path | None) -> Lockfile:
    """Plain values to a lockfile. The text is what they were read from: errors are located in it.

    Raises:
        LockfileParseError: not the shape of a lockfile.
    """
    try:
        return _lockfile(data, path)
    except ProblemError as problem:
        line = line_finder(path)(text.removeprefix(BOM), problem.path)
        where = _where(path, line)
        key = show_key(problem.path)
        raise problem.kind(
            f"{where}: {key}: {problem.text}" if key else f"{where}: {problem.text}",
            path=None if path is None else str(path),
            key=key or None,
            line=line,
        ) from problem.__cause__


def parse_data(text: str, path: Path | None = None) -> dict[str, Any]:
    """Read TOML or JSON into plain values, whatever they mean.

    Raises:
        LockfileParseError: the text is neither.
    """
    text = text.removeprefix(BOM)
    try:
        data = _loads_json(text) if is_json(path) else tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # both parsers' errors are ValueErrors
        line = getattr(error, "lineno", None) or _line_in(str(error), text)
        language = "JSON" if is_json(path) else "TOML"
        raise LockfileParseError(
            f"{_where(path, line)}: this is not valid {language}: {error}",
            path=None if path is None else str(path),
            line=line,
            original=error,
        ) from error
    if not isinstance(data, dict):
        raise LockfileParseError(
            f"{_where(path, 1)}: expected an object, got {kind_of(data)}", path=str(path), line=1
        )
    return data


def line_finder(path: PurePath | str | None) -> Callable[[str, KeyPath], int | None]:
    """What tells, of the text of a file of this name, on which line a value is."""
    if is_json(path):
        from llmring_lockfile._json_lines import line_of  # noqa: PLC0415 - few lockfiles are JSON
    else:
        from llmring_lockfile._statements import line_of  # noqa: PLC0415 - most have no mistake to find
    return line_of


def _loads_json(text: str) -> Any:
    import json  # noqa: PLC0415 - few lockfiles are JSON

    return json.loads(text)


def _line_in(message: str, text: str) -> int | None:
    match = _AT_LINE.search(message)
    if match:
        return int(match[1])
    return text.count("\n") + 1 if "end of document" in message else None


def _where(path: Path | None, line: int | None) -> str:
    place = "lockfile" if path is None else str(path)
    return place if line is None else f"{place}:{line}"


def _lockfile(data: Mapping[str, Any], path: Path | None) -> Lockfile:
    _check_version(data.get("version", FORMAT_VERSION))
    profiles = {
        name: _profile(name, as_table(table, ("profiles", name)))
        for name, table in as_table(data.get("profiles"), ("profiles",)).items()
    }
    default = as_text(data.get("default_profile"), ("default_profile",)) or DEFAULT_PROFILE
    if profiles and default not in profiles:
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
        profiles=profiles,
        locked={
            name: convert(entry, LockedModel, ("locked", name))
            for name, entry in as_table(data.get("locked"), ("locked",)).items()
        },
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
    for place, package in enumerate(packages):
        if not _PACKAGE.fullmatch(package):
            raise ProblemError((*path, place), f"expected the name of a package, got {package!r}")
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
    models = row.get("models")
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
