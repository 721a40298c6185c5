"""``llmring chat``."""

import asyncio
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from cyclopts import Parameter
from llmring import LLMRequest, LLMResponse
from llmring_types import Message
from llmring_types.exceptions import LLMRingError

from llmring_cli._live import ring_for
from llmring_cli._mistakes import explained
from llmring_cli._output import CommandError, print_json, report_logs, write_exact
from llmring_cli._parameters import Count, Flag, Json, ModelName, ProfileName
from llmring_cli.chat.answer import (
    ask,
    markdown_writer,
    plain_writer,
    print_lines,
    report_attempts,
    report_response,
    report_warnings,
    response_json,
    show,
)
from llmring_cli.chat.exchange import Exchange, open_tools
from llmring_cli.chat.interactive import Opening, converse
from llmring_cli.chat.message import read_message
from llmring_cli.chat.saved import Held, Record, begin, last_of, saving_is_on

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
    no_save: Flag = False,
    json: Json = False,
    verbose: Annotated[Flag, Parameter(alias="-v")] = False,
) -> None:
    """Send a message and print the answer, or hold a conversation.

    Without a message, a terminal opens a conversation; /help lists its commands. A terminal shows the answer as
    Markdown while it arrives, and piped input is added to the message. Without a lockfile and --model, the first
    provider that has a key or runs answers, otherwise a simulated model; the command prints which one. Conversations
    are saved, of single questions the last one in each working directory: see llmring chats.

    $ llmring chat
    $ llmring chat "What is a monad?"
    $ llmring chat --continue "And in Python?"
    $ git diff | llmring chat "Review this change." --model reviewer
    $ llmring chat "What does this show?" --file chart.png
    $ llmring chat "Which file is the largest?" --mcp "npx -y @modelcontextprotocol/server-filesystem ."

    Args:
        message: The message. In a pipe, it is read from standard input if omitted or "-".
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
        no_save: Save nothing.
        verbose: Report model, tokens, cost and attempts on standard error.
    """
    converses = message is None and not json and sys.stdin.isatty() and sys.stdout.isatty()
    added = None if converses else read_message(message, file or ())
    held = last_of(Path.cwd()) if continue_ else None
    record = Record(Path.cwd(), on=saving_is_on(no_save=no_save), held=held)
    options = {"temperature": temperature, "max_tokens": max_tokens}
    tools = _Tools(tool or (), mcp or ())
    if added is None:
        attached = [str(path) for path in file or ()]
        opening = Opening(model, profile, system, options, attached, tools, held, plain, verbose)
        asyncio.run(converse(opening, record))
        return
    asked = _Asked(added, model, profile, system, options, held)
    # Standard input is read before there is an event loop: in one, Ctrl-C would wait for its end.
    try:
        manner = _Manner(stream=stream, plain=plain, json=json)
        response = asyncio.run(_answer(asked, manner, tools, record))
    except LLMRingError as error:
        if verbose:
            report_attempts(error.attempts)
        raise CommandError(explained(error, asked.name)) from error
    report_warnings(response)
    if verbose:
        report_response(response)


class _Manner(NamedTuple):
    """The form of the output."""

    stream: bool
    plain: bool
    json: bool


class _Tools(NamedTuple):
    """The tools that options name."""

    functions: Sequence[str]
    servers: Sequence[str]


class _Asked(NamedTuple):
    """The question.

    Attributes:
        message: of the user.
        model: of the option.
        profile: of the option.
        system: of the option.
        options: further fields of the request.
        held: the conversation that it continues.
    """

    message: Message
    model: str | None
    profile: str | None
    system: str | None
    options: dict[str, Any]
    held: Held | None

    @property
    def name(self) -> str | None:
        """The alias or ``provider:model`` that is to answer; ``None`` for the default."""
        return self.model or (self.held and self.held.model)


async def _answer(asked: _Asked, manner: _Manner, named: _Tools, record: Record) -> LLMResponse:
    """Print the answer, save it with its question, and return it."""
    report_logs()
    async with await ring_for(asked.name) as ring, open_tools(*named) as tools:
        conversation = begin(ring, asked.held, model=asked.name, profile=asked.profile, system=asked.system)
        conversation.append(asked.message)
        given = {name: value for name, value in asked.options.items() if value is not None}
        request = LLMRequest(
            list(conversation.messages), conversation.model, **{**conversation.options, **given}
        )
        exchange = Exchange(ring, request, conversation.profile, tools)
        response = await _print(exchange, manner)
        exchange.add_to(conversation)
        record.save(conversation, question=asked.held is None)
    return response


async def _print(exchange: Exchange, manner: _Manner) -> LLMResponse:
    if manner.json and manner.stream:
        return await print_lines(exchange)
    if manner.stream or (sys.stdout.isatty() and not manner.json):
        writer = markdown_writer if sys.stdout.isatty() and not manner.plain else plain_writer
        return await show(exchange, writer)
    response = await ask(exchange)
    print_json(response_json(response)) if manner.json else write_exact(f"{response.content}\n")
    return response
