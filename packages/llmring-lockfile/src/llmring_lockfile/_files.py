"""Read lockfiles from disk, and choose the project and the profile that count.

The only module that reads the environment.
"""

import errno
import os
import warnings
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from llmring_types.exceptions import LockfileError, LockfileNotFoundError, LockfileParseError

from llmring_lockfile._model import ActiveProfile, Lockfile
from llmring_lockfile._parse import parse

PROFILE_VARIABLE = "LLMRING_PROFILE"

BUNDLED = Path(__file__).with_name("llmring.lock")
"""The lockfile inside this package: only what ``llmring lock chat`` needs to help write a real one."""

LARGEST: Final = 4 * 2**20
"""Bytes of the largest lockfile that is read: a hundred times what a thousand aliases take."""

_ROOT_MARKS = ("pyproject.toml", "setup.py", "setup.cfg", ".git")


Signature = tuple[int, int, int]
"""Modification time in nanoseconds, size and inode: differs once a file was edited or replaced."""


def is_repository(folder: Path) -> bool:
    """Return whether a git repository begins here; one that may not be looked into counts as none."""
    try:
        return (folder / ".git").exists()
    except OSError:
        return False


def signature(path: Path) -> Signature | None:
    """Return a value that differs for each state of a file; ``None`` while there is no file."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def read_regular(path: Path, limit: int) -> bytes:
    """The content of a regular file; nothing is waited for, and no more than ``limit`` bytes are held.

    Raises:
        OSError: it cannot be read, is no regular file (a pipe would keep us waiting, a device may never end), or is
            larger than ``limit`` bytes; ``strerror`` says which.
    """
    if not path.is_file():
        path.stat()  # raises where there is nothing
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, "it is a folder", str(path))
        raise OSError(errno.EINVAL, "it is not a regular file", str(path))
    with path.open("rb") as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise OSError(errno.EFBIG, f"it is larger than {limit:,} bytes", str(path))
    return data


def read_lockfile(path: Path) -> Lockfile:
    """Read a lockfile. One with bindings from before 1.0 is warned of (``FutureWarning``).

    Raises:
        LockfileNotFoundError: there is no such file (also a ``FileNotFoundError``).
        LockfileParseError: it is not a lockfile.
    """
    lockfile = parse(read_text(path), path)
    if lockfile.has_old_bindings:
        warnings.warn(
            f"{path} has bindings from before 1.0 (provider, model). Rewrite them with: llmring lock migrate",
            FutureWarning,
            stacklevel=2,
        )
    return lockfile


def read_text(path: Path) -> str:
    """The text of a lockfile with its line ends as they are.

    Raises:
        LockfileNotFoundError: there is no such file (also a ``FileNotFoundError``).
        LockfileParseError: it is not UTF-8.
        LockfileError: it cannot be read, is no regular file, or is larger than :data:`LARGEST`.
    """
    try:
        return read_regular(path, LARGEST).decode()
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


def find_project_root(start: Path) -> Path | None:
    """The nearest directory, from ``start`` upwards, that looks like the root of a project."""
    for directory in (start, *start.parents):
        if any((directory / mark).exists() for mark in _ROOT_MARKS):
            return directory
    return None


def environment(environ: Mapping[str, str] | None = None) -> Mapping[str, str]:
    """The given environment, or the process's."""
    return os.environ if environ is None else environ


def active_profile(
    lockfile: Lockfile, profile: str | None = None, *, environ: Mapping[str, str] | None = None
) -> ActiveProfile:
    """Choose the profile: the argument, else ``LLMRING_PROFILE``, else the lockfile's ``default_profile``.

    It need not exist.
    """
    if profile:
        return ActiveProfile(profile, "argument")
    named = environment(environ).get(PROFILE_VARIABLE, "").strip()
    if named:
        return ActiveProfile(named, "environment")
    return ActiveProfile(lockfile.default_profile, "default_profile")


def projects_around(path: Path) -> list[Path]:
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
