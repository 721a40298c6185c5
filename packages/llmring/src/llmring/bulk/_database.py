"""The file of a journal: tables in SQLite, documented in ``docs/bulk.md``."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from functools import cache
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec
from llmring_types.exceptions import ConfigurationError

from llmring._database import Form, connect, create_or_check, place, reported
from llmring._json import ENCODE_ERRORS

if TYPE_CHECKING:
    import sqlite3

_APPLICATION = 0x4C4C4D42
"""``LLMB``: marks the file as ours. https://www.sqlite.org/pragma.html#pragma_application_id"""
VERSION = 1
_TABLES = {
    "run": """CREATE TABLE run (
    number INTEGER PRIMARY KEY,
    started_at TEXT NOT NULL,
    ended_at TEXT
)""",
    "row": """CREATE TABLE row (
    key TEXT NOT NULL,
    digest BLOB NOT NULL,
    position INTEGER NOT NULL,
    run INTEGER NOT NULL,
    data TEXT,
    PRIMARY KEY (key, digest)
) WITHOUT ROWID""",
    "outcome": """CREATE TABLE outcome (
    digest BLOB NOT NULL,
    state TEXT NOT NULL,
    model TEXT,
    response TEXT,
    error TEXT,
    cost REAL,
    input_tokens INTEGER,
    output_tokens INTEGER,
    run INTEGER NOT NULL,
    ended_at TEXT NOT NULL
)""",
    "batch_part": """CREATE TABLE batch_part (
    label TEXT PRIMARY KEY,
    state TEXT NOT NULL,
    document TEXT NOT NULL
)""",
}
OUTCOME_INDEX = "CREATE UNIQUE INDEX outcome_digest ON outcome (digest)"
"""Made by the first look for an outcome, or by the second run. Digests are random, so that each outcome that is written
under the index changes another page of it, which is two thirds of the cost; most first runs never look."""
JOURNAL = Form("journal", _APPLICATION, VERSION, _TABLES, {"outcome_digest": OUTCOME_INDEX})

Values: TypeAlias = tuple[Any, ...]
Table: TypeAlias = tuple[str, str, str]
"""The parts of a statement that inserts: its head, the values of a row, its tail."""

ROW: Table = (
    "INSERT INTO row (key, digest, position, run, data) VALUES ",
    "(?, ?, ?, ?, ?)",
    " ON CONFLICT (key, digest) DO UPDATE SET position = excluded.position, run = excluded.run, data = excluded.data",
)
OUTCOME: Table = (
    "INSERT OR REPLACE INTO outcome VALUES ",
    "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    "",
)
BATCH_PART: Table = (
    "INSERT INTO batch_part VALUES ",
    "(?, ?, ?)",
    " ON CONFLICT (label) DO UPDATE SET state = excluded.state, document = excluded.document",
)
_CHUNKS = (64, 32, 16, 8, 4, 2, 1)
"""Rows of one statement, each of which lets go of the interpreter once: 640 of the 999 variables of old SQLite."""


_encode = msgspec.json.Encoder().encode


@contextmanager
def opened(path: str | Path, *, read_only: bool = True) -> Iterator["sqlite3.Connection"]:
    """Open a journal that exists, for a command; changes are committed at the end.

    Raises:
        ConfigurationError: there is none, or it is not ours.
    """
    journal = place(path)
    if not journal.is_file():
        raise ConfigurationError(f"there is no journal {path}; ring.map(…, journal=…) makes one")
    create_or_check(journal, JOURNAL)
    with reported(journal, JOURNAL), closing(connect(journal, read_only=read_only)) as database:
        if read_only:
            yield database
            return
        with database:
            database.execute("BEGIN IMMEDIATE")
            yield database


def insert(connection: "sqlite3.Connection", into: Table, rows: Sequence[Values]) -> None:
    """Insert rows, as many at a time as there are."""
    start = 0
    for size in _CHUNKS:
        while len(rows) - start >= size:
            connection.execute(_statement(into, size), [*chain.from_iterable(rows[start : start + size])])
            start += size


@cache
def _statement(into: Table, rows: int) -> str:
    head, values, tail = into
    return f"{head}{', '.join([values] * rows)}{tail}"


def has_index(connection: "sqlite3.Connection") -> bool:
    """Return whether outcomes can be found by their digests."""
    return bool(connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'outcome_digest'").fetchone())


def json_text(value: object) -> str:
    """Return a value as JSON: objects of the application as their text, lone surrogates escaped."""
    try:
        return _encode(value).decode()
    except ENCODE_ERRORS:
        return _encode(_plain(msgspec.to_builtins(value, enc_hook=str, str_keys=True))).decode()


def utf8(text: str) -> str:
    """Return the text with its lone surrogates escaped."""
    return text if text.isascii() else text.encode(errors="backslashreplace").decode()


def _plain(value: object) -> object:
    if isinstance(value, str):
        return utf8(value)
    if isinstance(value, dict):
        return {utf8(name): _plain(each) for name, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, (list, tuple)) else value
