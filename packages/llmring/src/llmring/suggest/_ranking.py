"""Models for a wish, best first, each with its reason; and which models may be chosen at all."""

import re
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Literal

import msgspec
from llmring_lockfile import Constraints, Need, unmet_needs
from llmring_types import ModelFacts, ModelRef

_CHAT_APIS = frozenset({None, "chat", "generateContent"})
_SPECIAL = re.compile(
    r"preview|latest|audio|realtime|live|tts|image|embedding|robotics|computer|search|codex|instruct|research|-pro\b"
)
"""Names of special purposes and of moving targets."""
_DATE = re.compile(r"-(\d{4}-\d{2}-\d{2}|\d{8}|\d{4})$")
_NUMBER = re.compile(r"\d+(?:[.-]\d+)?")


def choosable(models: Iterable[ModelFacts]) -> list[ModelFacts]:
    """Leave out what is not for chat or not here to stay, and dated snapshots whose plain name is there as well."""
    found = [facts for facts in models if _is_general(facts)]
    names = {(facts.provider, facts.model) for facts in found}
    return [
        facts
        for facts in found
        if _plain(facts) == facts.model or (facts.provider, _plain(facts)) not in names
    ]


def generation(facts: ModelFacts) -> tuple[int, ...]:
    """Return the version in the name; ``()`` where there is none."""
    found = _NUMBER.search(facts.model)
    return tuple(int(part) for part in re.split(r"[.-]", found[0])) if found else ()


def newest(models: Sequence[ModelFacts]) -> list[ModelFacts]:
    """Return those of the newest generation."""
    latest = max(map(generation, models))
    return [facts for facts in models if generation(facts) == latest]


def _is_general(facts: ModelFacts) -> bool:
    return (
        facts.active is not False
        and facts.retires_on is None
        and facts.api in _CHAT_APIS
        and facts.model == facts.model.lower()
        and _SPECIAL.search(facts.model) is None
    )


def _plain(facts: ModelFacts) -> str:
    return _DATE.sub("", facts.model)


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """The capabilities that a model must have, and the price that it may have.

    Attributes:
        needs: capabilities.
        min_context: least context window, in tokens, for request and answer together.
        min_output: least length of the longest answer, in tokens.
        max_input_price: US dollars per million tokens.
        max_output_price: US dollars per million tokens.

    Raises:
        ValueError: an unknown need, or a number that is not finite or not above 0.
    """

    needs: tuple[Need, ...] = ()
    min_context: int | None = None
    min_output: int | None = None
    max_input_price: Decimal | None = None
    max_output_price: Decimal | None = None

    def __post_init__(self) -> None:
        Constraints(needs=self.needs, min_context=self.min_context)  # checks them
        for name in ("min_output", "max_input_price", "max_output_price"):
            value = getattr(self, name)
            if value is not None and not (Decimal(value).is_finite() and value > 0):
                raise ValueError(f"{name} must be a finite number above 0; got {value}")

    @property
    def constraints(self) -> Constraints:
        """The part that a binding can state as well."""
        return Constraints(needs=self.needs, min_context=self.min_context)

    def unmet(self, facts: ModelFacts) -> list[str]:
        """Return a sentence for each need that a model does not meet; unknown counts as unmet."""
        lacking = [str(need) for need in unmet_needs(self.constraints, facts)]
        longest = facts.max_output_tokens
        if self.min_output is not None and (longest is None or longest < self.min_output):
            gives = "an unknown number" if longest is None else f"{longest:,}"
            lacking.append(f"needs answers of {self.min_output:,} tokens, gives {gives}")
        for name, price, limit in (
            ("input", facts.prices.input, self.max_input_price),
            ("output", facts.prices.output, self.max_output_price),
        ):
            if limit is not None and (price is None or price > limit):
                costs = "an unknown price" if price is None else f"${price.normalize():f}"
                lacking.append(
                    f"costs {costs} per million tokens of {name}, the limit is ${limit.normalize():f}"
                )
        return lacking


Preference = Literal["cost", "strength", "context"]
"""The order of models that meet every need."""

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
    """Return the models that miss one need, with that as the reason, cheapest first."""
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
