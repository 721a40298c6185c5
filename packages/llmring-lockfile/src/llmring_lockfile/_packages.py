"""Lockfiles that ship inside installed packages, found without importing them."""

import sys
from collections.abc import Sequence
from importlib.machinery import PathFinder
from pathlib import Path

from llmring_lockfile._files import read_text
from llmring_lockfile._model import LOCKFILE_NAME, Lockfile
from llmring_lockfile._parse import parse


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
