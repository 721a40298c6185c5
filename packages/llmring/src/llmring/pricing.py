"""The cost of a call from its token counts and the model's prices. Pure: no registry, no clock, no environment.

How providers bill, and so how it is computed here:

- ``prompt_tokens`` is all input. Cache reads and cache writes are taken out of it and priced on their own; the rest is
  priced at the input rate.
- A prompt longer than the model's threshold makes the whole call dearer: every token of it, output included, at the
  long rates. https://ai.google.dev/gemini-api/docs/pricing
- What was spent on summing up the conversation before the answer (``compaction``) is a call of its own, at
  the same prices, in the same parts.
  https://platform.claude.com/docs/en/build-with-claude/compaction#understanding-usage
- Reasoning tokens are part of ``completion_tokens`` and priced like them, unless the model has a price of their own.

Where a price is not known, the next honest one stands in; nothing is free because its price is unknown:

=========================  =========================================================================
cache read                 the input price: no provider asks more for a read than for fresh input
cache write, 5 minutes     Anthropic 1.25 x input, others the input price
cache write, 1 hour        Anthropic 2 x input, others as a 5-minute write
cache write, unlabelled    as a 5-minute write, the default of providers
long cache read and write  the short price x (long input / short input), the ratio all of them keep
long input or output       the short price
=========================  =========================================================================

Anthropic's factors: https://platform.claude.com/docs/en/build-with-claude/prompt-caching#pricing.

- A call that another service tier served (``usage["service_tier"]``) is priced by that tier's own prices; one that was
  served by batch, where the price list has none for the model, by the vendor's discount.
- Searches that the provider ran (``usage["web_searches"]``) are billed beside the tokens.
- Where either price is unknown the cost is unknown, with the reason as its status.
- A cost that the provider reports itself (``usage["reported_cost"]``, OpenRouter's say) comes before all of this.

Tokens of sound, and of pictures in an answer, are in the counts and priced like text: where a vendor asks more for
them, the cost is too low. Other tools of the provider are in no count and so not in the cost.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from decimal import Context, Decimal
from typing import Literal

import msgspec
from llmring_types import ModelFacts, Prices, TokenCounts, Usage
from llmring_types.hosts import HostNames, host_of

__all__ = ["LOCAL_PROVIDERS", "Cost", "CostStatus", "annotate", "cost_info", "price", "unpriced"]

CostStatus = Literal[
    "priced",
    "no_usage",
    "invalid_model_format",
    "model_not_in_registry",
    "no_pricing_in_registry",
    "local_model",
    "no_pricing_for_tier",
    "no_pricing_for_searches",
]

LOCAL_PROVIDERS: AbstractSet[str] = HostNames(lambda host: host.local)
"""Hosts on the user's machine: nobody bills their tokens, and the cost of the machine is not known here."""

# Wide enough that no product or sum is rounded, whatever precision the caller's own decimal context has.
_EXACT = Context(prec=80, traps=[])
_ZERO = Decimal(0)
_dollars, _MILLIONTH, _THOUSANDTH = _EXACT.scaleb, Decimal(-6), Decimal(-3)
_FINEST = Decimal("1e-12")
"""A price that was derived by division is rounded to this, in dollars per million tokens."""


class Cost(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The cost of a call, in US dollars.

    Attributes:
        status: ``priced``, or why there is no price: ``no_usage`` (the provider reported no tokens),
            ``invalid_model_format``, ``model_not_in_registry``, ``no_pricing_in_registry`` (input or output price
            unknown), ``local_model`` (nobody bills it), ``no_pricing_for_tier``, ``no_pricing_for_searches``.
        total: the sum of the parts; ``None`` unless priced.
        breakdown: disjoint parts: ``input`` and ``output`` always; ``cache_read``, ``cache_write_5m``,
            ``cache_write_1h``, ``cache_write_other``, ``long_context_input`` (which then stands in the place of
            ``input``), ``reasoning`` and ``web_search`` unless they are zero; of a cost that the provider reports,
            ``reported`` alone.
        source: the origin of the prices.
    """

    status: CostStatus
    total: Decimal | None = None
    breakdown: Mapping[str, Decimal] = msgspec.field(default_factory=dict)
    source: str | None = None


class _Counts(msgspec.Struct, frozen=True, gc=False):
    prompt: int
    fresh: int
    read: int
    write_5m: int
    write_1h: int
    write_other: int
    completion: int
    reasoning: int


def unpriced(facts: ModelFacts | None) -> CostStatus | None:
    """Return why calls of this model cannot be priced, or ``None`` where they can. Strict cost asks before the call."""
    if facts is None:
        return "model_not_in_registry"
    if facts.prices.input is None or facts.prices.output is None:
        return "local_model" if facts.provider in LOCAL_PROVIDERS else "no_pricing_in_registry"
    return None


def price(usage: Usage | None, facts: ModelFacts | None) -> Cost:
    """Price one call.

    Args:
        usage: token counts in the library's convention (:class:`llmring_types.Usage`).
        facts: the model's facts; ``None`` where it is unknown.
    """
    if usage and "reported_cost" in usage:
        reported = Decimal(str(usage["reported_cost"]))
        return Cost(status="priced", total=reported, breakdown={"reported": reported}, source="provider")
    counts = _count(usage) if usage else None
    if usage is None or counts is None:
        return Cost(status="no_usage")
    prices = _prices(usage, facts)
    if facts is None or isinstance(prices, str):
        return Cost(status=prices if isinstance(prices, str) else "model_not_in_registry")
    parts = _parts(counts, prices, facts.provider)
    compaction = _count(usage["compaction"]) if "compaction" in usage else None
    if compaction is not None:
        for name, part in _parts(compaction, prices, facts.provider).items():
            parts[name] = _EXACT.add(parts.get(name, _ZERO), part)
    total: Decimal | None = None
    for name, part in parts.items():
        parts[name] = dollars = _dollars(part, _MILLIONTH)
        total = dollars if total is None else _EXACT.add(total, dollars)
    searches = usage.get("web_searches")
    if searches and prices.web_search is not None:
        parts["web_search"] = dollars = _dollars(_EXACT.multiply(prices.web_search, searches), _THOUSANDTH)
        total = _EXACT.add(total or _ZERO, dollars)
    return Cost(status="priced", total=total, breakdown=parts, source=facts.prices.source)


def _prices(usage: Usage, facts: ModelFacts | None) -> Prices | CostStatus:
    """Return the prices that hold for this call, or why they are not known."""
    reason = unpriced(facts)
    if facts is None or reason is not None:
        return reason or "model_not_in_registry"
    prices = facts.prices
    tier = usage.get("service_tier")
    if tier is not None:
        tiered = facts.tiers.get(tier) or (by_batch(prices, facts.provider) if tier == "batch" else None)
        if tiered is None:
            return "no_pricing_for_tier"
        prices = msgspec.structs.replace(tiered, web_search=prices.web_search)
    if usage.get("web_searches") and prices.web_search is None:
        return "no_pricing_for_searches"
    return prices


def by_batch(prices: Prices, provider: str) -> Prices | None:
    """Return the prices by batch of a model for which the price list has none; ``None`` where they cannot be known.

    The three vendors bill all their models alike: https://developers.openai.com/api/docs/guides/batch,
    https://platform.claude.com/docs/en/build-with-claude/batch-processing#pricing,
    https://ai.google.dev/gemini-api/docs/batch-api. Gemini's caches cost what they do otherwise:
    https://ai.google.dev/gemini-api/docs/pricing
    """
    factors = host_of(provider).batch_factors
    if factors is None:
        return None
    scaled = {
        name: _EXACT.multiply(rate, factors["cache" in name])
        for name, rate in msgspec.structs.asdict(prices).items()
        if isinstance(rate, Decimal)
    }
    return msgspec.structs.replace(prices, **scaled)


def annotate(usage: Usage, cost: Cost) -> None:
    """Write the cost into the usage of a response: ``cost``, ``cost_status`` and, if priced, the rest."""
    usage["cost"] = None if cost.total is None else float(cost.total)
    usage["cost_status"] = cost.status
    if cost.total is not None:
        usage["cost_breakdown"] = {name: float(part) for name, part in cost.breakdown.items()}
        if cost.source is not None:
            usage["cost_source"] = cost.source


def cost_info(usage: Usage | None, facts: ModelFacts | None) -> dict[str, float | None] | None:
    """Return the flat form of a cost: dollars per part and the rates, or ``None`` where the call cannot be priced.

    ``input_cost`` contains ``long_context_input_cost``; ``total_cost`` is ``input_cost`` plus ``output_cost``,
    ``reasoning_cost``, ``web_search_cost`` and the ``cache_*`` costs, or what the provider reports itself. The
    ``cost_per_million_*`` are the model's base rates, ``None`` where unknown.
    """
    cost = price(usage, facts)
    if facts is None or cost.total is None:
        return None
    prices, parts = facts.prices, {name: float(part) for name, part in cost.breakdown.items()}
    long = parts.get("long_context_input", 0.0)
    rates = {
        "input": prices.input,
        "output": prices.output,
        "cached_input": prices.cache_read,
        "cache_read": prices.cache_read,
        "cache_write_5m": prices.cache_write_5m,
        "cache_write_1h": prices.cache_write_1h,
        "output_thinking": prices.reasoning,
    }
    return {
        "input_cost": parts.get("input", 0.0) + long,
        "output_cost": parts.get("output", 0.0),
        "cache_read_cost": parts.get("cache_read", 0.0),
        "cache_write_cost_5m": parts.get("cache_write_5m", 0.0),
        "cache_write_cost_1h": parts.get("cache_write_1h", 0.0),
        "cache_write_cost_other": parts.get("cache_write_other", 0.0),
        "long_context_input_cost": long,
        "reasoning_cost": parts.get("reasoning", 0.0),
        "web_search_cost": parts.get("web_search", 0.0),
        "total_cost": float(cost.total),
        **{f"cost_per_million_{name}": None if rate is None else float(rate) for name, rate in rates.items()},
    }


def _count(usage: TokenCounts) -> _Counts | None:
    """Split the counts into what is billed apart; ``None`` where input or output is not known."""
    prompt, completion = usage.get("prompt_tokens"), usage.get("completion_tokens")
    if prompt is None or completion is None:
        return None
    read = usage.get("cache_read_input_tokens") or 0
    write_5m = usage.get("cache_creation_5m_tokens") or 0
    write_1h = usage.get("cache_creation_1h_tokens") or 0
    created, reasoning = usage.get("cache_creation_input_tokens"), usage.get("reasoning_tokens")
    write_other = max(created - write_5m - write_1h, 0) if created else 0
    fresh = prompt - read - write_5m - write_1h - write_other
    fresh = max(fresh, 0)
    reasoning = min(reasoning, completion) if reasoning else 0
    return _Counts(prompt, fresh, read, write_5m, write_1h, write_other, completion, reasoning)


def _parts(counts: _Counts, prices: Prices, provider: str) -> dict[str, Decimal]:
    """Return the cost of each part in millionths of a dollar."""
    times = _EXACT.multiply
    long = prices.long_threshold is not None and counts.prompt > prices.long_threshold
    base = prices.input or _ZERO
    input_rate = prices.long_input if long and prices.long_input is not None else base
    output_rate = prices.long_output if long and prices.long_output is not None else prices.output or _ZERO
    fresh = times(input_rate, counts.fresh)
    parts = {"input": _ZERO if long else fresh, "output": _ZERO}
    if long and fresh:
        parts["long_context_input"] = fresh
    if counts.read or counts.write_5m or counts.write_1h or counts.write_other:
        _add_cache(parts, counts, prices, provider, long_input=input_rate if long else None)
    visible = counts.completion
    if counts.reasoning and prices.reasoning is not None:
        visible -= counts.reasoning
        if prices.reasoning:
            parts["reasoning"] = times(prices.reasoning, counts.reasoning)
    parts["output"] = times(output_rate, visible)
    return parts


def _add_cache(
    parts: dict[str, Decimal], counts: _Counts, prices: Prices, provider: str, *, long_input: Decimal | None
) -> None:
    """Add what cache reads and writes cost. ``long_input`` is the input price of a long prompt, else ``None``."""
    read, write_5m, write_1h = _cache_rates(prices, provider)
    for name, count, short, long in (
        ("cache_read", counts.read, read, prices.long_cache_read),
        ("cache_write_5m", counts.write_5m, write_5m, prices.long_cache_write_5m),
        ("cache_write_1h", counts.write_1h, write_1h, prices.long_cache_write_1h),
        ("cache_write_other", counts.write_other, write_5m, prices.long_cache_write_5m),
    ):
        if not count:
            continue
        rate = short
        if long_input is not None:
            rate = long if long is not None else _scaled(short, prices.input, long_input)
        if rate:
            parts[name] = _EXACT.multiply(rate, count)


def _cache_rates(prices: Prices, provider: str) -> tuple[Decimal, Decimal, Decimal]:
    """Return the prices of a read, a write for 5 minutes and one for an hour, with their stand-ins."""
    base, factors = prices.input or _ZERO, host_of(provider).cache_write_factors
    read, write_5m, write_1h = prices.cache_read, prices.cache_write_5m, prices.cache_write_1h
    if read is None:
        read = base
    if write_5m is None:
        write_5m = base if factors is None else _EXACT.multiply(base, factors[0])
    if write_1h is None:
        write_1h = write_5m if factors is None else _EXACT.multiply(base, factors[1])
    return read, write_5m, write_1h


def _scaled(short: Decimal, base: Decimal | None, long_base: Decimal) -> Decimal:
    """Raise a short prompt's price as much as the input price rises for a long one."""
    if not base:
        return short
    return _EXACT.quantize(_EXACT.divide(_EXACT.multiply(short, long_base), base), _FINEST)
