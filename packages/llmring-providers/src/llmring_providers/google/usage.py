"""Token counts in the neutral keys.

https://ai.google.dev/api/generate-content#UsageMetadata
"""

from collections.abc import Mapping
from typing import Any

from llmring_types import Usage

_DETAILS = (
    "promptTokensDetails",
    "candidatesTokensDetails",
    "cacheTokensDetails",
    "toolUsePromptTokensDetails",
)
_USUAL = {"serviceTier": "standard", "trafficType": "ON_DEMAND"}


def usage_of(said: Mapping[str, Any]) -> Usage | None:
    """Count results of hosted tools as input and thoughts as output; Gemini counts both apart."""
    if not said:
        return None
    usage: Usage = {}
    prompt, total = _count(said, "promptTokenCount"), _count(said, "totalTokenCount")
    candidates, thoughts = _count(said, "candidatesTokenCount"), _count(said, "thoughtsTokenCount")
    if prompt is not None:
        usage["prompt_tokens"] = prompt + (_count(said, "toolUsePromptTokenCount") or 0)
    if candidates is not None or thoughts is not None:
        usage["completion_tokens"] = (candidates or 0) + (thoughts or 0)
    elif prompt is not None and total == usage["prompt_tokens"]:
        usage["completion_tokens"] = 0  # an answer without output leaves the count out
    if total is not None:
        usage["total_tokens"] = total
    elif "prompt_tokens" in usage and "completion_tokens" in usage:
        usage["total_tokens"] = usage["prompt_tokens"] + usage["completion_tokens"]
    cached = _count(said, "cachedContentTokenCount")
    if cached is not None:
        usage["cache_read_input_tokens"] = cached
    if thoughts is not None:
        usage["reasoning_tokens"] = thoughts
    return usage or None


def unusual(said: Mapping[str, Any]) -> dict[str, Any]:
    """What else was said of the usage.

    Other modalities than text and tiers of service change its price; tokens of hosted tools are part of the input.
    """
    kept: dict[str, Any] = {
        name: said[name] for name, usual in _USUAL.items() if said.get(name) not in (None, usual)
    }
    for name in _DETAILS:
        details = said.get(name)
        if isinstance(details, list) and not all(map(_is_text, details)):
            kept[name] = details
    if tools := said.get("toolUsePromptTokenCount"):
        kept["toolUsePromptTokenCount"] = tools
    return kept


def _count(said: Mapping[str, Any], name: str) -> int | None:
    value = said.get(name)
    return value if type(value) is int else None


def _is_text(detail: Any) -> bool:
    return isinstance(detail, dict) and detail.get("modality") in ("TEXT", 1)
