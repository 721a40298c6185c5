from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any, cast

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from llmring.pricing import Cost, annotate, cost_info, price, unpriced
from llmring_types import ModelFacts, Prices, Usage

MINI = Prices(input=Decimal("0.15"), output=Decimal("0.6"), cache_read=Decimal("0.075"), source="registry")
SONNET = Prices(
    input=Decimal(3),
    output=Decimal(15),
    cache_read=Decimal("0.3"),
    cache_write_5m=Decimal("3.75"),
    cache_write_1h=Decimal(6),
    long_threshold=200_000,
    long_input=Decimal(6),
    long_output=Decimal("22.5"),
)
PRO = Prices(
    input=Decimal("1.25"),
    output=Decimal(10),
    cache_read=Decimal("0.125"),
    long_threshold=200_000,
    long_input=Decimal("2.5"),
    long_output=Decimal(15),
    long_cache_read=Decimal("0.2"),
)


def facts(prices: Prices, provider: str = "openai") -> ModelFacts:
    return ModelFacts(provider=provider, model="m", prices=prices)


def usage(prompt: int = 0, completion: int = 0, **more: Any) -> Usage:
    counts = {"prompt_tokens": prompt, "completion_tokens": completion, **more}
    return cast("Usage", {**counts, "total_tokens": prompt + completion})


@pytest.mark.parametrize(
    ("prices", "provider", "counts", "breakdown"),
    [
        pytest.param(
            MINI,
            "openai",
            usage(100, 20, cache_read_input_tokens=10),
            {"input": "0.0000135", "output": "0.000012", "cache_read": "0.00000075"},
            id="cache reads are part of the prompt and cheaper",
        ),
        pytest.param(
            SONNET,
            "anthropic",
            usage(1000, 10, compaction=usage(2000, 20, cache_read_input_tokens=1000)),
            {"input": "0.006", "output": "0.00045", "cache_read": "0.0003"},
            id="a compaction is billed beside the answer",
        ),
        pytest.param(
            SONNET,
            "anthropic",
            usage(100_000, 0, compaction=usage(150_000, 0)),
            {"input": "0.75", "output": "0"},
            id="two short prompts are no long one",
        ),
        pytest.param(
            SONNET,
            "anthropic",
            usage(
                1000,
                10,
                cache_read_input_tokens=100,
                cache_creation_input_tokens=600,
                cache_creation_5m_tokens=200,
                cache_creation_1h_tokens=300,
            ),
            {
                "input": "0.0009",
                "output": "0.00015",
                "cache_read": "0.00003",
                "cache_write_5m": "0.00075",
                "cache_write_1h": "0.0018",
                "cache_write_other": "0.000375",
            },
            id="cache writes are part of the prompt, each at its own price",
        ),
        pytest.param(
            PRO,
            "google",
            usage(200_000, 1000),
            {"input": "0.25", "output": "0.01"},
            id="a prompt at the threshold is still short",
        ),
        pytest.param(
            PRO,
            "google",
            usage(200_001, 1000),
            {"input": "0", "long_context_input": "0.5000025", "output": "0.015"},
            id="one token more makes the whole call long",
        ),
        pytest.param(
            PRO,
            "google",
            usage(300_000, 0, cache_read_input_tokens=290_000),
            {"input": "0", "long_context_input": "0.025", "output": "0", "cache_read": "0.058"},
            id="cache reads count for the threshold and have their long price",
        ),
        pytest.param(
            PRO,
            "google",
            usage(300_000, 0, cache_read_input_tokens=300_000),
            {"input": "0", "output": "0", "cache_read": "0.06"},
            id="a long prompt from the cache has no other input",
        ),
        pytest.param(
            Prices(
                input=Decimal(0),
                output=Decimal(1),
                cache_read=Decimal("0.5"),
                long_threshold=10,
                long_input=Decimal(2),
            ),
            "google",
            usage(20, 0, cache_read_input_tokens=20),
            {"input": "0", "output": "0", "cache_read": "0.00001"},
            id="where input is free for short prompts, the price of a read does not rise",
        ),
        pytest.param(
            SONNET,
            "anthropic",
            usage(300_000, 0, cache_read_input_tokens=100_000, cache_creation_5m_tokens=100_000),
            {
                "input": "0",
                "long_context_input": "0.6",
                "output": "0",
                "cache_read": "0.06",
                "cache_write_5m": "0.75",
            },
            id="without long cache prices the short ones grow with the input price",
        ),
        pytest.param(
            MINI,
            "openai",
            usage(10, 1000, reasoning_tokens=900),
            {"input": "0.0000015", "output": "0.0006"},
            id="reasoning is part of the completion",
        ),
        pytest.param(
            Prices(input=Decimal(1), output=Decimal(2), reasoning=Decimal(4)),
            "google",
            usage(0, 1000, reasoning_tokens=900),
            {"input": "0", "output": "0.0002", "reasoning": "0.0036"},
            id="reasoning has its own price where there is one",
        ),
        pytest.param(
            Prices(input=Decimal(1), output=Decimal(2), reasoning=Decimal(0)),
            "google",
            usage(0, 1000, reasoning_tokens=900),
            {"input": "0", "output": "0.0002"},
            id="reasoning may be free",
        ),
        pytest.param(
            Prices(input=Decimal(2), output=Decimal(8)),
            "openai",
            usage(100, 0, cache_read_input_tokens=60, cache_creation_1h_tokens=40),
            {"input": "0", "output": "0", "cache_read": "0.00012", "cache_write_1h": "0.00008"},
            id="without cache prices the cache costs as much as fresh input",
        ),
        pytest.param(
            Prices(input=Decimal(2), output=Decimal(8)),
            "anthropic",
            usage(100, 0, cache_creation_5m_tokens=40, cache_creation_1h_tokens=60),
            {"input": "0", "output": "0", "cache_write_5m": "0.0001", "cache_write_1h": "0.00024"},
            id="Anthropic's documented factors stand in for its missing write prices",
        ),
        pytest.param(
            Prices(input=Decimal(2), output=Decimal(8), cache_write_5m=Decimal(3)),
            "openai",
            usage(100, 0, cache_creation_input_tokens=100, cache_creation_1h_tokens=40),
            {"input": "0", "output": "0", "cache_write_1h": "0.00012", "cache_write_other": "0.00018"},
            id="one write price stands in for the others",
        ),
        pytest.param(
            Prices(
                input=Decimal(2),
                output=Decimal(8),
                cache_read=Decimal(0),
                long_threshold=10,
                long_input=Decimal(0),
                long_output=Decimal(0),
            ),
            "openai",
            usage(100, 5, cache_read_input_tokens=50),
            {"input": "0", "output": "0"},
            id="a price of zero is a price",
        ),
        pytest.param(
            MINI,
            "openai",
            usage(10, 5, cache_read_input_tokens=50, reasoning_tokens=50),
            {"input": "0", "output": "0.000003", "cache_read": "0.00000375"},
            id="parts that exceed the whole never make a negative cost",
        ),
    ],
)
def test_each_kind_of_token_is_billed_as_its_provider_bills_it(
    prices: Prices, provider: str, counts: Usage, breakdown: dict[str, str]
) -> None:
    cost = price(counts, facts(prices, provider))
    assert cost.status == "priced"
    assert cost.breakdown == {name: Decimal(text) for name, text in breakdown.items()}
    assert cost.total == sum(map(Decimal, breakdown.values()))
    assert cost.source == prices.source


@pytest.mark.parametrize(
    ("counts", "model", "status"),
    [
        (None, facts(MINI), "no_usage"),
        ({}, facts(MINI), "no_usage"),
        ({"prompt_tokens": 3}, facts(MINI), "no_usage"),
        ({"completion_tokens": 3}, facts(MINI), "no_usage"),
        ({"prompt_tokens": None, "completion_tokens": 3}, facts(MINI), "no_usage"),
        (usage(1, 1), None, "model_not_in_registry"),
        (usage(1, 1), facts(Prices()), "no_pricing_in_registry"),
        (usage(1, 1), facts(Prices(input=Decimal(1))), "no_pricing_in_registry"),
        (usage(1, 1), facts(Prices(output=Decimal(1))), "no_pricing_in_registry"),
        (usage(1, 1), facts(Prices(), "ollama"), "local_model"),
    ],
)
def test_an_unknown_cost_is_none_with_a_reason(
    counts: Usage | None, model: ModelFacts | None, status: str
) -> None:
    cost = price(counts, model)
    assert (cost.status, cost.total, cost.breakdown) == (status, None, {})
    assert cost_info(counts, model) is None
    written: Usage = {}
    annotate(written, cost)
    assert written == {"cost": None, "cost_status": status}


def test_strict_cost_can_ask_before_the_call() -> None:
    assert unpriced(facts(MINI)) is None
    assert unpriced(facts(Prices())) == "no_pricing_in_registry"
    assert unpriced(facts(Prices(), "ollama")) == "local_model"
    assert unpriced(None) == "model_not_in_registry"


def test_the_usage_of_a_response_gets_the_cost_as_floats_in_dollars() -> None:
    counts = usage(100, 20, cache_read_input_tokens=10)
    annotate(counts, price(counts, facts(MINI)))
    assert counts == {
        "prompt_tokens": 100,
        "completion_tokens": 20,
        "total_tokens": 120,
        "cache_read_input_tokens": 10,
        "cost": 2.625e-05,
        "cost_status": "priced",
        "cost_source": "registry",
        "cost_breakdown": {"input": 1.35e-05, "output": 1.2e-05, "cache_read": 7.5e-07},
    }


def test_prices_without_a_source_leave_it_out() -> None:
    counts = usage(1, 1)
    annotate(counts, price(counts, facts(Prices(input=Decimal(1), output=Decimal(1)))))
    assert counts["cost_status"] == "priced"
    assert "cost_source" not in counts


TIERS = {"flex": Prices(input=Decimal("0.075"), output=Decimal("0.3")), "priority": SONNET}
TIERED = msgspec.structs.replace(facts(MINI), tiers=TIERS)


@pytest.mark.parametrize(
    ("tier", "total"),
    [("flex", "0.000375"), ("priority", "0.018"), (None, "0.00075")],
)
def test_another_service_tier_has_its_own_prices(tier: str | None, total: str) -> None:
    counts = usage(1000, 1000) if tier is None else usage(1000, 1000, service_tier=tier)
    assert price(counts, TIERED).total == Decimal(total)


BY_BATCH = [
    ("openai", "0.5", "0.5"),
    ("anthropic", "0.5", "0.5"),
    ("google", "0.5", "1"),
]


@pytest.mark.parametrize(("provider", "tokens", "cached"), BY_BATCH)
def test_a_vendor_s_discount_stands_in_for_a_price_by_batch(provider: str, tokens: str, cached: str) -> None:
    million = 1_000_000
    prices = Prices(input=Decimal(8), output=Decimal(20), cache_read=Decimal(2), web_search=Decimal(10))
    counts = usage(
        2 * million, million, cache_read_input_tokens=million, service_tier="batch", web_searches=1000
    )
    cost = price(counts, facts(prices, provider))
    assert cost.breakdown == {
        "input": 8 * Decimal(tokens),
        "output": 20 * Decimal(tokens),
        "cache_read": 2 * Decimal(cached),
        "web_search": Decimal(10),
    }


def test_a_listed_price_by_batch_comes_before_the_discount() -> None:
    prices = Prices(input=Decimal(8), output=Decimal(20))
    listed = msgspec.structs.replace(
        facts(prices), tiers={"batch": Prices(input=Decimal(1), output=Decimal(1))}
    )
    assert price(usage(1_000_000, 0, service_tier="batch"), listed).total == 1


def test_without_a_known_discount_the_cost_by_batch_is_not_known() -> None:
    prices = Prices(input=Decimal(8), output=Decimal(20))
    cost = price(usage(1000, 0, service_tier="batch"), facts(prices, "groq"))
    assert (cost.status, cost.total) == ("no_pricing_for_tier", None)


def test_a_tier_without_known_prices_has_no_known_cost() -> None:
    counts = usage(1000, 1000, service_tier="scale")
    assert price(counts, TIERED) == Cost(status="no_pricing_for_tier")


def test_searches_are_billed_beside_the_tokens_by_the_thousand() -> None:
    prices = msgspec.structs.replace(MINI, web_search=Decimal(10))
    tiered = msgspec.structs.replace(facts(prices), tiers={"flex": MINI})
    for counts in (usage(1000, 0, web_searches=3), usage(1000, 0, web_searches=3, service_tier="flex")):
        cost = price(counts, tiered)
        assert cost.breakdown["web_search"] == Decimal("0.03")
        assert cost.total == Decimal("0.03015")


def test_searches_without_a_known_price_make_the_cost_unknown() -> None:
    assert price(usage(1000, 0, web_searches=1), facts(MINI)) == Cost(status="no_pricing_for_searches")


def test_a_cost_that_the_provider_reports_comes_before_every_price() -> None:
    for known in (facts(MINI), None):
        cost = price(usage(1000, 0, reported_cost=0.25, service_tier="flex"), known)
        assert (cost.total, cost.source) == (Decimal("0.25"), "provider")
    flat = cost_info(usage(1000, 0, reported_cost=0.25), facts(MINI))
    assert flat is not None
    assert (flat["total_cost"], flat["input_cost"]) == (0.25, 0.0)


def test_the_flat_form_keeps_every_key_of_the_original_implementation() -> None:
    counts = usage(
        300_000,
        10,
        cache_read_input_tokens=1000,
        cache_creation_input_tokens=600,
        cache_creation_5m_tokens=200,
        cache_creation_1h_tokens=300,
    )
    assert cost_info(counts, facts(SONNET, "anthropic")) == {
        "input_cost": 1.7904,
        "output_cost": 0.000225,
        "cache_read_cost": 0.0006,
        "cache_write_cost_5m": 0.0015,
        "cache_write_cost_1h": 0.0036,
        "cache_write_cost_other": 0.00075,
        "long_context_input_cost": 1.7904,
        "reasoning_cost": 0.0,
        "web_search_cost": 0.0,
        "total_cost": 1.797075,
        "cost_per_million_input": 3.0,
        "cost_per_million_output": 15.0,
        "cost_per_million_cached_input": 0.3,
        "cost_per_million_cache_read": 0.3,
        "cost_per_million_cache_write_5m": 3.75,
        "cost_per_million_cache_write_1h": 6.0,
        "cost_per_million_output_thinking": None,
    }


def test_the_callers_decimal_precision_does_not_round_a_cost() -> None:
    with localcontext() as context:
        context.prec = 2
        cost = price(usage(123_456_789, 987_654_321), facts(MINI))
    assert cost.total == Decimal("611.11111095")


TOKENS = st.integers(0, 10**9)
PRICE = st.decimals(0, 1000, allow_nan=False, places=4)
MAYBE = st.none() | PRICE
PRICES = st.builds(
    Prices,
    input=PRICE,
    output=PRICE,
    cache_read=MAYBE,
    cache_write_5m=MAYBE,
    cache_write_1h=MAYBE,
    reasoning=MAYBE,
    long_threshold=st.none() | st.integers(1, 10**6),
    long_input=MAYBE,
    long_output=MAYBE,
    long_cache_read=MAYBE,
)
USAGES = st.fixed_dictionaries(
    {"prompt_tokens": TOKENS, "completion_tokens": TOKENS},
    optional=dict.fromkeys(
        (
            "cache_read_input_tokens",
            "cache_creation_input_tokens",
            "cache_creation_5m_tokens",
            "cache_creation_1h_tokens",
            "reasoning_tokens",
        ),
        TOKENS,
    ),
)


@given(USAGES, PRICES, st.sampled_from(["openai", "anthropic"]))
def test_the_parts_are_never_negative_and_add_up_to_the_whole(
    counts: Any, prices: Prices, provider: str
) -> None:
    before = dict(counts)
    cost = price(counts, facts(prices, provider))
    assert counts == before
    assert all(part >= 0 for part in cost.breakdown.values())
    assert cost.total is not None
    assert Fraction(cost.total) == sum(map(Fraction, cost.breakdown.values()))


@given(TOKENS, TOKENS, st.integers(0, 10**9), PRICE.filter(bool), PRICE)
def test_no_token_of_the_prompt_is_free(
    fresh: int, read: int, written: int, input_price: Decimal, output_price: Decimal
) -> None:
    counts = usage(
        fresh + read + written, 0, cache_read_input_tokens=read, cache_creation_input_tokens=written
    )
    cost = price(counts, facts(Prices(input=input_price, output=output_price)))
    assert cost.total is not None
    assert Fraction(cost.total) * 10**6 == Fraction(input_price) * (fresh + read + written)
