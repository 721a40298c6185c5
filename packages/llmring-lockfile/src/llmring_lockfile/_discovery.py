"""Find the lockfile that counts."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec
from llmring_types.exceptions import LockfileError, LockfileNotFoundError

from llmring_lockfile._files import BUNDLED, environment, find_project_root, is_repository, read_lockfile
from llmring_lockfile._model import LOCKFILE_NAME, Lockfile
from llmring_lockfile._project import find_package_directory

PATH_VARIABLE = "LLMRING_LOCKFILE_PATH"


class Found(msgspec.Struct, frozen=True):
    """A lockfile's place and why it is this one.

    Attributes:
        path: the file, which exists.
        origin: what named it.
        passed_over: places looked at before it, where there was none.
    """

    path: Path
    origin: Literal[
        "argument", "environment", "working directory", "parent folder", "project package", "bundled"
    ]
    passed_over: tuple[Path, ...] = ()

    @property
    def is_bundled(self) -> bool:
        return self.origin == "bundled"


def discover(
    path: Path | str | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    directory: Path | None = None,
) -> Found:
    """Find the lockfile that counts.

    It is the argument's, else the one that ``LLMRING_LOCKFILE_PATH`` names, else ``./llmring.lock``, else the nearest
    in the folders above, else the bundled one. The search ends at the folder that holds the repository (``.git``),
    else below the home directory; outside both, or where a folder or file belongs to somebody else, nothing above
    counts. At the root of a project its package directory counts too (where ``llmring lock init`` writes, so that the
    file ships with the package).

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
    places = _places_above(directory)
    for at, (place, origin) in enumerate(places):
        if _is_there(place) and _is_ours(place, directory):
            return Found(place, origin, (here, *(passed for passed, _ in places[:at])))
    return Found(BUNDLED, "bundled", (here, *(passed for passed, _ in places)))


def _places_above(directory: Path) -> list[tuple[Path, Literal["parent folder", "project package"]]]:
    """Return where a lockfile may lie other than in the directory itself, nearest first.

    The package of the project comes behind the project's root, and before the folders above that.
    """
    root, package = find_project_root(directory), find_package_directory(directory)
    above = _folders_above(directory)
    nearer = [] if root is None else [folder for folder in above if root in (folder, *folder.parents)]
    places: list[tuple[Path, Literal["parent folder", "project package"]]]
    places = [(folder / LOCKFILE_NAME, "parent folder") for folder in nearer]
    if package is not None and package != directory:
        places = [(place, origin) for place, origin in places if place.parent != package]
        places.append((package / LOCKFILE_NAME, "project package"))
    places.extend((folder / LOCKFILE_NAME, "parent folder") for folder in above[len(nearer) :])
    return places


def _folders_above(directory: Path) -> list[Path]:
    """Return the folders above that belong to the same repository, else to the person's home; nearest first."""
    edge = next((folder for folder in (directory, *directory.parents) if is_repository(folder)), None)
    home = _home()
    above: list[Path] = []
    for folder in () if directory == edge else directory.parents:
        if edge is None and (home is None or home not in folder.parents):
            break
        if not _is_ours(folder, directory):
            break
        above.append(folder)
        if folder == edge:
            break
    return above


def _home() -> Path | None:
    try:
        return Path.home().resolve()
    except (RuntimeError, OSError):
        return None


def _is_ours(path: Path, directory: Path) -> bool:
    """Return whether a path belongs to the user, or to whoever owns the working directory."""
    if sys.platform == "win32":
        return True
    try:
        return path.lstat().st_uid in {os.geteuid(), directory.stat().st_uid}
    except OSError:
        return False


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
    return read_lockfile(discover(path, environ=environ, directory=directory).path)


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
