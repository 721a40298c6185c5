"""Output of reviews of a lockfile: changes and findings, as text and as JSON."""

from collections import Counter
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from llmring_cli._lockfiles import Source, shown
from llmring_cli._output import count_text, print_line, report

if TYPE_CHECKING:  # diff needs nothing of findings, and check nothing of changes
    from llmring_lockfile import Change, Finding


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
