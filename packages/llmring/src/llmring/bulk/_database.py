"""The file of a journal: tables in SQLite, documented in ``docs/bulk.md``.

A journal holds answers that are believed, so a file of somebody else's is refused: one that others may write or read
(a repository cannot carry the mode 0600), a link, one with tables, views or triggers that llmring does not make.
"""

import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from llmring_types.exceptions import ConfigurationError

if TYPE_CHECKING:
    import sqlite3

_APPLICATION = 0x4C4C4D42
"""``LLMB``: marks the file as ours. https://www.sqlite.org/pragma.html#pragma_application_id"""
VERSION = 1
_BUSY_S = 5.0
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
    digest BLOB PRIMARY KEY,
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
    "(?, ?, ?, ?, ?, ?, ?, ?, ?, strftime('%Y-%m-%dT%H:%M:%fZ'))",
    "",
)
BATCH_PART: Table = (
    "INSERT INTO batch_part VALUES ",
    "(?, ?, ?)",
    " ON CONFLICT (label) DO UPDATE SET state = excluded.state, document = excluded.document",
)
_CHUNK = 64
"""Rows of one statement, each of which lets go of the interpreter once: 576 of the 999 variables of old SQLite."""


def place(path: str | Path) -> Path:
    """Return the absolute path, with ``~`` as the user's home: the process may go elsewhere before the first row."""
    try:
        return Path(path).expanduser().absolute()
    except RuntimeError:  # a person that this machine does not know
        return Path(path).absolute()


def require_sqlite() -> None:
    """Check that this Python can open a journal.

    Raises:
        ConfigurationError: it was built without SQLite.
    """
    try:
        import sqlite3  # noqa: F401, PLC0415 - some builds of Python have none
    except ImportError as error:
        raise ConfigurationError(
            "journals and shared paces need Python's module sqlite3, which this Python lacks: install its SQLite package",
            original=error,
        ) from error


class Form(NamedTuple):
    """A kind of file.

    Attributes:
        name: for messages.
        application: its mark.
        version: of its tables.
        tables: the statements that make them, by name.
    """

    name: str
    application: int
    version: int
    tables: Mapping[str, str]


JOURNAL = Form("journal", _APPLICATION, VERSION, _TABLES)


def create_or_check(path: Path, form: Form = JOURNAL) -> None:
    """Make the file, readable by its owner alone, or check that the one that is there is ours.

    Raises:
        ConfigurationError: it cannot be made or opened, or is not of this form and version, or not this user's.
    """
    with _reported(path, form):
        path.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        descriptor = os.open(path, flags, 0o600)
        try:
            _check_owner(path, os.fstat(descriptor), form)
        finally:
            os.close(descriptor)
        with closing(connect(path)) as database:
            if not database.execute("SELECT 1 FROM sqlite_master").fetchone() and _marks(database) == (0, 0):
                _create(database, form)
            _check(database, path, form)
            database.execute("PRAGMA journal_mode = WAL")  # https://www.sqlite.org/wal.html


def connect(path: Path, *, read_only: bool = False) -> "sqlite3.Connection":
    """Open a checked journal. Connections are closed by the thread that opened them.

    Each commit is in the file, and safe from the end of the process; ``synchronous = NORMAL`` waits for the disk at
    checkpoints only, so that a power failure may lose the last commits. https://www.sqlite.org/pragma.html#pragma_synchronous
    """
    import sqlite3  # noqa: PLC0415 - only journals need it

    database = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None)
    try:
        database.execute("PRAGMA synchronous = NORMAL")
        if read_only:
            database.execute("PRAGMA query_only = ON")
    except sqlite3.Error:
        database.close()
        raise
    return database


@contextmanager
def opened(path: str | Path, *, read_only: bool = True) -> Iterator["sqlite3.Connection"]:
    """Open a journal that exists, for a command; changes are committed at the end.

    Raises:
        ConfigurationError: there is none, or it is not ours.
    """
    journal = place(path)
    if not journal.is_file():
        raise ConfigurationError(f"there is no journal {path}; ring.map(…, journal=…) makes one")
    create_or_check(journal)
    with _reported(journal, JOURNAL), closing(connect(journal, read_only=read_only)) as database:
        if read_only:
            yield database
            return
        with database:
            database.execute("BEGIN IMMEDIATE")
            yield database


@contextmanager
def _reported(path: Path, form: Form) -> Iterator[None]:
    """Translate the errors of SQLite and of the system.

    Raises:
        ConfigurationError: with the reason.
    """
    require_sqlite()
    import sqlite3  # noqa: PLC0415 - checked on the line above

    try:
        yield
    except OSError as error:
        reason = "it is a link" if path.is_symlink() else error.strerror
        raise ConfigurationError(
            f"the {form.name} {path} cannot be opened: {reason}", original=error
        ) from error
    except (sqlite3.Error, ValueError) as error:  # a ValueError is a path with a zero byte
        raise ConfigurationError(f"the {form.name} {path}: {error}", original=error) from error


def _check_owner(path: Path, status: os.stat_result, form: Form) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise ConfigurationError(f"the {form.name} {path} is not a file: name another one")
    if os.name != "posix":
        return
    if status.st_uid != os.geteuid():
        raise ConfigurationError(f"the {form.name} {path} belongs to another user: name another file")
    if status.st_mode & 0o077:
        raise ConfigurationError(
            f"others may read or write {path}, which llmring never allows: somebody else made it, or copied it here, and "
            f"the {form.name} is believed. Name another file, or, if it is yours, chmod 600 {path}"
        )


def _check(database: "sqlite3.Connection", path: Path, form: Form) -> None:
    application, version = _marks(database)
    if application != form.application:
        raise ConfigurationError(f"{path} is a file of another program: name another one for the {form.name}")
    if version != form.version:
        raise ConfigurationError(
            f"the {form.name} {path} has version {version}, and this llmring reads {form.version}"
            + (": update llmring" if version > form.version else "")
        )
    found = dict(database.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"))
    if found != form.tables:  # a trigger or a generated column could change what is written and read
        raise ConfigurationError(
            f"the {form.name} {path} has tables, views or triggers that llmring does not make: name another file"
        )


def _marks(database: "sqlite3.Connection") -> tuple[int, int]:
    (application,) = database.execute("PRAGMA application_id").fetchone()
    (version,) = database.execute("PRAGMA user_version").fetchone()
    return application, version


def _create(database: "sqlite3.Connection", form: Form) -> None:
    """Make the tables and the marks, all or none, unless another process has just made them."""
    database.execute("BEGIN IMMEDIATE")
    with database:
        if not database.execute("SELECT 1 FROM sqlite_master").fetchone():
            for statement in form.tables.values():
                database.execute(statement)
            database.execute(f"PRAGMA application_id = {form.application}")
            database.execute(f"PRAGMA user_version = {form.version}")


def insert(connection: "sqlite3.Connection", into: Table, rows: Sequence[Values]) -> None:
    """Insert rows, most of them many at a time."""
    head, values, tail = into
    chunked = len(rows) - len(rows) % _CHUNK
    for start in range(0, chunked, _CHUNK):
        together = [*chain.from_iterable(rows[start : start + _CHUNK])]
        connection.execute(f"{head}{', '.join([values] * _CHUNK)}{tail}", together)
    connection.executemany(f"{head}{values}{tail}", rows[chunked:])
