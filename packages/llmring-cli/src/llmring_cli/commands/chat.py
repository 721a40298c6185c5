"""``llmring chat``."""

import asyncio
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from cyclopts import Parameter
from llmring import LLMRequest, LLMResponse, LLMRing, provider_access
from llmring.conversation import Conversation
from llmring_types import Message, ReasoningEffort
from llmring_types.exceptions import ProviderError

from llmring_cli._live import ring_for
from llmring_cli._mistakes import doubts, explained
from llmring_cli._output import CommandError, print_json, report, report_logs, write_exact
from llmring_cli._parameters import Count, Flag, Json, ModelName, ProfileName
from llmring_cli._schemas import read_schema
from llmring_cli.chat.answer import (
    ask,
    markdown_writer,
    plain_writer,
    print_count,
    print_lines,
    report_attempts,
    report_response,
    report_warnings,
    response_json,
    show,
)
from llmring_cli.chat.delivery import copy as copy_text
from llmring_cli.chat.delivery import first_block
from llmring_cli.chat.exchange import Exchange, open_tools
from llmring_cli.chat.message import message_of, read_words
from llmring_cli.chat.saved import Held, Record, begin, last_of, saving_is_on
from llmring_cli.chat.templates import json_values, read_pairs, read_template

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
    attach: Annotated[
        list[str] | None,
        Parameter(name=("--attach", "--file", "-a", "-f"), negative="", allow_leading_hyphen=True),
    ] = None,
    template: Annotated[str | None, Parameter(alias="-t")] = None,
    param: Annotated[list[str] | None, Parameter(alias="-p", negative="")] = None,
    continue_: Annotated[Flag, Parameter(name=("--continue", "-c"))] = False,
    tool: Annotated[list[str] | None, Parameter(negative="")] = None,
    mcp: Annotated[list[str] | None, Parameter(negative="")] = None,
    temperature: float | None = None,
    max_tokens: Count | None = None,
    reasoning: ReasoningEffort | None = None,
    schema: str | None = None,
    option: Annotated[list[str] | None, Parameter(alias="-o", negative="")] = None,
    profile: ProfileName = None,
    stream: Annotated[bool | None, Parameter(negative="--no-stream")] = None,
    extract: Annotated[Flag, Parameter(alias="-x")] = False,
    copy: Flag = False,
    count: Flag = False,
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
    $ llmring chat "What do these show?" --attach "charts/*.png"
    $ llmring chat "Invent a dog" --schema "name, age int, tricks str[]"
    $ cat letter.txt | llmring chat --template translate --param language=French
    $ llmring chat "Which file is the largest?" --mcp "npx -y @modelcontextprotocol/server-filesystem ."

    Args:
        message: The message. In a pipe, it is read from standard input if omitted or "-".
        model: An alias or provider:model. Default: the alias "default".
        system: Instructions for the model.
        attach: A file to attach, a pattern of files, a URL, or - for piped input. May be given several times.
        template: A template of the user configuration or of .llmring/templates: see llmring help templates.
        param: A variable of the template, as name=value. May be given several times.
        continue_: Continue the last conversation of this working directory.
        tool: A Python function that the model may call, as module:function. May be given several times.
        mcp: The command or the address of an MCP server whose tools the model may call. May be given several times.
        temperature: 0 for the most likely answer, higher values for more variety.
        max_tokens: Maximum number of tokens in the answer.
        reasoning: How much the model reasons.
        schema: The form of the answer: fields, a JSON Schema, a file that ends in .json, or module:Type.
        option: A parameter for the provider, as name=value. May be given several times.
        stream: Print the answer while it arrives, also without a terminal; with --json one document per piece.
        extract: Print only the first code block of the answer.
        copy: Copy what is printed to the clipboard, too.
        count: Print the tokens and the price, and send nothing.
        plain: Print the answer as plain text instead of rendering Markdown.
        no_save: Save nothing.
        verbose: Report model, tokens, cost and attempts on standard error.
    """
    files = attach or ()
    filled = None if template is None else read_template(template)
    given = {
        "temperature": temperature,
        "max_tokens": max_tokens,
        "reasoning_effort": reasoning,
        "response_format": None if schema is None else read_schema(schema),
        "extra_params": json_values(read_pairs("--option", option or ())) or None,
    }
    options = {name: value for name, value in given.items() if value is not None}
    held = last_of(Path.cwd()) if continue_ else None
    record = Record(Path.cwd(), on=saving_is_on(no_save=no_save), held=held)
    tools = _Tools(tool or (), mcp or ())
    about_one_answer = json or count or extract or copy or stream is False
    on_terminals = sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty()
    if message is None and filled is None and on_terminals and not about_one_answer:
        from llmring_cli.chat.interactive import Opening, converse  # noqa: PLC0415 - one answer does without

        opening = Opening(model, profile, system, options, files, tools, held, plain, verbose)
        asyncio.run(converse(opening, record))
        return
    # Standard input is read before there is an event loop: in one, Ctrl-C would wait for its end.
    words = read_words(message, files, needed=filled is None)
    if filled is not None:
        words, instructions = filled.filled(words, read_pairs("--param", param or ()))
        options, system, model = (
            {**filled.options(), **options},
            system or instructions,
            model or filled.model,
        )
    asked = _Asked(message_of(words, files), model, profile, system, options, held)
    manner = _Manner(
        stream=stream, plain=plain or "response_format" in options, json=json, extract=extract, copy=copy
    )
    try:
        if count:
            asyncio.run(_count(asked, tools, json=json))
            return
        response = asyncio.run(_answer(asked, manner, tools, record))
    except ProviderError as error:
        if verbose:
            report_attempts(error.attempts)
        raise CommandError(explained(error, asked.asked_model)) from error
    report_warnings(response)
    if verbose:
        report_response(response)


class _Manner(NamedTuple):
    """The form of the output."""

    stream: bool | None
    plain: bool
    json: bool
    extract: bool
    copy: bool


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
    def asked_model(self) -> str | None:
        """The model of the option, else of the conversation that is continued."""
        return self.model or (self.held and self.held.model)


async def _answer(asked: _Asked, manner: _Manner, named: _Tools, record: Record) -> LLMResponse:
    """Print the answer, save it with its question, and return it."""
    report_logs()
    async with await ring_for(asked.asked_model) as ring, open_tools(*named) as tools:
        conversation, request = _request(ring, asked)
        exchange = Exchange(ring, request, conversation.profile, tools)
        response = await _print(exchange, manner)
        exchange.add_to(conversation)
        record.save(conversation, question=asked.held is None)
    return response


def _request(ring: LLMRing, asked: _Asked) -> tuple[Conversation, LLMRequest]:
    """Return the conversation with the question, and its request."""
    conversation = begin(
        ring, asked.held, model=asked.asked_model, profile=asked.profile, system=asked.system
    )
    conversation.append(asked.message)
    options = {**conversation.options, **asked.options}
    return conversation, LLMRequest(list(conversation.messages), conversation.model, **options)


async def _count(asked: _Asked, named: _Tools, *, json: bool) -> None:
    """Print what the question would come to."""
    async with await ring_for(asked.asked_model) as ring, open_tools(*named) as tools:
        conversation, request = _request(ring, asked)
        request.tools = [*(request.tools or ()), *(tool.spec() for tool in tools)]
        pool = ring.pool(conversation.model or "default", conversation.profile)
        for doubt in doubts("default", pool, ()):
            report(f"warning: {doubt}")
        for provider in {ref.provider for ref in pool}:
            if provider_access(provider).key_in:  # no key is needed, since nothing is sent
                ring.register_provider(provider, api_key="none")
        least, most = [
            await ring.plan([request], output_tokens=tokens, profile=conversation.profile)
            for tokens in (0, None)
        ]
    print_count(least, most, json=json)


async def _print(exchange: Exchange, manner: _Manner) -> LLMResponse:
    whole = manner.extract or manner.stream is False
    if manner.json and manner.stream:
        response = await print_lines(exchange)
    elif not whole and (manner.stream or (sys.stdout.isatty() and not manner.json)):
        writer = markdown_writer if sys.stdout.isatty() and not manner.plain else plain_writer
        response = await show(exchange, writer)
    else:
        response = await ask(exchange)
        text = first_block(response.content) if manner.extract else response.content
        print_json(response_json(response)) if manner.json else write_exact(f"{text}\n")
    if manner.copy:
        copy_text(first_block(response.content) if manner.extract else response.content)
    return response
