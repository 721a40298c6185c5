"""The SQLite file of a store of conversations: its tables, their earlier versions, and the index of what was said.

The index is made by FTS5 (https://www.sqlite.org/fts5.html), which some builds of SQLite lack. There conversations are
marked as not indexed, and a search reads them one by one; where FTS5 is present again, the next save or search indexes
what is marked.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from llmring_types.exceptions import ConfigurationError

from llmring._database import connect, marks, require_sqlite

if TYPE_CHECKING:
    import sqlite3

_APPLICATION = 0x4C4C4D43
"""``LLMC``: marks the file as ours. https://www.sqlite.org/pragma.html#pragma_application_id"""
VERSION = 2
_TABLES = (
    """CREATE TABLE conversation (
        number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, title TEXT NOT NULL, topic TEXT, model TEXT,
        created_at TEXT NOT NULL, changed_at TEXT NOT NULL, messages INTEGER NOT NULL, cost REAL,
        unindexed INTEGER NOT NULL, document BLOB NOT NULL)""",
    "CREATE INDEX conversation_changed_at ON conversation (changed_at)",
    "CREATE INDEX conversation_unindexed ON conversation (number) WHERE unindexed",
)
_FROM_1 = (
    "ALTER TABLE conversation RENAME TO earlier",
    "DROP INDEX conversation_changed_at",
    *_TABLES,
    """INSERT INTO conversation (id, title, model, created_at, changed_at, messages, cost, document, unindexed)
        SELECT id, title, model, created_at, changed_at, messages, cost, document, 1 FROM earlier ORDER BY rowid""",
    "DROP TABLE earlier",
)
_INDEX = "CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5(text)"
_AROUND = 40
"""Characters on both sides of a word that was found, where no index makes the excerpt."""


class Found(NamedTuple):
    """A conversation that a search has found.

    Attributes:
        number: its row.
        excerpt: the place, with the words in ``[ ]``.
    """

    number: int
    excerpt: str


@contextmanager
def opened(path: Path, *, writing: bool = False, create: bool = False) -> Iterator["sqlite3.Connection"]:
    """Open the file, brought to the present version. What is written is written whole or not at all.

    Args:
        path: where it is; where there is none, what is read is empty.
        writing: hold others off until the end.
        create: make the file, readable by its owner alone.

    Raises:
        ConfigurationError: it cannot be opened, or is not ours.
    """
    require_sqlite(
        "the store of conversations needs", ", or keep each conversation in a file (Conversation.save)"
    )
    import sqlite3  # noqa: PLC0415 - checked on the line above

    if create and not path.exists():
        _make(path)
    place = path if create or path.exists() else ":memory:"
    try:
        with closing(connect(place, synchronous="FULL")) as database:
            _check(database, path)
            database.execute("PRAGMA secure_delete = ON")  # what is deleted is overwritten
            with database:
                if writing:
                    database.execute("BEGIN IMMEDIATE")
                yield database
    except sqlite3.Error as error:
        # SQLite's bare DatabaseError: the file is damaged, or is no database.
        mend = "; move it away, and a new one is made" if type(error) is sqlite3.DatabaseError else ""
        raise ConfigurationError(
            f"the store of conversations {path}: {error}{mend}", original=error
        ) from error


def _make(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)
    except OSError as error:
        raise ConfigurationError(
            f"the store of conversations {path} cannot be made: {error.strerror}", original=error
        ) from error


def _check(database: "sqlite3.Connection", path: Path) -> None:
    if marks(database) == (0, 0) and _is_empty(database):
        _change(database, (0, 0), _TABLES)
    application, version = marks(database)
    if application != _APPLICATION:
        raise ConfigurationError(f"{path} is a database of another program: name another file")
    if version > VERSION:
        raise ConfigurationError(f"{path} was made by a later version of llmring: update llmring")
    if database.execute("SELECT 1 FROM sqlite_master WHERE type IN ('view', 'trigger')").fetchone():
        raise ConfigurationError(  # a query of a view may never end
            f"{path} has views or triggers, which llmring does not make: name another file"
        )
    if version < VERSION:
        _change(database, (application, version), _FROM_1)


def _is_empty(database: "sqlite3.Connection") -> bool:
    return database.execute("SELECT 1 FROM sqlite_master").fetchone() is None


def _change(database: "sqlite3.Connection", before: tuple[int, int], statements: Iterable[str]) -> None:
    """Make the tables and the marks, all or none, unless another process has just done so."""
    with database:
        database.execute("BEGIN IMMEDIATE")
        if marks(database) != before:
            return
        for statement in statements:
            database.execute(statement)
        if has_full_text(database):
            database.execute("DROP TABLE IF EXISTS said")  # the index of version 1
        database.execute(f"PRAGMA application_id = {_APPLICATION}")
        database.execute(f"PRAGMA user_version = {VERSION}")


def has_full_text(database: "sqlite3.Connection") -> bool:
    """Return whether this SQLite has FTS5."""
    return database.execute("SELECT 1 FROM pragma_module_list WHERE name = 'fts5'").fetchone() is not None


def index(database: "sqlite3.Connection", said: Callable[[object], str]) -> bool:
    """Index the conversations that are marked as not indexed; return ``False`` without FTS5.

    Args:
        database: opened for writing.
        said: returns the text of a document.
    """
    if not has_full_text(database):
        return False
    database.execute(_INDEX)
    rows = database.execute("SELECT number, title, document FROM conversation WHERE unindexed").fetchall()
    for number, title, document in rows:
        database.execute("DELETE FROM words WHERE rowid = ?", (number,))
        row = (number, _searched(title, said(document)))
        database.execute("INSERT INTO words (rowid, text) VALUES (?, ?)", row)
        database.execute("UPDATE conversation SET unindexed = 0 WHERE number = ?", (number,))
    return True


def _searched(title: str, said: str) -> str:
    """Return what a search looks into: the title once, which mostly is the beginning of what was said."""
    return said if title.removesuffix("…") in " ".join(said.split()) else f"{title}\n{said}"


def forget(database: "sqlite3.Connection", number: int) -> None:
    """Take a conversation out of the index, and its words out of the file."""
    if has_full_text(database):
        database.execute(_INDEX)
        database.execute("DELETE FROM words WHERE rowid = ?", (number,))
        database.execute("INSERT INTO words (words) VALUES ('optimize')")


def search_index(database: "sqlite3.Connection", words: Sequence[str], limit: int) -> list[Found]:
    """Return the conversations with all the words, the best first."""
    wanted = " ".join(f'"{word.replace(chr(34), chr(34) * 2)}"' for word in words)
    query = "SELECT rowid, snippet(words, 0, '[', ']', '…', 12) FROM words WHERE words MATCH ? ORDER BY rank LIMIT ?"
    return [Found(*row) for row in database.execute(query, (wanted, limit))]


def search_documents(
    database: "sqlite3.Connection", words: Sequence[str], limit: int, said: Callable[[object], str]
) -> list[Found]:
    """Return the conversations with all the words, those changed last first: reads each one."""
    found: list[Found] = []
    patterns = [re.compile(re.escape(word), re.IGNORECASE) for word in words]
    query = "SELECT number, title, document FROM conversation ORDER BY changed_at DESC, number DESC"
    for number, title, document in database.execute(query):
        text = _searched(title, said(document))
        places = [pattern.search(text) for pattern in patterns]
        if all(places):
            found.append(Found(number, _excerpt(text, patterns[0])))
        if len(found) == limit:
            break
    return found


def _excerpt(text: str, pattern: re.Pattern[str]) -> str:
    """Return the surroundings of the last place, which is what was said and not the title."""
    *_, place = pattern.finditer(text)
    start, end = max(place.start() - _AROUND, 0), place.end() + _AROUND
    before, after = text[start : place.start()], text[place.end() : end]
    return f"{'…' * (start > 0)}{before}[{place[0]}]{after}{'…' * (end < len(text))}"
