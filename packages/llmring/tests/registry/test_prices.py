"""Every published model, priced: against an arithmetic of the test's own, and against genai-prices."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import genai_prices
import llmring.registry
import pytest
from llmring.pricing import price
from llmring.registry import PROVIDERS, Registry
from llmring.registry._snapshot import price_list
from llmring_types import ModelFacts, Usage
from llmring_types.hosts import HOSTS, Host

DATA = Path(llmring.registry.__file__).with_name("data")
RATE = "dollars_per_million_tokens_"

USAGES: dict[str, Usage] = {
    "small": {"prompt_tokens": 17, "completion_tokens": 5},
    "nothing": {"prompt_tokens": 0, "completion_tokens": 0},
    "cache reads": {"prompt_tokens": 5_000, "completion_tokens": 321, "cache_read_input_tokens": 4_096},
    "cache writes": {
        "prompt_tokens": 9_000,
        "completion_tokens": 77,
        "cache_read_input_tokens": 1_000,
        "cache_creation_input_tokens": 6_000,
        "cache_creation_5m_tokens": 2_500,
        "cache_creation_1h_tokens": 3_000,
    },
    "reasoning": {"prompt_tokens": 50, "completion_tokens": 4_000, "reasoning_tokens": 3_500},
    "at the threshold": {"prompt_tokens": 200_000, "completion_tokens": 100},
    "long": {"prompt_tokens": 300_000, "completion_tokens": 4_321},
    "long and cached": {
        "prompt_tokens": 300_000,
        "completion_tokens": 4_321,
        "cache_read_input_tokens": 250_000,
        "cache_creation_input_tokens": 40_000,
        "cache_creation_5m_tokens": 40_000,
    },
}

# Where the registry and genai-prices do not agree, and why the registry's figure stands.
DIFFERENCES = {
    "anthropic:claude-sonnet-4-20250514": (
        "the registry has its price for prompts above 200,000 tokens (a beta with a million), genai-prices has not"
    ),
    "openai:GPT-4o": (
        "the registry has an entry 'GPT-4o' beside 'gpt-4o' whose output price is its input price, an error of the "
        "publisher; no such model is served, so nobody is billed by it"
    ),
    "openai:gpt-5.6-sol": "the price fell after the registry's publication of 2026-08-18; genai-prices has the new one",
    "google:gemini-2.5-flash-image-preview": (
        "the registry gives the price of image output, $30, genai-prices that of text output, $2.5"
    ),
    "google:gemini-robotics-er-2-preview": (
        "the price fell after the registry's publication of 2026-08-18; genai-prices has the new one"
    ),
}


def entries(provider: str) -> dict[str, Any]:
    document = json.loads((DATA / provider / "models.json").read_bytes(), parse_float=Fraction)
    models: dict[str, Any] = document["models"]
    return models


def published() -> list[tuple[str, ModelFacts]]:
    registry = Registry()
    found = ((provider, registry.publication(provider)) for provider in PROVIDERS)
    return [
        (provider, facts) for provider, document in found if document is not None for facts in document.models
    ]


def expected(entry: dict[str, Any], counts: dict[str, int]) -> Fraction:
    """Sum token by token class, from the published numbers alone."""

    def rate(*names: str) -> Fraction | None:
        return next(
            (Fraction(entry[RATE + name]) for name in names if entry.get(RATE + name) is not None), None
        )

    base, output, anthropic = rate("input"), rate("output"), entry["provider"] == "anthropic"
    assert base is not None
    assert output is not None
    read = rate("cache_read", "cached_input")
    write_5m, write_1h = rate("cache_write_5m"), rate("cache_write_1h")
    read = base if read is None else read
    if write_5m is None:
        write_5m = base * Fraction(5, 4) if anthropic else base
    if write_1h is None:
        write_1h = base * 2 if anthropic else write_5m
    if (
        entry.get("supports_long_context_pricing")
        and counts["prompt_tokens"] > entry["long_context_threshold_tokens"]
    ):
        long_base, long_output = rate("input_long_context"), rate("output_long_context")
        assert long_base is not None
        assert long_output is not None
        read, write_5m, write_1h = (rate * long_base / base for rate in (read, write_5m, write_1h))
        base, output = long_base, long_output
    reads = counts.get("cache_read_input_tokens", 0)
    writes = counts.get("cache_creation_input_tokens", 0)
    hours = counts.get("cache_creation_1h_tokens", 0)
    fresh = counts["prompt_tokens"] - reads - writes
    total = fresh * base + reads * read + (writes - hours) * write_5m + hours * write_1h
    return (total + counts["completion_tokens"] * output) / 10**6


@pytest.mark.parametrize("usage", USAGES.values(), ids=USAGES)
def test_every_published_model_costs_what_its_entry_says(usage: Usage) -> None:
    documents = {provider: entries(provider) for provider in PROVIDERS}
    models = published()
    assert len(models) > 120
    for provider, facts in models:
        cost = price(usage, facts)
        assert cost.status == "priced"
        assert cost.total is not None
        counts: Any = usage
        assert Fraction(cost.total) == expected(documents[provider][f"{provider}:{facts.model}"], counts), (
            facts.model
        )


def as_of(provider: str) -> datetime:
    head = json.loads((DATA / "genai-prices" / f"{provider}.json").read_bytes())
    assert head["source"].startswith(f"genai-prices {genai_prices.__version__},"), "run refresh_registry.py"
    return datetime.fromisoformat(head["as_of"]).replace(tzinfo=UTC)


def theirs(provider: str, model: str, usage: Usage, when: datetime) -> Fraction | None:
    """What genai-prices says, or ``None`` where it does not know the model or does not price its tokens."""
    counts = genai_prices.Usage(
        input_tokens=usage["prompt_tokens"],
        output_tokens=usage["completion_tokens"],
        cache_read_tokens=usage.get("cache_read_input_tokens"),
        cache_write_tokens=usage.get("cache_creation_input_tokens"),
        cache_write_1h_tokens=usage.get("cache_creation_1h_tokens"),
    )
    try:
        found = genai_prices.calc_price(counts, model, provider_id=provider, genai_request_timestamp=when)
    except LookupError:
        return None
    prices = found.model_price
    return None if prices.input_mtok is None or prices.output_mtok is None else Fraction(found.total_price)


def test_our_figures_are_those_of_genai_prices_but_for_the_listed_differences() -> None:
    registry = Registry()
    compared, different = set(), set()
    for provider in PROVIDERS:
        when = as_of(provider)
        for facts in registry.models(provider):
            for usage in USAGES.values():
                figure = theirs(provider, facts.model, usage, when)
                if figure is None:
                    continue
                compared.add(f"{provider}:{facts.model}")
                cost = price(usage, facts)
                assert cost.total is not None
                if Fraction(cost.total) != figure:
                    different.add(f"{provider}:{facts.model}")
    assert len(compared) > 105
    assert different == set(DIFFERENCES)


def test_a_model_that_only_genai_prices_knows_is_priced_and_says_so() -> None:
    facts = Registry().facts("openai", "o3-mini-high")
    assert facts is not None
    cost = price(USAGES["small"], facts)
    assert (cost.status, cost.source) == ("priced", "genai-prices")
    assert cost.total is not None
    assert Fraction(cost.total) == theirs("openai", "o3-mini", USAGES["small"], as_of("openai"))


def test_nobody_bills_a_local_model_and_the_simulated_one_is_free() -> None:
    registry = Registry()
    local = price(USAGES["small"], registry.facts("ollama", "llama3.3:70b"))
    assert (local.status, local.total) == ("local_model", None)
    simulated = price(USAGES["small"], registry.facts("sim", "sim"))
    assert (simulated.status, simulated.source) == ("priced", "sim")
    assert simulated.total == 0


@pytest.mark.parametrize(
    "host", [host for host in HOSTS.values() if host.price_list], ids=lambda host: host.name
)
def test_every_price_list_that_a_host_names_is_here(host: Host) -> None:
    models = price_list(host.name)
    assert models
    assert {facts.provider for facts in models} == {host.name}
    facts = Registry().facts(host.name, models[0].model)
    assert facts is not None
    assert facts.prices.input is not None


def test_a_host_is_priced_by_the_list_that_says_so() -> None:
    facts = Registry().facts("groq", "llama-3.3-70b-versatile")
    assert facts is not None
    assert facts.prices.source == "genai-prices"


@pytest.mark.parametrize(
    ("provider", "model", "same_as"),
    [
        ("azure", "gpt-4o", ("openai", "gpt-4o")),
        ("azure-deployments", "gpt-4o-2024-11-20", ("openai", "gpt-4o")),
        ("vertex", "gemini-2.5-flash", ("google", "gemini-2.5-flash")),
        ("vertex-anthropic", "claude-sonnet-4@20250514", ("anthropic", "claude-sonnet-4-20250514")),
        ("vertex-anthropic", "claude-opus-4-5@20251101", ("anthropic", "claude-opus-4-5")),
        ("deepseek-anthropic", "deepseek-chat", ("deepseek", "deepseek-chat")),
    ],
)
def test_models_on_a_cloud_have_its_price_or_else_that_of_their_vendor(
    provider: str, model: str, same_as: tuple[str, str]
) -> None:
    facts, vendors = Registry().facts(provider, model), Registry().facts(*same_as)
    assert facts is not None
    assert vendors is not None
    assert facts.provider == provider
    assert (facts.prices.input, facts.prices.output) == (vendors.prices.input, vendors.prices.output)


def test_a_clouds_own_list_comes_before_the_vendors() -> None:
    facts = Registry().facts("azure", "phi-4")
    assert facts is not None
    assert facts.prices.input == Decimal("0.125")


@pytest.mark.parametrize(
    ("model", "dollars"),
    [
        ("global.anthropic.claude-sonnet-4-5-20250929-v1:0", "3"),
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "3.3"),
        ("eu.anthropic.claude-sonnet-4-5-20250929-v1:0", "3.3"),
        ("us.meta.llama3-1-70b-instruct-v1:0", "0.72"),
    ],
)
def test_profiles_of_bedrock_have_the_prices_of_their_regions(model: str, dollars: str) -> None:
    names = {name: facts for facts in price_list("bedrock") for name in (facts.model, *facts.aliases)}
    assert names[model].prices.input == Decimal(dollars)
