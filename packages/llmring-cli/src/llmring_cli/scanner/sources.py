"""The files of a repository that ``scan-models`` reads: as git sees them, without code that others wrote."""

import re
import warnings
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Final

import msgspec
from llmring_lockfile import LOCKFILE_NAME, read_files
from pathspec import GitIgnoreSpec

from llmring_cli._output import WRONG_USAGE, CommandError

LARGEST: Final = 2**20
"""Bytes of the largest file that is read: what is larger is data, or generated."""
_LARGEST_RULES = 2**16
_MOST_STARS = 3
_SKIPPED_FOLDERS = frozenset(
    {
        ".git",
        ".hg",
        ".jj",
        ".mypy_cache",
        ".nox",
        ".pytest_cache",
        ".ruff_cache",
        ".svn",
        ".tox",
        ".venv",
        "__pycache__",
        "bower_components",
        "node_modules",
        "site-packages",
        "third_party",
        "vendor",
        "venv",
    }
)
_SKIPPED_FILES = frozenset(
    {
        LOCKFILE_NAME,  # the one file in which names of models belong
        "Cargo.lock",
        "Gemfile.lock",
        "composer.lock",
        "go.sum",
        "package-lock.json",
        "pnpm-lock.yaml",
        "poetry.lock",
        "uv.lock",
        "yarn.lock",
    }
)
_GENERATED = ("*.min.js", "*.min.css", "*.map", "*.svg", "*.lock")


class SourceFile(msgspec.Struct, frozen=True):
    """A file and its text; ``None`` where it was not read, with the reason."""

    path: Path
    text: str | None
    problem: str | None = None


def read_repository(root: Path, *, exclude: tuple[str, ...] = ()) -> Iterator[SourceFile]:
    """Yield a file, or the files below a folder in order, with their text.

    Left out are what ``.gitignore`` files exclude (those of the folder, below it, and above it up to the edge of the
    repository), binary files, dependencies, files of package managers and lockfiles of llmring. Files that are not
    UTF-8 are read as far as they are.

    Args:
        root: the file or the folder.
        exclude: patterns of ``.gitignore``, relative to the folder.
    """
    rules = _Rules(root, exclude)
    for path, data in read_files(root, rules.is_wanted, largest=LARGEST):
        if data is None:
            yield SourceFile(path, None, _problem(path))
        elif b"\0" not in data:
            yield SourceFile(path, data.decode(errors="replace").replace("\r\n", "\n"))


def _problem(path: Path) -> str:
    try:
        size = path.stat().st_size if path.is_file() else 0
    except OSError:
        size = 0
    return f"larger than {LARGEST // 2**20} MiB" if size > LARGEST else "cannot be read"


class _Rules:
    """The rules of all ``.gitignore`` files between the edge of the repository and a path.

    The nearest file that says anything about a path decides (https://git-scm.com/docs/gitignore).
    """

    def __init__(self, root: Path, exclude: tuple[str, ...]) -> None:
        self._own = _own_rules(exclude)
        self._root = root
        start = root.resolve() if root.is_dir() else root.resolve().parent
        self._edge = next((folder for folder in (start, *start.parents) if (folder / ".git").exists()), start)
        self._start = start
        self._known: dict[Path, GitIgnoreSpec | None] = {}

    def is_wanted(self, path: Path, folder: bool) -> bool:
        skipped = _SKIPPED_FOLDERS if folder else _SKIPPED_FILES
        if path.name in skipped or (not folder and any(fnmatch(path.name, form) for form in _GENERATED)):
            return False
        relative = path.relative_to(self._root)
        end = "/" if folder else ""
        return not (
            self._own.match_file(f"{relative.as_posix()}{end}")
            or self._is_ignored(self._start / relative, end)
        )

    def _is_ignored(self, path: Path, end: str) -> bool:
        for folder in path.parents:
            rules = self._rules_of(folder)
            said = (
                None
                if rules is None
                else rules.check_file(f"{path.relative_to(folder).as_posix()}{end}").include
            )
            if said is not None:
                return said
            if folder == self._edge:
                break
        return False

    def _rules_of(self, folder: Path) -> GitIgnoreSpec | None:
        if folder not in self._known:
            self._known[folder] = _read_rules(folder / ".gitignore")
        return self._known[folder]


def _own_rules(patterns: tuple[str, ...]) -> GitIgnoreSpec:
    try:
        return GitIgnoreSpec.from_lines(patterns)
    except (ValueError, re.error) as error:
        raise CommandError(f"--exclude: {error}", exit_code=WRONG_USAGE) from error


def _read_rules(path: Path) -> GitIgnoreSpec | None:
    if not path.is_file() or path.is_symlink():  # git follows no link here either
        return None
    ((_, data),) = read_files(path, lambda *_: True, largest=_LARGEST_RULES)
    if data is None:
        return None
    with warnings.catch_warnings(action="ignore"):  # of odd sets of characters
        return GitIgnoreSpec.from_lines(filter(_is_usable, data.decode(errors="replace").splitlines()))


def _is_usable(pattern: str) -> bool:
    """Return whether a pattern can be used: as git, leave out those that are invalid, and those made to take long.

    Each asterisk multiplies the time by the length of the name.
    """
    if max(part.count("*") for part in pattern.split("/")) > _MOST_STARS or pattern.count("**") > _MOST_STARS:
        return False
    try:
        GitIgnoreSpec.from_lines([pattern])
    except (ValueError, re.error):
        return False
    return True
