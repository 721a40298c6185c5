"""One writer at a time, across processes and threads."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from llmring_types.exceptions import LockfileWriteError

_FIRST_PAUSE = 0.002
_LONGEST_PAUSE = 0.01

if sys.platform == "win32":
    import msvcrt

    def _open(path: Path) -> int:
        # Windows cannot replace a file that is open, so the lock is a file beside it.
        return os.open(path.with_name(path.name + ".guard"), os.O_RDWR | os.O_CREAT)

    def _try_lock(handle: int) -> bool:
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
        return True

    def _is_current(handle: int, path: Path) -> bool:  # noqa: ARG001 - the file beside it is never replaced
        return True

else:
    import fcntl

    def _open(path: Path) -> int:
        return os.open(path, os.O_RDWR)

    def _try_lock(handle: int) -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _is_current(handle: int, path: Path) -> bool:
        # Whoever held the lock before may have put another file in place of the one that is open here.
        try:
            return os.path.samestat(os.fstat(handle), path.stat())
        except FileNotFoundError:
            return False


@contextmanager
def exclusive(path: Path, timeout: float) -> Iterator[None]:
    """Hold the right to replace an existing file.

    Args:
        path: the file itself, no link to it.
        timeout: seconds to wait for another writer.

    Raises:
        LockfileWriteError: another process held it all that time.
        OSError: the file cannot be opened for writing.
    """
    handle = _acquire(path, time.monotonic() + timeout)
    if handle is None:
        raise LockfileWriteError(
            f"another process has been writing {path} for {timeout:g} seconds. "
            "Try again, or end that process if it hangs",
            path=str(path),
        )
    try:
        yield
    finally:
        os.close(handle)  # which also lets go of the lock


def _acquire(path: Path, deadline: float) -> int | None:
    pause = _FIRST_PAUSE
    while True:
        handle = _open(path)
        held = False
        try:
            held = _try_lock(handle) and _is_current(handle, path)
        finally:
            if not held:
                os.close(handle)
        if held:
            return handle
        left = deadline - time.monotonic()
        if left <= 0:
            return None
        time.sleep(min(pause, left))
        pause = min(pause * 2, _LONGEST_PAUSE)
