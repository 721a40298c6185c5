"""The observer that writes the log, in a thread of its own."""

import logging
import queue
import sqlite3
import threading
import weakref
from collections.abc import Sequence
from pathlib import Path

from llmring._records import CallRecord
from llmring._runtime import Clock, SystemClock
from llmring.usage._database import insert, open_to_write, place
from llmring.usage._entry import entry_of

_logger = logging.getLogger("llmring.usage")
_SIZE = 10_000
_BATCH = 500
_BATCH_S = 0.05
"""A batch is written when its first record is this old: what a killed process loses."""
_CLOSE_LIMIT_S = 5.0
_POLL_S = 0.005

_Queue = queue.SimpleQueue[CallRecord | None]


class UsageLog:
    """Writes a row for every call.

    Records are written in batches of 50 ms. What a process that is killed has not written is lost, and nothing else. A
    log that cannot be written is told of once; calls go on.

    Args:
        path: the file; it and its folder are made when the first call has ended.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = place(path).absolute()  # the process may go elsewhere before the first call
        self._queue: _Queue = queue.SimpleQueue()
        self._closing = threading.Event()
        self._writer = _Writer(self.path, self._queue, self._closing)
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
        """Write what waits, for at most five seconds. Records may come again afterwards."""
        thread, self._thread = self._thread, None
        if thread is not None:
            _stop(self._queue, self._closing, thread)

    async def aclose(self, clock: Clock | None = None) -> None:
        """The same without blocking the event loop."""
        clock = clock or SystemClock()
        thread, self._thread = self._thread, None
        if thread is None or not thread.is_alive():
            return
        _tell_to_stop(self._queue, self._closing)
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
        _tell_to_stop(records, closing)
        thread.join(_CLOSE_LIMIT_S)


def _tell_to_stop(records: _Queue, closing: threading.Event) -> None:
    closing.set()
    records.put(None)


class _Writer:
    """What the thread does. It does not know the log, so that a log that nobody holds any more can end it."""

    def __init__(self, path: Path, records: _Queue, closing: threading.Event) -> None:
        self._path = path
        self._records = records
        self._closing = closing
        self._connection: sqlite3.Connection | None = None
        self._warned = False

    def run(self) -> None:
        """Write batches until the sign to stop comes."""
        going = True
        try:
            while going:
                batch, going = self._next_batch()
                if batch:
                    self._write(batch)
        finally:
            self._closing.clear()
            self._disconnect()

    def _next_batch(self) -> tuple[list[CallRecord], bool]:
        """Wait for a record, let others follow, and take them all; ``False`` once the sign to stop has come.

        Waking for each record would take the interpreter away from the caller each time.
        """
        batch: list[CallRecord] = []
        record = self._records.get()
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

    def _write(self, batch: Sequence[CallRecord]) -> None:
        try:
            if self._connection is None:
                self._connection = open_to_write(self._path)
            insert(self._connection, map(entry_of, batch))
        except (OSError, sqlite3.Error, ValueError, OverflowError) as error:
            if len(batch) > 1 and isinstance(error, (ValueError, OverflowError)):
                for record in batch:  # one of them has what no column holds; the others do not go with it
                    self._write([record])
                return
            self._disconnect()
            if not self._warned:
                self._warned = True
                _logger.warning("the usage log %s cannot be written: %s", self._path, error)

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
