"""Conversations in an SQLite file, with a search over what was said."""

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from llmring_types import Message
from llmring_types.exceptions import ConfigurationError, ConversationNotFoundError

from llmring._json import DECODE_ERRORS
from llmring.conversation._conversation import Conversation
from llmring.conversation._tables import forget, index, opened, search_documents, search_index

if TYPE_CHECKING:
    from llmring._ring import LLMRing
    from llmring.tools._options import AnyTool

_LONGEST_TITLE = 60
_MOST = 2**31
"""Rows of a list: more than fit any file, and within the integers of SQLite."""
_COLUMNS = "id, title, topic, model, created_at, changed_at, messages, cost"


class StoredConversation(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation as lists and searches show it.

    Attributes:
        id: by which it is loaded.
        title: given, or the beginning of the first question.
        topic: given: what lists are narrowed by, such as a folder or a customer.
        model: the alias or ``provider:model`` that it last had.
        created_at: when it was first stored, in UTC.
        changed_at: when it was last stored.
        messages: how many it has.
        cost: US dollars; ``None`` where that is not known.
        excerpt: of a search: the place, with the words found in ``[ ]``.
    """

    id: str
    title: str
    topic: str | None = None
    model: str | None
    created_at: datetime
    changed_at: datetime
    messages: int
    cost: float | None
    excerpt: str | None = None


class ConversationStore:
    """Keeps conversations in one SQLite file that only its owner can read. Its methods do I/O and do not await.

    Args:
        path: the file; made at the first :meth:`save`.
    """

    def __init__(self, path: str | Path) -> None:
        try:
            self.path = Path(path).expanduser()
        except RuntimeError:  # a person that this machine does not know
            self.path = Path(path)

    def save(
        self,
        conversation: Conversation,
        conversation_id: str | None = None,
        *,
        title: str | None = None,
        topic: str | None = None,
    ) -> str:
        """Store a conversation and return its id.

        Args:
            conversation: as it is now.
            conversation_id: of the one that it takes the place of; without it, it is a new one.
            title: for lists; the present one, or the beginning of the first question.
            topic: what lists are narrowed by; the present one, or none.

        Raises:
            ConfigurationError: the file is of another program or of a later version.
        """
        now = datetime.now(UTC).isoformat()
        identifier = conversation_id or secrets.token_hex(8)
        document = conversation.to_json()
        with opened(self.path, writing=True, create=True) as database:
            query = "SELECT title, topic, created_at FROM conversation WHERE id = ?"
            before = database.execute(query, (identifier,)).fetchone() or (None, None, now)
            row = (
                identifier,
                _clean(title or before[0] or _title(conversation.messages)),
                before[1] if topic is None else _clean(topic),
                conversation.model,
                before[2],
                now,
                len(conversation.messages),
                conversation.cost,
                document,
            )
            database.execute(
                f"INSERT INTO conversation ({_COLUMNS}, document, unindexed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 1) "  # noqa: S608 - no input
                "ON CONFLICT (id) DO UPDATE SET title = excluded.title, topic = excluded.topic, "
                "model = excluded.model, changed_at = excluded.changed_at, messages = excluded.messages, "
                "cost = excluded.cost, document = excluded.document, unindexed = 1",
                row,
            )
            index(database, _said)
        return identifier

    def load(self, conversation_id: str, ring: "LLMRing", *, tools: "Sequence[AnyTool]" = ()) -> Conversation:
        """Return a conversation.

        Raises:
            ConversationNotFoundError: there is none of this id.
            ConfigurationError: the file is of another program or of a later version.
        """
        return Conversation.from_json(self.document(conversation_id), ring, tools=tools)

    def document(self, conversation_id: str) -> bytes:
        """Return a conversation as :meth:`Conversation.to_json` wrote it, for programs that have no ring.

        Raises:
            ConversationNotFoundError: there is none of this id.
            ConfigurationError: the file is of another program or of a later version.
        """
        with opened(self.path) as database:
            row = database.execute(
                "SELECT document FROM conversation WHERE id = ?", (conversation_id,)
            ).fetchone()
        if row is None:
            raise ConversationNotFoundError(f"there is no conversation {conversation_id!r} in {self.path}")
        if not isinstance(row[0], bytes):
            raise ConfigurationError(f"{self.path} holds no conversation under {conversation_id!r}")
        return row[0]

    def delete(self, conversation_id: str) -> bool:
        """Remove a conversation; ``False`` where there is none of this id."""
        with opened(self.path, writing=True) as database:
            query = "SELECT number FROM conversation WHERE id = ?"
            found = database.execute(query, (conversation_id,)).fetchone()
            if found is None:
                return False
            database.execute("DELETE FROM conversation WHERE number = ?", found)
            forget(database, found[0])
        return True

    def list(self, *, limit: int = 50, offset: int = 0, topic: str | None = None) -> list[StoredConversation]:
        """Return the conversations, those changed last first.

        Args:
            limit: at most so many.
            offset: after so many.
            topic: only those of this one.
        """
        query = (
            f"SELECT {_COLUMNS}, NULL FROM conversation WHERE topic = ?1 OR ?1 IS NULL "  # noqa: S608 - no input
            "ORDER BY changed_at DESC, number DESC LIMIT ?2 OFFSET ?3"
        )
        wanted = (None if topic is None else _clean(topic), min(limit, _MOST), min(offset, _MOST))
        with opened(self.path) as database:
            return [_read(row) for row in database.execute(query, wanted)]

    def search(self, words: str, *, limit: int = 50) -> "Sequence[StoredConversation]":
        """Return the conversations in which all the words were said, the best first.

        Without FTS5 in Python's SQLite, each conversation is read, words are found within longer ones too, and those
        changed last come first.
        """
        wanted, most = _clean(words).split(), min(limit, _MOST)
        if not wanted:
            return []
        with opened(self.path, writing=True) as database:
            if index(database, _said):
                found = search_index(database, wanted, most)
            else:
                found = search_documents(database, wanted, most, _said)
            query = f"SELECT {_COLUMNS}, ? FROM conversation WHERE number = ?"  # noqa: S608 - no input
            rows = (database.execute(query, (each.excerpt, each.number)).fetchone() for each in found)
            return [_read(row) for row in rows if row is not None]


def _read(row: Sequence[object]) -> StoredConversation:
    fields = dict(zip(StoredConversation.__struct_fields__, row, strict=True))
    try:
        return msgspec.convert(fields, StoredConversation)
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"the store has a row that is no conversation: {error}") from error


def _title(messages: Sequence[Message]) -> str:
    first = next((_text(message) for message in messages if message.role == "user"), "")
    line = " ".join(first.split())
    return line if len(line) <= _LONGEST_TITLE else f"{line[: _LONGEST_TITLE - 1]}…"


def _clean(text: str) -> str:
    """Return the text without halves of surrogate pairs, which UTF-8 cannot carry."""
    return text.encode(errors="replace").decode()


class _Words(msgspec.Struct):
    """The part of a document that is searched."""

    messages: list[Message] = []


def _said(document: object) -> str:
    """Return the text of a document; nothing where it is none, which loading it reports."""
    if not isinstance(document, bytes):
        return ""
    try:
        messages = msgspec.json.decode(document, type=_Words).messages
    except DECODE_ERRORS:
        return ""
    return _clean("\n".join(filter(None, (_text(each) for each in messages if each.role != "system"))))


def _text(message: Message) -> str:
    content = message.content
    if isinstance(content, str):
        return content
    return "\n".join(part["text"] for part in content or () if isinstance(part.get("text"), str))
