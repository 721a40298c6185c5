"""Findings of reviews, as values, as text and as SARIF 2.1.0."""

from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import PurePath
from typing import Any

import msgspec

from llmring_lockfile._lock import Member, embedding_model, members
from llmring_lockfile._model import Lockfile
from llmring_lockfile._names import KeyPath, show_key
from llmring_lockfile._parse import BOM, is_json
from llmring_lockfile._problems import line_finder
from llmring_lockfile._sarif import SarifPlace, SarifResult, sarif_log


class Severity(StrEnum):
    """Severity: an ``error`` makes a review fail, a ``warning`` asks for a look, a ``note`` informs."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


RULES: dict[str, str] = {
    "alias-shared": "Several packages define the same alias.",
    "alias-unreachable": "An alias looks like a direct reference and can never be used.",
    "capability-lost": "A model can no longer do what it could when it was locked.",
    "limit-down": "A model takes or gives fewer tokens than when it was locked.",
    "member-twice": "A model occurs twice in one pool.",
    "need-unmet": "A model does not meet what its binding needs.",
    "need-unproved": "A model is not known to meet what its binding needs.",
    "not-locked": "A model in a pool is not locked.",
    "override-unused": "A binding overrides an alias that no extended package has.",
    "package-broken": "The lockfile of an extended package cannot be read.",
    "package-missing": "An extended package is not installed or ships no lockfile.",
    "price-up": "A model costs more than when it was locked.",
    "provider-unknown": "A model's provider is not known.",
    "registry-unreachable": "The registry cannot say what is known of a model.",
    "retired": "The provider no longer serves a model.",
    "retiring": "The provider will soon no longer serve a model.",
    "snapshot-moved": "A name stands for another snapshot than when it was locked.",
    "unknown-constraint": "A key of a binding's constraints means nothing.",
    "unknown-model": "The registry does not list a model.",
    "unlisted-model": "The registry lists no models of this provider.",
    "unused-lock": "A model is locked and in no pool.",
}
"""Every rule and what it says in general."""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """The place of a finding in a lockfile. ``line`` counts from 1 and is ``None`` until it was looked for."""

    path: KeyPath
    profile: str | None = None
    alias: str | None = None
    line: int | None = None

    @property
    def key(self) -> str:
        return show_key(self.path)

    @classmethod
    def of(cls, member: Member) -> "Place":
        return cls(path=member.path, profile=member.profile, alias=member.alias)


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a review found.

    Attributes:
        rule: a key of :data:`RULES`.
        severity: how bad.
        message: what, with the figures.
        model: the ``provider:model`` it is about, if any.
        places: where, the first first.
    """

    rule: str
    severity: Severity
    message: str
    model: str | None = None
    places: tuple[Place, ...] = ()

    def __str__(self) -> str:
        return f"{self.severity}: {self.message} [{self.rule}]"

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        places = [
            {"key": place.key, "profile": place.profile, "alias": place.alias, "line": place.line}
            for place in self.places
        ]
        return {
            "rule": self.rule,
            "severity": self.severity.value,
            "message": self.message,
            "model": self.model,
            "places": places,
        }


def has_errors(findings: Iterable[Finding]) -> bool:
    return any(finding.severity is Severity.ERROR for finding in findings)


def with_lines(findings: Iterable[Finding], text: str, path: object = None) -> tuple[Finding, ...]:
    """The same findings with the lines of their places, looked up in the text of the lockfile."""
    locate = line_finder(text.removeprefix(BOM), as_json=path is not None and is_json(str(path)))
    return tuple(
        msgspec.structs.replace(
            finding,
            places=tuple(msgspec.structs.replace(place, line=locate(place.path)) for place in finding.places),
        )
        for finding in findings
    )


def to_sarif(
    findings: Iterable[Finding], path: PurePath | str, *, tool: str = "llmring", version: str = "0"
) -> dict[str, Any]:
    """One run with its findings, as plain values for JSON.

    Args:
        findings: with lines, for a host to show them where they are; see :func:`with_lines`.
        path: the lockfile, relative to the root of the repository.
        tool: who found them.
        version: of the tool.
    """
    results = (
        SarifResult(
            rule=finding.rule,
            level=finding.severity.value,
            message=finding.message,
            places=tuple(
                SarifPlace(path=path, line=place.line or 1, name=place.key if place.path else None)
                for place in finding.places or (Place(path=()),)
            ),
            identity=_identity(finding),
        )
        for finding in findings
    )
    return sarif_log(results, RULES, tool=tool, version=version)


def _identity(finding: Finding) -> tuple[str, ...]:
    where = sorted(f"{place.profile}/{place.alias}" for place in finding.places)
    return (finding.rule, finding.model or "", *where)


def mixed_embeddings(lockfile: Lockfile) -> Iterator[Finding]:
    """Find members of a pool for an index that can never be asked, since their vectors are others."""
    for member in members(lockfile):
        first = member.binding.primary
        if member.binding.constraints.dimensions is None or member.model == first:
            continue
        locked = [lockfile.locked.get(str(model)) for model in (first, member.model)]
        if None in locked:
            reason = "are not both locked, so nobody knows whether their vectors can be compared"
        elif embedding_model(first, locked[0]) != embedding_model(member.model, locked[1]):
            reason = "are different models, whose vectors cannot be compared"
        else:
            continue
        yield Finding(
            rule="embedding-mixed",
            severity=Severity.WARNING,
            message=f"{member.model} is never asked for embeddings: it and {first} {reason}",
            model=str(member.model),
            places=(Place.of(member),),
        )
