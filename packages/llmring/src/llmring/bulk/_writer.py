"""The thread of a journal, which writes the begins and ends of rows in batches."""

import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar

import anyio
from llmring_types.exceptions import ConfigurationError, LLMRingError

from llmring._database import connect
from llmring._runtime import LoopHandle
from llmring._tasks import Wakeup
from llmring.bulk._database import BATCH_PART, OUTCOME, OUTCOME_INDEX, ROW, Table, Values, has_index, insert

T = TypeVar("T")

_BATCH_S = 0.002
"""Time in which others may join a commit. A commit for each row would take the interpreter away from the calls."""
_BATCH = 512
_CLOSE_LIMIT_S = 30.0
_CHECKPOINT = "PRAGMA wal_autocheckpoint = 8000"
"""Pages, 32 MB: eight times the default, since the same pages of an index are written again and again."""

Entry = tuple[Table | None, Values, T | anyio.Event]
"""A table, the values of its row, and the subject; without a table, the wish for an index of the outcomes."""


class JournalWriter(Generic[T]):
    """The work of the thread. It holds no reference to the journal, so that the end of an abandoned one ends it.

    Args:
        path: of a checked file.
        run: the number of this run.
        entries: what is to be written; ``None`` ends the work.
        loop: the job's, in which the functions below are called.
        on_commit: gets the subjects of each commit.
        on_failure: gets the reason why the file can no longer be written.
        over: set at the end.
    """

    def __init__(
        self,
        path: Path,
        run: int,
        entries: "queue.SimpleQueue[Entry[T] | None]",
        *,
        loop: LoopHandle,
        on_commit: Callable[[Sequence[T | anyio.Event]], object],
        on_failure: Callable[[LLMRingError], object],
        over: Wakeup,
    ) -> None:
        self._path, self._run, self._entries = path, run, entries
        self._on_commit, self._on_failure = on_commit, on_failure
        self._loop, self._over = loop, over

    def write_all(self) -> None:
        """Commit batches until the journal is closed."""
        try:
            connection = connect(self._path)
            connection.execute(_CHECKPOINT)
            file = _identity(self._path)
            try:
                while batch := self._next_batch():
                    if _identity(self._path) != file:  # SQLite would write to what nobody can open any more
                        raise FileNotFoundError("it was deleted or replaced while the job ran")
                    self._commit(connection, batch)
                connection.execute("UPDATE run SET ended_at = ? WHERE number = ?", (now(), self._run))
            finally:
                connection.close()
        except Exception as error:  # noqa: BLE001 - ends the job, which would wait for its thread for ever
            failure = ConfigurationError(
                f"the journal {self._path} cannot be written: {error}", original=error
            )
            self._loop.run(partial(self._on_failure, failure))
        finally:
            self._over.set()

    def _next_batch(self) -> list[Entry[T]]:
        """Wait for an entry, let others follow, and take them all; none where the journal is closed."""
        batch: list[Entry[T]] = []
        entry = self._entries.get()
        if entry is not None and self._entries.qsize() < _BATCH:
            _PAUSE.wait(_BATCH_S)
        while entry is not None:
            batch.append(entry)
            if len(batch) == _BATCH:
                return batch
            try:
                entry = self._entries.get_nowait()
            except queue.Empty:
                return batch
        if batch:
            self._entries.put(None)  # for the next look
        return batch

    def _commit(self, connection: sqlite3.Connection, batch: Sequence[Entry[T]]) -> None:
        with connection:
            connection.execute("BEGIN IMMEDIATE")
            moment = (now(),)
            insert(connection, ROW, [values for into, values, _ in batch if into is ROW])
            insert(connection, OUTCOME, [values + moment for into, values, _ in batch if into is OUTCOME])
            insert(connection, BATCH_PART, [values for into, values, _ in batch if into is BATCH_PART])
            if any(into is None for into, _, _ in batch) and not has_index(connection):
                connection.execute(OUTCOME_INDEX)
        self._loop.run(partial(self._on_commit, [subject for _, _, subject in batch]))


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


_PAUSE = threading.Event()
"""Never set: waiting for it is a sleep that leaves the interpreter to the calls."""


def stop(entries: "queue.SimpleQueue[Any]", thread: threading.Thread) -> None:
    """Let the thread of an abandoned journal write what it has: also at the end of the interpreter."""
    if thread.is_alive():
        entries.put(None)
        thread.join(_CLOSE_LIMIT_S)


def now() -> str:
    """Return the present moment, in UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
