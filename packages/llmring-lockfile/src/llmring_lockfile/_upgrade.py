"""Propose successors for models that are retired or superseded."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

import msgspec
from llmring_types import ModelFacts, ModelRef, Prices

from llmring_lockfile._audit import is_retired
from llmring_lockfile._lock import CAPABILITIES, Member, capabilities, members
from llmring_lockfile._model import LockedModel, Lockfile, unmet_needs

if TYPE_CHECKING:
    from llmring_lockfile._document import Document
import re
from functools import lru_cache

_DATE = re.compile(r"-(?:(\d{4})-(\d{2})-(\d{2})|(\d{4})(\d{2})(\d{2}))(?=$|-)")
_STAMP = re.compile(r"^\d{3,}$")
_VERSION = re.compile(r"^v?(\d{1,2}(?:\.\d+)*)[a-z]?$")
_WORD_WITH_VERSION = re.compile(r"^([a-z]+)(\d+(?:\.\d+)*)$")
_UNSTABLE = frozenset({"preview", "exp", "experimental", "beta", "alpha"})
_NO_MEANING = frozenset({"latest"})

Reason = Literal["retired", "retiring", "superseded", "unknown"]


class Lineage(msgspec.Struct, frozen=True):
    """A model's place among its kin.

    Attributes:
        line: the name without versions and dates, such as ``("claude", "haiku")``, in alphabetical order.
        version: such as ``(4, 5)``; ``()`` for a name without one.
        stamp: the date in the name, if any.
        stable: whether the name does not say that it is a preview.
    """

    line: tuple[str, ...]
    version: tuple[int, ...]
    stamp: date | None
    stable: bool

    def newer_than(self, other: "Lineage") -> bool:
        """Return whether this is a later version, or a later snapshot of the same version."""
        if self.version != other.version:
            return self.version > other.version
        return self.stamp is not None and other.stamp is not None and self.stamp > other.stamp


@lru_cache(maxsize=1024)
def lineage(model: str) -> Lineage:
    """Read a model's name."""
    name, stamp = _without_date(model.lower())
    words: list[str] = []
    version: list[int] = []
    stable = True
    for token in re.split(r"[-_:/ ]+", name):
        numbered = _WORD_WITH_VERSION.match(token)
        if token in _UNSTABLE:
            stable = False
        elif not token or token in _NO_MEANING or _STAMP.match(token):
            continue
        elif found := _VERSION.match(token):
            version += map(int, found[1].split("."))
        elif numbered:
            words.append(numbered[1])
            version += map(int, numbered[2].split("."))
        else:
            words.append(token)
    return Lineage(tuple(sorted(words)), tuple(version), stamp, stable)


def _without_date(name: str) -> tuple[str, date | None]:
    found = _DATE.search(name)
    if found is None:
        return name, None
    year, month, day = (int(part) for part in found.groups() if part)
    try:
        stamp = date(year, month, day)
    except ValueError:  # digits that are not a date
        return name, None
    return name[: found.start()] + name[found.end() :], stamp


class Upgrade(msgspec.Struct, frozen=True, kw_only=True):
    """A proposal for one place of one pool.

    Attributes:
        profile: where.
        alias: whose pool.
        model: the member to be replaced.
        reason: ``retired``, ``retiring`` (within the days asked for), ``superseded`` by a later version that
            costs no more, or ``unknown`` to the registry although it was locked.
        successor: what to use instead; ``None`` where nothing fits.
        why: in words.
        prices: US dollars per million tokens of the member, as far as known.
        successor_prices: those of the successor.
    """

    profile: str
    alias: str
    model: ModelRef
    reason: Reason
    successor: ModelRef | None
    why: str
    prices: Prices = msgspec.field(default_factory=Prices)
    successor_prices: Prices = msgspec.field(default_factory=Prices)

    def __str__(self) -> str:
        arrow = f"{self.model} -> {self.successor or 'nothing fits'}"
        return f"{self.profile} {self.alias}: {arrow} ({self.why})"


def propose_upgrades(
    lockfile: Lockfile,
    catalog: Iterable[ModelFacts],
    *,
    today: date,
    within_days: int = 90,
    alias: str | None = None,
    profile: str | None = None,
) -> tuple[Upgrade, ...]:
    """Look for members that should go, and for their replacements.

    A successor is of the same provider and served beyond the days asked for. It can do all that the member can, meets
    the needs of the binding, and is not a preview unless the member is one. The first choice is the newest
    later version in the same line of models, which is recognized by the name without versions and dates. A member
    that is retired or retiring and has no later version may take another model of its family: the one nearest
    in price. A member that is merely superseded only takes a later version that costs no more and has no
    smaller context window.

    Args:
        lockfile: its pools, and what is locked: of models that the registry does not list any more, that is
            all there is.
        catalog: every model known, with retired ones.
        today: counts the days.
        within_days: how long before its retirement a member should go.
        alias: only this one.
        profile: only this one.
    """
    chooser = _Chooser(lockfile, list(catalog), today, today + timedelta(days=within_days))
    wanted = (
        member
        for member in members(lockfile)
        if alias in (None, member.alias) and profile in (None, member.profile)
    )
    return tuple(upgrade for member in wanted if (upgrade := chooser.propose(member)) is not None)


def apply_upgrades(document: "Document", upgrades: Iterable[Upgrade]) -> None:
    """Put the successors into the pools, each in the place of what it replaces."""
    pools: dict[tuple[str, str], list[ModelRef]] = {}
    for upgrade in upgrades:
        binding = document.lockfile.profile(upgrade.profile).binding(upgrade.alias)
        if upgrade.successor is not None and binding is not None:
            pool = pools.setdefault((upgrade.profile, upgrade.alias), list(binding.models))
            pool[:] = [upgrade.successor if model == upgrade.model else model for model in pool]
    for (profile, alias), models in pools.items():
        document.bind(alias, models, profile=profile)


class _Chooser:
    def __init__(self, lockfile: Lockfile, catalog: Sequence[ModelFacts], today: date, horizon: date) -> None:
        self._lockfile = lockfile
        self._catalog = catalog
        self._today = today
        self._horizon = horizon
        # Exact names count before aliases: some names are an entry of their own and another's alias as well.
        self._by_name = {(f.provider, name): f for f in catalog for name in f.aliases}
        self._by_name |= {(f.provider, f.model): f for f in catalog}

    def propose(self, member: Member) -> Upgrade | None:
        model = member.model
        facts = self._by_name.get((model.provider, model.model))
        locked = self._lockfile.locked.get(str(model))
        reason = self._reason(facts, locked)
        old = facts or _from_lock(model, locked)
        fitting = [candidate for candidate in self._catalog if self._fits(candidate, old, member)]
        line = [candidate for candidate in fitting if _is_later(candidate, old)]
        if reason is None:
            better = [later for later in line if _no_dearer(later, old) and not _smaller(later, old)]
            if not better:
                return None
            return _upgrade(member, "superseded", old, max(better, key=_age), "a later version")
        if line:
            return _upgrade(member, reason, old, max(line, key=_age), "a later version")
        kin = [candidate for candidate in fitting if old.family and candidate.family == old.family]
        if kin:
            nearest = min(kin, key=lambda candidate: _price_distance(candidate, old))
            return _upgrade(member, reason, old, nearest, "nearest in price of its family")
        return _upgrade(member, reason, old, None, "no model of its line or family fits")

    def _reason(self, facts: ModelFacts | None, locked: LockedModel | None) -> Reason | None:
        if facts is None:
            return "unknown" if locked is not None and locked.listed else None
        if is_retired(facts, self._today):
            return "retired"
        return "retiring" if is_retired(facts, self._horizon) else None

    def _fits(self, candidate: ModelFacts, old: ModelFacts, member: Member) -> bool:
        return (
            candidate.provider == old.provider
            and candidate.model != old.model
            and member.model.model not in candidate.aliases
            and not is_retired(candidate, self._horizon)
            and (lineage(candidate.model).stable or not lineage(old.model).stable)
            and set(capabilities(old)) <= set(capabilities(candidate))
            and not unmet_needs(member.binding.constraints, candidate)
        )


def _from_lock(model: ModelRef, locked: LockedModel | None) -> ModelFacts:
    """Return a model's record in the lockfile as facts."""
    locked = locked or LockedModel()
    able: dict[str, Any] = dict.fromkeys(set(CAPABILITIES).intersection(locked.capabilities), True)
    return ModelFacts(
        provider=model.provider,
        model=locked.snapshot or model.model,
        context_window=locked.context_window,
        prices=locked.prices,
        **able,
    )


def _is_later(candidate: ModelFacts, old: ModelFacts) -> bool:
    one, other = lineage(candidate.model), lineage(old.model)
    if one.line != other.line:
        return False
    if one.version == other.version and candidate.released_on and old.released_on:
        return candidate.released_on > old.released_on
    return one.newer_than(other)


def _age(facts: ModelFacts) -> tuple[tuple[int, ...], date, str]:
    found = lineage(facts.model)
    return found.version, found.stamp or facts.released_on or date.min, facts.model


def _no_dearer(candidate: ModelFacts, old: ModelFacts) -> bool:
    one, other = candidate.prices, old.prices
    pairs = ((one.input, other.input), (one.output, other.output))
    return all(now is not None and before is not None and now <= before for now, before in pairs)


def _smaller(candidate: ModelFacts, old: ModelFacts) -> bool:
    return old.context_window is not None and (candidate.context_window or 0) < old.context_window


def _price_distance(candidate: ModelFacts, old: ModelFacts) -> tuple[bool, Decimal, str]:
    """Return the distance between two models' prices; unknown ones sort last."""
    one, other = candidate.prices, old.prices
    if one.input is None or one.output is None or other.input is None or other.output is None:
        return True, Decimal(0), candidate.model
    return False, abs(one.input + one.output - other.input - other.output), candidate.model


def _upgrade(
    member: Member, reason: Reason, old: ModelFacts, successor: ModelFacts | None, why: str
) -> Upgrade:
    if successor is not None and _smaller(successor, old):
        why += f", with a smaller context window: {successor.context_window or 0:,} tokens, was {old.context_window:,}"
    return Upgrade(
        profile=member.profile,
        alias=member.alias,
        model=member.model,
        reason=reason,
        successor=None if successor is None else ModelRef(successor.provider, successor.model),
        why=f"{reason}: {why}",
        prices=old.prices,
        successor_prices=Prices() if successor is None else successor.prices,
    )
