"""Suggestions are computed from facts alone."""

from decimal import Decimal
from typing import Any

import pytest
from llmring.registry import Registry
from llmring.suggest import ROLES, suggest_aliases
from llmring_types import ModelFacts, Prices


def model(name: str, price: str, **more: object) -> ModelFacts:
    fields: dict[str, Any] = {"tools": True, "active": True, "context_window": 100_000, **more}
    return ModelFacts(provider="openai", model=name, prices=Prices(input=Decimal(price)), **fields)


NEW = [model("gpt-6-small", "0.5"), model("gpt-6", "2"), model("gpt-6-large", "5"), model("gpt-6-vast", "50")]
OLD = [model("gpt-4-tiny", "0.1", context_window=900_000), model("gpt-4", "8")]


def pick(*models: ModelFacts) -> dict[str, str]:
    return {alias: pool[0].model for alias, pool in suggest_aliases(["openai"], lambda _: models).items()}


def test_each_role_picks_by_its_rule() -> None:
    assert pick(*NEW, *OLD) == {
        "default": "gpt-6",
        "fast": "gpt-4-tiny",
        "deep": "gpt-6-large",
        "long_context": "gpt-4-tiny",
    }


UNFIT = [
    model("gpt-7", "1", active=False),
    model("gpt-7", "1", tools=False),
    model("gpt-7", "1", api="embeddings"),
    model("gpt-7", "0"),
    model("gpt-7-preview", "1"),
    model("gpt-6-2026-01-01", "1"),
    model("GPT-7", "1"),
]


@pytest.mark.parametrize("unfit", UNFIT, ids=lambda facts: facts.model)
def test_what_is_not_for_chat_is_never_suggested(unfit: ModelFacts) -> None:
    assert unfit.model not in pick(unfit, *NEW).values()


def test_a_dated_name_counts_where_there_is_no_plain_one() -> None:
    assert set(pick(model("claude-haiku-4-5-20251001", "1")).values()) == {"claude-haiku-4-5-20251001"}


def test_pools_have_one_model_of_each_provider_that_can_be_used() -> None:
    pools = suggest_aliases(["google", "openai", "ollama"], Registry().models)
    assert set(pools) == set(ROLES)
    for pool in pools.values():
        assert [ref.provider for ref in pool] == ["openai", "google"]


def test_without_a_usable_provider_there_is_nothing_to_suggest() -> None:
    assert suggest_aliases(["ollama", "sim"], Registry().models) == {}
