"""The audit: changes in the world since the models were locked."""

from collections.abc import Collection, Iterator, Sequence
from datetime import date
from decimal import Decimal

import msgspec
from llmring_types import ModelFacts, ModelRef

from llmring_lockfile._findings import Finding, Place, Severity
from llmring_lockfile._lock import LIMIT_FIELDS, PRICE_FIELDS, FactsOf, Member, capabilities
from llmring_lockfile._lookup import UNLISTED_PROVIDERS, Lookup, by_model, is_retired, unreachable
from llmring_lockfile._model import LockedModel, Lockfile

_NEVER_LISTED = LockedModel(listed=False)
_Found = tuple[str, Severity, str]
"""Rule, severity and what to say."""


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
    snapshot (warnings); a registry that cannot say (error); and models that were never locked (note), of which
    only that they are not listed and their retirement can be told. What became better is not a finding.

    Args:
        lockfile: with what is locked.
        facts: what is known of a model now; a ``RegistryError`` that it raises is reported.
        today: counts the days.
        within_days: how far ahead to look for retirement.
        unlisted: providers whose models no registry lists: that theirs are not there is no finding.
    """
    known = Lookup(facts)
    pooled = by_model(lockfile)
    findings: list[Finding] = []
    for model, found in pooled.items():
        if known.reach(model):
            locked = lockfile.locked.get(str(model), _NEVER_LISTED if model.provider in unlisted else None)
            findings += _model(model, locked, known.get(model), found, _Calendar(today, within_days))
    findings += unreachable(known, pooled)
    return tuple(findings)


class _Calendar(msgspec.Struct, frozen=True):
    today: date
    within_days: int


def _model(
    model: ModelRef,
    locked: LockedModel | None,
    facts: ModelFacts | None,
    found: Sequence[Member],
    calendar: _Calendar,
) -> Iterator[Finding]:
    places = tuple(map(Place.of, found))
    for rule, severity, message in _changes(locked, facts, calendar):
        yield Finding(
            rule=rule,
            severity=severity,
            message=f"{model} {message}",
            model=str(model),
            places=places,
        )


def _changes(locked: LockedModel | None, facts: ModelFacts | None, calendar: _Calendar) -> Iterator[_Found]:
    if locked is None:
        yield (
            "not-locked",
            Severity.NOTE,
            "is not locked, so nothing can be compared; run: llmring lock update",
        )
    if facts is None:
        if locked is None or locked.listed:
            since = "" if locked is None else " any more"
            yield "unknown-model", Severity.ERROR, f"is not in the registry{since}"
        return
    yield from _retirement(facts, calendar)
    if locked is not None and locked.listed:
        yield from _snapshot(locked, facts)
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


def _snapshot(locked: LockedModel, facts: ModelFacts) -> Iterator[_Found]:
    if locked.snapshot not in (None, facts.model):
        yield "snapshot-moved", Severity.WARNING, f"stood for {locked.snapshot} and now for {facts.model}"


def _prices(locked: LockedModel, facts: ModelFacts) -> Iterator[_Found]:
    for name in PRICE_FIELDS:
        before: Decimal | None = getattr(locked.prices, name)
        now: Decimal | None = getattr(facts.prices, name)
        if before is not None and now is not None and now > before:
            rise = f", {(now - before) / before:+.0%}" if before else ""
            label = name.replace("_", " ")
            yield (
                "price-up",
                Severity.WARNING,
                f"costs ${now:f} per million tokens ({label}), was ${before:f}{rise}",
            )


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
