"""Constraints: the demands of a binding on the models in its pool."""

from collections.abc import Mapping
from decimal import Decimal
from math import isfinite
from typing import Any, Literal, get_args

import msgspec
from llmring_types import ModelFacts

Need = Literal["vision", "tools", "json_schema", "reasoning", "documents", "audio"]
"""A capability that a binding may need; each is a field of :class:`llmring_types.ModelFacts`."""

NEEDS: tuple[Need, ...] = get_args(Need)


class Constraints(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The ``constraints`` table of a binding. Absent means: no demand.

    Attributes:
        needs: capabilities that every member must have.
        min_context: least context window, in tokens.
        max_cost_usd: most that one call may cost, in US dollars.
        budget_usd: most that all calls of the alias may cost together, in US dollars, counted by whoever makes them.
        timeout_s: limit of one attempt, in seconds.
        other: keys of the table that this version does not know. They are kept and mean nothing.

    Raises:
        ValueError: a number that is not finite, or not above 0.
    """

    needs: tuple[Need, ...] = ()
    min_context: int | None = None
    max_cost_usd: Decimal | None = None
    budget_usd: Decimal | None = None
    timeout_s: float | None = None
    other: Mapping[str, Any] = msgspec.field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("min_context", "max_cost_usd", "budget_usd", "timeout_s"):
            value = getattr(self, name)
            if value is not None and not (isfinite(value) and value > 0):
                raise ValueError(f"{name} must be a finite number above 0; got {value}")
        for need in self.needs:
            if need not in NEEDS:
                raise ValueError(f"unknown need {need!r}: expected one of {', '.join(NEEDS)}")

    def __bool__(self) -> bool:
        return self != NO_CONSTRAINTS


NO_CONSTRAINTS = Constraints()


class UnmetNeed(msgspec.Struct, frozen=True):
    """A demand that a model does not meet, or is not known to meet.

    Attributes:
        need: ``vision``, ``min_context`` and so on.
        wanted: ``True`` for a capability, tokens for ``min_context``.
        actual: what the model has; ``None`` where that is unknown.
    """

    need: str
    wanted: bool | int
    actual: bool | int | None

    @property
    def certain(self) -> bool:
        """True if the model is known to fall short: only then may it be passed over at run time."""
        return self.actual is not None

    def __str__(self) -> str:
        if self.need == "min_context":
            have = "an unknown context window" if self.actual is None else f"{self.actual} tokens of context"
            return f"needs {self.wanted} tokens of context, has {have}"
        return f"needs {self.need}, " + ("which it lacks" if self.certain else "which is not known of it")


def unmet_needs(constraints: Constraints, facts: ModelFacts | None) -> tuple[UnmetNeed, ...]:
    """Compare what a binding needs with what is known of a model.

    Args:
        constraints: the binding's.
        facts: the model's; ``None`` when nothing is known of it, so that no need is proved.

    Returns:
        What is lacking or unproved, in the order of the binding; empty when every need is met.
    """
    unmet = []
    for need in constraints.needs:
        actual: bool | None = getattr(facts, need, None)
        if actual is not True:
            unmet.append(UnmetNeed(need, wanted=True, actual=actual))
    if constraints.min_context is not None:
        window = None if facts is None else facts.context_window
        if window is None or window < constraints.min_context:
            unmet.append(UnmetNeed("min_context", wanted=constraints.min_context, actual=window))
    return tuple(unmet)
