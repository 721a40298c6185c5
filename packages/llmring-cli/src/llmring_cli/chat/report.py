"""The account of an answer: as JSON, or in words."""

from collections.abc import Iterable
from typing import Any

from llmring_types import Attempt, LLMResponse

from llmring_cli._output import report

_OUTCOMES = {
    "ok": "answered in {:.2f} s",
    "error": "failed after {:.2f} s",
    "skipped": "was skipped",
    "cancelled": "was cancelled after {:.2f} s",
}


def response_json(response: LLMResponse) -> dict[str, Any]:
    """Return the answer for programs."""
    return {
        "content": response.content,
        "model": response.model,
        "usage": response.usage,
        "finish_reason": response.finish_reason,
        "tool_calls": response.tool_calls,
        "reasoning": response.reasoning,
        "refusal": response.refusal,
        "attempts": response.attempts,
        "warnings": response.warnings,
    }


def tell(response: LLMResponse) -> None:
    """Tell model, tokens, cost and attempts."""
    usage = response.usage or {}
    report(f"model: {response.model}")
    report(f"tokens: {usage.get('prompt_tokens', '?')} in, {usage.get('completion_tokens', '?')} out")
    cost = usage.get("cost")
    reason = usage.get("cost_status", "no_usage")
    report(f"cost: unknown ({reason})" if cost is None else f"cost: ${cost:.6f}")
    tell_attempts(response.attempts)


def tell_attempts(attempts: Iterable[Attempt]) -> None:
    """Tell what became of each try."""
    for attempt in attempts:
        told = f": {attempt.message}" if attempt.message else ""
        report(f"attempt: {attempt.model} {_OUTCOMES[attempt.outcome].format(attempt.seconds)}{told}")
