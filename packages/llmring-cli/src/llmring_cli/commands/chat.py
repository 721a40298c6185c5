"""``llmring chat``."""

import asyncio
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

from cyclopts import Parameter
from llmring import LLMRequest, LLMResponse
from llmring_types import Message
from llmring_types.exceptions import ProviderError

from llmring_cli._live import ring_for
from llmring_cli._output import print_json, report, report_logs, write_exact
from llmring_cli._parameters import Count, Flag, Json, ModelName, ProfileName
from llmring_cli.chat.answer import (
    ask,
    markdown_writer,
    plain_writer,
    print_lines,
    report_attempts,
    report_response,
    response_json,
    show,
)
from llmring_cli.chat.exchange import (
    Conversation,
    Exchange,
    instruct,
    load_conversation,
    open_tools,
    save_conversation,
)
from llmring_cli.chat.message import read_message

_OPTION = re.compile(r"--?[a-zA-Z][\w-]*(=.*)?")


def _no_option(_: type, message: str | None) -> None:
    """Keep a mistyped option from being sent as the message."""
    if message is not None and _OPTION.fullmatch(message):
        raise ValueError(f"Unknown option: {message}. To send it as the message, pipe it into the command.")


def chat(
    message: Annotated[str | None, Parameter(allow_leading_hyphen=True, validator=_no_option)] = None,
    /,
    *,
    model: Annotated[ModelName | None, Parameter(alias="-m")] = None,
    system: Annotated[str | None, Parameter(alias="-s")] = None,
    file: Annotated[list[Path] | None, Parameter(name=("--file", "-f"), negative="")] = None,
    continue_: Annotated[Flag, Parameter(name=("--continue", "-c"))] = False,
    tool: Annotated[list[str] | None, Parameter(negative="")] = None,
    mcp: Annotated[list[str] | None, Parameter(negative="")] = None,
    temperature: float | None = None,
    max_tokens: Count | None = None,
    profile: ProfileName = None,
    stream: Flag = False,
    plain: Flag = False,
    json: Json = False,
    verbose: Annotated[Flag, Parameter(alias="-v")] = False,
) -> None:
    """Send a message and print the answer.

    A terminal shows the answer as Markdown while it arrives. Piped input is added to the message. Without a
    lockfile and --model, the first provider that has a key or runs answers, otherwise a simulated model. The
    command prints which one. The conversation is stored for --continue, one per working directory.

    $ llmring chat "What is a monad?"
    $ llmring chat --continue "And in Python?"
    $ git diff | llmring chat "Review this change." --model reviewer
    $ llmring chat "What does this show?" --file chart.png
    $ llmring chat "Which file is the largest?" --mcp "npx -y @modelcontextprotocol/server-filesystem ."

    Args:
        message: The message. Read from standard input if omitted or "-".
        model: An alias or provider:model. Default: the alias "default".
        system: Instructions for the model.
        file: An image, a PDF or a text file to attach. May be given several times.
        continue_: Continue the last conversation of this working directory.
        tool: A Python function that the model may call, as module:function. May be given several times.
        mcp: The command or the address of an MCP server whose tools the model may call. May be given several times.
        temperature: 0 for the most likely answer, higher values for more variety.
        max_tokens: Maximum number of tokens in the answer.
        stream: Print the answer while it arrives, also without a terminal; with --json one document per piece.
        plain: Print the answer as plain text instead of rendering Markdown.
        verbose: Report model, tokens, cost and attempts on standard error.
    """
    added = read_message(message, file or ())
    held = load_conversation(Path.cwd()) if continue_ else Conversation()
    model = model or held.model
    messages = [*(held.messages if system is None else instruct(held.messages, system)), added]
    request = LLMRequest(messages=messages, model=model, temperature=temperature, max_tokens=max_tokens)
    # Standard input is read before there is an event loop: in one, Ctrl-C would wait for its end.
    try:
        manner = _Manner(stream=stream, plain=plain, json=json)
        response, said = asyncio.run(_answer(request, profile, manner, _Tools(tool or (), mcp or ())))
    except ProviderError as error:
        if verbose or len(error.attempts) > 1:
            report_attempts(error.attempts)
        raise
    _keep(Conversation(model, [*messages, *said]))
    _account(response, verbose=verbose)


class _Manner(NamedTuple):
    """The form of the output."""

    stream: bool
    plain: bool
    json: bool


class _Tools(NamedTuple):
    """The tools that options name."""

    functions: Sequence[str]
    servers: Sequence[str]


async def _answer(
    request: LLMRequest, profile: str | None, manner: _Manner, named: _Tools
) -> tuple[LLMResponse, list[Message]]:
    """Print the answer, and return it with all the messages after the question."""
    report_logs()
    async with await ring_for(request.model) as ring, open_tools(*named) as tools:
        exchange = Exchange(ring, request, profile, tools)
        return await _print(exchange, manner), exchange.said


async def _print(exchange: Exchange, manner: _Manner) -> LLMResponse:
    if manner.json and manner.stream:
        return await print_lines(exchange)
    if manner.stream or (sys.stdout.isatty() and not manner.json):
        writer = markdown_writer if sys.stdout.isatty() and not manner.plain else plain_writer
        return await show(exchange, writer)
    response = await ask(exchange)
    print_json(response_json(response)) if manner.json else write_exact(f"{response.content}\n")
    return response


def _keep(conversation: Conversation) -> None:
    try:
        save_conversation(Path.cwd(), conversation)
    except OSError as error:
        report(f"warning: the conversation cannot be saved for --continue: {error}")


def _account(response: LLMResponse, *, verbose: bool) -> None:
    for warning in response.warnings:
        report(f"warning: {warning}")
    if response.finish_reason not in ("stop", "tool_calls", None):
        report(f"warning: the answer ended early: {response.finish_reason}")
    if verbose:
        report_response(response)
