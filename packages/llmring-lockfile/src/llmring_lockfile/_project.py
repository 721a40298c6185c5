"""The project around a directory, and the package that it builds."""

import tomllib
from pathlib import Path
from typing import Any

from llmring_lockfile._files import LARGEST, read_regular

_ROOT_MARKS = ("pyproject.toml", "setup.py", "setup.cfg", ".git")


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
