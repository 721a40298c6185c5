"""Conversations as text: what was said, as Markdown for people and as JSON for programs."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from llmring.conversation import Conversation, StoredConversation
from llmring_types import Message, ToolCall

from llmring_cli._output import count_text, dollars_text, json_text, one_line

_LONGEST_TITLE = 60
CUT = "cut"
"""The key in the metadata of an answer that was interrupted."""
_SPEAKERS = {"system": "Instructions", "user": "You", "assistant": "Model", "tool": "Tool"}


def speaker(message: Message) -> str:
    """Return who speaks, for a heading."""
    name = _SPEAKERS[message.role]
    if message.role == "tool" and message.name:
        name = f"{name} {one_line(message.name)}"
    return f"{name} (cut off)" if is_cut(message) else name


def is_cut(message: Message) -> bool:
    """Return whether an answer was interrupted."""
    return bool(message.metadata and message.metadata.get(CUT))


def text_of(message: Message) -> str:
    """Return the text of a message; other parts and calls of tools as a line each."""
    content = message.content
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content or []
    lines = [_part_text(part) for part in parts]
    lines += [_call_text(call) for call in message.tool_calls or ()]
    return "\n\n".join(line for line in lines if line.strip())


def _part_text(part: dict[str, Any]) -> str:
    text = part.get("text")
    if isinstance(text, str):
        return text
    image, source = part.get("image_url"), part.get("source")
    if isinstance(image, dict):
        return f"[image: {_address(str(image.get('url')))}]"
    if isinstance(source, dict):
        data = source.get("data")
        where = (
            _size(data) if isinstance(data, str) else str(source.get("url") or source.get("file_id") or "")
        )
        return f"[{source.get('media_type') or part['type']}: {where}]"
    return f"[{part['type']}]"


def _address(url: str) -> str:
    """Return an address, of a data URL its type and size."""
    if not url.startswith("data:"):
        return url
    head, _, data = url.partition(",")
    return f"{head.removeprefix('data:').partition(';')[0]}, {_size(data)}"


def _size(base64: str) -> str:
    return count_text(len(base64.rstrip("=")) * 3 // 4, "byte")


def _call_text(call: ToolCall) -> str:
    function = dict[str, Any](call).get("function") or {}  # a provider's own tools have none
    return f"[calls {function.get('name', 'a tool')}({function.get('arguments', '')})]"


def markdown(found: StoredConversation, messages: Sequence[Message], *, hard_breaks: bool = False) -> str:
    """Return a whole conversation as Markdown.

    Args:
        found: as lists show it.
        messages: of it.
        hard_breaks: keep the lines of the user's messages, which are no Markdown, apart where it is rendered.
    """
    sections = _sections(messages, hard_breaks=hard_breaks)
    return "\n\n".join([f"# {one_line(found.title) or 'Without a title'}", _about(found), *sections])


def _about(found: StoredConversation) -> str:
    changed = f"{found.changed_at:%Y-%m-%d %H:%M} UTC"
    facts = [found.id, one_line(found.model or "default"), changed, count_text(found.messages, "message")]
    return " · ".join([*facts, dollars_text(found.cost)])


def _sections(messages: Iterable[Message], *, hard_breaks: bool) -> Iterator[str]:
    for message in messages:
        text = text_of(message)
        if message.role == "user" and hard_breaks:  # https://spec.commonmark.org/0.31.2/#hard-line-breaks
            text = text.replace("\n", "  \n")
        if message.role == "tool":  # results may be anything: they stay apart from what was said
            text = "\n".join(f"> {line}".rstrip() for line in text.splitlines())
        yield f"## {speaker(message)}\n\n{text}".rstrip()


def exported(found: StoredConversation, messages: Sequence[Message], format_: str) -> str:
    """Return a whole conversation as ``json``, ``jsonl`` (one message on each line), or else Markdown."""
    if format_ == "json":
        return json_text(conversation_json(found, messages), indent=2) + "\n"
    if format_ == "jsonl":
        return "".join(f"{json_text(message)}\n" for message in messages)
    return f"{markdown(found, messages)}\n"


def described(conversation: Conversation, conversation_id: str | None) -> StoredConversation:
    """Return a conversation that is not saved, or not yet, as lists show it."""
    first = next((text_of(each) for each in conversation.messages if each.role == "user"), "")
    now = datetime.now(UTC)
    return StoredConversation(
        id=conversation_id or "not saved",
        title=" ".join(first.split())[:_LONGEST_TITLE],
        model=conversation.model,
        created_at=now,
        changed_at=now,
        messages=len(conversation.messages),
        cost=conversation.cost,
    )


def conversation_json(found: StoredConversation, messages: Sequence[Message]) -> dict[str, Any]:
    """Return a whole conversation as JSON values."""
    return {**found_json(found), "messages": list(messages)}


def found_json(found: StoredConversation) -> dict[str, Any]:
    """Return a conversation of a list as JSON values; ``count`` is the number of its messages."""
    return {
        "id": found.id,
        "title": found.title,
        "folder": found.topic,
        "model": found.model,
        "created_at": found.created_at.isoformat(timespec="seconds"),
        "changed_at": found.changed_at.isoformat(timespec="seconds"),
        "count": found.messages,
        "cost": found.cost,
    }
