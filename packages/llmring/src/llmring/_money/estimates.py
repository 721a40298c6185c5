"""Estimates of usage from the texts of a call, where the provider reports none or an impossible one. Pure."""

from collections.abc import Iterator, Sequence

import msgspec
from llmring_types import Attempt, LLMRequest, LLMResponse, Message, ModelFacts, Usage

from llmring.tokens import estimate_tokens, text_tokens

_NEVER_ARRIVED = "ProviderConnectionError"

UNKNOWN_OUTPUT_TOKENS = 16_384
"""Taken for the longest answer where neither the request nor the model's facts say one."""


def most_usage(
    request: LLMRequest, prompt: int, facts: ModelFacts | None, *, output_limit: int | None, answers: int = 1
) -> Usage:
    """Return the most that a call can use, as far as that can be known before it, in its dearest form.

    Its input is estimated. Input that may be written to a cache counts as written for an hour, and output as
    reasoning where that is the dearer one.

    Args:
        request: what is to be sent.
        prompt: the estimate of its input.
        facts: the model's.
        output_limit: what the request that is sent allows for one answer.
        answers: how many it asks for.
    """
    longest = facts.max_output_tokens if facts is not None else None
    output = (output_limit or longest or UNKNOWN_OUTPUT_TOKENS) * answers
    usage: Usage = {"prompt_tokens": prompt, "completion_tokens": output}
    if request.cache or _marks_caches(request.messages):
        usage["cache_creation_1h_tokens"] = prompt
    prices = facts.prices if facts is not None else None
    if prices is not None and prices.reasoning is not None and prices.reasoning > (prices.output or 0):
        usage["reasoning_tokens"] = output
    return usage


def _marks_caches(messages: Sequence[Message]) -> bool:
    for each in messages:  # noqa: SIM110 - any() takes twice as long, for every call under a budget
        if each.metadata is not None and "cache_control" in each.metadata:
            return True
    return False


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


class ExpectedTokens:
    """The tokens that calls of a model turn out to have, as moving averages."""

    def __init__(self) -> None:
        self._output: float | None = None
        self._estimated = self._prompt = 1.0

    def learn(self, estimated: int, prompt: int, completion: int) -> None:
        """Record an answer, and the estimate for its prompt."""
        self._estimated += _WEIGHT * (estimated - self._estimated)
        self._prompt += _WEIGHT * (prompt - self._prompt)
        before = float(completion) if self._output is None else self._output
        self._output = before + _WEIGHT * (completion - before)

    def of(self, estimated: int, max_tokens: int | None) -> tuple[float, float]:
        """Return the input and output tokens to expect of a call."""
        output = self._output
        if output is None:
            output = min(_FIRST_OUTPUT, float(max_tokens or _FIRST_OUTPUT))
        return estimated * self._prompt / self._estimated, output


_FIRST_OUTPUT = 500.0
"""Tokens of an answer, before there was one."""
_WEIGHT = 0.1
"""Weight of the last answer in the averages."""
