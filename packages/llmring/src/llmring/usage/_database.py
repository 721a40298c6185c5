"""The files of the usage log: one table in SQLite, and rows that wait beside it.

A file that another program or a later version of llmring made is neither read as a log nor altered: its marks are read
from the file itself, and where they leave a doubt, its tables through a connection that cannot write.

Rows wait in a file beside the log where another process held it until their own process ended: the rows of one process,
one JSON object per line. A writer takes them over and deletes the file; two that do so at once do no harm, since a row
is known by its id.
"""

import os
import secrets
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from llmring_types.exceptions import ConfigurationError

from llmring._database import connect, require_sqlite
from llmring._json import DECODE_ERRORS
from llmring.usage._entry import UsageEntry

if TYPE_CHECKING:
    import sqlite3

_APPLICATION = 0x4C4C4D52
"""``LLMR``: marks the file as ours. https://www.sqlite.org/pragma.html#pragma_application_id"""
_VERSION = 1
_MAGIC = b"SQLite format 3\0"
_OF_OTHERS = "it is a database of another program"
_BUSY_S = 0.1
"""The writer's patience with a lock: its rows can wait."""
_READ_BUSY_S = 5.0
_WAITING = ".waiting"
_row_decoder = msgspec.json.Decoder(UsageEntry)
_MOST = 2**63 - 1
"""The largest integer of SQLite: https://www.sqlite.org/datatype3.html"""
_LOCKED = (5, 6)
"""SQLITE_BUSY and SQLITE_LOCKED: https://www.sqlite.org/rescode.html"""
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


class LogLockedError(Exception):
    """Another process holds the file; the same may work later."""


class LogUnwritableError(Exception):
    """The file cannot be written as a usage log."""


def place(path: str | Path) -> Path:
    """Return the path with ``~`` as the user's home, where there is one."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def require_log() -> None:
    """Check that this Python can open a log.

    Raises:
        ConfigurationError: it was built without SQLite.
    """
    require_sqlite("the usage log needs", ", or unset LLMRING_USAGE_LOG")


@contextmanager
def _writing() -> Iterator[None]:
    """Translate what SQLite and the system raise."""
    import sqlite3  # noqa: PLC0415 - checked when the log was made

    try:
        yield
    except OSError as error:
        raise LogUnwritableError(error.strerror or str(error)) from error
    except sqlite3.Error as error:
        if (getattr(error, "sqlite_errorcode", 0) & 0xFF) in _LOCKED:
            raise LogLockedError(str(error)) from error
        raise LogUnwritableError(str(error)) from error


def open_to_write(path: Path) -> "sqlite3.Connection":
    """Open the log; make it, readable by its owner alone, if it is not there.

    Write-ahead logging lets others read meanwhile, and a process that dies in the middle of a batch loses that batch
    and nothing else. https://www.sqlite.org/wal.html

    Raises:
        LogLockedError: another process holds it.
        LogUnwritableError: it cannot be made or opened, is no database, or is not a usage log of this version.
    """
    with _writing():
        path.parent.mkdir(parents=True, exist_ok=True)
        # SQLite gives the files beside it the same mode.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NONBLOCK", 0), 0o600))
        problem = _problem(path)
        if problem is not None:
            raise LogUnwritableError(problem)
        connection = connect(path, busy_s=_BUSY_S, synchronous="FULL")
        try:
            with connection:  # before there is a write-ahead log, so that the marks are in the file itself
                connection.execute("BEGIN IMMEDIATE")
                connection.execute(_CREATE)
                connection.execute(_INDEX)
                connection.execute(f"PRAGMA user_version = {_VERSION}")
                connection.execute(f"PRAGMA application_id = {_APPLICATION}")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
        except BaseException:
            connection.close()
            raise
    return connection


@contextmanager
def open_to_read(path: Path) -> Iterator["sqlite3.Connection"]:
    """Open the log so that it cannot be changed, and close it at the end.

    Raises:
        ConfigurationError: there is no log, or the file is not one, or of a later version, or cannot be read;
            the last also while rows are fetched.
    """
    require_log()
    import sqlite3  # noqa: PLC0415 - checked on the line above

    try:
        if not path.is_file():
            raise ConfigurationError(
                f"there is no usage log {path}; LLMRING_USAGE_LOG or usage_log= has rings write one"
            )
        problem = _problem(path, busy_s=_READ_BUSY_S)
        if problem is not None or path.stat().st_size == 0:
            raise ConfigurationError(f"{path} cannot be read as a usage log: {problem or 'it is empty'}")
        with closing(connect(path, read_only=True, busy_s=_READ_BUSY_S)) as connection:
            yield connection
    except (sqlite3.Error, OSError, ValueError) as error:  # a ValueError is a path with a zero byte
        raise ConfigurationError(f"{path} cannot be read as a usage log: {error}", original=error) from error


def insert(connection: "sqlite3.Connection", entries: Iterable[UsageEntry]) -> None:
    """Write a batch, whole or not at all. An entry whose id is there already is left out.

    Raises:
        LogLockedError: another process holds the file; nothing was written.
        LogUnwritableError: it cannot be written; nothing was.
    """
    with _writing(), connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(_INSERT, map(msgspec.structs.astuple, entries))


def _problem(path: Path, *, busy_s: float = _BUSY_S) -> str | None:
    """Return why a file that exists is not a log of this version; ``None`` for one that is, or is empty.

    The marks stand in the first 100 bytes: https://www.sqlite.org/fileformat.html#the_database_header
    """
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        return "it is not a file"
    if status.st_size == 0:
        return None
    with path.open("rb") as file:
        head = file.read(100)
    if not head.startswith(_MAGIC):
        return "it is not a database"
    version, application = int.from_bytes(head[60:64]), int.from_bytes(head[68:72])
    if application not in (0, _APPLICATION):
        return _OF_OTHERS
    if version > _VERSION:
        return "it is a usage log of a later version of llmring, or a database of another program"
    return None if application == _APPLICATION or _has_our_table(path, busy_s) else _OF_OTHERS


def _has_our_table(path: Path, busy_s: float) -> bool:
    """Look into a file without our mark: one of an earlier version, or of a process that died while it made it."""
    import sqlite3  # noqa: PLC0415 - checked by the callers

    uri = f"{path.absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, timeout=busy_s, uri=True, isolation_level=None)) as connection:
        columns = {row[1] for row in connection.execute("PRAGMA table_info(usage)")}
        (tables,) = connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
    return not tables or columns.issuperset(FIELDS)


def put_aside(log: Path, rows: Sequence[UsageEntry]) -> None:
    """Write rows into a file of their own, readable by its owner alone.

    Raises:
        OSError: it cannot be written.
    """
    from llmring_lockfile import write_atomically  # noqa: PLC0415 - seldom needed

    path = log.with_name(f"{log.name}.{secrets.token_hex(8)}{_WAITING}")
    write_atomically(path, b"\n".join(map(msgspec.json.encode, rows)) + b"\n", private=True)


def waiting_files(log: Path) -> Iterator[Path]:
    """Yield the files of rows that wait for this log."""
    prefix = f"{log.name}."
    try:
        found = sorted(log.parent.iterdir())
    except OSError:
        return
    for path in found:
        if path.name.startswith(prefix) and path.suffix == _WAITING and path.is_file():
            yield path


def waiting_rows(path: Path) -> Iterator[UsageEntry]:
    """Yield the rows of a file; a line that is none, or has a number that no column can hold, is passed over."""
    try:
        lines = path.read_bytes().splitlines()
    except OSError:  # another writer has taken it over
        return
    for line in lines:
        try:
            row = _row_decoder.decode(line)
        except DECODE_ERRORS:
            continue
        if all(abs(value) <= _MOST for value in msgspec.structs.astuple(row) if isinstance(value, int)):
            yield row
