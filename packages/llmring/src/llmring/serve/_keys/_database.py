"""The file of keys and accounts: tables in SQLite. What it says opens the gateway and spends money."""

import logging
import sys
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

from llmring_types.exceptions import ConfigurationError

from llmring._database import Form, connect, create_or_check, reported

if TYPE_CHECKING:
    import sqlite3

_logger = logging.getLogger("llmring.serve")
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


class _Change(NamedTuple):
    make: Callable[["sqlite3.Connection"], None]
    failed: str
    then: Callable[[], None] | None


class Database:
    """The file, for one thread at a time; made, readable by its owner alone, if it is not there.

    ``with database as connection`` reads, or writes in one statement.

    Args:
        path: the file.

    Raises:
        ConfigurationError: it cannot be made or opened, or is not a file of this kind, version and user; or, within
            the block, cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Lock()
        self._posted: deque[_Change] = deque()
        with reported(path, KEYS):
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            create_or_check(path, KEYS)
            self._connection = connect(path, shared=True)

    def __enter__(self) -> "sqlite3.Connection":
        self._lock.acquire()
        return self._connection

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._lock.release()
        if self._posted:
            self._run_posted()
        if error is not None:
            with reported(self._path, KEYS):
                raise error

    @contextmanager
    def change(self) -> Iterator["sqlite3.Connection"]:
        """Make changes, all or none, that no other process comes between.

        Raises:
            ConfigurationError: the file cannot be used.
        """
        with self as connection, _transaction(connection):
            yield connection

    def post(
        self,
        make: Callable[["sqlite3.Connection"], None],
        failed: str,
        then: Callable[[], None] | None = None,
    ) -> None:
        """Make a change soon, in one transaction with others, or have whoever uses the file make it: nobody waits here.

        Soon is :meth:`written`, the next use of the file or the next turn of the loop of asyncio; without one, now.

        Args:
            make: makes it; again, and alone, where one of the others cannot be made.
            failed: is logged where it cannot be made.
            then: is called once it was made, or could not be.
        """
        self._posted.append(_Change(make, failed, then))
        try:
            loop = sys.modules["asyncio"].get_running_loop()
        except (KeyError, RuntimeError):
            self._run_posted()
        else:
            loop.call_soon(self._run_posted)

    def written(self) -> None:
        """Wait until what was posted is written, or could not be."""
        if self._posted or self._lock.locked():
            with self._lock:
                self._make_posted()

    def close(self) -> None:
        """Write what was posted, and close the file."""
        with self._lock:
            self._make_posted()
            self._connection.close()

    def _run_posted(self) -> None:
        while self._posted and self._lock.acquire(blocking=False):
            try:
                self._make_posted()
            finally:
                self._lock.release()

    def _make_posted(self) -> None:
        """Make what was posted. Whoever calls has the lock."""
        changes: list[_Change] = []
        while self._posted:
            changes.append(self._posted.popleft())
        try:
            self._make(changes)
        except ConfigurationError:
            for change in changes:
                try:
                    self._make([change])
                except ConfigurationError:
                    _logger.exception(change.failed)
        for change in changes:
            if change.then is not None:
                change.then()

    def _make(self, changes: list[_Change]) -> None:
        """Make changes in one transaction.

        Raises:
            ConfigurationError: none of them could be made.
        """
        if changes:
            with reported(self._path, KEYS), _transaction(self._connection):
                for change in changes:
                    change.make(self._connection)


@contextmanager
def _transaction(connection: "sqlite3.Connection") -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # SQLite itself rolls back after some errors
            connection.execute("ROLLBACK")
        raise
