"""The journal of a job: outcomes in a file, written by a thread of their own."""

import os
import queue
import sqlite3
import struct
import threading
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Generic, TypeVar

import anyio
import anyio.to_thread
import msgspec
from llmring_types import LLMResponse
from llmring_types.exceptions import ConfigurationError, LLMRingError

from llmring._database import create_or_check, place
from llmring._runtime import LoopHandle
from llmring._tasks import Wakeup
from llmring.bulk._batch_parts import BatchPart
from llmring.bulk._database import (
    BATCH_PART,
    JOURNAL,
    OUTCOME,
    OUTCOME_INDEX,
    ROW,
    has_index,
    json_text,
    utf8,
)
from llmring.bulk._digest import DigestFilter
from llmring.bulk._outcomes import KeptError, is_settled, keep, restore
from llmring.bulk._writer import Entry, JournalWriter, now, stop

T = TypeVar("T")

_FIND = "SELECT state, response, error FROM outcome WHERE digest = ?"
_UNDER_WAY = "SELECT DISTINCT digest FROM row WHERE digest NOT IN (SELECT digest FROM outcome)"

_response_of = msgspec.json.Decoder(LLMResponse).decode
_error_of = msgspec.json.Decoder(KeptError).decode
_part_of = msgspec.json.Decoder(BatchPart).decode


class Journal(Generic[T]):
    """One run of a job in its file.

    Every begin and end of a row is written in the order of the calls; once it is committed, its subject is handed to
    ``on_commit``, in the event loop. Whatever an application has seen is therefore in the file.

    Args:
        path: the file; made if it is not there.
        on_commit: gets the subjects of each commit.
        on_failure: gets the reason why the file can no longer be written.
    """

    def __init__(
        self,
        path: str | Path,
        on_commit: Callable[[Sequence[T | anyio.Event]], object],
        on_failure: Callable[[LLMRingError], object],
    ) -> None:
        self.path = place(path)
        self.run = 0
        self.spent = 0.0
        """Dollars of earlier runs."""
        self.interrupted: set[bytes] = set()
        """Digests of rows that were under way when an earlier run ended."""
        self._seen = DigestFilter()
        self._is_indexed = False
        self._entries: queue.SimpleQueue[Entry[T] | None] = queue.SimpleQueue()
        self._on_commit, self._on_failure = on_commit, on_failure
        self._reader: sqlite3.Connection | None = None
        self._lock: sqlite3.Connection | None = None
        self._over: Wakeup | None = None

    async def open(self) -> None:
        """Open the file for this run alone, and start to write.

        Raises:
            ConfigurationError: it is not a journal, not this user's, or another run uses it.
        """
        await anyio.to_thread.run_sync(self._open)
        self._over = Wakeup()
        writer = JournalWriter(
            self.path,
            self.run,
            self._entries,
            loop=LoopHandle(),
            on_commit=self._on_commit,
            on_failure=self._on_failure,
            over=self._over,
        )
        thread = threading.Thread(target=writer.write_all, name="llmring journal", daemon=True)
        thread.start()
        weakref.finalize(self, stop, self._entries, thread)

    async def aclose(self) -> None:
        """Write what was handed over, and close. It is not cancelled: what was answered stays answered."""
        over, self._over = self._over, None
        with anyio.CancelScope(shield=True):
            if over is not None:
                self._entries.put(None)
                await over.wait()
        for connection in (self._reader, self._lock):
            if connection is not None:
                connection.close()
        self._reader = self._lock = None

    def begin(self, digest: bytes, key: str, position: int, data: object, subject: T) -> None:
        """Write that a row is about to be asked."""
        self._seen.add(digest)
        kept = json_text(data) if isinstance(data, dict) else None
        self._entries.put((ROW, (utf8(key), digest, position, self.run, kept), subject))

    def end(self, digest: bytes, ended: LLMResponse | LLMRingError, cost: float | None, subject: T) -> None:
        """Write the outcome of a row."""
        answered = isinstance(ended, LLMResponse)
        usage = (ended.usage if isinstance(ended, LLMResponse) else None) or {}
        values = (
            digest,
            "answered" if answered else "failed",
            ended.model if isinstance(ended, LLMResponse) else getattr(ended, "model_name", None),
            _response_text(ended) if isinstance(ended, LLMResponse) else None,
            None if isinstance(ended, LLMResponse) else json_text(keep(ended)),
            cost,
            usage.get("prompt_tokens"),
            usage.get("completion_tokens"),
            self.run,
        )
        self._entries.put((OUTCOME, values, subject))

    async def save(self, part: BatchPart) -> None:
        """Write the state of a batch; it is in the file when this returns, and so are all outcomes before it."""
        written = anyio.Event()
        self._entries.put((BATCH_PART, (part.label, part.state, json_text(part)), written))
        await written.wait()

    async def parts(self) -> Sequence[BatchPart]:
        """Return the batches of earlier runs that are not done.

        Raises:
            ConfigurationError: the file holds something else.
        """
        if self._reader is None:
            return ()
        try:
            found = self._reader.execute(
                "SELECT document FROM batch_part WHERE state != 'done' ORDER BY rowid"
            )
            return [_part_of(document) for (document,) in found]
        except (sqlite3.Error, msgspec.MsgspecError, TypeError) as problem:
            raise ConfigurationError(f"the journal {self.path} cannot be read: {problem}") from problem

    async def expect(self, digest: bytes) -> bool:
        """Return whether a request may have an outcome already, which its next one will replace."""
        if not self._seen.may_have(digest):
            return False
        if not self._is_indexed:
            made = anyio.Event()
            self._entries.put((None, (), made))
            await made.wait()
            self._is_indexed = True
        return True

    async def find(self, digest: bytes) -> LLMResponse | LLMRingError | None:
        """Return how a request ended; ``None`` where it did not, or may end otherwise when asked again.

        Raises:
            ConfigurationError: what the file holds is no outcome.
        """
        if not await self.expect(digest) or self._reader is None:
            return None
        try:
            found = self._reader.execute(_FIND, (digest,)).fetchall()
            if not found:
                return None
            state, response, error = found[0]
            if state == "answered":
                return _response_of(response)
            if state != "failed":
                return None
            restored = restore(_error_of(error))
        except (sqlite3.Error, msgspec.MsgspecError, TypeError) as problem:
            raise ConfigurationError(f"the journal {self.path} cannot be read: {problem}") from problem
        return restored if is_settled(restored) else None

    def _open(self) -> None:
        create_or_check(self.path, JOURNAL)
        self._lock = _locked(self.path)
        try:
            reader = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
            self._reader = reader
            (self.run,) = reader.execute("SELECT COALESCE(MAX(number), 0) + 1 FROM run").fetchone()
            reader.execute("INSERT INTO run (number, started_at) VALUES (?, ?)", (self.run, now()))
            if self.run > 1:
                if not has_index(reader):
                    reader.execute(OUTCOME_INDEX)
                self._is_indexed = True
                self.interrupted = {digest for (digest,) in reader.execute(_UNDER_WAY)}
                for (digest,) in reader.execute("SELECT digest FROM outcome"):
                    self._seen.add(digest)
                (self.spent,) = reader.execute("SELECT COALESCE(SUM(cost), 0) FROM outcome").fetchone()
            reader.execute("PRAGMA query_only = ON")
        except (sqlite3.Error, struct.error, TypeError) as error:
            raise ConfigurationError(f"the journal {self.path} cannot be opened: {error}") from error


_LOCK_WAIT_S = 1.0
"""Seconds for a run that was cancelled, and still writes what came, to let go of its journal."""


def _locked(path: Path) -> sqlite3.Connection:
    """Keep other runs away from the journal until the connection is closed, or the process ends.

    SQLite's own lock on a file beside it works on every system, and ends with its holder.

    Raises:
        ConfigurationError: another run holds it.
    """
    beside = path.with_name(f"{path.name}-lock")
    lock: sqlite3.Connection | None = None
    try:
        os.close(os.open(beside, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600))
        lock = sqlite3.connect(beside, timeout=_LOCK_WAIT_S, isolation_level=None, check_same_thread=False)
        lock.execute("BEGIN EXCLUSIVE")
    except (OSError, sqlite3.Error) as error:
        if lock is not None:
            lock.close()
        raise ConfigurationError(
            f"the journal {path} is in use by another run ({error}): wait for its end, or name another file",
            original=error,
        ) from error
    return lock


def _response_text(response: LLMResponse) -> str:
    """Return the answer as JSON, without the object that was read from it: that is read anew."""
    parsed, response.parsed = response.parsed, None
    try:
        return json_text(response)
    finally:
        response.parsed = parsed
