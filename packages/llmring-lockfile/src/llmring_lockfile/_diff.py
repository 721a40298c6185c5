"""Changes between two lockfiles, in the terms of a reviewer."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
from llmring_types import ModelRef

from llmring_lockfile._emit import plain_constraints
from llmring_lockfile._lock import LIMIT_FIELDS, PRICE_FIELDS
from llmring_lockfile._model import Binding, Constraints, LockedModel, Lockfile, Profile

Value = str | int | bool | Decimal | date | tuple[str, ...] | None
_UNKNOWN = LockedModel()


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is different.

    Attributes:
        what: ``models``, ``default_profile``, ``extends``, ``registry_versions.openai``, ``constraints.needs``,
            ``price input`` (US dollars per million tokens), ``context_window``, ``capabilities lost`` and so on.
        before: ``None`` where there was nothing, or nothing was known.
        after: ``None`` where there is nothing, or nothing is known.
        profile: where, if in a profile.
        alias: whose, if an alias's.
        model: of which member of the pool, ``old -> new`` where the first member is another now.
    """

    what: str
    before: Value
    after: Value
    profile: str | None = None
    alias: str | None = None
    model: str | None = None

    def __str__(self) -> str:
        where = " ".join(part for part in (self.profile, self.alias, self.model) if part)
        return f"{where + ': ' if where else ''}{self.what} {_show(self.before)} -> {_show(self.after)}"


def diff(old: Lockfile, new: Lockfile) -> tuple[Change, ...]:
    """Compare two lockfiles.

    For every alias of every profile: its models and constraints; what was locked of members that stayed; and, where the
    first member is another now, its price, limits and capabilities beside those of the one before. Timestamps,
    comments and order of bindings do not count.
    """
    return (
        *_compare("default_profile", old.default_profile, new.default_profile),
        *_compare("extends", old.extends, new.extends),
        *_profiles(old, new),
    )


def _profiles(old: Lockfile, new: Lockfile) -> Iterator[Change]:
    for name in dict.fromkeys([*old.profiles, *new.profiles]):
        before, after = old.profiles.get(name), new.profiles.get(name)
        if before is None or after is None:
            yield Change(
                what="profile",
                before=None if before is None else name,
                after=None if after is None else name,
            )
        yield from _profile(before or Profile(name), after or Profile(name), old, new)


def _profile(before: Profile, after: Profile, old: Lockfile, new: Lockfile) -> Iterator[Change]:
    for provider in sorted({*before.registry_versions, *after.registry_versions}):
        yield from _compare(
            f"registry_versions.{provider}",
            before.registry_versions.get(provider),
            after.registry_versions.get(provider),
            profile=before.name,
        )
    for alias in dict.fromkeys([*before.aliases, *after.aliases]):
        one, other = before.binding(alias), after.binding(alias)
        where = {"profile": before.name, "alias": alias}
        yield from _compare("models", _names(one), _names(other), **where)
        yield from _constraints(one, other, where)
        for model, was, now in _pairs(one, other, old, new):
            yield from _facts(was, now, {**where, "model": model})


def _names(binding: Binding | None) -> tuple[str, ...] | None:
    return None if binding is None else tuple(map(str, binding.models))


def _constraints(one: Binding | None, other: Binding | None, where: dict[str, str]) -> Iterator[Change]:
    before = plain_constraints(Constraints() if one is None else one.constraints)
    after = plain_constraints(Constraints() if other is None else other.constraints)
    for key in dict.fromkeys([*before, *after]):
        yield from _compare(f"constraints.{key}", _value(before.get(key)), _value(after.get(key)), **where)


def _pairs(
    one: Binding | None, other: Binding | None, old: Lockfile, new: Lockfile
) -> Iterator[tuple[str, LockedModel, LockedModel]]:
    """The entries worth comparing, with a name for the pair."""
    if one is None or other is None:
        return
    if one.primary != other.primary:
        yield f"{one.primary} -> {other.primary}", _entry(old, one.primary), _entry(new, other.primary)
    for model in other.models:
        if model in one.models:
            yield str(model), _entry(old, model), _entry(new, model)


def _entry(lockfile: Lockfile, model: ModelRef) -> LockedModel:
    return lockfile.locked.get(str(model), _UNKNOWN)


def _facts(before: LockedModel, after: LockedModel, where: dict[str, str]) -> Iterator[Change]:
    if _UNKNOWN in (before, after) or not (before.listed and after.listed):
        return  # with nothing known of one of them, every fact would show as a change
    for name in PRICE_FIELDS:
        label = f"price {name.replace('_', ' ')}"
        yield from _compare(label, getattr(before.prices, name), getattr(after.prices, name), **where)
    for name in (*LIMIT_FIELDS, "snapshot", "active", "retires_on"):
        yield from _compare(name, getattr(before, name), getattr(after, name), **where)
    lost = tuple(name for name in before.capabilities if name not in after.capabilities)
    yield from _compare("capabilities lost", lost or None, None, **where)
    gained = tuple(name for name in after.capabilities if name not in before.capabilities)
    yield from _compare("capabilities gained", None, gained or None, **where)


def _compare(what: str, before: Value, after: Value, **where: str) -> Iterator[Change]:
    if before != after:
        yield Change(what=what, before=before, after=after, **where)


def _value(value: Any) -> Value:
    if isinstance(value, list):
        return tuple(map(str, value))
    if value is None or isinstance(value, (bool, int, str)):
        return value
    return str(value)


def _show(value: Value) -> str:
    if value is None or value == ():
        return "nothing"
    if isinstance(value, tuple):
        return ", ".join(value)
    if isinstance(value, Decimal):
        return f"${value.normalize():f}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
