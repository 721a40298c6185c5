"""Conversations in an SQLite file, with a search over what was said."""

import secrets
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from llmring_types import Message
from llmring_types.exceptions import ConfigurationError, ConversationNotFoundError

from llmring.conversation._conversation import Conversation

if TYPE_CHECKING:
    import sqlite3

    from llmring._ring import LLMRing
    from llmring.tools._options import AnyTool

_APPLICATION = 0x4C4C4D43
"""``LLMC``: marks the file as ours. https://www.sqlite.org/pragma.html#pragma_application_id"""
_VERSION = 1
_BUSY_S = 5.0
_LONGEST_TITLE = 60
_MOST = 2**31
"""Rows of a list: more than fit any file, and within the integers of SQLite."""
_CREATE = (
    """CREATE TABLE conversation (
        id TEXT PRIMARY KEY, title TEXT NOT NULL, model TEXT, created_at TEXT NOT NULL, changed_at TEXT NOT NULL,
        messages INTEGER NOT NULL, cost REAL, document BLOB NOT NULL)""",
    "CREATE INDEX conversation_changed_at ON conversation (changed_at)",
    "CREATE VIRTUAL TABLE said USING fts5(id UNINDEXED, text)",
    f"PRAGMA application_id = {_APPLICATION}",
    f"PRAGMA user_version = {_VERSION}",
)


class StoredConversation(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation as lists and searches show it.

    Attributes:
        id: by which it is loaded.
        title: given, or the beginning of the first question.
        model: the alias or ``provider:model`` that it last had.
        created_at: when it was first stored, in UTC.
        changed_at: when it was last stored.
        messages: how many it has.
        cost: US dollars; ``None`` where that is not known.
        excerpt: of a search: the place, with the words found in ``[ ]``.
    """

    id: str
    title: str
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
        self, conversation: Conversation, conversation_id: str | None = None, *, title: str | None = None
    ) -> str:
        """Store a conversation and return its id.

        Args:
            conversation: as it is now.
            conversation_id: of the one that it takes the place of; without it, it is a new one.
            title: for lists; the present one, or the beginning of the first question.

        Raises:
            ConfigurationError: the file is of another program or of a later version.
        """
        now = datetime.now(UTC).isoformat()
        with self._open(create=True) as database:
            found = (
                conversation_id
                and database.execute(
                    "SELECT title, created_at FROM conversation WHERE id = ?", (conversation_id,)
                ).fetchone()
            )
            identifier = conversation_id or secrets.token_hex(8)
            own_title = _clean(title or (found[0] if found else _title(conversation.messages)))
            row = (
                identifier,
                own_title,
                conversation.model,
                found[1] if found else now,
                now,
                len(conversation.messages),
                conversation.cost,
                conversation.to_json(),
            )
            database.execute("INSERT OR REPLACE INTO conversation VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
            database.execute("DELETE FROM said WHERE id = ?", (identifier,))
            database.execute(
                "INSERT INTO said VALUES (?, ?)",
                (identifier, _clean(f"{own_title}\n{_said(conversation.messages)}")),
            )
            return identifier

    def load(self, conversation_id: str, ring: "LLMRing", *, tools: "Sequence[AnyTool]" = ()) -> Conversation:
        """Return a conversation.

        Raises:
            ConversationNotFoundError: there is none of this id.
            ConfigurationError: the file is of another program or of a later version.
        """
        with self._open() as database:
            row = database.execute(
                "SELECT document FROM conversation WHERE id = ?", (conversation_id,)
            ).fetchone()
        if row is None:
            raise ConversationNotFoundError(f"there is no conversation {conversation_id!r} in {self.path}")
        if not isinstance(row[0], bytes | str):
            raise ConfigurationError(f"{self.path} holds no conversation under {conversation_id!r}")
        return Conversation.from_json(row[0], ring, tools=tools)

    def delete(self, conversation_id: str) -> bool:
        """Remove a conversation; ``False`` where there is none of this id."""
        with self._open() as database:
            database.execute("DELETE FROM said WHERE id = ?", (conversation_id,))
            deleted = database.execute("DELETE FROM conversation WHERE id = ?", (conversation_id,))
            return deleted.rowcount > 0

    def list(self, *, limit: int = 50, offset: int = 0) -> list[StoredConversation]:
        """Return the conversations, those changed last first."""
        limit, offset = min(limit, _MOST), min(offset, _MOST)
        query = f"SELECT {_COLUMNS}, NULL FROM conversation c ORDER BY changed_at DESC, rowid DESC LIMIT ? OFFSET ?"  # noqa: S608 - no input
        with self._open() as database:
            return [_read(row) for row in database.execute(query, (limit, offset))]

    def search(self, words: str, *, limit: int = 50) -> "Sequence[StoredConversation]":
        """Return the conversations in which all the words were said, the best first."""
        wanted = " ".join(f'"{word.replace(chr(34), chr(34) * 2)}"' for word in _clean(words).split())
        if not wanted:
            return []
        query = (
            f"SELECT {_COLUMNS}, snippet(said, 1, '[', ']', '…', 12) "  # noqa: S608 - no input
            "FROM said JOIN conversation c USING (id) WHERE said MATCH ? ORDER BY rank LIMIT ?"
        )
        with self._open() as database:
            return [_read(row) for row in database.execute(query, (wanted, min(limit, _MOST)))]

    @contextmanager
    def _open(self, *, create: bool = False) -> Iterator["sqlite3.Connection"]:
        """Open the file, and commit at the end.

        Raises:
            ConfigurationError: it cannot be opened, or is not ours.
        """
        try:
            import sqlite3  # noqa: PLC0415 - some builds of Python have none
        except ImportError as error:
            raise ConfigurationError(
                "the store of conversations needs Python's module sqlite3, which this Python lacks: install its "
                "SQLite package, or keep each conversation in a file (Conversation.save)",
                original=error,
            ) from error
        if create and not self.path.exists():
            self._make()
        try:
            with closing(
                sqlite3.connect(self.path if create or self.path.exists() else ":memory:", timeout=_BUSY_S)
            ) as db:
                self._check(db)
                with db:
                    yield db
        except sqlite3.Error as error:
            raise ConfigurationError(f"the store of conversations {self.path}: {error}") from error

    def _make(self) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.path.touch(mode=0o600)
        except OSError as error:
            raise ConfigurationError(
                f"the store of conversations {self.path} cannot be made: {error.strerror}"
            ) from error

    def _check(self, database: "sqlite3.Connection") -> None:
        if _marks(database) == (0, 0) and _is_empty(database):
            _create(database)
        application, version = _marks(database)
        if application != _APPLICATION:
            raise ConfigurationError(f"{self.path} is a database of another program: name another file")
        if version > _VERSION:
            raise ConfigurationError(f"{self.path} was made by a later version of llmring: update llmring")
        if database.execute("SELECT 1 FROM sqlite_master WHERE type IN ('view', 'trigger')").fetchone():
            raise ConfigurationError(  # a query of a view may never end
                f"{self.path} has views or triggers, which llmring does not make: name another file"
            )


_COLUMNS = "c.id, c.title, c.model, c.created_at, c.changed_at, c.messages, c.cost"


def _marks(database: "sqlite3.Connection") -> tuple[int, int]:
    """Return whose file it is, and of which version; zeros where nobody has said."""
    (application,) = database.execute("PRAGMA application_id").fetchone()
    (version,) = database.execute("PRAGMA user_version").fetchone()
    return application, version


def _is_empty(database: "sqlite3.Connection") -> bool:
    return database.execute("SELECT 1 FROM sqlite_master").fetchone() is None


def _create(database: "sqlite3.Connection") -> None:
    """Make the tables and the marks, all or none, unless another process has just made them."""
    with database:
        database.execute("BEGIN IMMEDIATE")
        if _is_empty(database):
            for statement in _CREATE:
                database.execute(statement)


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


def _said(messages: Sequence[Message]) -> str:
    return "\n".join(filter(None, (_text(message) for message in messages if message.role != "system")))


def _text(message: Message) -> str:
    content = message.content
    if isinstance(content, str):
        return content
    return "\n".join(part["text"] for part in content or () if isinstance(part.get("text"), str))
