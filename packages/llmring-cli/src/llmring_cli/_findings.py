"""What reviews of a lockfile found, one line each, in the form that editors and CI logs link to the place."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from llmring_lockfile import Finding, Severity, with_lines

from llmring_cli._amounts import count_text
from llmring_cli._lockfiles import Source, shown
from llmring_cli._output import print_line, report


def located(findings: Iterable[Finding], source: Source) -> tuple[Finding, ...]:
    """Return the findings with their lines, the worst first."""
    order = list(Severity)
    found = with_lines(findings, source.text, source.path)
    return tuple(sorted(found, key=lambda finding: order.index(finding.severity)))


def print_findings(findings: Iterable[Finding], source: Source) -> None:
    """Print ``FILE:LINE: SEVERITY: MESSAGE [RULE]``; a finding that is about no place has no line."""
    path = shown(source.path)
    for finding in findings:
        line = finding.places[0].line if finding.places else None
        print_line(f"{path}: {finding}" if line is None else f"{path}:{line}: {finding}")


def summarize(findings: Iterable[Finding], *, nothing: str) -> None:
    """Say how many there are of each severity."""
    counts = Counter(finding.severity for finding in findings)
    told = [count_text(counts[kind], kind) for kind in Severity if counts[kind]]
    report(", ".join(told) or nothing)


def findings_json(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """Return the findings for programs."""
    return [finding.as_dict() for finding in findings]
