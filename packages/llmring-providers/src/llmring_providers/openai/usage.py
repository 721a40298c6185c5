"""Token counts, which the two APIs name differently and the hosts that copy them put in places of their own.

https://platform.openai.com/docs/api-reference/chat/object#chat/object-usage
https://platform.openai.com/docs/api-reference/responses/object#responses/object-usage
"""

from collections.abc import Mapping
from typing import Any, cast

from llmring_types import Usage

_PROMPT = ("prompt_tokens", "input_tokens")
_COMPLETION = ("completion_tokens", "output_tokens")
_GIVEN = ("prompt_tokens_details", "input_tokens_details")
_MADE = ("completion_tokens_details", "output_tokens_details")
_TOTAL, _REASONING = ("total_tokens",), ("reasoning_tokens",)
_CACHED = ("prompt_cache_hit_tokens", "cached_tokens", "cache_read_input_tokens")
"""Where DeepSeek, Moonshot and LiteLLM count cache reads: https://api-docs.deepseek.com/guides/kv_cache"""
_WRITTEN = ("cache_creation_input_tokens",)
_CACHED_OF_GIVEN, _WRITTEN_OF_GIVEN = ("cached_tokens",), ("cache_write_tokens",)
_NEUTRAL = frozenset(
    {*_PROMPT, *_COMPLETION, "total_tokens", *_CACHED, *_WRITTEN, "prompt_cache_miss_tokens"}
)
_NEUTRAL_DETAILS = frozenset({"cached_tokens", "cache_write_tokens", "reasoning_tokens", "text_tokens"})
_NONE: frozenset[str] = frozenset()
_NOTHING: Mapping[str, Any] = {}


def usage_of(said: Any) -> Usage | None:
    """Return what was reported. OpenAI counts cached tokens in the prompt, and reasoning in the completion."""
    if not isinstance(said, dict):
        return None
    given, made = _details(said, _GIVEN), _details(said, _MADE)
    prompt, completion = _count(said, _PROMPT), _count(said, _COMPLETION)
    total, reasoning = _count(said, _TOTAL), _count(made, _REASONING)
    cached, written = _count(given, _CACHED_OF_GIVEN), _count(given, _WRITTEN_OF_GIVEN)
    if reasoning and total and total == (prompt or 0) + (completion or 0) + reasoning:
        # xAI counts it apart: https://docs.x.ai/docs/guides/reasoning
        completion = (completion or 0) + reasoning
    if total is None and prompt is not None and completion is not None:
        total = prompt + completion
    counts = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": total,
        "cache_read_input_tokens": _count(said, _CACHED) if cached is None else cached,
        "cache_creation_input_tokens": _count(said, _WRITTEN) if written is None else written,
        "reasoning_tokens": reasoning,
    }
    return cast("Usage", {name: count for name, count in counts.items() if count is not None}) or None


def unusual(said: Any) -> dict[str, Any]:
    """Return what else the usage says but zeros: sound, images, predictions, searches, the host's price."""
    if not isinstance(said, dict):
        return {}
    kept: dict[str, Any] = {}
    for name, value in said.items():
        if name in _NEUTRAL or not value:
            continue
        details = name in _GIVEN or name in _MADE
        if rest := _without_zeros(value, _NEUTRAL_DETAILS if details else _NONE):
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


def _count(said: Mapping[str, Any], names: tuple[str, ...]) -> int | None:
    """The first of these counts that is one; some hosts write ``12.0``."""
    for name in names:
        value = said.get(name)
        if type(value) is int:
            return value
        if type(value) is float:
            return int(value)
    return None
