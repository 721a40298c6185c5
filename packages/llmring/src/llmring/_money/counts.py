"""Token counts as hosts report them, held against what can be."""

from typing import Any, cast

from llmring_types import LLMRequest, LLMResponse, TokenCounts

from llmring._money.estimates import output_tokens
from llmring.tokens import estimate_tokens

MOST_TOKENS = 100_000_000
"""Ten times the largest context window there is."""

_PARTS = (
    "cache_read_input_tokens",
    "cache_creation_input_tokens",
    "cache_creation_5m_tokens",
    "cache_creation_1h_tokens",
    "reasoning_tokens",
)
_COUNTS = frozenset({"prompt_tokens", "completion_tokens", "total_tokens", *_PARTS})


def check_counts(response: LLMResponse, request: LLMRequest, *, most_output: int | None = None) -> bool:
    """Put estimates in the place of counts that cannot be right, each with a warning.

    Args:
        response: as the provider gave it; its usage is changed.
        request: what was asked, for the estimate.
        most_output: output tokens that the request allowed, where it set a limit.

    Returns:
        Whether every count can be right.
    """
    usage = response.usage
    if usage is None:
        return True
    if _plausible(usage) and (most_output is None or usage.get("completion_tokens", 0) <= most_output):
        return True
    counts = cast("dict[str, Any]", usage)
    if not _possible(counts.get("prompt_tokens", 0)):
        _replace(counts, "prompt_tokens", estimate_tokens(request), response)
    if not _possible(counts.get("completion_tokens", 0)):
        _replace(counts, "completion_tokens", output_tokens(response), response)
    if most_output is not None and counts.get("completion_tokens", 0) > most_output:
        _replace(counts, "completion_tokens", most_output, response)
    for name in _PARTS:
        if name in counts and not _possible(counts[name]):
            _replace(counts, name, 0, response)
    if "total_tokens" in counts:
        counts["total_tokens"] = counts.get("prompt_tokens", 0) + counts.get("completion_tokens", 0)
    if "compaction" in counts and not _plausible(counts["compaction"]):
        del counts["compaction"]
        response.warnings.append(
            "the provider reported counts of a compaction that cannot be; they were dropped"
        )
    return False


def _plausible(counts: TokenCounts) -> bool:
    return all(
        _plausible(cast("TokenCounts", count))
        if name == "compaction"
        else name not in _COUNTS or _possible(count)
        for name, count in counts.items()
    )


def _possible(count: object) -> bool:
    return type(count) is int and 0 <= count <= MOST_TOKENS


def _replace(counts: dict[str, Any], name: str, by: int, response: LLMResponse) -> None:
    response.warnings.append(
        f"the provider reported {name}={counts[name]!r:.40}, which cannot be: it counts as {by}"
    )
    counts[name] = by
