"""Edits to what a lockfile says apart from its bindings, as plain values. Each returns whether it changed anything."""

from collections.abc import Mapping, Sequence
from typing import Any

from llmring_types.exceptions import ProfileNotFoundError

from llmring_lockfile._emit import plain_constraints, plain_locked
from llmring_lockfile._model import DEFAULT_PROFILE, Constraints, LockedModel
from llmring_lockfile._parse import is_old_binding, models_of

Data = dict[str, Any]


def set_default_profile(data: Data, name: str) -> bool:
    profiles = data.get("profiles") or {}
    if name not in profiles:
        raise ProfileNotFoundError(
            f"there is no profile {name!r} to make the default. Its profiles: {', '.join(profiles) or 'none'}",
            key=f"profiles.{name}",
        )
    return _put(data, "default_profile", name, before=data.get("default_profile") or DEFAULT_PROFILE)


def set_registry_versions(profile: Data, versions: Mapping[str, int]) -> bool:
    """Pin providers to registry versions; providers that are not named keep theirs."""
    before = profile.get("registry_versions") or {}
    return _put(profile, "registry_versions", {**before, **versions}, before=before)


def set_extends(data: Data, packages: Sequence[str]) -> bool:
    """Make these the packages whose aliases may be used."""
    wanted = list(dict.fromkeys(packages))
    before = data.get("extends") or {}
    return wanted != (before.get("packages") or []) and _put(data, "extends", {**before, "packages": wanted})


def set_locked(data: Data, locked: Mapping[str, LockedModel]) -> bool:
    """Make these the locked models, sorted by name. Keys of an entry that are not known here stay."""
    old = data.get("locked") or {}
    entries = {
        name: {**plain_locked(locked[name]), **_unknown(old.get(name) or {}, LockedModel)}
        for name in sorted(locked)
    }
    if entries:
        return _put(data, "locked", entries, before=data.get("locked"))
    return data.pop("locked", None) is not None


def migrate(data: Data) -> bool:
    """Write every binding from before 1.0 with a list of models."""
    tables = (data.get("profiles") or {}).values()
    old = [row for table in tables for row in (table or {}).get("bindings") or () if is_old_binding(row)]
    for row in old:
        modernize(row)
    return bool(old)


def modernize(row: Data) -> None:
    """Write a binding from before 1.0 with a list of models, which stands where the provider stood."""
    models = models_of(row)
    now = {
        "models" if key == "provider" else key: models if key == "provider" else value
        for key, value in row.items()
        if key not in ("model", "models")
    }
    row.clear()
    row.update(now)


def constrain(row: Data, constraints: Constraints) -> bool:
    """Give a binding these constraints. Keys that are not known here stay."""
    before = row.get("constraints") or {}
    wanted = {**plain_constraints(constraints), **_unknown(before, Constraints)}
    if wanted:
        row["constraints"] = wanted
    else:
        row.pop("constraints", None)
    return wanted != before


def _unknown(table: Data, kind: type[Constraints] | type[LockedModel]) -> Data:
    return {key: value for key, value in table.items() if key not in kind.__struct_fields__}


def _put(data: Data, key: str, value: object, *, before: object = None) -> bool:
    if value == before:
        return False
    data[key] = value
    return True
