"""The observer that writes the log, in a thread of its own."""

import logging
import os
import queue
import threading
import weakref
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from llmring._records import CallRecord
from llmring._runtime import Clock, SystemClock
from llmring._settings import known_secrets
from llmring.usage._database import (
    LogLockedError,
    LogUnwritableError,
    insert,
    open_to_write,
    place,
    put_aside,
    require_log,
    waiting_files,
    waiting_rows,
)
from llmring.usage._entry import UsageEntry, entry_of

if TYPE_CHECKING:
    import sqlite3

_logger = logging.getLogger("llmring.usage")
_SIZE = 10_000
_BATCH = 500
_BATCH_S = 0.05
"""The age of the first record at which a batch is written: what a killed process loses."""
_RETRY_S = 1.0
"""Seconds between attempts to write rows that wait for a lock."""
_CLOSE_LIMIT_S = 5.0
_POLL_S = 0.005

_Queue = queue.SimpleQueue[CallRecord | None]
Secrets = Callable[[], Iterable[str]]


class UsageLog:
    """Writes a row for every call.

    Records are written in batches of 50 ms. What a process that is killed has not written is lost, and nothing else.
    While another process holds the file, rows wait; those that still wait at the end are put into a file beside the
    log, private to its owner, from which the next writer takes them. A log that cannot be written causes one warning;
    calls go on.

    Args:
        path: the file; it and its folder are made when the first call has ended.
        secrets: returns the values that must not be in a row, should a host repeat one: by default those of the
            environment.

    Raises:
        ConfigurationError: this Python has no SQLite.
    """

    def __init__(self, path: str | Path, *, secrets: Secrets = known_secrets) -> None:
        require_log()
        self.path = place(path).absolute()  # the process may go elsewhere before the first call
        self._queue: _Queue = queue.SimpleQueue()
        self._closing = threading.Event()
        self._writer = _Writer(self.path, self._queue, self._closing, secrets)
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._full = False

    def __call__(self, record: CallRecord, /) -> None:
        if self._queue.qsize() < _SIZE:
            self._queue.put(record)
        elif not self._full:
            self._full = True
            _logger.warning("the usage log %s is too slow; records are left out", self.path)
        thread = self._thread
        if thread is None or not thread.is_alive():  # a forked process has no threads
            self._start()

    def close(self) -> None:
        """Write what waits, for at most five seconds, or half a second for a lock. Records may come again."""
        thread, self._thread = self._thread, None
        if thread is not None:
            _stop(self._queue, self._closing, thread)

    async def aclose(self, clock: Clock | None = None) -> None:
        """Close without blocking the event loop."""
        clock = clock or SystemClock()
        thread, self._thread = self._thread, None
        if thread is None or not thread.is_alive():
            return
        _request_stop(self._queue, self._closing)
        deadline = clock.now() + _CLOSE_LIMIT_S
        while thread.is_alive() and clock.now() < deadline:
            await clock.sleep(_POLL_S)

    def _start(self) -> None:
        with self._starting:
            if self._thread is not None and self._thread.is_alive():
                return
            # A daemon, which no exit waits for; the finalizer writes what waits when the interpreter ends.
            self._thread = threading.Thread(target=self._writer.run, name="llmring usage log", daemon=True)
            self._thread.start()
            weakref.finalize(self, _stop, self._queue, self._closing, self._thread)


def _stop(records: _Queue, closing: threading.Event, thread: threading.Thread) -> None:
    if thread.is_alive():
        _request_stop(records, closing)
        thread.join(_CLOSE_LIMIT_S)


def _request_stop(records: _Queue, closing: threading.Event) -> None:
    closing.set()
    records.put(None)


class _Writer:
    """The work of the thread. It holds no reference to the log, so that the end of an abandoned log ends it."""

    def __init__(self, path: Path, records: _Queue, closing: threading.Event, secrets: Secrets) -> None:
        self._path = path
        self._records = records
        self._closing = closing
        self._secrets = secrets
        self._connection: sqlite3.Connection | None = None
        self._of_parent: list[sqlite3.Connection] = []
        self._process = os.getpid()
        self._pending: list[UsageEntry] = []
        self._look_for_waiting = True
        self._warned = False

    def run(self) -> None:
        """Write batches until the request to stop arrives."""
        self._leave_to_parent()
        going = True
        try:
            while going:
                batch, going = self._next_batch()
                secrets = frozenset(self._secrets()) if batch else frozenset()
                self._pending += (entry_of(record, secrets) for record in batch)
                self._write()
                if self._pending and (not going or len(self._pending) >= _SIZE):
                    self._put_aside()
        finally:
            self._closing.clear()
            self._disconnect()

    def _leave_to_parent(self) -> None:
        """After a fork: SQLite allows no connection to be used or closed by a child. The parent writes its rows."""
        if self._process != os.getpid():
            self._process = os.getpid()
            if self._connection is not None:
                self._of_parent.append(self._connection)
            self._connection, self._pending = None, []

    def _next_batch(self) -> tuple[list[CallRecord], bool]:
        """Wait for a record, let others follow, and take them all; ``False`` after the request to stop.

        Waking for each record would take the interpreter away from the caller each time.
        """
        batch: list[CallRecord] = []
        try:
            record = self._records.get(timeout=_RETRY_S if self._pending else None)
        except queue.Empty:
            return batch, True
        if record is not None and self._records.qsize() < _BATCH:
            self._closing.wait(_BATCH_S)
        while record is not None:
            batch.append(record)
            if len(batch) == _BATCH:
                return batch, True
            try:
                record = self._records.get_nowait()
            except queue.Empty:
                return batch, True
        return batch, False

    def _write(self) -> None:
        if not self._pending:
            return
        try:
            if self._connection is None:
                self._connection = open_to_write(self._path)
            insert(self._connection, self._pending)
            self._pending = []
            self._take_waiting(self._connection)
        except LogLockedError:
            return
        except LogUnwritableError as error:
            self._pending = []
            self._disconnect()
            self._warn(error)

    def _take_waiting(self, connection: "sqlite3.Connection") -> None:
        """Write the rows that this process or another has put aside. Those that are there already are left out."""
        if not self._look_for_waiting:
            return
        for file in waiting_files(self._path):
            insert(connection, waiting_rows(file))
            with suppress(OSError):  # taken over again next time, which changes nothing
                file.unlink()
        self._look_for_waiting = False

    def _put_aside(self) -> None:
        rows, self._pending = self._pending, []
        self._look_for_waiting = True
        try:
            put_aside(self._path, rows)
        except OSError as error:
            self._warn(error)

    def _warn(self, error: Exception) -> None:
        if not self._warned:
            self._warned = True
            _logger.warning("the usage log %s cannot be written: %s", self._path, error)

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
