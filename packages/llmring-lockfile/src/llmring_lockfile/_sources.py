"""The files of a repository that reviews of code read: nothing outside it, nothing that keeps them waiting."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from llmring_lockfile._files import read_regular

LARGEST_SOURCE: Final = 4 * 2**20
"""Bytes of the largest source that is read."""
_SKIPPED_FOLDERS = frozenset({"__pycache__", "node_modules", "site-packages", "venv"})


def read_files(
    root: Path, is_wanted: Callable[[Path, bool], bool], *, largest: int = LARGEST_SOURCE
) -> Iterator[tuple[Path, bytes | None]]:
    """Yield a file, or all wanted files below a folder in order, with their content.

    Links that lead out of the folder are left out, and links to folders are not followed. The content is ``None``
    where there is none to be had: a pipe, a link to nothing, a file that nobody may read or that is too large.

    Args:
        root: the file, which is read whatever ``is_wanted`` says, or the folder.
        is_wanted: gets each path below the folder, and whether it is a folder, which is then searched.
        largest: bytes of the largest file that is read.
    """
    if not root.is_dir():
        yield root, _read(root, largest)
        return
    inside = root.resolve()
    waiting = [(root, True)]
    while waiting:  # a stack of our own: folders may nest deeper than functions
        path, folder = waiting.pop()
        if folder:
            with suppress(PermissionError):  # a folder of somebody else's
                below = [(entry, is_folder(entry)) for entry in sorted(path.iterdir(), reverse=True)]
                waiting += [
                    entry for entry in below if is_wanted(*entry) and not (entry[1] and entry[0].is_symlink())
                ]
        elif not path.is_symlink() or _resolve(path).is_relative_to(inside):
            yield path, _read(path, largest)


def is_folder(path: Path) -> bool:
    """Return whether a path is a folder; one that cannot be looked at is none."""
    try:
        return path.is_dir()
    except OSError:  # in a folder that may be listed and not searched
        return False


def _resolve(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError):  # links in a circle
        return path


def _read(path: Path, largest: int) -> bytes | None:
    try:
        return read_regular(path, largest)
    except (OSError, ValueError):
        return None


def read_sources(root: Path) -> Iterator[tuple[Path, str | None]]:
    """A Python file, or all those below a folder in order, with their text as Python would decode it.

    Left out are hidden files and folders, environments and caches, and links that lead out of the folder. The text is
    ``None`` where there is none to be had: a pipe, a link to nothing, a file that nobody may read, is larger than
    :data:`LARGEST_SOURCE` or is not text.
    """
    from importlib.util import decode_source  # noqa: PLC0415 - slow to import

    for path, data in read_files(root, _is_python):
        text = None
        with suppress(SyntaxError, ValueError):
            text = None if data is None else decode_source(data)
        yield path, text


def _is_python(path: Path, folder: bool) -> bool:
    if path.name.startswith("."):
        return False
    return path.name not in _SKIPPED_FOLDERS if folder else path.suffix == ".py"
