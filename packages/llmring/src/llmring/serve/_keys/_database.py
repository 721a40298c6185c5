"""The file of keys and accounts: tables in SQLite. What it says opens the gateway and spends money."""

import logging
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

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


class Database:
    """The file, for one thread at a time; made, readable by its owner alone, if it is not there.

    Args:
        path: the file.

    Raises:
        ConfigurationError: it cannot be made or opened, or is not a file of this kind, version and user.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Lock()
        self._posted: deque[Callable[[], None]] = deque()
        with reported(path, KEYS):
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            create_or_check(path, KEYS)
            self.connection = connect(path, shared=True)

    @contextmanager
    def use(self) -> Iterator["sqlite3.Connection"]:
        """Read, or write in one statement.

        Raises:
            ConfigurationError: the file cannot be used.
        """
        try:
            with reported(self._path, KEYS), self._lock:
                yield self.connection
        finally:
            if self._posted:
                self._run_posted()

    @contextmanager
    def change(self) -> Iterator["sqlite3.Connection"]:
        """Make changes, all or none, that no other process comes between.

        Raises:
            ConfigurationError: the file cannot be used.
        """
        with self.use() as connection, transaction(connection):
            yield connection

    def post(
        self,
        change: Callable[["sqlite3.Connection"], None],
        failed: str,
        then: Callable[[], None] | None = None,
    ) -> None:
        """Make a change now, or have whoever uses the file make it: nobody waits for it here.

        Args:
            change: makes it.
            failed: is logged where it cannot be made.
            then: is called once it was made, or could not be.
        """

        def make() -> None:
            try:
                with reported(self._path, KEYS):
                    change(self.connection)
            except ConfigurationError:
                _logger.exception(failed)
            if then is not None:
                then()

        self._posted.append(make)
        self._run_posted()

    def written(self) -> None:
        """Wait until what was posted is written."""
        if self._posted:
            with self._lock:
                pass
            self._run_posted()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self.connection.close()

    def _run_posted(self) -> None:
        while self._posted and self._lock.acquire(blocking=False):
            try:
                while self._posted:
                    self._posted.popleft()()
            finally:
                self._lock.release()


@contextmanager
def transaction(connection: "sqlite3.Connection") -> Iterator[None]:
    """Make changes, all or none, that no other process comes between."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
