"""Models for a wish, best first, each with its reason."""

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Literal

import msgspec
from llmring_types import ModelFacts, ModelRef

from llmring.suggest._choosable import choosable, newest
from llmring.suggest._wish import Wish

Preference = Literal["cost", "strength", "context"]
"""What counts among models that meet every need."""

_ZERO = Decimal(0)
_PROMPT_SHARE = Decimal("0.75")
"""Of the tokens of usual calls three in four are input; prices are compared for that mix."""


class Suggestion(msgspec.Struct, frozen=True):
    """A model and why it is suggested, or why it is not."""

    facts: ModelFacts
    reason: str

    @property
    def ref(self) -> ModelRef:
        return ModelRef(self.facts.provider, self.facts.model)


def suggest_models(
    wish: Wish, models: Iterable[ModelFacts], *, prefer: Preference = "cost"
) -> list[Suggestion]:
    """Return the models that are known to meet every need, best first.

    Left out are models that are retired or have a date to retire on, previews, and models for special purposes.

    Args:
        wish: what is needed.
        models: those to choose from, of any providers.
        prefer: ``cost`` puts the cheapest first, for three tokens of input to one of output; ``strength`` the newest
            generation of each provider and in it the dearest, price being the only measure of strength that all
            publish; ``context`` the longest context window. Equals are in the order of cost, then of names.
    """
    fitting = sorted((facts for facts in choosable(models) if not wish.unmet(facts)), key=_by_cost)
    if not fitting:
        return []
    if prefer == "cost":
        return _by_preference(
            fitting, lambda facts: _cost_reason(facts, fitting[0]), lambda _: (False, _ZERO)
        )
    if prefer == "context":
        return _by_preference(
            fitting, _context_reason, lambda facts: (False, -Decimal(facts.context_window or 0))
        )
    latest = _newest_of_each(fitting)
    return _by_preference(
        fitting,
        lambda facts: _strength_reason(facts, latest),
        lambda facts: (facts not in latest, -(mixed_price(facts) or _ZERO)),
    )


def near_misses(wish: Wish, models: Iterable[ModelFacts]) -> list[Suggestion]:
    """Return the models that lack only one thing, with that as the reason, cheapest first."""
    lacking = ((facts, wish.unmet(facts)) for facts in sorted(choosable(models), key=_by_cost))
    return [Suggestion(facts, unmet[0]) for facts, unmet in lacking if len(unmet) == 1]


def mixed_price(facts: ModelFacts) -> Decimal | None:
    """Return US dollars per million tokens for three tokens of input to one of output; ``None`` where unknown."""
    prices = facts.prices
    if prices.input is None or prices.output is None:
        return None
    return prices.input * _PROMPT_SHARE + prices.output * (1 - _PROMPT_SHARE)


def _by_preference(
    models: Sequence[ModelFacts],
    reason: Callable[[ModelFacts], str],
    rank: Callable[[ModelFacts], tuple[bool, Decimal]],
) -> list[Suggestion]:
    return [Suggestion(facts, reason(facts)) for facts in sorted(models, key=rank)]


def _newest_of_each(models: Sequence[ModelFacts]) -> list[ModelFacts]:
    providers = dict.fromkeys(facts.provider for facts in models)
    return [
        facts for name in providers for facts in newest([facts for facts in models if facts.provider == name])
    ]


def _cost_reason(facts: ModelFacts, cheapest: ModelFacts) -> str:
    price, least = mixed_price(facts), mixed_price(cheapest)
    if price is None or least is None:
        return "fits; its price is not known"
    if facts is cheapest:
        return f"the cheapest that fits: {_dollars(price)}"
    times = f"{price / least:.1f} times the cheapest: " if least else ""
    return times + _dollars(price)


def _context_reason(facts: ModelFacts) -> str:
    window = "an unknown number of" if facts.context_window is None else f"{facts.context_window:,}"
    return f"{window} tokens of context"


def _strength_reason(facts: ModelFacts, latest: Sequence[ModelFacts]) -> str:
    price = mixed_price(facts)
    age = "newest generation" if facts in latest else "older generation"
    return f"{age} of {facts.provider}: " + ("its price is not known" if price is None else _dollars(price))


def _dollars(price: Decimal) -> str:
    return f"${price.normalize():f} per million tokens (3 in : 1 out)"


def _by_cost(facts: ModelFacts) -> tuple[bool, Decimal, str, str]:
    price = mixed_price(facts)
    return price is None, price or _ZERO, facts.provider, facts.model
