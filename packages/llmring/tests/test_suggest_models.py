"""Models for stated needs."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llmring.registry import PROVIDERS, Registry
from llmring.suggest import Preference, Wish, mixed_price, near_misses, suggest_models
from llmring_types import ModelFacts, Prices

EVERY = [facts for name in PROVIDERS for facts in Registry().models(name)]


def model(name: str, price: int | None = 1, **more: Any) -> ModelFacts:
    prices = Prices() if price is None else Prices(input=Decimal(price), output=Decimal(price))
    provider = "google" if name.startswith("gemini") else "openai"
    fields: dict[str, Any] = {"tools": True, "active": True, "context_window": 1000, **more}
    return ModelFacts(provider=provider, model=name, prices=prices, **fields)


def names(wish: Wish, *models: ModelFacts, prefer: Preference = "cost") -> list[str]:
    return [found.facts.model for found in suggest_models(wish, models, prefer=prefer)]


UNMET: list[tuple[Wish, ModelFacts, str]] = [
    (Wish(needs=("vision",)), model("a", vision=False), "needs vision, which it lacks"),
    (Wish(needs=("vision",)), model("a"), "needs vision, which is not known of it"),
    (Wish(min_context=2000), model("a"), "needs 2000 tokens of context, has 1000 tokens of context"),
    (Wish(min_output=9), model("a", max_output_tokens=8), "needs answers of 9 tokens, gives 8"),
    (Wish(min_output=9), model("a"), "needs answers of 9 tokens, gives an unknown number"),
    (
        Wish(max_input_price=Decimal("0.5")),
        model("a"),
        "costs $1 per million tokens of input, the limit is $0.5",
    ),
    (
        Wish(max_output_price=Decimal(10)),
        model("a", None),
        "costs an unknown price per million tokens of output, the limit is $10",
    ),
]


@pytest.mark.parametrize(("wish", "facts", "reason"), UNMET)
def test_a_model_that_lacks_something_is_a_near_miss_with_the_reason(
    wish: Wish, facts: ModelFacts, reason: str
) -> None:
    assert suggest_models(wish, [facts]) == []
    assert [(miss.facts, miss.reason) for miss in near_misses(wish, [facts])] == [(facts, reason)]


def test_what_lacks_two_things_is_not_near() -> None:
    assert near_misses(Wish(needs=("vision", "audio")), [model("a")]) == []


def test_the_cheapest_comes_first_and_unknown_prices_last() -> None:
    found = suggest_models(Wish(), [model("c", None), model("b", 3), model("a", 2)])
    assert [(one.facts.model, one.reason) for one in found] == [
        ("a", "the cheapest that fits: $2 per million tokens (3 in : 1 out)"),
        ("b", "1.5 times the cheapest: $3 per million tokens (3 in : 1 out)"),
        ("c", "fits; its price is not known"),
    ]


def test_the_strongest_are_the_dearest_of_each_providers_newest_generation() -> None:
    models = [
        model("gpt-5", 50),
        model("gpt-6", 5),
        model("gpt-6-small", 1),
        model("gemini-3", 4),
        model("gemini-2", 9),
    ]
    assert names(Wish(), *models, prefer="strength") == [
        "gpt-6",
        "gemini-3",
        "gpt-6-small",
        "gpt-5",
        "gemini-2",
    ]


def test_the_longest_context_comes_first() -> None:
    models = [model("a"), model("b", 2, context_window=5000), model("c", 1, context_window=5000)]
    assert names(Wish(), *models, prefer="context") == ["c", "b", "a"]


@pytest.mark.parametrize(
    "facts", [model("a-preview"), model("a", active=False), model("a", api="embeddings")]
)
def test_what_is_not_for_chat_or_not_here_to_stay_is_never_suggested(facts: ModelFacts) -> None:
    assert names(Wish(), facts) == []


@pytest.mark.parametrize(
    "wrong",
    [{"needs": ("wings",)}, {"min_context": 0}, {"min_output": -1}, {"max_input_price": Decimal("NaN")}],
)
def test_a_wish_that_cannot_be_meant_is_an_error(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong)).removesuffix("s")):
        Wish(**wrong)


@given(
    needs=st.sets(st.sampled_from(["vision", "tools", "json_schema", "reasoning"])),
    context=st.none() | st.integers(1, 2_000_000),
    price=st.none() | st.decimals("0.01", "20", places=2),
    prefer=st.sampled_from(["cost", "strength", "context"]),
)
def test_whatever_is_wished_for_is_met_by_all_that_is_suggested(
    needs: set[Any], context: int | None, price: Decimal | None, prefer: Preference
) -> None:
    wish = Wish(needs=tuple(needs), min_context=context, max_input_price=price)
    found = [one.facts for one in suggest_models(wish, EVERY, prefer=prefer)]
    assert not any(wish.unmet(facts) for facts in found)
    assert not {one.ref for one in near_misses(wish, EVERY)} & {
        (facts.provider, facts.model) for facts in found
    }
    if prefer == "cost":
        prices = [price for facts in found if (price := mixed_price(facts)) is not None]
        assert prices == sorted(prices)
