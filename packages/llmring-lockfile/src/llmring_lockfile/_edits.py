"""Edits to the plain values of a lockfile. Each changes ``data`` in place, or not at all where nothing is to do."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from llmring_types import ModelRef
from llmring_types.exceptions import ModelReferenceError, ProfileNotFoundError, ValidationError

from llmring_lockfile._constraints import Constraints
from llmring_lockfile._model import DEFAULT_PROFILE, LockedModel
from llmring_lockfile._plain import plain_constraints, plain_locked

Data = dict[str, Any]
Models = str | ModelRef | Sequence[str | ModelRef]
"""A pool, best first: ``"openai:gpt-4o"``, ``"openai:gpt-4o, anthropic:claude-haiku-4-5"`` or a list."""


def read_pool(models: Models) -> tuple[ModelRef, ...]:
    """The references of a pool, each once.

    Raises:
        ModelReferenceError: one is not a ``provider:model``, or there is none (also a ``ValueError``).
    """
    if isinstance(models, str):
        models = [text for text in models.split(",") if text.strip()]
    elif isinstance(models, ModelRef):
        models = [models]
    pool = dict.fromkeys(model if isinstance(model, ModelRef) else ModelRef.parse(model) for model in models)
    if not pool:
        raise ModelReferenceError("an alias needs at least one 'provider:model'", reference="")
    for ref in pool:
        if not _is_text(ref.model):
            raise ModelReferenceError(f"not the name of a model: {ref.model!r}", reference=ascii(str(ref)))
    return tuple(pool)


def bind(
    data: Data,
    alias: str,
    models: Sequence[ModelRef],
    profile: str | None = None,
    constraints: Constraints | None = None,
) -> None:
    """Bind in place where the alias exists, else at the end. Constraints stay as they are when ``None``."""
    if not _is_name(alias):
        raise ValidationError(f"not the name of an alias: {alias!r}", field="alias", value=alias)
    table = create_profile(data, profile or _default(data))
    row = next((row for row in _rows(table) if row.get("alias") == alias), None)
    if row is None:
        row = {"alias": alias, "models": [str(model) for model in models]}
        table["bindings"] = [*_rows(table), row]
        if "registry_versions" in table:  # a new array of bindings goes before it
            table["registry_versions"] = table.pop("registry_versions")
    elif [ModelRef.parse(text) for text in row["models"]] != list(models):
        row["models"] = [str(model) for model in models]
    if constraints is not None:
        _constrain(row, constraints)


def _constrain(row: Data, constraints: Constraints) -> None:
    unknown = {
        key: value
        for key, value in (row.get("constraints") or {}).items()
        if key not in Constraints.__struct_fields__
    }
    wanted = {**plain_constraints(constraints), **unknown}
    if wanted:
        row["constraints"] = wanted
    else:
        row.pop("constraints", None)


def unbind(data: Data, alias: str, profile: str | None = None) -> None:
    """Take an alias out of a profile; nothing happens where it is not bound."""
    table = data.get("profiles", {}).get(profile or _default(data))
    if table is None or all(row.get("alias") != alias for row in _rows(table)):
        return
    table["bindings"] = [row for row in _rows(table) if row.get("alias") != alias]
    if not table["bindings"]:
        del table["bindings"]


def create_profile(data: Data, name: str) -> Data:
    """The table of a profile, made where there is none."""
    if not _is_name(name):
        raise ValidationError(f"not the name of a profile: {name!r}", field="profile", value=name)
    profiles = data.setdefault("profiles", {})
    for wanted in (_default(data), name):  # a lockfile with any profile has its default one
        profiles.setdefault(wanted, {"name": wanted})
    table: Data = profiles[name]
    return table


def set_default_profile(data: Data, name: str) -> None:
    profiles = data.get("profiles", {})
    if name not in profiles:
        raise ProfileNotFoundError(
            f"there is no profile {name!r} to make the default. Its profiles: {', '.join(profiles) or 'none'}",
            key=f"profiles.{name}",
        )
    if _default(data) != name:
        data["default_profile"] = name


def set_registry_versions(data: Data, versions: Mapping[str, int], profile: str | None = None) -> None:
    """Pin providers to registry versions; providers that are not named keep theirs."""
    if versions:
        table = create_profile(data, profile or _default(data))
        table["registry_versions"] = {**(table.get("registry_versions") or {}), **versions}


def set_extends(data: Data, packages: Iterable[str]) -> None:
    """Make these the packages whose aliases may be used."""
    wanted = list(dict.fromkeys(packages))
    table = data.get("extends") or {}
    if wanted != (table.get("packages") or []):
        data["extends"] = {**table, "packages": wanted}


def set_locked(data: Data, locked: Mapping[str, LockedModel]) -> None:
    """Make these the locked models, sorted by name. Keys of an entry that are not known here stay."""
    old = data.get("locked") or {}
    entries = {}
    for name in sorted(locked):
        known = plain_locked(locked[name])
        unknown = {
            key: value for key, value in old.get(name, {}).items() if key not in LockedModel.__struct_fields__
        }
        entries[name] = {**known, **unknown}
    if entries:
        data["locked"] = entries
    else:
        data.pop("locked", None)


def _is_name(text: str) -> bool:
    return bool(text) and text == text.strip() and _is_text(text)


def _is_text(text: str) -> bool:
    """Whether a file can hold it: arguments of a command that are not UTF-8 come as halves of surrogate pairs."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _default(data: Data) -> str:
    return str(data.get("default_profile") or DEFAULT_PROFILE)


def _rows(table: Data) -> list[Data]:
    return table.get("bindings") or []
