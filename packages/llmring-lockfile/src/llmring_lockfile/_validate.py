"""Prove that every member of every pool exists and meets the needs of its binding."""

from collections.abc import Collection, Iterator
from datetime import date
from typing import Literal

import msgspec
from llmring_types import ModelFacts, ModelRef

from llmring_lockfile._constraints import unmet_needs
from llmring_lockfile._findings import Finding, Place, Severity
from llmring_lockfile._lock import FactsOf, Member
from llmring_lockfile._lookup import UNLISTED_PROVIDERS, Lookup, by_model, is_retired, unreachable
from llmring_lockfile._model import Lockfile


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
    known = Lookup(facts)
    findings: list[Finding] = []
    pooled = by_model(lockfile)
    for model, places in pooled.items():
        if known.reach(model):
            findings += _model(model, known.get(model), places, today, model.provider in unlisted)
    findings += unreachable(known, pooled)
    return Validation(tuple(findings), len(pooled), tuple(sorted(known.failed)))


def _model(
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
