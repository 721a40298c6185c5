"""Token counts, which the two APIs name differently and the hosts that copy them put in places of their own.

https://platform.openai.com/docs/api-reference/chat/object#chat/object-usage
https://platform.openai.com/docs/api-reference/responses/object#responses/object-usage
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from llmring_types import Usage
from llmring_types.hosts import Quirks

from llmring_providers._billing import add_billing, count_of
from llmring_providers._fit.parameters import field_at

_PROMPT = ("prompt_tokens", "input_tokens")
_COMPLETION = ("completion_tokens", "output_tokens")
_GIVEN = ("prompt_tokens_details", "input_tokens_details")
_MADE = ("completion_tokens_details", "output_tokens_details")
_CACHED = ("prompt_cache_hit_tokens", "cached_tokens", "cache_read_input_tokens")
"""Cache reads of DeepSeek, Moonshot and LiteLLM: https://api-docs.deepseek.com/guides/kv_cache"""
_WRITTEN = "cache_creation_input_tokens"
_NEUTRAL = frozenset({*_PROMPT, *_COMPLETION, "total_tokens", *_CACHED, _WRITTEN, "prompt_cache_miss_tokens"})
_DETAILS = frozenset({*_GIVEN, *_MADE})
_NEUTRAL_DETAILS = frozenset({"cached_tokens", "cache_write_tokens", "reasoning_tokens", "text_tokens"})
"""Words for the standard tier, Groq's among them: https://platform.openai.com/docs/guides/flex-processing"""
_NONE: frozenset[str] = frozenset()
_NOTHING: Mapping[str, Any] = {}


def usage_of(said: Any, *, tier: Any = None, searches: int = 0, quirks: Quirks | None = None) -> Usage | None:
    """Return the counts that were reported. OpenAI counts cached tokens in the prompt, and reasoning in the completion.

    Args:
        said: the object that counts.
        tier: the service tier that the answer names.
        searches: the searches among its output items.
        quirks: where this host puts cache reads and its price.
    """
    if not isinstance(said, dict):
        return None
    usage, cost = _counts(said), None
    if quirks is None and not searches and "cost" not in said and (tier is None or tier == "default"):
        return usage  # as most are: tokens at the standard price, and nothing else
    if quirks is not None:
        cost = _quirky(said, usage, quirks)
    if cost is None:
        cost = _reported_cost(said)
    return add_billing(usage, tier=tier, searches=searches, cost=cost)


def _quirky(said: Mapping[str, Any], usage: Usage | None, quirks: Quirks) -> float | None:
    """Read the cache reads from where this host counts them, and return the price that it states, in US dollars."""
    cached = count_of(field_at(said, quirks.cached_tokens))
    if usage is not None and cached is not None:
        usage["cache_read_input_tokens"] = cached
    if quirks.cost in (None, "cost"):  # ``cost`` is read below, with what goes with it
        return None
    stated = field_at(said, quirks.cost or "")
    if type(stated) not in (int, float):
        return None
    return float(Decimal(str(stated)) * Decimal(str(quirks.cost_unit)))


def _counts(said: Mapping[str, Any]) -> Usage | None:
    given, made = _details(said, _GIVEN), _details(said, _MADE)
    prompt, completion, total = _first(said, _PROMPT), _first(said, _COMPLETION), _count(said, "total_tokens")
    reasoning, cached = _count(made, "reasoning_tokens"), _count(given, "cached_tokens")
    written = _count(given, "cache_write_tokens")
    if reasoning and total and total == (prompt or 0) + (completion or 0) + reasoning:
        # xAI counts it apart: https://docs.x.ai/docs/guides/reasoning
        completion = (completion or 0) + reasoning
    usage = _of_tokens(prompt, completion, total)
    if cached is None:
        cached = _first(said, _CACHED)
    if cached is not None:
        usage["cache_read_input_tokens"] = cached
    if written is None:
        written = _count(said if _WRITTEN in said else given, _WRITTEN)
    if written is not None:
        usage["cache_creation_input_tokens"] = written
    if reasoning is not None:
        usage["reasoning_tokens"] = reasoning
    return usage or None


def _reported_cost(said: Mapping[str, Any]) -> Any:
    """Return the host's own price in US dollars, with what the user's own key at its provider was charged.

    https://openrouter.ai/docs/use-cases/usage-accounting
    https://docs.perplexity.ai/api-reference/chat-completions-post
    """
    cost = said.get("cost")
    if isinstance(cost, dict):
        return cost.get("total_cost")
    details = said.get("cost_details")
    if said.get("is_byok") is True and isinstance(details, dict):
        upstream = details.get("upstream_inference_cost")
        if isinstance(upstream, int | float) and isinstance(cost, int | float):
            return cost + upstream
    return cost


def _of_tokens(prompt: int | None, completion: int | None, total: int | None) -> Usage:
    usage: Usage = {}
    if prompt is not None:
        usage["prompt_tokens"] = prompt
    if completion is not None:
        usage["completion_tokens"] = completion
    if total is not None:
        usage["total_tokens"] = total
    elif prompt is not None and completion is not None:
        usage["total_tokens"] = prompt + completion
    return usage


def unusual(said: Any) -> dict[str, Any]:
    """Return what else the usage says but zeros: sound, images, predictions, searches, the host's price."""
    if not isinstance(said, dict):
        return {}
    kept: dict[str, Any] = {}
    for name, value in said.items():
        if not value or name in _NEUTRAL or (isinstance(value, dict) and not any(value.values())):
            continue
        if rest := _without_zeros(value, _NEUTRAL_DETAILS if name in _DETAILS else _NONE):
            kept[name] = rest
    return kept


def _without_zeros(value: Any, known: frozenset[str] = _NONE) -> Any:
    if not isinstance(value, dict):
        return value
    kept: dict[str, Any] = {}
    for name, inner in value.items():
        if inner and name not in known and (rest := _without_zeros(inner)):
            kept[name] = rest
    return kept


def _details(said: Mapping[str, Any], names: tuple[str, str]) -> Mapping[str, Any]:
    found = said.get(names[0]) or said.get(names[1])
    return found if isinstance(found, dict) else _NOTHING


def _first(said: Mapping[str, Any], names: tuple[str, ...]) -> int | None:
    """The first of these counts that is one."""
    for name in names:
        value = said.get(name)
        if type(value) is int:
            return value
        if value is not None and (count := count_of(value)) is not None:
            return count
    return None


def _count(said: Mapping[str, Any], name: str) -> int | None:
    value = said.get(name)
    return value if value is None or type(value) is int else count_of(value)
