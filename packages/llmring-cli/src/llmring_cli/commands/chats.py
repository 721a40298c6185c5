"""``llmring chats``: the saved conversations."""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from cyclopts import Parameter
from llmring.conversation import ConversationStore, StoredConversation

from llmring_cli._files import write_output
from llmring_cli._output import (
    FAILED,
    WRONG_USAGE,
    CommandError,
    confirm,
    count_text,
    dollars_texts,
    one_line,
    print_json,
    print_table,
    report,
    screen_width,
    write_exact,
)
from llmring_cli._parameters import Count, Flag, Json, ModelName, ProfileName
from llmring_cli.chat.saved import EVERY, Record, find, hold, open_store, read, saving_is_on, topic_of
from llmring_cli.chat.transcript import conversation_json, exported, found_json, markdown

Chat = Annotated[
    str | None, Parameter(help="The id, or how it begins. Default: the conversation that changed last.")
]
Here = Annotated[Flag, Parameter(name="--here", help="Only conversations of the working directory.")]


_SHORT_ID, _LEAST_TITLE, _OTHER_COLUMNS = 8, 20, 52


def list_chats(
    *, limit: Annotated[Count, Parameter(alias="-n")] = 20, here: Here = False, json: Json = False
) -> None:
    """List the saved conversations, latest change first.

    llmring chat saves them, in a file that only you can read; LLMRING_SAVE_CHATS=off or --no-save saves none. Of
    single questions, the last one of each folder is kept.

    $ llmring chats list
    $ llmring chats list --here

    Args:
        limit: Maximum number.
    """
    found = open_store().list(limit=limit, topic=topic_of(Path.cwd()) if here else None)
    if json:
        print_json([found_json(each) for each in found])
        return
    if not found:
        report("no conversation is saved; to begin one: llmring chat")
    costs = dollars_texts([each.cost for each in found])
    print_table(
        ("id", "title", "changed (UTC)", "messages", "cost"),
        [
            (*_named(each), f"{each.changed_at:%Y-%m-%d %H:%M}", f"{each.messages:,}", cost)
            for each, cost in zip(found, costs, strict=True)
        ],
    )


def _named(found: StoredConversation) -> tuple[str, str]:
    """Return id and title; a terminal shows as much of both as fits beside the other columns."""
    title = one_line(found.title) or "-"
    if not sys.stdout.isatty():
        return found.id, title
    room = screen_width() - _OTHER_COLUMNS
    if room < _LEAST_TITLE:  # the row becomes a block, in which the title has a line of its own
        room = screen_width()
    return found.id[:_SHORT_ID], title if len(title) <= room else f"{title[: room - 1]}…"


def show(chat: Chat = None, /, *, json: Json = False) -> None:
    """Show a saved conversation.

    A terminal shows Markdown as it is meant, anything else gets it as it was written.

    $ llmring chats show
    $ llmring chats show 3f9c

    """
    store = open_store()
    found = find(store, chat)
    messages = read(store, found.id).messages
    if json:
        print_json(conversation_json(found, messages))
    elif sys.stdout.isatty():
        from llmring_cli.chat.answer import markdown_writer  # noqa: PLC0415 - pipes do without

        with markdown_writer() as write:
            write(markdown(found, messages, hard_breaks=True))
    else:
        write_exact(f"{markdown(found, messages)}\n")


def continue_(
    chat: Chat = None,
    /,
    *,
    model: Annotated[ModelName | None, Parameter(alias="-m")] = None,
    tool: Annotated[list[str] | None, Parameter(negative="")] = None,
    mcp: Annotated[list[str] | None, Parameter(negative="")] = None,
    profile: ProfileName = None,
    plain: Flag = False,
    verbose: Annotated[Flag, Parameter(alias="-v")] = False,
) -> None:
    """Continue a saved conversation on the terminal.

    It keeps its instructions, and its model unless you name another one. To continue the last
    conversation of a folder with one question: llmring chat --continue.

    $ llmring chats continue
    $ llmring chats continue 3f9c --model anthropic:claude-haiku-4-5

    Args:
        model: An alias or provider:model.
        tool: A Python function that the model may call, as module:function. May be given several times.
        mcp: The command or the address of an MCP server whose tools the model may call. May be given several times.
        plain: Print answers as plain text instead of rendering Markdown.
        verbose: Report model, tokens, cost and attempts of each answer.
    """
    from llmring_cli.chat.interactive import Opening, converse  # noqa: PLC0415 - the other commands do without

    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise CommandError('chats continue needs a terminal; without one: llmring chat --continue "…"')
    store = open_store()
    held = hold(store, find(store, chat))
    opening = Opening(
        model=model, profile=profile, tools=(tool or (), mcp or ()), held=held, plain=plain, verbose=verbose
    )
    asyncio.run(converse(opening, Record(Path.cwd(), on=saving_is_on(), held=held)))


def search(
    *words: Annotated[str, Parameter(name="WORD")],
    limit: Annotated[Count, Parameter(alias="-n")] = 20,
    json: Json = False,
) -> int:
    """Search the saved conversations: those in which all the words were said, the best first.

    Exit code 1 if there are none.

    $ llmring chats search monad python

    Args:
        words: What was said, by you, the model or a tool.
        limit: Maximum number.
    """
    if not words:
        raise CommandError('chats search needs a word: llmring chats search "monad"', exit_code=WRONG_USAGE)
    found = open_store().search(" ".join(words), limit=limit)
    if json:
        print_json([{**found_json(each), "excerpt": each.excerpt} for each in found])
    else:
        if not found:
            report("no conversation has all of these words")
        print_table(
            ("id", "title", "changed (UTC)", "found"),
            [(*_named(each), f"{each.changed_at:%Y-%m-%d}", each.excerpt or "-") for each in found],
        )
    return 0 if found else FAILED


def export(
    chat: Chat = None,
    /,
    *,
    format_: Annotated[Literal["md", "json", "jsonl"], Parameter(name="--format")] = "md",
    out: Annotated[Path | None, Parameter(alias="-o")] = None,
) -> None:
    """Write a saved conversation as Markdown or JSON.

    JSON has everything, with the content of attachments; Markdown names them by type and size. JSON lines have one
    message on each line, as requests to models do.

    $ llmring chats export --out talk.md
    $ llmring chats export 3f9c --format json | jq -r '.messages[-1].content'

    Args:
        format_: Markdown, one JSON document, or one line of JSON for each message.
        out: The file, readable by you alone. Default: standard output.
    """
    store = open_store()
    found = find(store, chat)
    text = exported(found, read(store, found.id).messages, format_)
    if out is None:
        write_exact(text)
    else:
        write_output(out, text.encode(), private=True)


class Removed(msgspec.Struct):
    """A conversation that was removed, or stayed.

    Attributes:
        id: its id.
        removed: it is gone.
    """

    id: str
    removed: bool


def remove(
    *chats: Annotated[str, Parameter(name="CHAT")],
    all_: Annotated[Flag, Parameter(name="--all")] = False,
    yes: Annotated[Flag, Parameter(alias="-y")] = False,
    json: Json = False,
) -> int:
    """Remove saved conversations, after a confirmation. Exit code 1 if they stay.

    Their words are overwritten in the file.

    $ llmring chats rm 3f9c
    $ llmring chats rm --all --yes

    Args:
        chats: The ids, or how they begin.
        all_: Remove every conversation.
        yes: Do not ask.
    """
    store = open_store()
    found = _chosen(store, chats, all_=all_)
    removed = bool(found) and (yes or _confirmed(found))
    if removed:
        for each in found:
            store.delete(each.id)
    if json:
        print_json([Removed(each.id, removed) for each in found])
    elif removed:
        report(f"removed {count_text(len(found), 'conversation')}")
    else:
        report("nothing was removed")
    return 0 if removed or not found else FAILED


def _chosen(store: ConversationStore, chats: Sequence[str], *, all_: bool) -> Sequence[StoredConversation]:
    if all_ == bool(chats):
        raise CommandError("chats rm needs the id of a conversation, or --all", exit_code=WRONG_USAGE)
    if all_:
        return store.list(limit=EVERY)
    return list({found.id: found for found in (find(store, chat) for chat in chats)}.values())


def _confirmed(found: Sequence[StoredConversation]) -> bool:
    if not sys.stdin.isatty():
        raise CommandError("without a terminal to ask on, chats rm needs --yes", exit_code=WRONG_USAGE)
    for each in found[:10]:
        report(f"{each.id}  {one_line(each.title)}")
    return confirm(f"remove {count_text(len(found), 'conversation')}?")
