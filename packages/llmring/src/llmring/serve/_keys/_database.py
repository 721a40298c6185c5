"""The file of keys and accounts: tables in SQLite. What it says opens the gateway and spends money."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from llmring._database import Form, connect, create_or_check
from llmring._database import reported as _reported

if TYPE_CHECKING:
    import sqlite3

_APPLICATION = 0x4C4C4D4B
"""``LLMK``: marks the file as ours. https://www.sqlite.org/pragma.html#pragma_application_id"""
_VERSION = 1
_TABLES = {
    "key": """CREATE TABLE key (
    id TEXT PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE,
    name TEXT NOT NULL,
    aliases TEXT NOT NULL,
    profile TEXT,
    budget TEXT,
    rpm INTEGER,
    tpm INTEGER,
    created_at TEXT NOT NULL,
    revoked_at TEXT
) WITHOUT ROWID""",
    "spend": """CREATE TABLE spend (
    key TEXT NOT NULL,
    period TEXT NOT NULL,
    spent INTEGER NOT NULL DEFAULT 0,
    withheld INTEGER NOT NULL DEFAULT 0,
    excess INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (key, period)
) WITHOUT ROWID""",
    "held": """CREATE TABLE held (
    key TEXT NOT NULL,
    period TEXT NOT NULL,
    worker TEXT NOT NULL,
    amount INTEGER NOT NULL,
    PRIMARY KEY (key, period, worker)
) WITHOUT ROWID""",
    "worker": """CREATE TABLE worker (
    id TEXT PRIMARY KEY,
    seen REAL NOT NULL
) WITHOUT ROWID""",
    "pace": """CREATE TABLE pace (
    key TEXT NOT NULL,
    second INTEGER NOT NULL,
    requests INTEGER NOT NULL,
    tokens INTEGER NOT NULL,
    PRIMARY KEY (key, second)
) WITHOUT ROWID""",
}
KEYS = Form("key store", _APPLICATION, _VERSION, _TABLES)


def open_database(path: Path) -> "sqlite3.Connection":
    """Open the file; make it, readable by its owner alone, if it is not there.

    Raises:
        ConfigurationError: it cannot be made or opened, or is not a file of this kind, version and user.
    """
    with _reported(path, KEYS):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        create_or_check(path, KEYS)
        return connect(path, shared=True)


def reported(path: Path) -> AbstractContextManager[None]:
    """Raise what SQLite and the system report as an error that names the file."""
    return _reported(path, KEYS)


@contextmanager
def changing(database: "sqlite3.Connection") -> Iterator[None]:
    """Make changes, all or none, that no other process comes between."""
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")
