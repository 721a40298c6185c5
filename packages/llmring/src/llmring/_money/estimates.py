"""Estimates of usage from the texts of a call, where the provider reports none or an impossible one. Pure."""

from collections.abc import Iterator, Sequence
from typing import Any, cast

import msgspec
from llmring_types import Attempt, LLMRequest, LLMResponse, ModelFacts, TokenCounts, Usage

from llmring.tokens import estimate_tokens, text_tokens

_NEVER_ARRIVED = "ProviderConnectionError"

MOST_TOKENS = 100_000_000
"""Ten times the largest context window there is."""

MOST_DOLLARS = 1_000_000
"""No provider charges as much for a call."""

_PARTS = (
    "cache_read_input_tokens",
    "cache_creation_input_tokens",
    "cache_creation_5m_tokens",
    "cache_creation_1h_tokens",
    "reasoning_tokens",
    "web_searches",
)
_COUNTS = frozenset({"prompt_tokens", "completion_tokens", "total_tokens", *_PARTS})

UNKNOWN_OUTPUT_TOKENS = 16_384
"""Taken for the longest answer where neither the request nor the model's facts say one."""


def most_usage(
    request: LLMRequest, facts: ModelFacts | None, *, output_limit: int | None, answers: int = 1
) -> Usage:
    """Return the most that a call can use, as far as that can be known before it, in its dearest form.

    Its input is estimated. Input that may be written to a cache counts as written for an hour, and output as
    reasoning where that is the dearer one.

    Args:
        request: what is to be sent.
        facts: the model's.
        output_limit: what the request that is sent allows for one answer.
        answers: how many it asks for.
    """
    prompt = estimate_tokens(request)
    longest = facts.max_output_tokens if facts is not None else None
    output = (output_limit or longest or UNKNOWN_OUTPUT_TOKENS) * answers
    usage: Usage = {"prompt_tokens": prompt, "completion_tokens": output}
    if request.cache or any(each.metadata and "cache_control" in each.metadata for each in request.messages):
        usage["cache_creation_1h_tokens"] = prompt
    prices = facts.prices if facts is not None else None
    if prices is not None and prices.reasoning is not None and prices.reasoning > (prices.output or 0):
        usage["reasoning_tokens"] = output
    return usage


def input_usage(request: LLMRequest) -> Usage:
    """Return what an attempt used of which nothing came back."""
    return {"prompt_tokens": estimate_tokens(request), "completion_tokens": 0}


def completed_usage(request: LLMRequest, response: LLMResponse, *, whole: bool) -> tuple[Usage, bool]:
    """Return the usage of an answer, and whether parts of it had to be estimated.

    Args:
        request: what was asked.
        response: what came.
        whole: the answer had ended. What was reported before its end is a count in the middle (Anthropic reports one
            output token at the start of a stream), so it only sets a lower limit to the estimate.
    """
    reported = response.usage or {}
    usage = reported.copy()
    if whole and "prompt_tokens" in reported and "completion_tokens" in reported:
        return usage, False
    if "prompt_tokens" not in reported:
        usage["prompt_tokens"] = estimate_tokens(request)
    if not whole or "completion_tokens" not in reported:
        usage["completion_tokens"] = max(reported.get("completion_tokens", 0), output_tokens(response))
    usage["total_tokens"] = usage["prompt_tokens"] + usage["completion_tokens"]
    return usage, True


def maybe_billed(attempts: Sequence[Attempt]) -> Iterator[Attempt]:
    """Yield the attempts that came to nothing and may be billed all the same.

    A connection that failed before an answer began is not among them: most often nothing had arrived.
    """
    for attempt in attempts:
        if (
            attempt.outcome in ("error", "cancelled")
            and attempt.billed is not False
            and attempt.error != _NEVER_ARRIVED
        ):
            yield attempt


def output_tokens(response: LLMResponse) -> int:
    """Estimate the output tokens of what has come."""
    tokens = text_tokens(response.content) + text_tokens(response.reasoning or "")
    if response.tool_calls:
        tokens += text_tokens(msgspec.json.encode(response.tool_calls).decode())
    return round(tokens)


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
    counts = cast("dict[str, Any]", usage)
    _check_cost(counts, response)
    if _plausible(usage) and (most_output is None or usage.get("completion_tokens", 0) <= most_output):
        return True
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
    for name, count in counts.items():
        if name in _COUNTS:
            if not _possible(count):
                return False
        elif name == "compaction" and not _plausible(cast("TokenCounts", count)):
            return False
    return True


def _possible(count: object) -> bool:
    return type(count) is int and 0 <= count <= MOST_TOKENS


def _check_cost(counts: dict[str, Any], response: LLMResponse) -> None:
    cost = counts.get("reported_cost", 0)
    if type(cost) not in (int, float) or not 0 <= cost <= MOST_DOLLARS:
        del counts["reported_cost"]
        response.warnings.append(
            f"the provider reported a cost of {cost!r:.40}, which cannot be; it is ignored"
        )


def _replace(counts: dict[str, Any], name: str, by: int, response: LLMResponse) -> None:
    response.warnings.append(
        f"the provider reported {name}={counts[name]!r:.40}, which cannot be: it counts as {by}"
    )
    counts[name] = by
