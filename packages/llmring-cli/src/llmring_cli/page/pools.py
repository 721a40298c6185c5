"""The pools of the lockfile, with what is known of their models, and what has got worse since they were locked."""

from collections.abc import Callable, Sequence
from datetime import date

import msgspec
from llmring_lockfile import Lockfile, Severity, audit
from llmring_types import ModelFacts, ModelRef

from llmring_cli._models import price_text

_AUDITED_DAYS = 90
"""Days ahead within which retirements are findings, as for ``llmring lock audit``."""


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """A model of a pool; prices are US dollars per million tokens, ``?`` where unknown."""

    model: str
    input: str = "?"
    output: str = "?"
    retirement: str = ""


class Pool(msgspec.Struct, frozen=True, kw_only=True):
    """An alias and the models that answer it, the first first."""

    alias: str
    members: Sequence[Member]


class Locked(msgspec.Struct, frozen=True, kw_only=True):
    """The lockfile, for the page: pools by profile, and findings as severity and message."""

    default: str
    profiles: Sequence[tuple[str, Sequence[Pool]]]
    findings: Sequence[tuple[str, str]]

    @property
    def aliases(self) -> list[str]:
        """The aliases of the default profile."""
        return [pool.alias for name, pools in self.profiles if name == self.default for pool in pools]


FactsOf = Callable[[ModelRef], ModelFacts | None]


def locked_of(lockfile: Lockfile, published: FactsOf, known: FactsOf, *, default: str, today: date) -> Locked:
    """Describe a lockfile.

    Args:
        lockfile: it.
        published: what the registry lists of a model, for the findings.
        known: what is known of it in all, for its prices.
        default: the profile that requests get.
        today: in UTC.
    """
    order = list(Severity)
    found = audit(lockfile, published, today=today, within_days=_AUDITED_DAYS)
    return Locked(
        default=default,
        profiles=[
            (
                name,
                [
                    Pool(alias=row.alias, members=[_member(ref, known(ref), today) for ref in row.models])
                    for row in profile.bindings
                ],
            )
            for name, profile in sorted(
                lockfile.profiles.items(), key=lambda item: (item[0] != default, item[0])
            )
        ],
        findings=[
            (str(each.severity), each.message)
            for each in sorted(found, key=lambda finding: order.index(finding.severity))
        ],
    )


def _member(ref: ModelRef, known: ModelFacts | None, today: date) -> Member:
    if known is None:
        return Member(model=str(ref))
    return Member(
        model=str(ref),
        input=price_text(known.prices.input),
        output=price_text(known.prices.output),
        retirement=_retirement(known, today),
    )


def _retirement(facts: ModelFacts, today: date) -> str:
    day = facts.retires_on
    if facts.active is False or (day is not None and day <= today):
        return "retired" if day is None else f"retired {day}"
    return "" if day is None else f"retires {day}"
