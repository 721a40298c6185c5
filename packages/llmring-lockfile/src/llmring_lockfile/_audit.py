"""Compare a lockfile with what a registry knows of its models: now (validate), and since they were locked (audit)."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date
from decimal import Decimal
from typing import Literal

import msgspec
from llmring_types import ModelFacts, ModelRef
from llmring_types.exceptions import RegistryError
from llmring_types.hosts import HostNames

from llmring_lockfile._findings import Finding, Place, Severity, mixed_embeddings
from llmring_lockfile._lock import (
    LIMIT_FIELDS,
    PRICE_FIELDS,
    FactsOf,
    Member,
    capabilities,
    members,
)
from llmring_lockfile._model import LockedModel, Lockfile, unmet_needs

UNLISTED_PROVIDERS: AbstractSet[str] = HostNames(lambda host: not host.listed)
"""Hosts whose models no registry lists."""

_NEVER_LISTED = LockedModel(listed=False)
_Found = tuple[str, Severity, str]
"""Rule, severity and what to say."""


class Lookup:
    """Asks for each model once, and for no other of a provider of which nothing could be had."""

    def __init__(self, facts: FactsOf) -> None:
        self._facts = facts
        self._known: dict[ModelRef, ModelFacts | None] = {}
        self.failed: dict[str, RegistryError] = {}

    def reach(self, model: ModelRef) -> bool:
        """Return whether the registry can say anything of a model, even that it does not list it."""
        if model not in self._known and model.provider not in self.failed:
            try:
                self._known[model] = self._facts(model)
            except RegistryError as error:
                self.failed[model.provider] = error
        return model in self._known

    def get(self, model: ModelRef) -> ModelFacts | None:
        return self._known.get(model)


def by_model(lockfile: Lockfile) -> dict[ModelRef, list[Member]]:
    """Every model in the pools with its places, in the order of the file."""
    found: dict[ModelRef, list[Member]] = defaultdict(list)
    for member in members(lockfile):
        found[member.model].append(member)
    return found


def unreachable(known: Lookup, pooled: Mapping[ModelRef, Sequence[Member]]) -> Iterator[Finding]:
    """One error for each provider of which nothing could be had."""
    for provider, error in known.failed.items():
        places = [
            Place.of(member)
            for model, found in pooled.items()
            if model.provider == provider and not known.reach(model)
            for member in found
        ]
        yield Finding(
            rule="registry-unreachable",
            severity=Severity.ERROR,
            message=f"Nothing can be said of the models of {provider}: {error}",
            places=tuple(places),
        )


def is_retired(facts: ModelFacts, today: date) -> bool:
    return facts.active is False or (facts.retires_on is not None and facts.retires_on <= today)


def audit(
    lockfile: Lockfile,
    facts: FactsOf,
    *,
    today: date,
    within_days: int = 90,
    unlisted: Collection[str] = UNLISTED_PROVIDERS,
) -> tuple[Finding, ...]:
    """Compare what was locked of every model in a pool with what is known of it now.

    Found are: models that are retired (error) or will be within some days (warning), that the registry no longer lists
    (error), that lost a capability (error), cost more, take or give fewer tokens, or whose name stands for another
    snapshot (warnings; an error where an index is embedded by it); members of a pool for an index that can never be
    asked (warnings); a registry that cannot say (error); and models that were never locked (note), of which
    only that they are not listed, or retire, can be reported. What became better is not a finding.

    Args:
        lockfile: with what is locked.
        facts: what is known of a model now; a ``RegistryError`` that it raises is reported.
        today: counts the days.
        within_days: how far ahead to look for retirement.
        unlisted: providers whose models no registry lists: that theirs are not there is no finding.
    """
    known, pooled = Lookup(facts), by_model(lockfile)
    unlisted = {*unlisted, *lockfile.hosts}
    findings: list[Finding] = []
    for model, found in pooled.items():
        if known.reach(model):
            locked = lockfile.locked.get(str(model), _NEVER_LISTED if model.provider in unlisted else None)
            findings += _compared(model, locked, known.get(model), found, _Calendar(today, within_days))
    findings += unreachable(known, pooled)
    findings += mixed_embeddings(lockfile)
    return tuple(findings)


class _Calendar(msgspec.Struct, frozen=True):
    today: date
    within_days: int


def _compared(
    model: ModelRef,
    locked: LockedModel | None,
    facts: ModelFacts | None,
    found: Sequence[Member],
    calendar: _Calendar,
) -> Iterator[Finding]:
    places = tuple(map(Place.of, found))
    indexed = sorted({each.alias for each in found if each.binding.constraints.dimensions is not None})
    for rule, severity, message in _changes(locked, facts, calendar, indexed):
        yield Finding(
            rule=rule,
            severity=severity,
            message=f"{model} {message}",
            model=str(model),
            places=places,
        )


def _changes(
    locked: LockedModel | None, facts: ModelFacts | None, calendar: _Calendar, indexed: Sequence[str]
) -> Iterator[_Found]:
    if locked is None:
        why = "is not locked, so nothing can be compared; run: llmring lock update"
        yield "not-locked", Severity.NOTE, why
    if facts is None:
        if locked is None or locked.listed:
            since = "" if locked is None else " any more"
            yield "unknown-model", Severity.ERROR, f"is not in the registry{since}"
        return
    yield from _retirement(facts, calendar)
    if locked is not None and locked.listed:
        yield from _snapshot(locked, facts, indexed)
        yield from _prices(locked, facts)
        yield from _limits(locked, facts)
        yield from _capabilities(locked, facts)


def _retirement(facts: ModelFacts, calendar: _Calendar) -> Iterator[_Found]:
    if is_retired(facts, calendar.today):
        since = f" since {facts.retires_on}" if facts.retires_on else ""
        yield "retired", Severity.ERROR, f"is retired{since}; try: llmring lock upgrade"
    elif facts.retires_on is not None:
        days = (facts.retires_on - calendar.today).days
        if days <= calendar.within_days:
            yield "retiring", Severity.WARNING, f"retires in {days} days, on {facts.retires_on}"


def _snapshot(locked: LockedModel, facts: ModelFacts, indexed: Sequence[str]) -> Iterator[_Found]:
    if locked.snapshot in (None, facts.model):
        return
    moved = f"stood for {locked.snapshot} and now for {facts.model}"
    if indexed:
        moved += (
            f": its vectors cannot be compared with those in the index of {', '.join(indexed)}; "
            f"name {locked.snapshot} in the pool, or embed everything anew"
        )
        yield "embedding-changed", Severity.ERROR, moved
    else:
        yield "snapshot-moved", Severity.WARNING, moved


def _prices(locked: LockedModel, facts: ModelFacts) -> Iterator[_Found]:
    for name in PRICE_FIELDS:
        before: Decimal | None = getattr(locked.prices, name)
        now: Decimal | None = getattr(facts.prices, name)
        if before is not None and now is not None and now > before:
            rise = f", {(now - before) / before:+.0%}" if before else ""
            label = name.replace("_", " ")
            costs = f"costs ${now:f} per million tokens ({label}), was ${before:f}{rise}"
            yield "price-up", Severity.WARNING, costs


def _limits(locked: LockedModel, facts: ModelFacts) -> Iterator[_Found]:
    for name in LIMIT_FIELDS:
        before: int | None = getattr(locked, name)
        now: int | None = getattr(facts, name)
        if before is not None and now is not None and now < before:
            label = name.replace("_", " ")
            yield "limit-down", Severity.WARNING, f"has a {label} of {now:,} tokens, had {before:,}"


def _capabilities(locked: LockedModel, facts: ModelFacts) -> Iterator[_Found]:
    for name in locked.capabilities:
        if name not in capabilities(facts):
            lost = getattr(facts, name, None) is False
            severity = Severity.ERROR if lost else Severity.NOTE
            how = "no longer has" if lost else "is no longer known to have"
            yield "capability-lost", severity, f"{how} the capability {name}"


class Validation(msgspec.Struct, frozen=True):
    """The result of :func:`validate`.

    Attributes:
        findings: errors, warnings and notes.
        checked: how many models were looked at.
        unreachable: providers of which the registry could not say anything.
    """

    findings: tuple[Finding, ...]
    checked: int
    unreachable: tuple[str, ...] = ()

    @property
    def status(self) -> Literal["valid", "invalid", "unreachable"]:
        """``unreachable`` unless something is known to be wrong: what could not be looked up is never valid."""
        if any(f.severity is Severity.ERROR and f.rule != "registry-unreachable" for f in self.findings):
            return "invalid"
        return "unreachable" if self.unreachable else "valid"


def validate(
    lockfile: Lockfile,
    facts: FactsOf,
    *,
    today: date,
    unlisted: Collection[str] = UNLISTED_PROVIDERS,
) -> Validation:
    """Compare every member of every pool with the registry.

    Args:
        lockfile: the lockfile.
        facts: what is known of a model now; a ``RegistryError`` that it raises is reported.
        today: decides what is retired.
        unlisted: providers whose models no registry lists: theirs are noted, and a need that cannot be proved of
            them is a warning. Of any other provider both are errors.
    """
    known, pooled = Lookup(facts), by_model(lockfile)
    unlisted = {*unlisted, *lockfile.hosts}
    findings: list[Finding] = []
    for model, places in pooled.items():
        if known.reach(model):
            findings += _validated(model, known.get(model), places, today, model.provider in unlisted)
    findings += unreachable(known, pooled)
    return Validation(tuple(findings), len(pooled), tuple(sorted(known.failed)))


def _validated(
    model: ModelRef, facts: ModelFacts | None, found: list[Member], today: date, unlisted: bool
) -> Iterator[Finding]:
    name = str(model)
    places = tuple(map(Place.of, found))
    if facts is None:
        yield Finding(
            rule="unlisted-model" if unlisted else "unknown-model",
            severity=Severity.NOTE if unlisted else Severity.ERROR,
            message=f"{name} is not in the registry"
            + (f", which lists no models of {model.provider}" if unlisted else ""),
            model=name,
            places=places,
        )
    elif is_retired(facts, today):
        since = f" since {facts.retires_on}" if facts.retires_on else ""
        yield Finding(
            rule="retired",
            severity=Severity.ERROR,
            message=f"{name} is retired{since}; try: llmring lock upgrade",
            model=name,
            places=places,
        )
    if facts is None and not unlisted:
        return  # nothing more to prove of a model that there is not
    for member in found:
        for need in unmet_needs(member.binding.constraints, facts):
            certain = need.certain or not unlisted
            yield Finding(
                rule="need-unmet" if need.certain else "need-unproved",
                severity=Severity.ERROR if certain else Severity.WARNING,
                message=f"{member.alias} in profile {member.profile}, {name}: {need}",
                model=name,
                places=(Place.of(member),),
            )
