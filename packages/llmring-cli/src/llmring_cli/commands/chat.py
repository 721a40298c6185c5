"""``llmring chat``."""

import re
import sys
from typing import Annotated, Any

from cyclopts import Parameter
from llmring import LLMRequest, LLMResponse, LLMRing, Message
from llmring_types.exceptions import ValidationError

from llmring_cli._demo import ring_for
from llmring_cli._output import print_json, say
from llmring_cli._parameters import Flag, Json, ProfileName

_OPTION = re.compile(r"--?[a-zA-Z][\w-]*(=.*)?")


def _no_option(_: type, message: str | None) -> None:
    """Keep a mistyped option from being sent as the message."""
    if message is not None and _OPTION.fullmatch(message):
        raise ValueError(f"no such option: {message} (to send this as the message, pipe it into the command)")


async def chat(
    message: Annotated[str | None, Parameter(allow_leading_hyphen=True, validator=_no_option)] = None,
    /,
    *,
    model: Annotated[str | None, Parameter(alias="-m")] = None,
    system: str | None = None,
    temperature: float | None = None,
    max_tokens: int | None = None,
    profile: ProfileName = None,
    stream: Flag = False,
    json: Json = False,
    verbose: Annotated[Flag, Parameter(alias="-v")] = False,
) -> None:
    """Send a message and print the answer.

    Without a lockfile and without --model, the first provider that has a key or runs answers, or a simulated model.

    $ llmring chat "What is a monad?"
    $ git diff | llmring chat --model reviewer --system "Review this change." --stream

    Args:
        message: What to say; read from standard input when it is left out or "-".
        model: An alias or provider:model; the alias "default" when it is left out.
        system: Instructions for the model.
        temperature: 0 for the most likely answer, higher for more variety.
        max_tokens: Most tokens of the answer.
        stream: Print the answer as it comes.
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
    """Return the message of the command line, or of standard input."""
    if message is None and sys.stdin.isatty():
        raise ValidationError('there is no message: llmring chat "Hello"', field="message")
    if message is None or message == "-":
        try:
            message = sys.stdin.buffer.read().decode()
        except UnicodeDecodeError as error:
            raise ValidationError(f"standard input is no text: {error}", field="message") from error
    if not message.strip():
        raise ValidationError('the message is empty: llmring chat "Hello"', field="message")
    return message


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
