"""The only disk access to lockfiles: read, create, and replace as a whole."""

import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from llmring_types.exceptions import (
    LockfileError,
    LockfileExistsError,
    LockfileNotFoundError,
    LockfileParseError,
    LockfileWriteError,
)

from llmring_lockfile._filelock import exclusive

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


def check_writable(path: Path) -> None:
    """Refuse files that are not meant to be written, whatever the process may do.

    Raises:
        LockfileWriteError: the bundled lockfile, one whose permissions let nobody write it, or what is not a file at
            all: a folder, or a device such as ``/dev/null``, which a rename would replace; or no file can be there.
    """
    try:
        target = path.resolve()
        path.exists()
    except (OSError, RuntimeError, ValueError) as error:  # too long a name, links in a circle, U+0000
        raise LockfileWriteError(
            f"no file can be {str(path)!r}: {error}", path=str(path), original=error
        ) from error
    if target == BUNDLED.resolve():
        raise LockfileWriteError(
            f"{path} came with llmring-lockfile and is never written. "
            "Create your own with: llmring lock init (it writes ./llmring.lock)",
            path=str(path),
        )
    if path.exists() and not path.is_file():
        what = "a folder" if path.is_dir() else "no regular file"
        raise LockfileWriteError(f"{path} is {what}. Name a file, such as llmring.lock", path=str(path))
    if path.exists() and not path.stat().st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH):
        raise LockfileWriteError(
            f"{path} is read-only. Make it writable, or create another with: llmring lock init --file PATH",
            path=str(path),
        )


@contextmanager
def locked_for_writing(path: Path, timeout: float) -> Iterator[Path]:
    """Hold the right to replace a lockfile; gives the file behind any links.

    Raises:
        LockfileNotFoundError: there is no such file.
        LockfileWriteError: bundled, read-only, or held by another process for ``timeout`` seconds.
    """
    check_writable(path)
    target = path.resolve()
    with ExitStack() as held:
        with _write_errors(path):  # the block's own errors are not about the lockfile
            held.enter_context(exclusive(target, timeout))
        yield target


def replace_text(path: Path, text: str) -> None:
    """Put new text in place of a file's, at once and for good.

    A crash at any point leaves the old text or the new one. Permissions and, where allowed, the owner are kept.
    """
    with _write_errors(path):
        kept = path.stat()
        mode = stat.S_IMODE(kept.st_mode)
        temporary = _write_beside(path, text, mode)
        try:
            temporary.chmod(mode)
            if os.name == "posix" and (kept.st_uid, kept.st_gid) != (os.geteuid(), os.getegid()):
                with suppress(PermissionError):
                    os.chown(temporary, kept.st_uid, kept.st_gid)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        _sync_directory(path.parent)


def create_text(path: Path, text: str, *, force: bool) -> None:
    """Make a new file, at once; with ``force`` in place of one that may exist.

    Raises:
        LockfileExistsError: it exists and ``force`` is not set (also a ``FileExistsError``).
        LockfileWriteError: it cannot be made.
    """
    check_writable(path)
    if force and path.exists():
        replace_text(path.resolve(), text)
        return
    with _write_errors(path):
        temporary = _write_beside(path, text, 0o666)
        try:
            _move_if_absent(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
        _sync_directory(path.parent)


def _move_if_absent(temporary: Path, path: Path) -> None:
    try:
        os.link(temporary, path)  # unlike a rename, never takes the place of another process's file
    except FileExistsError as error:
        raise _exists(path) from error
    except OSError:  # a file system without links
        if path.exists():
            raise _exists(path) from None
        temporary.rename(path)


def _exists(path: Path) -> LockfileExistsError:
    return LockfileExistsError(
        f"{path} exists. Write over it with: llmring lock init --file {path} --force", path=str(path)
    )


def _write_beside(path: Path, text: str, mode: int) -> Path:
    """A new file in the same directory, so that it can be renamed, with the text safely on disk."""
    temporary = path.with_name(f".{path.name}.{os.urandom(8).hex()}.tmp")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def _sync_directory(directory: Path) -> None:
    if os.name != "posix":  # Windows cannot open directories; there a rename is on disk when it returns
        return
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


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
