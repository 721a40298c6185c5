"""Discovery of the lockfile and the profile. The only module that reads the environment."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec
from llmring_types.exceptions import LockfileError, LockfileNotFoundError

from llmring_lockfile._files import BUNDLED, read_text
from llmring_lockfile._model import LOCKFILE_NAME, ActiveProfile, Lockfile
from llmring_lockfile._parse import parse
from llmring_lockfile._project import find_package_directory

PATH_VARIABLE = "LLMRING_LOCKFILE_PATH"
PROFILE_VARIABLE = "LLMRING_PROFILE"


class Found(msgspec.Struct, frozen=True):
    """A lockfile's place and why it is this one.

    Attributes:
        path: the file, which exists.
        origin: what named it.
        passed_over: places looked at before it, where there was none.
    """

    path: Path
    origin: Literal["argument", "environment", "working directory", "project package", "bundled"]
    passed_over: tuple[Path, ...] = ()

    @property
    def is_bundled(self) -> bool:
        return self.origin == "bundled"


def environment(environ: Mapping[str, str] | None = None) -> Mapping[str, str]:
    """The given environment, or the process's."""
    return os.environ if environ is None else environ


def discover(
    path: Path | str | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    directory: Path | None = None,
) -> Found:
    """Find the lockfile that counts.

    It is the argument's, else the one that ``LLMRING_LOCKFILE_PATH`` names, else ``./llmring.lock``, else
    ``llmring.lock`` in the package directory of the project around the working directory (where
    ``llmring lock init`` writes it, so that it ships with the package), else the bundled one.

    Args:
        path: an explicit file.
        environ: the environment; ``None`` is the process's.
        directory: stands for the working directory.

    Raises:
        LockfileNotFoundError: one was named and is not there (also a ``FileNotFoundError``).
        LockfileError: a folder on the way cannot be searched, or there is no working directory.
    """
    if path is not None:
        return Found(_existing(Path(path), "given as the lockfile"), "argument")
    named = environment(environ).get(PATH_VARIABLE, "").strip()
    if named:
        return Found(_existing(Path(named), f"that {PATH_VARIABLE} names"), "environment")
    directory = _working_directory() if directory is None else directory
    here = directory / LOCKFILE_NAME
    if _is_there(here):
        return Found(here, "working directory")
    package = find_package_directory(directory)
    if package is None:
        return Found(BUNDLED, "bundled", (here,))
    inside = package / LOCKFILE_NAME
    if _is_there(inside):
        return Found(inside, "project package", (here,))
    return Found(BUNDLED, "bundled", (here, inside))


def new_lockfile_path(directory: Path | None = None) -> Path:
    """Return the place of a new lockfile: the project's package directory if there is one, else the working directory.

    :func:`discover` finds it there.
    """
    directory = _working_directory() if directory is None else directory
    return (find_package_directory(directory) or directory) / LOCKFILE_NAME


def load(
    path: Path | str | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    directory: Path | None = None,
) -> Lockfile:
    """Read the lockfile that :func:`discover` finds.

    Raises:
        LockfileNotFoundError: one was named and is not there (also a ``FileNotFoundError``).
        LockfileParseError: it is not a lockfile; the message names file, key path and line.
    """
    found = discover(path, environ=environ, directory=directory).path
    return parse(read_text(found), found)


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


def _working_directory() -> Path:
    try:
        return Path.cwd()
    except OSError as error:
        raise LockfileError(
            f"cannot look for {LOCKFILE_NAME} in the working directory: {error.strerror}. Change to another folder",
            original=error,
        ) from error


def _is_there(path: Path) -> bool:
    """Return whether reading ``path`` is right, even where that will fail: what is no folder counts as the lockfile."""
    try:
        return path.exists() and not path.is_dir()
    except OSError as error:
        raise LockfileError(
            f"cannot look for {path}: {error.strerror}", path=str(path), original=error
        ) from error


def _existing(path: Path, what: str) -> Path:
    try:
        path = path.expanduser()
        found, is_folder = path.exists(), path.is_dir()
    except OSError as error:  # too long a name, a folder that nobody may look into
        raise LockfileError(
            f"cannot look for {path}, {what}: {error.strerror}", path=str(path), original=error
        ) from error
    except RuntimeError as error:  # ~name of a user who has no home
        raise LockfileNotFoundError(
            f"cannot look for {path}, {what}: {error}", path=str(path), original=error
        ) from error
    if is_folder:
        raise LockfileNotFoundError(
            f"{path}, {what}, is a folder. Name the file, such as {path / LOCKFILE_NAME}", path=str(path)
        )
    if not found:
        raise LockfileNotFoundError(
            f"there is no file {path}, {what}. Create it with: llmring lock init --file {path}",
            path=str(path),
        )
    return path
