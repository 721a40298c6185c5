"""``llmring chat``."""

import sys
from typing import Annotated, Any

from cyclopts import Parameter
from llmring import LLMRequest, LLMResponse, LLMRing, Message
from llmring_types.exceptions import ValidationError

from llmring_cli._demo import ring_for
from llmring_cli._output import print_json, say


async def chat(
    message: str | None = None,
    /,
    *,
    model: Annotated[str | None, Parameter(alias="-m")] = None,
    system: str | None = None,
    temperature: float | None = None,
    max_tokens: int | None = None,
    profile: str | None = None,
    stream: Annotated[bool, Parameter(negative="")] = False,
    json: Annotated[bool, Parameter(negative="")] = False,
    verbose: Annotated[bool, Parameter(alias="-v", negative="")] = False,
) -> None:
    """Send a message and print the answer.

    Without a lockfile and without --model, the first provider that has a key or runs answers, or a simulated model.

    Args:
        message: What to say; read from standard input when it is left out or "-".
        model: An alias or provider:model; the alias "default" when it is left out.
        system: Instructions for the model.
        temperature: 0 for the most likely answer, higher for more variety.
        max_tokens: Most tokens of the answer.
        profile: The lockfile's profile.
        stream: Print the answer as it comes.
        json: Print the whole response as JSON.
        verbose: Tell model, tokens, cost and attempts on standard error.
    """
    messages = [Message(role="user", content=_read(message))]
    if system is not None:
        messages.insert(0, Message(role="system", content=system))
    request = LLMRequest(messages=messages, model=model, temperature=temperature, max_tokens=max_tokens)
    async with await ring_for(model) as ring:
        if stream and not json:
            response = await _stream(ring, request, profile)
        else:
            response = await ring.chat(request, profile=profile)
            print_json(_plain(response)) if json else print(response.content)
    for warning in response.warnings:
        say(f"warning: {warning}")
    if verbose:
        _tell(response)


def _read(message: str | None) -> str:
    if message is not None and message != "-":
        return message
    if message is None and sys.stdin.isatty():
        raise ValidationError('there is no message: llmring chat "Hello"', field="message")
    return sys.stdin.read()


async def _stream(ring: LLMRing, request: LLMRequest, profile: str | None) -> LLMResponse:
    async with ring.chat_stream(request, profile=profile) as chunks:
        async for chunk in chunks:
            sys.stdout.write(chunk.delta)
            sys.stdout.flush()
        sys.stdout.write("\n")
        response = chunks.response
    if response is None:  # the stream raises before it ends without one
        raise RuntimeError("a stream ended without its response")
    return response


def _plain(response: LLMResponse) -> dict[str, Any]:
    return {
        "content": response.content,
        "model": response.model,
        "usage": response.usage,
        "finish_reason": response.finish_reason,
        "tool_calls": response.tool_calls,
        "reasoning": response.reasoning,
        "attempts": response.attempts,
        "warnings": response.warnings,
    }


def _tell(response: LLMResponse) -> None:
    usage = response.usage or {}
    cost = usage.get("cost")
    say(f"model: {response.model}")
    say(f"tokens: {usage.get('prompt_tokens', '?')} in, {usage.get('completion_tokens', '?')} out")
    say(
        f"cost: ${cost:.6f}"
        if cost is not None
        else f"cost: unknown ({usage.get('cost_status', 'no_usage')})"
    )
    for attempt in response.attempts:
        told = f": {attempt.message}" if attempt.message else ""
        say(f"attempt: {attempt.model} {attempt.outcome} in {attempt.seconds:.2f} s{told}")
