"""The account of an answer: as JSON, or in words."""

from typing import Any

from llmring_types import LLMResponse

from llmring_cli._output import say


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
    say(f"model: {response.model}")
    say(f"tokens: {usage.get('prompt_tokens', '?')} in, {usage.get('completion_tokens', '?')} out")
    cost = usage.get("cost")
    reason = usage.get("cost_status", "no_usage")
    say(f"cost: unknown ({reason})" if cost is None else f"cost: ${cost:.6f}")
    for attempt in response.attempts:
        told = f": {attempt.message}" if attempt.message else ""
        say(f"attempt: {attempt.model} {attempt.outcome} in {attempt.seconds:.2f} s{told}")
