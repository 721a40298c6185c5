"""Edits to the plain values of a lockfile, each of which takes the same time however much it binds."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from llmring_types import ModelRef
from llmring_types.exceptions import ModelReferenceError, ProfileNotFoundError, ValidationError

from llmring_lockfile._emit import plain_constraints, plain_locked
from llmring_lockfile._model import DEFAULT_PROFILE, Constraints, LockedModel
from llmring_lockfile._parse import is_old_binding, models_of

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


class Content:
    """The plain values of a lockfile. Every edit says whether it changed anything; one that raises did not.

    Args:
        data: what a valid lockfile says; it is changed.
    """

    def __init__(self, data: Data) -> None:
        self._data = data
        self._rows: dict[str, dict[str, Data]] = {}
        """By profile, its rows by alias, as edited so far: not yet in ``_data``."""

    @property
    def data(self) -> Data:
        """The values with all edits."""
        for name, rows in self._rows.items():
            table = self._data["profiles"][name]
            if rows:
                table["bindings"] = list(rows.values())
            elif table.get("bindings"):
                del table["bindings"]
        self._rows.clear()
        return self._data

    def copy(self) -> Data:
        """Return a copy of the values, which later edits do not change."""
        copied: Data = _copy(self.data)
        return copied

    def bind(
        self,
        alias: str,
        models: Sequence[ModelRef],
        profile: str | None = None,
        constraints: Constraints | None = None,
    ) -> bool:
        """Bind in place where the alias exists, else at the end. Constraints stay as they are when ``None``."""
        if not _is_name(alias):
            raise ValidationError(f"not the name of an alias: {alias!r}", field="alias", value=alias)
        name = profile or self._default()
        changed = self.create_profile(name)
        rows = self._bound(name)
        row = rows.get(alias)
        if row is None:
            row = rows[alias] = {"alias": alias, "models": [str(model) for model in models]}
            table = self._data["profiles"][name]
            if (
                "bindings" not in table and "registry_versions" in table
            ):  # a new array of bindings goes before it
                table["bindings"] = []
                table["registry_versions"] = table.pop("registry_versions")
            changed = True
        elif [ModelRef.parse(text) for text in models_of(row)] != list(models):
            _modernize(row)
            row["models"] = [str(model) for model in models]
            changed = True
        return (constraints is not None and _constrain(row, constraints)) or changed

    def unbind(self, alias: str, profile: str | None = None) -> bool:
        """Take an alias out of a profile; nothing happens where it is not bound."""
        name = profile or self._default()
        if not (self._data.get("profiles") or {}).get(name):
            return False
        return self._bound(name).pop(alias, None) is not None

    def create_profile(self, name: str) -> bool:
        """Make an empty profile, and with the first one the default profile."""
        if not _is_name(name):
            raise ValidationError(f"not the name of a profile: {name!r}", field="profile", value=name)
        profiles = self._data["profiles"] = self._data.get("profiles") or {}
        named = self._data.get("default_profile") if profiles else self._default()
        missing = [wanted for wanted in (named or name, name) if profiles.get(wanted) is None]
        profiles.update({wanted: {"name": wanted} for wanted in missing})
        return bool(missing)

    def set_default_profile(self, name: str) -> bool:
        profiles = self._data.get("profiles") or {}
        if name not in profiles:
            raise ProfileNotFoundError(
                f"there is no profile {name!r} to make the default. Its profiles: {', '.join(profiles) or 'none'}",
                key=f"profiles.{name}",
            )
        return self._default() != name and self._put("default_profile", name)

    def set_registry_versions(self, versions: Mapping[str, int], profile: str | None = None) -> bool:
        """Pin providers to registry versions; providers that are not named keep theirs."""
        if not versions:
            return False
        name = profile or self._default()
        changed = self.create_profile(name)
        table = self._data["profiles"][name]
        before = table.get("registry_versions") or {}
        after = {**before, **versions}
        if after != before:
            table["registry_versions"] = after
        return changed or after != before

    def set_extends(self, packages: Iterable[str]) -> bool:
        """Make these the packages whose aliases may be used."""
        wanted = list(dict.fromkeys(packages))
        table = self._data.get("extends") or {}
        return wanted != (table.get("packages") or []) and self._put("extends", {**table, "packages": wanted})

    def set_locked(self, locked: Mapping[str, LockedModel]) -> bool:
        """Make these the locked models, sorted by name. Keys of an entry that are not known here stay."""
        old = self._data.get("locked") or {}
        entries = {}
        for name in sorted(locked):
            unknown = {
                key: value
                for key, value in old.get(name, {}).items()
                if key not in LockedModel.__struct_fields__
            }
            entries[name] = {**plain_locked(locked[name]), **unknown}
        if entries:
            return entries != self._data.get("locked") and self._put("locked", entries)
        return self._data.pop("locked", None) is not None

    def migrate(self) -> bool:
        """Write every binding from before 1.0 with a list of models."""
        profiles = (self._data.get("profiles") or {}).values()
        rows = [row for table in profiles for row in (table or {}).get("bindings") or ()]
        return sum(map(_modernize, rows)) > 0  # every row, not only up to the first

    def stamp(self, now: datetime) -> None:
        """Note the time of an edit, in the form that the file has, where it has one."""
        if "updated_at" in self._data:
            self._data["updated_at"] = now if isinstance(self._data["updated_at"], date) else now.isoformat()

    def _put(self, key: str, value: object) -> bool:
        self._data[key] = value
        return True

    def _bound(self, profile: str) -> dict[str, Data]:
        if profile not in self._rows:
            rows = self._data["profiles"][profile].get("bindings") or []
            self._rows[profile] = {row["alias"]: row for row in rows}
        return self._rows[profile]

    def _default(self) -> str:
        return str(self._data.get("default_profile") or DEFAULT_PROFILE)


def _copy(value: Any) -> Any:
    """Copy tables and arrays; what else there is never changes."""
    if isinstance(value, dict):
        return {key: _copy(item) for key, item in value.items()}
    return [_copy(item) for item in value] if isinstance(value, list) else value


def _modernize(row: Data) -> bool:
    if not is_old_binding(row):
        return False
    models = models_of(row)
    now = {
        "models" if key == "provider" else key: models if key == "provider" else value
        for key, value in row.items()
    }
    del now["model"]
    row.clear()
    row.update(now)
    return True


def _constrain(row: Data, constraints: Constraints) -> bool:
    before = row.get("constraints")
    unknown = {
        key: value for key, value in (before or {}).items() if key not in Constraints.__struct_fields__
    }
    wanted = {**plain_constraints(constraints), **unknown}
    if wanted:
        row["constraints"] = wanted
    else:
        row.pop("constraints", None)
    return wanted != (before or {})


def _is_name(text: str) -> bool:
    return bool(text) and text == text.strip() and _is_text(text)


def _is_text(text: str) -> bool:
    """Return whether a file can hold the text: arguments that are not UTF-8 come as halves of surrogate pairs."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
