"""The lockfile that a command reads or edits, and the changes and findings that reviews of it print."""

from collections import Counter
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from llmring_lockfile import Found, Lockfile, discover, load, new_lockfile_path
from llmring_types.exceptions import LockfileError, LockfileNotFoundError

from llmring_cli._environment import admit_hosts
from llmring_cli._output import FAILED, CommandError, count_text, print_line, report

if TYPE_CHECKING:  # diff needs nothing of findings, and check nothing of changes
    from llmring_lockfile import Change, Finding


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


def print_changes(changes: "Iterable[Change]") -> None:
    """Print one line for each."""
    for change in changes:
        print_line(change)


def changes_json(changes: "Iterable[Change]") -> list[dict[str, Any]]:
    """Return the changes as JSON values: prices are numbers, dates ISO 8601."""
    return [
        {
            "what": change.what,
            "before": _value(change.before),
            "after": _value(change.after),
            "profile": change.profile,
            "alias": change.alias,
            "model": change.model,
        }
        for change in changes
    ]


def _value(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    return value.isoformat() if isinstance(value, date) else value


def located(findings: "Iterable[Finding]", source: Source) -> "tuple[Finding, ...]":
    """Return the findings with their lines, the worst first."""
    from llmring_lockfile import Severity, with_lines  # noqa: PLC0415 - as above

    order = list(Severity)
    found = with_lines(findings, source.text, source.path)
    return tuple(sorted(found, key=lambda finding: order.index(finding.severity)))


def print_findings(findings: "Iterable[Finding]", source: Source) -> None:
    """Print ``FILE:LINE: SEVERITY: MESSAGE [RULE]``; a finding that is about no place has no line."""
    path = shown(source.path)
    for finding in findings:
        line = finding.places[0].line if finding.places else None
        print_line(f"{path}: {finding}" if line is None else f"{path}:{line}: {finding}")


def summarize(findings: "Iterable[Finding]", *, nothing: str) -> None:
    """Report the number of findings of each severity."""
    from llmring_lockfile import Severity  # noqa: PLC0415 - as above

    counts = Counter(finding.severity for finding in findings)
    counted = [count_text(counts[kind], kind) for kind in Severity if counts[kind]]
    report(", ".join(counted) or nothing)


def findings_json(findings: "Iterable[Finding]") -> list[dict[str, Any]]:
    """Return the findings as JSON values."""
    return [finding.as_dict() for finding in findings]
