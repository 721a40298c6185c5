"""Filling what the registry does not say from a second source, without ever contradicting it."""

from typing import Any

import msgspec
from llmring_types import ModelFacts, Prices

_CACHE = ("cache_read", "cache_write_5m", "cache_write_1h")
_LONG = (
    "long_threshold",
    "long_input",
    "long_output",
    "long_cache_read",
    "long_cache_write_5m",
    "long_cache_write_1h",
)


def fill(facts: ModelFacts, other: ModelFacts | None) -> ModelFacts:
    """Return the facts with the prices and the context window that only the other source knows.

    Prices are taken over only where both sources agree on what both know of input and output: otherwise they speak
    of different things or different times, and a mixture would be neither.
    """
    if other is None:
        return facts
    changes: dict[str, Any] = {}
    prices = _fill_prices(facts.prices, other.prices)
    if prices is not facts.prices:
        changes["prices"] = prices
    if other.tiers and not facts.tiers and not _contradicts(facts.prices, other.prices, "input", "output"):
        changes["tiers"] = other.tiers
    if facts.context_window is None and other.context_window is not None:
        changes["context_window"] = other.context_window
    return msgspec.structs.replace(facts, **changes) if changes else facts


def _fill_prices(prices: Prices, other: Prices) -> Prices:
    if _contradicts(prices, other, "input", "output"):
        return prices
    names = ["input", "output", *_CACHE]
    if prices.long_threshold is None or not _contradicts(prices, other, *_LONG[:3]):
        names += _LONG
    missing = {name: getattr(other, name) for name in names if getattr(prices, name) is None}
    found = {name: value for name, value in missing.items() if value is not None}
    if not found:
        return _with_searches(prices, other)
    alone = prices.input is None and prices.output is None
    source = other.source if alone else f"{prices.source}, {other.source}"
    return _with_searches(msgspec.structs.replace(prices, **found, source=source), other)


def _with_searches(prices: Prices, other: Prices) -> Prices:
    """Fill the price of searches, which is no price of tokens: ``source`` stays as it is."""
    if prices.web_search is not None or other.web_search is None:
        return prices
    return msgspec.structs.replace(prices, web_search=other.web_search)


def _contradicts(prices: Prices, other: Prices, *names: str) -> bool:
    pairs = ((getattr(prices, name), getattr(other, name)) for name in names)
    return any(ours is not None and theirs is not None and ours != theirs for ours, theirs in pairs)
