"""What a call uses where the provider does not say, from its texts and :mod:`llmring.tokens`. Pure."""

from collections.abc import Iterator, Sequence

import msgspec
from llmring_types import Attempt, LLMRequest, LLMResponse, Usage

from llmring.tokens import estimate_tokens, text_tokens

_NEVER_ARRIVED = "ProviderConnectionError"


def expected_usage(request: LLMRequest) -> Usage:
    """Return the most that a call can use, as far as that can be known before it.

    The output is what the request allows: ``max_tokens``, and ``reasoning_tokens`` beside it. Without ``max_tokens``
    nobody knows it, and it is left out.
    """
    output = (request.max_tokens or 0) + (request.reasoning_tokens or 0)
    return {"prompt_tokens": estimate_tokens(request), "completion_tokens": output}


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
        usage["completion_tokens"] = max(reported.get("completion_tokens", 0), _output_tokens(response))
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


def _output_tokens(response: LLMResponse) -> int:
    tokens = text_tokens(response.content) + text_tokens(response.reasoning or "")
    if response.tool_calls:
        tokens += text_tokens(msgspec.json.encode(response.tool_calls).decode())
    return round(tokens)
