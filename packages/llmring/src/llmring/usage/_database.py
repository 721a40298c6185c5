"""The file: one table in SQLite."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec
from llmring_types.exceptions import ConfigurationError

from llmring.usage._entry import UsageEntry

_VERSION = 1
_BUSY_MS = 5000
FIELDS = UsageEntry.__struct_fields__
_CREATE = """
CREATE TABLE IF NOT EXISTS usage (
    id TEXT PRIMARY KEY,
    logged_at TEXT NOT NULL,
    provider TEXT,
    model TEXT,
    alias TEXT,
    profile TEXT,
    origin TEXT,
    input_tokens INTEGER,
    output_tokens INTEGER,
    cached_input_tokens INTEGER,
    cost REAL,
    latency_ms INTEGER,
    first_chunk_ms INTEGER,
    ending TEXT NOT NULL,
    error TEXT,
    finish_reason TEXT,
    streamed INTEGER NOT NULL,
    estimated INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    failed_cost REAL NOT NULL,
    metadata TEXT NOT NULL
)
"""
_INDEX = "CREATE INDEX IF NOT EXISTS usage_logged_at ON usage (logged_at)"
_INSERT = f"INSERT OR IGNORE INTO usage ({', '.join(FIELDS)}) VALUES ({', '.join('?' * len(FIELDS))})"  # noqa: S608


def open_to_write(path: Path) -> sqlite3.Connection:
    """Open the log, made if it is not there.

    Write-ahead logging lets readers read meanwhile, and a process that dies in the middle of a batch loses that batch
    and nothing else. https://www.sqlite.org/wal.html

    Raises:
        OSError: the folder cannot be made.
        sqlite3.Error: the file cannot be opened, or is not a database.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(_CREATE)
        connection.execute(_INDEX)
        connection.execute(f"PRAGMA user_version = {_VERSION}")
    except BaseException:
        connection.close()
        raise
    return connection


def place(path: str | Path) -> Path:
    """Return the file that is meant: ``~`` is the user's home, where there is one."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


@contextmanager
def open_to_read(path: Path) -> Iterator[sqlite3.Connection]:
    """Open the log, and close it at the end.

    Raises:
        ConfigurationError: there is no log, or the file is not one, or of a later version, or cannot be read;
            the last also while rows are fetched.
    """
    if not path.is_file():
        raise ConfigurationError(
            f"there is no usage log {path}; LLMRING_USAGE_LOG or usage_log= has rings write one"
        )
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version != _VERSION:
                raise ConfigurationError(f"{path} is not a usage log of this version of llmring")
            yield connection
    except sqlite3.Error as error:
        raise ConfigurationError(f"{path} cannot be read as a usage log: {error}", original=error) from error


def insert(connection: sqlite3.Connection, entries: Iterable[UsageEntry]) -> None:
    """Write a batch, whole or not at all.

    Raises:
        sqlite3.Error: it cannot be written; nothing of it is.
    """
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(_INSERT, map(msgspec.structs.astuple, entries))
