"""The lockfile that a command reads or edits."""

from pathlib import Path
from typing import NamedTuple

from llmring_lockfile import Found, Lockfile, discover, load, new_lockfile_path
from llmring_types.exceptions import LockfileError, LockfileNotFoundError

from llmring_cli._environment import admit_hosts
from llmring_cli._failure import FAILED, CommandError
from llmring_cli._output import report


class Source(NamedTuple):
    """A lockfile that was read: its path, its content and its text."""

    path: Path
    lockfile: Lockfile
    text: str


def find_lockfile(path: Path | None, *, missing: int = FAILED) -> Path:
    """Return the user's lockfile: the one named, else the one that applications here would find.

    Args:
        path: of the command line.
        missing: exit code where there is none; the one that ships with llmring does not count.

    Raises:
        CommandError: there is none.
    """
    try:
        found = discover(path)
    except LockfileNotFoundError as error:
        raise CommandError(str(error), exit_code=missing) from error
    if found.is_bundled:
        raise CommandError(
            f"there is no lockfile here ({new_lockfile_path()}). To create one: llmring lock init",
            exit_code=missing,
        )
    report_place(found)
    return found.path


def report_place(found: Found) -> None:
    """Report a lockfile that nobody named and that is not in the working directory."""
    if found.origin in ("parent folder", "project package"):
        report(f"using {shown(found.path)}")


def read_lockfile(path: Path | None, *, unreadable: int = FAILED) -> Source:
    """Return the user's lockfile.

    Raises:
        CommandError: there is none, or it cannot be read.
    """
    found = find_lockfile(path, missing=unreadable)
    try:
        source = Source(found, load(found), found.read_bytes().decode(errors="replace"))
    except LockfileError as error:
        raise CommandError(str(error), exit_code=unreadable) from error
    admit_hosts(source.lockfile)
    return source


def admit_found_hosts() -> Lockfile:
    """Make the hosts of the lockfile of this folder known, and return it; an empty one where none can be read."""
    try:
        lockfile = load(discover().path)
    except LockfileError:
        return Lockfile()
    admit_hosts(lockfile)
    return lockfile


def lockfile_to_write(path: Path | None) -> Path:
    """Return where an edit goes: to the file named, else the user's lockfile, else where a new one belongs.

    Raises:
        LockfileNotFoundError: the environment names one that is not there.
    """
    if path is not None:
        return path
    found = discover()
    return new_lockfile_path() if found.is_bundled else found.path


def shown(path: Path) -> Path:
    """Return a path as people and tools in this folder write it."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
