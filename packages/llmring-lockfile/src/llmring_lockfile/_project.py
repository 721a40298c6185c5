"""Folders of projects and packages, and the lockfiles that packages ship."""

import sys
import tomllib
from collections.abc import Sequence
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

from llmring_lockfile._files import BUNDLED, LARGEST, find_project_root, read_lockfile, read_regular
from llmring_lockfile._model import LOCKFILE_NAME, Lockfile
from llmring_lockfile._names import normal_package


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
    if normal_package(package) == "llmring":  # its lockfile lies in this package
        return BUNDLED
    return _distribution_lockfile(package, search)


def installed_lockfile(package: str) -> Lockfile | None:
    """The lockfile that an installed package ships, read; ``None`` where there is none.

    Raises:
        LockfileParseError: it is not a lockfile.
    """
    path = find_package_lockfile(package)
    return None if path is None else read_lockfile(path)


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
