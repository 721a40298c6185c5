"""Read lockfiles from disk."""

from pathlib import Path

from llmring_types.exceptions import LockfileError, LockfileNotFoundError, LockfileParseError

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
