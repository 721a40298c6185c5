"""The answer on its way: whole or streamed, for a person or a program."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from llmring import LLMResponse, StreamChunk
from llmring_types import Attempt
from llmring_types.exceptions import LLMRingError

from llmring_cli._output import (
    CommandError,
    dollars_text,
    print_json,
    print_json_line,
    print_line,
    report,
    write_exact,
)
from llmring_cli._waiting import waiting
from llmring_cli.chat.exchange import Exchange

if TYPE_CHECKING:
    from llmring.bulk import Plan

Writer = AbstractContextManager[Callable[[str], None]]
"""Takes text piece by piece while it is entered."""
_OUTCOMES = {
    "ok": "answered in {:.2f} s",
    "error": "failed after {:.2f} s",
    "skipped": "was skipped",
    "cancelled": "was cancelled after {:.2f} s",
}


async def ask(exchange: Exchange) -> LLMResponse:
    """Wait for the whole answer; a terminal shows a spinner."""
    with waiting():
        return await exchange.whole()


async def show(exchange: Exchange, open_writer: Callable[[], Writer]) -> LLMResponse:
    """Show the answer while it comes.

    Stopped in the middle, by the user or an error, it leaves what has come on the screen.

    Args:
        exchange: the question.
        open_writer: is called when the first word is there.
    """
    with ExitStack() as screen:
        spinner = screen.enter_context(waiting())
        write: Callable[[str], None] | None = None
        try:
            async with exchange.stream() as events:
                async for chunk in events:
                    if not isinstance(chunk, StreamChunk):
                        spinner.update(f"ran {chunk.name}")
                        continue
                    if chunk.delta and write is None:
                        spinner.stop()
                        write = screen.enter_context(open_writer())
                    if chunk.delta and write is not None:
                        write(chunk.delta)
                    elif chunk.reasoning:
                        spinner.update("the model is thinking")
        except (asyncio.CancelledError, LLMRingError):
            if write is not None:
                screen.close()
                report("the answer was cut off here")
            raise
    return exchange.response


async def print_lines(exchange: Exchange) -> LLMResponse:
    """Print JSON while the answer comes: ``{"delta": …}`` or ``{"reasoning": …}``, at the end ``{"response": …}``.

    The result of a tool is ``{"tool": …, "result": …}``.
    """
    async with exchange.stream() as events:
        async for chunk in events:
            if not isinstance(chunk, StreamChunk):
                print_json_line({"tool": chunk.name, "result": chunk.content, "is_error": chunk.is_error})
                continue
            if chunk.reasoning:
                print_json_line({"reasoning": chunk.reasoning})
            if chunk.delta:
                print_json_line({"delta": chunk.delta})
    response = exchange.response
    print_json_line({"response": response_json(response)})
    return response


@contextmanager
def markdown_writer() -> Iterator[Callable[[str], None]]:
    """Show Markdown on the terminal."""
    from rich.console import Console  # noqa: PLC0415 - pipes do without

    from llmring_cli.chat.markdown import MarkdownStream  # noqa: PLC0415

    with MarkdownStream(Console()) as stream:
        yield stream.write


@contextmanager
def plain_writer() -> Iterator[Callable[[str], None]]:
    """Write to standard output what the model writes; a terminal is not steered by it."""
    try:
        yield write_exact
    finally:
        write_exact("\n")


def response_json(response: LLMResponse) -> dict[str, Any]:
    """Return the answer as JSON values."""
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


def report_warnings(response: LLMResponse) -> None:
    """Report what was lost on the way to an answer, and an end before its end."""
    for warning in response.warnings:
        report(f"warning: {warning}")
    if response.finish_reason not in ("stop", "tool_calls", None):
        report(f"warning: the answer ended early: {response.finish_reason}")


def report_response(response: LLMResponse) -> None:
    """Report model, tokens, cost and attempts."""
    usage = response.usage or {}
    report(f"model: {response.model}")
    report(f"tokens: {usage.get('prompt_tokens', '?')} in, {usage.get('completion_tokens', '?')} out")
    cost = usage.get("cost")
    reason = usage.get("cost_status", "no_usage")
    report(f"cost: unknown ({reason})" if cost is None else f"cost: ${cost:.6f}")
    report_attempts(response.attempts)


def report_attempts(attempts: Iterable[Attempt]) -> None:
    """Report the outcome of each attempt."""
    for attempt in attempts:
        message = f": {attempt.message}" if attempt.message else ""
        report(f"attempt: {attempt.model} {_OUTCOMES[attempt.outcome].format(attempt.seconds)}{message}")


def print_count(least: "Plan", most: "Plan", *, json: bool) -> None:
    """Print the tokens and the price of one question.

    Args:
        least: with an answer of no tokens.
        most: with the longest answer that it allows.
        json: as one document.

    Raises:
        CommandError: it cannot be asked.
    """
    if most.unreadable:
        raise CommandError("no model of the pool can be asked: llmring doctor lists what is missing")
    model = next(iter(most.models))
    priced = not most.unpriced
    if json:
        print_json(
            {
                "model": model,
                "input_tokens": most.input_tokens,
                "max_output_tokens": most.output_tokens,
                "min_usd": least.live_usd if priced else None,
                "max_usd": most.live_usd if priced else None,
            }
        )
        return
    print_line(f"{model}: about {most.input_tokens:,} tokens in, at most {most.output_tokens:,} out")
    price = f"from about {dollars_text(least.live_usd)} to at most {dollars_text(most.live_usd)}"
    print_line(price if priced else "the price is not known")
