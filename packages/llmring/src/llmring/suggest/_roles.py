"""First aliases for a new lockfile."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType

from llmring_types import ModelFacts, ModelRef
from llmring_types.hosts import host_of

from llmring.suggest._ranking import choosable, generation, newest

_DEAREST = Decimal(10)


def _cheapest(models: Sequence[ModelFacts]) -> ModelFacts:
    return min(models, key=lambda facts: (_input_price(facts), facts.model))


def _middle(models: Sequence[ModelFacts]) -> ModelFacts:
    """The one in the middle of the newest generation's prices, the cheaper of two."""
    fair = newest(_affordable(models))
    return sorted(fair, key=lambda facts: (_input_price(facts), facts.model))[(len(fair) - 1) // 2]


def _strongest(models: Sequence[ModelFacts]) -> ModelFacts:
    """The dearest of the newest generation, up to a limit: price is the only measure of strength that all publish."""
    return max(newest(_affordable(models)), key=lambda facts: (_input_price(facts), facts.model))


def _longest(models: Sequence[ModelFacts]) -> ModelFacts:
    newest_first = sorted(models, key=generation, reverse=True)
    return max(newest_first, key=lambda facts: facts.context_window or 0)


ROLES: Mapping[str, Callable[[Sequence[ModelFacts]], ModelFacts]] = MappingProxyType(
    {"default": _middle, "fast": _cheapest, "deep": _strongest, "long_context": _longest}
)
"""Alias to the rule that picks one model of each provider."""


def suggest_aliases(
    providers: Iterable[str], models: Callable[[str], Iterable[ModelFacts]]
) -> dict[str, list[ModelRef]]:
    """Return alias to pool, one model of each provider that has a fitting one.

    Args:
        providers: those that can be used.
        models: what is known of a provider's models.
    """
    ordered = sorted(set(providers), key=lambda name: (host_of(name).suggestion_rank, name))
    fitting = {name: found for name in ordered if (found := _fitting(models(name)))}
    if not fitting:
        return {}
    return {
        alias: [ModelRef(name, pick(found).model) for name, found in fitting.items()]
        for alias, pick in ROLES.items()
    }


def _fitting(models: Iterable[ModelFacts]) -> list[ModelFacts]:
    """Those with tools, and at a price that is known."""
    return choosable(facts for facts in models if facts.tools is True and facts.prices.input)


def _affordable(models: Sequence[ModelFacts]) -> Sequence[ModelFacts]:
    return [facts for facts in models if _input_price(facts) < _DEAREST] or models


def _input_price(facts: ModelFacts) -> Decimal:
    return facts.prices.input or Decimal(0)
