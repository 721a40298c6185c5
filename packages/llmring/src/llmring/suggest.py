"""First aliases for somebody who has none, computed from what is known of models. Pure and deterministic."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType

from llmring_types import ModelFacts, ModelRef

__all__ = ["ROLES", "suggest_aliases"]

_PREFERENCE = ("anthropic", "openai", "google")
_CHAT_APIS = frozenset({None, "chat", "generateContent"})
_SPECIAL = re.compile(
    r"preview|latest|audio|realtime|live|tts|image|embedding|robotics|computer|search|codex|instruct|research|-pro\b"
)
"""Names of special purposes and of moving targets."""
_DATE = re.compile(r"-(\d{4}-\d{2}-\d{2}|\d{8}|\d{4})$")
_NUMBER = re.compile(r"\d+(?:[.-]\d+)?")
_DEAREST = Decimal(10)


def _cheapest(models: Sequence[ModelFacts]) -> ModelFacts:
    return min(models, key=lambda facts: (_input_price(facts), facts.model))


def _middle(models: Sequence[ModelFacts]) -> ModelFacts:
    """The one in the middle of the newest generation's prices, the cheaper of two."""
    fair = _newest(_affordable(models))
    return sorted(fair, key=lambda facts: (_input_price(facts), facts.model))[(len(fair) - 1) // 2]


def _strongest(models: Sequence[ModelFacts]) -> ModelFacts:
    """The dearest of the newest generation, up to a limit: price is the only measure of strength that all publish."""
    return max(_newest(_affordable(models)), key=lambda facts: (_input_price(facts), facts.model))


def _longest(models: Sequence[ModelFacts]) -> ModelFacts:
    newest_first = sorted(models, key=_generation, reverse=True)
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
    usable = set(providers)
    ordered = [name for name in _PREFERENCE if name in usable] + sorted(usable.difference(_PREFERENCE))
    fitting = {name: found for name in ordered if (found := _fitting(models(name)))}
    if not fitting:
        return {}
    return {
        alias: [ModelRef(name, pick(found).model) for name, found in fitting.items()]
        for alias, pick in ROLES.items()
    }


def _fitting(models: Iterable[ModelFacts]) -> list[ModelFacts]:
    """Leave out what is not for chat, and dated snapshots whose plain name is there as well."""
    found = [facts for facts in models if _fits(facts)]
    names = {facts.model for facts in found}
    return [facts for facts in found if _DATE.sub("", facts.model) not in names - {facts.model}]


def _fits(facts: ModelFacts) -> bool:
    return (
        facts.active is not False
        and facts.retires_on is None
        and facts.tools is True
        and facts.api in _CHAT_APIS
        and bool(facts.prices.input)
        and facts.model == facts.model.lower()
        and _SPECIAL.search(facts.model) is None
    )


def _affordable(models: Sequence[ModelFacts]) -> Sequence[ModelFacts]:
    return [facts for facts in models if _input_price(facts) < _DEAREST] or models


def _newest(models: Sequence[ModelFacts]) -> list[ModelFacts]:
    newest = max(map(_generation, models))
    return [facts for facts in models if _generation(facts) == newest]


def _generation(facts: ModelFacts) -> tuple[int, ...]:
    found = _NUMBER.search(facts.model)
    return tuple(int(part) for part in re.split(r"[.-]", found[0])) if found else ()


def _input_price(facts: ModelFacts) -> Decimal:
    return facts.prices.input or Decimal(0)
