"""Token counts, which both APIs report under different names."""

from llmring_types import Usage

Count = int | float | None
"""A number of tokens; some hosts write ``12.0``."""


def neutral_usage(
    *,
    prompt: Count = None,
    completion: Count = None,
    total: Count = None,
    cached: Count = None,
    cache_written: Count = None,
    reasoning: Count = None,
) -> Usage:
    """Return what was reported. OpenAI counts cached tokens in the prompt, and reasoning in the completion."""
    usage: Usage = {}
    if reasoning and total and total == (prompt or 0) + (completion or 0) + reasoning:
        completion = (
            completion or 0
        ) + reasoning  # xAI counts it apart: https://docs.x.ai/docs/guides/reasoning
    if prompt is not None:
        usage["prompt_tokens"] = int(prompt)
    if completion is not None:
        usage["completion_tokens"] = int(completion)
    if total is not None:
        usage["total_tokens"] = int(total)
    elif prompt is not None and completion is not None:
        usage["total_tokens"] = int(prompt) + int(completion)
    if cached is not None:
        usage["cache_read_input_tokens"] = int(cached)
    if cache_written is not None:
        usage["cache_creation_input_tokens"] = int(cache_written)
    if reasoning is not None:
        usage["reasoning_tokens"] = int(reasoning)
    return usage
