"""Write a lockfile as text, as the hash of what it means, and as a type of its aliases."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
from llmring_types.exceptions import ValidationError

from llmring_lockfile._model import Binding, Constraints, HostEntry, LockedModel, Lockfile, Profile
from llmring_lockfile._toml import render_block

_STUBS_HEAD = '''"""The aliases of llmring.lock, for type checkers. Written by ``llmring lock stubs``: do not edit."""
'''


def emit(lockfile: Lockfile, *, as_json: bool = False) -> str:
    """The canonical text: ``parse(emit(lockfile)) == lockfile``, apart from where it came from.

    To change a file that exists use :func:`editing`, which keeps its comments, order and unknown keys.
    """
    data = plain_lockfile(lockfile)
    return emit_json(data) if as_json else render_block((), data)


def emit_json(data: dict[str, Any], *, indent: int = 2, ascii_only: bool = False) -> str:
    """JSON of the same shape; dates become ISO 8601 text."""
    import json  # noqa: PLC0415 - few lockfiles are JSON

    return json.dumps(data, indent=indent, ensure_ascii=ascii_only, default=_iso) + "\n"


def digest(lockfile: Lockfile) -> str:
    """``sha256:`` and the hash of what the lockfile means.

    Timestamps, comments, the order of bindings and profiles and the place of the file do not count; everything
    that can change an answer or a finding does.
    """
    import hashlib  # noqa: PLC0415 - slow to import, and no edit needs it
    import json  # noqa: PLC0415

    data = plain_lockfile(lockfile)
    data.pop("created_at", None)
    data.pop("updated_at", None)
    for profile in data.get("profiles", {}).values():
        profile["bindings"] = sorted(profile.get("bindings", ()), key=lambda row: str(row["alias"]))
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), default=_iso)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def _iso(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    return str(value)


def stubs(aliases: Sequence[str], *, name: str = "Alias") -> str:
    """A Python module with one type of these aliases, the same for the same aliases.

    ``def ask(model: Alias)`` then takes no alias that the lockfile lacks.

    Args:
        aliases: see :func:`known_aliases`.
        name: of the type.

    Raises:
        ValidationError: Python has no such name (also a ``ValueError``).
    """
    import keyword  # noqa: PLC0415

    if not name.isidentifier() or keyword.iskeyword(name):
        raise ValidationError(f"{name!r} cannot be the name of a Python type", field="name", value=name)
    if not aliases:
        return f"{_STUBS_HEAD}\nfrom typing import Never, TypeAlias\n\n{name}: TypeAlias = Never\n"
    lines = "".join(f"    {_literal(alias)},\n" for alias in sorted(set(aliases)))
    return f"{_STUBS_HEAD}\nfrom typing import Literal, TypeAlias\n\n{name}: TypeAlias = Literal[\n{lines}]\n"


def _literal(alias: str) -> str:
    """A string literal of visible characters, in double quotes as formatters want it.

    JSON's escapes are Python's. It escapes no bidirectional controls, with which code can look like other code.
    """
    import json  # noqa: PLC0415

    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode()
        for char in json.dumps(alias, ensure_ascii=False)
    )


def plain_lockfile(lockfile: Lockfile) -> dict[str, Any]:
    """The whole content, in the order of the file. What is empty is left out, but for a profile's name."""
    data: dict[str, Any] = {
        "version": lockfile.version,
        "created_at": lockfile.created_at,
        "updated_at": lockfile.updated_at,
        "default_profile": lockfile.default_profile,
        "metadata": dict(lockfile.metadata),
        "extends": {"packages": list(lockfile.extends)} if lockfile.extends else {},
        "hosts": {name: _plain_host(entry) for name, entry in lockfile.hosts.items()},
        "profiles": {name: plain_profile(profile) for name, profile in lockfile.profiles.items()},
        "locked": {name: plain_locked(entry) for name, entry in lockfile.locked.items()},
    }
    if lockfile.profiles and lockfile.default_profile not in lockfile.profiles:
        del data["default_profile"]  # it was not named
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


def _plain_host(entry: HostEntry) -> dict[str, Any]:
    fields = {"base_url": entry.base_url, "protocol": entry.protocol, "key_env": entry.key_env}
    return {name: value for name, value in fields.items() if value is not None}


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
