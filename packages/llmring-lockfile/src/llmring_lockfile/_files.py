"""The only disk access to lockfiles: read, create, and replace as a whole."""

import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from llmring_types.exceptions import (
    LockfileError,
    LockfileExistsError,
    LockfileNotFoundError,
    LockfileParseError,
    LockfileWriteError,
)

from llmring_lockfile._atomic import resolve_target, write_atomically
from llmring_lockfile._filelock import exclusive
from llmring_lockfile._project import find_project_root

BUNDLED = Path(__file__).with_name("llmring.lock")
"""The lockfile inside this package: only what ``llmring lock chat`` needs to help write a real one."""

Signature = tuple[int, int, int]
"""Modification time in nanoseconds, size and inode: differs once a file was edited or replaced."""


def signature(path: Path) -> Signature | None:
    """What tells one state of a file from the next; ``None`` while there is no file."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def read_text(path: Path) -> str:
    """The text of a lockfile with its line ends as they are.

    Raises:
        LockfileNotFoundError: there is no such file (also a ``FileNotFoundError``).
        LockfileParseError: it is not UTF-8.
        LockfileError: it cannot be read.
    """
    try:
        return path.read_bytes().decode()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise LockfileNotFoundError(
            f"there is no lockfile {path}. Create one with: llmring lock init --file {path}",
            path=str(path),
            original=error,
        ) from error
    except UnicodeDecodeError as error:
        raise LockfileParseError(
            f"{path}: expected text in UTF-8, got other bytes at {error.start}",
            path=str(path),
            original=error,
        ) from error
    except OSError as error:
        raise LockfileError(
            f"cannot read the lockfile {path}: {error.strerror}", path=str(path), original=error
        ) from error


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
            resolve_target(path, follow=True, inside=_project_around(path))
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


def _project_around(path: Path) -> Path:
    """The folder whose symbolic links are not trusted: the repository around a path as it is written."""
    folder = Path(os.path.abspath(path)).parent  # noqa: PTH100 - without following links
    repository = next((above for above in (folder, *folder.parents) if (above / ".git").exists()), None)
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
