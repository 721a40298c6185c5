"""Find the lockfile and the profile that count. The only module that knows of the environment."""

import os
import sys
import tomllib
from collections.abc import Mapping, Sequence
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any, Literal

import msgspec
from llmring_types.exceptions import LockfileError, LockfileNotFoundError

from llmring_lockfile._files import BUNDLED, LARGEST, read_regular, read_text
from llmring_lockfile._model import LOCKFILE_NAME, ActiveProfile, Lockfile
from llmring_lockfile._parse import parse

_ROOT_MARKS = ("pyproject.toml", "setup.py", "setup.cfg", ".git")

PATH_VARIABLE = "LLMRING_LOCKFILE_PATH"
PROFILE_VARIABLE = "LLMRING_PROFILE"


def find_project_root(start: Path) -> Path | None:
    """The nearest directory, from ``start`` upwards, that looks like the root of a project."""
    for directory in (start, *start.parents):
        if any((directory / mark).exists() for mark in _ROOT_MARKS):
            return directory
    return None


def find_package_directory(start: Path) -> Path | None:
    """The directory of the package that the project around ``start`` builds.

    That is ``src/NAME`` or ``NAME``, where ``NAME`` is the project's name in ``pyproject.toml`` as it is imported;
    else the only package under ``src``, or in the root of a project without ``pyproject.toml``. ``None`` where
    there is no project, no package, or several to choose from.
    """
    root = find_project_root(start)
    if root is None:
        return None
    name = _project_name(root / "pyproject.toml")
    if name is not None:
        for directory in (root / "src" / name, root / name):
            if _is_package(directory):
                return directory
    below = _packages_in(root / "src")
    if not below and not (root / "pyproject.toml").exists():
        below = _packages_in(root)
    return below[0] if len(below) == 1 else None


def _project_name(pyproject: Path) -> str | None:
    try:
        data: dict[str, Any] = tomllib.loads(read_regular(pyproject, LARGEST).decode())
    except (
        OSError,
        ValueError,
        RecursionError,
    ):  # absent, unreadable or broken: no concern of the lockfile's
        return None
    poetry = _table(_table(data, "tool"), "poetry")
    name = _table(data, "project").get("name") or poetry.get("name")
    folder = name.replace("-", "_").replace(".", "_") if isinstance(name, str) else ""
    return folder if folder.isidentifier() else None  # a name with slashes would lead out of the project


def _table(data: dict[str, Any], key: str) -> dict[str, Any]:
    value = data.get(key)
    return value if isinstance(value, dict) else {}


def _packages_in(directory: Path) -> list[Path]:
    try:
        return sorted(path for path in directory.iterdir() if _is_package(path))
    except OSError:
        return []


def _is_package(directory: Path) -> bool:
    return (directory / "__init__.py").is_file()


def find_package_lockfile(package: str, search_path: Sequence[str] | None = None) -> Path | None:
    """The lockfile of an installed package.

    Args:
        package: the name that is imported (``my_tools`` or ``my_tools.llm``), or the distribution's (``my-tools``),
            which may be another.
        search_path: where packages are; ``None`` is ``sys.path``.

    Returns:
        The file, or ``None`` where there is no such package or it ships none. No code of the package runs.
    """
    search = list(sys.path if search_path is None else search_path)
    for name in dict.fromkeys((package, package.replace("-", "_"))):
        for directory in _package_directories(name, search):
            lockfile = directory / LOCKFILE_NAME
            if lockfile.is_file():
                return lockfile
    return _distribution_lockfile(package, search)


def installed_lockfile(package: str) -> Lockfile | None:
    """The lockfile that an installed package ships, read; ``None`` where there is none.

    Raises:
        LockfileParseError: it is not a lockfile.
    """
    path = find_package_lockfile(package)
    return None if path is None else parse(read_text(path), path)


def _package_directories(name: str, search: Sequence[str]) -> list[Path]:
    # ``importlib.util.find_spec`` would import the parents of a dotted name.
    places: Sequence[str] | None = search
    for part in name.split("."):
        # Each part as if it were at the top: of a dotted name the finder wants the parent imported.
        spec = PathFinder.find_spec(part, places) if part else None
        if spec is None or spec.submodule_search_locations is None:
            return []
        places = list(spec.submodule_search_locations)
    return [Path(place) for place in places or ()]


def _distribution_lockfile(name: str, search: Sequence[str]) -> Path | None:
    from importlib.metadata import Distribution  # noqa: PLC0415 - slow, and only for extended packages

    for distribution in Distribution.discover(name=name, path=list(search)):
        listed = [file for file in distribution.files or () if file.name == LOCKFILE_NAME]
        for file in sorted(listed, key=lambda file: len(file.parts)):
            path = Path(str(distribution.locate_file(file)))
            if path.is_file():
                return path
    return None


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
