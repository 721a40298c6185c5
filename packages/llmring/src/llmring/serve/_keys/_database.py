"""The file of keys and accounts: tables in SQLite.

What it says opens the gateway and spends money, so a file of somebody else's is refused: one that others may read or
write (no repository carries the mode 0600), a link, one with tables, views or triggers that llmring does not make.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from llmring_types.exceptions import ConfigurationError

if TYPE_CHECKING:
    import sqlite3

_APPLICATION = 0x4C4C4D4B
"""``LLMK``: marks the file as ours. https://www.sqlite.org/pragma.html#pragma_application_id"""
_VERSION = 1
_BUSY_S = 5.0
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


def open_database(path: Path) -> "sqlite3.Connection":
    """Open the file; make it, readable by its owner alone, if it is not there.

    Each commit outlives the process; a power failure may lose the last ones (``synchronous = NORMAL``).
    https://www.sqlite.org/pragma.html#pragma_synchronous

    Raises:
        ConfigurationError: it cannot be made or opened, or is not a file of this kind, version and user.
    """
    with reported(path):
        import sqlite3  # noqa: PLC0415 - only gateways with keys need it

        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        descriptor = os.open(path, flags, 0o600)
        with closing(os.fdopen(descriptor, "rb")):
            _check_owner(path, os.fstat(descriptor))
        database = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
        try:
            database.execute("BEGIN IMMEDIATE")
            if not database.execute("SELECT 1 FROM sqlite_master").fetchone() and _marks(database) == (0, 0):
                _create(database)
            _check(database, path)
            database.execute("COMMIT")
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = NORMAL")
        except BaseException:
            database.close()
            raise
    return database


@contextmanager
def reported(path: Path) -> Iterator[None]:
    """Raise what SQLite and the system report as an error that names the file.

    Raises:
        ConfigurationError: whatever they raise.
    """
    try:
        import sqlite3  # noqa: PLC0415 - some builds of Python have none
    except ImportError as error:
        raise ConfigurationError(
            "keys need Python's module sqlite3, which this Python lacks: install its SQLite package",
            original=error,
        ) from error
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise ConfigurationError(f"the key store {path} cannot be used: {reason}", original=error) from error


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


def _check_owner(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise ConfigurationError(f"the key store {path} is not a file")
    if os.name == "posix" and (status.st_uid != os.geteuid() or stat.S_IMODE(status.st_mode) & 0o077):
        raise ConfigurationError(
            f"the key store {path} must be yours and readable by you alone; if you made it: chmod 600 {path}"
        )


def _create(database: "sqlite3.Connection") -> None:
    for statement in _TABLES.values():
        database.execute(statement)
    database.execute(f"PRAGMA application_id = {_APPLICATION}")
    database.execute(f"PRAGMA user_version = {_VERSION}")


def _check(database: "sqlite3.Connection", path: Path) -> None:
    application, version = _marks(database)
    if application != _APPLICATION:
        raise ConfigurationError(f"{path} is a database of another program, not a key store")
    if version > _VERSION:
        raise ConfigurationError(f"the key store {path} is of a later version of llmring")
    found = dict(database.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"))
    if found != _TABLES:
        raise ConfigurationError(f"the key store {path} has tables that llmring does not make")


def _marks(database: "sqlite3.Connection") -> tuple[int, int]:
    (application,) = database.execute("PRAGMA application_id").fetchone()
    (version,) = database.execute("PRAGMA user_version").fetchone()
    return application, version
