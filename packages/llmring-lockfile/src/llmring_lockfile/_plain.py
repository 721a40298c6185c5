"""Structs to the plain values that TOML and JSON have."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec

from llmring_lockfile._constraints import Constraints
from llmring_lockfile._model import Binding, LockedModel, Lockfile, Profile


def plain_lockfile(lockfile: Lockfile) -> dict[str, Any]:
    """The whole content, in the order of the file. What is empty is left out, but for a profile's name."""
    data: dict[str, Any] = {
        "version": lockfile.version,
        "created_at": lockfile.created_at,
        "updated_at": lockfile.updated_at,
        "default_profile": lockfile.default_profile,
        "metadata": dict(lockfile.metadata),
        "extends": {"packages": list(lockfile.extends)} if lockfile.extends else {},
        "profiles": {name: plain_profile(profile) for name, profile in lockfile.profiles.items()},
        "locked": {name: plain_locked(entry) for name, entry in lockfile.locked.items()},
    }
    return {key: value for key, value in data.items() if value not in (None, {})}


def plain_profile(profile: Profile) -> dict[str, Any]:
    table: dict[str, Any] = {"name": profile.name}
    if profile.bindings:
        table["bindings"] = [plain_binding(binding) for binding in profile.bindings]
    if profile.registry_versions:
        table["registry_versions"] = dict(profile.registry_versions)
    return table


def plain_binding(binding: Binding) -> dict[str, Any]:
    row: dict[str, Any] = {"alias": binding.alias, "models": [str(model) for model in binding.models]}
    constraints = plain_constraints(binding.constraints)
    if constraints:
        row["constraints"] = constraints
    return row


def plain_constraints(constraints: Constraints) -> dict[str, Any]:
    table = _plain(constraints)
    other = table.pop("other", {})
    return {**table, **other}


def plain_locked(entry: LockedModel) -> dict[str, Any]:
    table: dict[str, Any] = _plain(entry)
    if not table["prices"]:  # msgspec omits a default only where it is not a struct
        del table["prices"]
    return table


def _plain(value: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        return _plain(msgspec.to_builtins(value, builtin_types=(Decimal, date)))
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    # Neither format has decimals. A float's shortest text gives the same decimal back, up to 15 digits.
    return float(value) if isinstance(value, Decimal) else value
