"""``llmring lock audit`` and ``llmring lock validate``: models against the registry."""

from pathlib import Path
from typing import Annotated, Any

import msgspec
from cyclopts import Parameter
from llmring_lockfile import Finding, Severity, to_sarif
from llmring_lockfile import audit as audit_lockfile
from llmring_lockfile import validate as validate_lockfile

from llmring_cli._failure import FAILED, UNREACHABLE, UNREADABLE
from llmring_cli._files import write_output
from llmring_cli._lockfiles import read_lockfile, shown
from llmring_cli._models import Offline, RegistryUrl, known_models, pool_providers
from llmring_cli._output import count_text, print_json
from llmring_cli._parameters import Count, Json, LockfilePath, today
from llmring_cli._review import findings_json, located, print_findings, summarize
from llmring_cli._run import version_text

_EXIT_CODES = {"valid": 0, "invalid": FAILED, "unreachable": UNREACHABLE}


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


def validate(
    *,
    lockfile: LockfilePath = None,
    registry: RegistryUrl = None,
    offline: Offline = False,
    json: Json = False,
) -> int:
    """Check every model of every pool against the registry.

    A model must be listed, still served, and able to do what its binding needs.

    The registry is asked at most once a day. Exit code 1 when a model is not valid, 2 when there is no lockfile
    or it cannot be read, 3 when the registry cannot be reached: what could not be looked up is never valid.

    $ llmring lock validate
    $ llmring lock validate --offline --json
    """
    source = read_lockfile(lockfile, unreadable=UNREADABLE)
    known = known_models(pool_providers(source.lockfile), url=registry, offline=offline)
    result = validate_lockfile(source.lockfile, known.facts, today=today())
    findings = located(result.findings, source)
    if json:
        print_json(
            {
                "lockfile": str(source.path),
                "status": result.status,
                "checked": result.checked,
                "unreachable": result.unreachable,
                "findings": findings_json(findings),
            }
        )
    else:
        print_findings(findings, source)
        summarize(findings, nothing=f"{count_text(result.checked, 'model')} checked, nothing is wrong")
    return _EXIT_CODES[result.status]
