"""``llmring server conversations``."""

from collections.abc import Sequence
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from llmring_cli._output import (
    CommandError,
    count_text,
    dollars_text,
    dollars_texts,
    print_json,
    print_table,
    print_text,
    report,
)
from llmring_cli._parameters import Flag, Json
from llmring_cli.server.access import DEFAULT, ApiKey, EnvFile, ServerUrl, connected, require_access
from llmring_cli.server.answers import Conversation, StoredMessage, read_answer

_MOST_MESSAGES = 1000


async def conversations(
    conversation_id: str | None = None,
    *,
    limit: Annotated[int, Parameter(validator=Number(gte=1, lte=100))] = 20,
    offset: Annotated[int, Parameter(validator=Number(gte=0))] = 0,
    messages: Flag = False,
    server: ServerUrl = None,
    api_key: ApiKey = None,
    env_file: EnvFile = DEFAULT,
    json: Json = False,
) -> None:
    """List the conversations stored on the usage server for this key, latest change first, or show one.

    Applications store them if they log conversations. JSON output is the server's answer, without the key that
    it repeats. Exit code 3 if the server cannot be reached.

    $ llmring server conversations
    $ llmring server conversations 4e9cbf04-e065-4ae8-909d-96dcae793caf --messages

    Args:
        conversation_id: Show this one.
        limit: Maximum number, up to 100.
        offset: Skip this many.
        messages: Include the first 1,000 messages of the conversation.
    """
    if messages and conversation_id is None:
        raise CommandError("--messages needs the id of a conversation")
    url, key = require_access(server, api_key, env_file)
    if conversation_id is None:
        async with connected(url, key) as client:
            found = await client.conversations(limit=limit, offset=offset)
        if json:
            print_json(found)
        else:
            _list(read_answer(found, list[Conversation]))
        return
    async with connected(url, key) as client:
        one = await client.conversation(
            conversation_id, include_messages=messages, message_limit=_MOST_MESSAGES
        )
    if json:
        print_json(one)
        return
    _show(read_answer(one, Conversation))
    for message in read_answer(one.get("messages") or [], list[StoredMessage]):
        print_text(f"\n{message.role}: {_text_of(message)}")


def _list(found: Sequence[Conversation]) -> None:
    if not found:
        report("no conversations")
    costs = dollars_texts([each.total_cost for each in found])
    table = [
        (
            each.id,
            each.title or "-",
            (each.updated_at or "-")[:16].replace("T", " "),
            f"{each.message_count:,}",
            cost,
        )
        for each, cost in zip(found, costs, strict=True)
    ]
    print_table(("id", "title", "changed (UTC)", "messages", "cost"), table)


def _show(one: Conversation) -> None:
    rows = [
        ("id", one.id),
        ("title", one.title or "-"),
        ("model", one.model_alias or "-"),
        ("messages", f"{one.message_count:,}"),
        ("input", f"{one.total_input_tokens:,} tokens"),
        ("output", f"{one.total_output_tokens:,} tokens"),
        ("cost", dollars_text(one.total_cost)),
    ]
    print_table(("", ""), rows)


def _text_of(message: StoredMessage) -> str:
    calls = len(message.tool_calls or ())
    called = f"[{count_text(calls, 'tool call')}]" if calls else ""
    return " ".join(filter(None, (message.content, called))) or "-"
