"""Create and replace lockfiles on disk, one writer at a time across processes and threads."""

import os
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from llmring_types.exceptions import (
    LockfileError,
    LockfileExistsError,
    LockfileNotFoundError,
    LockfileWriteError,
)

from llmring_lockfile._atomic import resolve_target, write_atomically
from llmring_lockfile._files import BUNDLED, find_project_root, is_repository

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


def check_writable(path: Path) -> Path:
    """Return the file that an edit of ``path`` replaces: ``path`` itself, or what a symbolic link leads to.

    Links are followed only within the project, since a repository may hold a link to any file of whoever clones it.

    Raises:
        LockfileWriteError: the bundled lockfile; one whose permissions let nobody write it, whatever the process may
            do; a folder or device; the target of a link that leads out of the project; or a path that no
            file can have.
    """
    try:
        target = resolve_target(path, follow=True)
        if target != BUNDLED.resolve():
            for project in _projects_around(path):
                resolve_target(path, follow=True, inside=project)
        found = target.lstat() if target.exists() else None
    except OSError as error:
        raise LockfileWriteError(
            f"cannot write {str(path)!r}: {error.strerror}", path=str(path), original=error
        ) from error
    if target == BUNDLED.resolve():
        raise LockfileWriteError(
            f"{path} came with llmring-lockfile and is never written. "
            "Create your own with: llmring lock init (it writes ./llmring.lock)",
            path=str(path),
        )
    if found is not None and not stat.S_ISREG(found.st_mode):
        what = "a folder" if stat.S_ISDIR(found.st_mode) else "no regular file"
        raise LockfileWriteError(f"{path} is {what}. Name a file, such as llmring.lock", path=str(path))
    if found is not None and not found.st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH):
        raise LockfileWriteError(
            f"{path} is read-only. Make it writable, or create another with: llmring lock init --file PATH",
            path=str(path),
        )
    return target


def _projects_around(path: Path) -> list[Path]:
    """The folders whose symbolic links are not trusted: the repositories around the working directory and a path.

    A link in the path may lead to a folder that looks like a repository of its own, so the path alone does not tell.
    """
    folder = Path(os.path.abspath(path)).parent  # noqa: PTH100 - without following links
    projects = [_project_around(folder)]
    with suppress(OSError):  # the working directory has been removed
        projects.append(_project_around(Path.cwd()))
    return projects


def _project_around(folder: Path) -> Path:
    repository = next((above for above in (folder, *folder.parents) if is_repository(above)), None)
    return repository or find_project_root(folder) or folder


@contextmanager
def locked_for_writing(path: Path, timeout: float) -> Iterator[Path]:
    """Hold the right to replace a lockfile; gives the file behind any links.

    Raises:
        LockfileNotFoundError: there is no such file.
        LockfileWriteError: bundled, read-only, or held by another process for ``timeout`` seconds.
    """
    target = check_writable(path)
    with ExitStack() as held:
        with _write_errors(path):  # the block's own errors are not about the lockfile
            held.enter_context(exclusive(target, timeout))
        yield target


def replace_text(path: Path, text: str) -> None:
    """Put new text in place of a file's, at once and for good; its permissions stay."""
    with _write_errors(path):
        write_atomically(path, text.encode())


def create_text(path: Path, text: str, *, force: bool) -> None:
    """Create a file, at once; with ``force`` in place of one that may exist.

    Raises:
        LockfileExistsError: it exists and ``force`` is not set (also a ``FileExistsError``).
        LockfileWriteError: it cannot be made.
    """
    target = check_writable(path)
    with _write_errors(path):
        try:
            write_atomically(target, text.encode(), replace=force)
        except FileExistsError as error:
            raise LockfileExistsError(
                f"{path} exists. Write over it with: llmring lock init --file {path} --force", path=str(path)
            ) from error


@contextmanager
def _write_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except LockfileError:
        raise
    except FileNotFoundError as error:
        missing = path if path.parent.is_dir() else path.parent
        raise LockfileNotFoundError(
            f"there is no {missing}. Create a lockfile with: llmring lock init",
            path=str(path),
            original=error,
        ) from error
    except OSError as error:
        raise LockfileWriteError(
            f"cannot write {path}: {error.strerror or error}. Make the file and its folder writable, "
            "or create a lockfile elsewhere with: llmring lock init --file PATH",
            path=str(path),
            original=error,
        ) from error
