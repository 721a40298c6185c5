"""SQLite files: how all of them are opened, and which are believed.

Believed are the journals of bulk jobs, ledgers of paces and the keys of a gateway. A file of somebody else's is refused
as such a one: one that others may write or read (a repository cannot carry the mode 0600), a link, one with tables,
views or triggers that llmring does not make.
"""

import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from llmring_types.exceptions import ConfigurationError, LLMRingError

if TYPE_CHECKING:
    import sqlite3

_BUSY_S = 5.0


class Form(NamedTuple):
    """A kind of file.

    Attributes:
        name: for messages.
        application: its mark.
        version: of its tables.
        tables: the statements that make them, by name.
        indexes: those of indexes that a file may have or lack.
    """

    name: str
    application: int
    version: int
    tables: Mapping[str, str]
    indexes: Mapping[str, str] = {}


def place(path: str | Path) -> Path:
    """Return the absolute path, with ``~`` as the user's home: the process may go elsewhere before the first row."""
    try:
        return Path(path).expanduser().absolute()
    except RuntimeError:  # a person that this machine does not know
        return Path(path).absolute()


def require_sqlite(
    what: str = "journals, shared paces and keys of gateways need", otherwise: str = ""
) -> None:
    """Check that this Python can open such a file.

    Args:
        what: the beginning of the message.
        otherwise: its end, such as ``, or do without``.

    Raises:
        ConfigurationError: it was built without SQLite.
    """
    try:
        import sqlite3  # noqa: F401, PLC0415 - some builds of Python have none
    except ImportError as error:
        raise ConfigurationError(
            f"{what} Python's module sqlite3, which this Python lacks: install its SQLite package{otherwise}",
            original=error,
        ) from error


def create_or_check(path: Path, form: Form) -> None:
    """Make the file, readable by its owner alone, or check that the one that is there is ours.

    Raises:
        ConfigurationError: it cannot be made or opened, or is not of this form and version, or not this user's.
    """
    with reported(path, form):
        path.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        descriptor = os.open(path, flags, 0o600)
        try:
            _check_owner(path, os.fstat(descriptor), form)
        finally:
            os.close(descriptor)
        with closing(connect(path)) as database:
            if not database.execute("SELECT 1 FROM sqlite_master").fetchone() and marks(database) == (0, 0):
                _create(database, form)
            _check(database, path, form)
            database.execute("PRAGMA journal_mode = WAL")  # https://www.sqlite.org/wal.html


def connect(
    path: Path | str,
    *,
    read_only: bool = False,
    shared: bool = False,
    busy_s: float = _BUSY_S,
    synchronous: Literal["FULL", "NORMAL"] = "NORMAL",
) -> "sqlite3.Connection":
    """Open a checked file.

    Args:
        path: the file, or ``:memory:``.
        read_only: refuse every change.
        shared: for threads that take turns, not for one alone.
        busy_s: seconds to wait for another process that holds it.
        synchronous: each commit is in the file, and safe from the end of the process. With write-ahead logging,
            ``NORMAL`` waits for the disk at checkpoints only, so that a power failure may lose the last commits.
            https://www.sqlite.org/pragma.html#pragma_synchronous
    """
    import sqlite3  # noqa: PLC0415 - most rings have no such file

    database = sqlite3.connect(path, timeout=busy_s, isolation_level=None, check_same_thread=not shared)
    try:
        database.execute(f"PRAGMA synchronous = {synchronous}")
        if read_only:
            database.execute("PRAGMA query_only = ON")
    except sqlite3.Error:
        database.close()
        raise
    return database


@contextmanager
def reported(path: Path, form: Form) -> Iterator[None]:
    """Translate the errors of SQLite and of the system.

    Raises:
        ConfigurationError: with the reason.
    """
    require_sqlite()
    import sqlite3  # noqa: PLC0415 - checked on the line above

    try:
        yield
    except LLMRingError:  # some are a ValueError as well
        raise
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
    application, version = marks(database)
    if application != form.application:
        raise ConfigurationError(f"{path} is a file of another program: name another one for the {form.name}")
    if version != form.version:
        raise ConfigurationError(
            f"the {form.name} {path} has version {version}, and this llmring reads {form.version}"
            + (": update llmring" if version > form.version else "")
        )
    found = dict(database.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"))
    if {**form.indexes, **found} != {
        **form.indexes,
        **form.tables,
    }:  # a trigger or a generated column could change what is written and read
        raise ConfigurationError(
            f"the {form.name} {path} has tables, views or triggers that llmring does not make: name another file"
        )


def marks(database: "sqlite3.Connection") -> tuple[int, int]:
    """Return whose file it is, and of which version; zeros where nobody has said."""
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
