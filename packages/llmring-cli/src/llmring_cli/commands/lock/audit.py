"""``llmring lock audit``."""

from pathlib import Path
from typing import Annotated, Any

import msgspec
from cyclopts import Parameter
from llmring_lockfile import Finding, Severity, to_sarif
from llmring_lockfile import audit as audit_lockfile

from llmring_cli._clock import today
from llmring_cli._failure import FAILED, UNREACHABLE, UNREADABLE
from llmring_cli._files import write_output
from llmring_cli._findings import findings_json, located, print_findings, summarize
from llmring_cli._lockfiles import read_lockfile, shown
from llmring_cli._output import print_json
from llmring_cli._parameters import Count, Json, LockfilePath
from llmring_cli._registry import Offline, RegistryUrl, known_models, pool_providers
from llmring_cli._version import version_text


def audit(
    *,
    days: Count = 90,
    sarif: Annotated[Path | None, Parameter(allow_leading_hyphen=True)] = None,
    lockfile: LockfilePath = None,
    registry: RegistryUrl = None,
    offline: Offline = False,
    json: Json = False,
) -> int:
    """Find what has changed for the worse since the models were locked.

    Found are models that are retired or soon will be, cost more, take or give fewer tokens, lost a capability
    or are unknown. Exit code 1 when an error or a warning is found, 2 when there is no lockfile or it cannot be
    read, 3 when the registry cannot be reached.

    $ llmring lock audit --days 30
    $ llmring lock audit --sarif llmring.sarif

    Args:
        days: How many days ahead to look for retirement.
        sarif: Write the findings as SARIF 2.1.0 to this file, too; "-" is standard output, for them alone.
    """
    source = read_lockfile(lockfile, unreadable=UNREADABLE)
    known = known_models(pool_providers(source.lockfile), url=registry, offline=offline)
    findings = located(audit_lockfile(source.lockfile, known.facts, today=today(), within_days=days), source)
    if sarif is not None:
        _write_sarif(sarif, to_sarif(findings, shown(source.path), version=version_text()))
    if json:
        print_json({"lockfile": str(source.path), "days": days, "findings": findings_json(findings)})
    elif str(sarif) != "-":
        print_findings(findings, source)
        summarize(findings, nothing="nothing has changed for the worse")
    return _exit_code(findings)


def _exit_code(findings: tuple[Finding, ...]) -> int:
    grave = [finding for finding in findings if finding.severity is not Severity.NOTE]
    if not grave:
        return 0
    return UNREACHABLE if all(finding.rule == "registry-unreachable" for finding in grave) else FAILED


def _write_sarif(path: Path, document: dict[str, Any]) -> None:
    if str(path) == "-":
        print_json(document)
        return
    data = msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"
    write_output(path, data)
