"""Token counts in the neutral keys, and what a candidate says beyond the neutral form.

https://ai.google.dev/api/generate-content#UsageMetadata
"""

from collections.abc import Mapping
from operator import attrgetter
from typing import Any

import msgspec
from llmring_types import Usage

from llmring_providers._http.replies import add_billing, count_of
from llmring_providers.google.wire import Candidate

_NAMES = {
    field.name: field.encode_name
    for field in msgspec.structs.fields(Candidate)
    if field.name not in ("index", "content", "finish_reason")
}
_values = attrgetter(*_NAMES)
_NOTHING = (None,) * len(_NAMES)


class CandidateMetadata:
    """Citations, grounding, log probabilities, ratings and the like, under Gemini's own names."""

    def __init__(self) -> None:
        self._kept: dict[str, Any] = {}

    def take(self, candidate: Candidate) -> None:
        """Take what one event says."""
        values = _values(candidate)
        if values == _NOTHING:
            return
        for name, value in zip(_NAMES.values(), values, strict=True):
            if value is not None:
                self._kept[name] = _joined(name, self._kept.get(name), value)

    def said(self) -> dict[str, Any]:
        """Return all that was said and is not empty."""
        return {name: value for name, value in self._kept.items() if value not in ({}, [], "")}

    @property
    def searches(self) -> int:
        """The searches that ground the answer."""
        grounding = self._kept.get("groundingMetadata")
        queries = grounding.get("webSearchQueries") if isinstance(grounding, dict) else None
        return len(queries) if isinstance(queries, list) else 0


def _joined(name: str, old: Any, new: Any) -> Any:
    """Log probabilities and citations are of the event's own text and add up; others hold for the whole answer."""
    if not isinstance(old, dict) or not isinstance(new, dict):
        return new
    if name in ("logprobsResult", "citationMetadata"):
        for key in old.keys() & new.keys():
            there = old[key]
            if isinstance(there, list) and isinstance(new[key], list):
                repeated = name == "citationMetadata"
                there += [item for item in new[key] if not (repeated and item in there)]
                new[key] = there
    return {**old, **new}


_DETAILS = (
    "promptTokensDetails",
    "candidatesTokensDetails",
    "cacheTokensDetails",
    "toolUsePromptTokensDetails",
)
_USUAL = {"serviceTier": "standard", "trafficType": "ON_DEMAND"}
_STANDARD = frozenset({"standard", "ON_DEMAND", "TRAFFIC_TYPE_UNSPECIFIED", ""})
_TIERS = {"ON_DEMAND_FLEX": "flex", "ON_DEMAND_PRIORITY": "priority"}


def usage_of(said: Mapping[str, Any], *, searches: int = 0) -> Usage | None:
    """Count results of hosted tools as input and thoughts as output; Gemini counts both apart."""
    if not said:
        return None
    return add_billing(_counts(said), tier=_tier(said), searches=searches)


def _counts(said: Mapping[str, Any]) -> Usage | None:
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


def _tier(said: Mapping[str, Any]) -> str | None:
    """Return the tier of service, unless it is the standard one.

    https://docs.cloud.google.com/vertex-ai/generative-ai/docs/reference/rest/v1/GenerateContentResponse#TrafficType
    """
    for name in _USUAL:
        if isinstance(tier := said.get(name), str) and tier not in _STANDARD:
            return _TIERS.get(tier, tier.lower())
    return None


def unusual(said: Mapping[str, Any]) -> dict[str, Any]:
    """Return the usage fields that the neutral form has no place for.

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
    return count_of(said.get(name))


def _is_text(detail: Any) -> bool:
    return isinstance(detail, dict) and detail.get("modality") in ("TEXT", 1)
