"""``llmring lock audit`` and ``llmring lock validate``: models against the registry."""

from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import msgspec
from cyclopts import Parameter
from llmring_lockfile import Finding, Severity
from llmring_lockfile import audit as audit_lockfile
from llmring_lockfile import validate as validate_lockfile

from llmring_cli._files import write_output
from llmring_cli._lockfiles import findings_json, located, print_findings, read_lockfile, shown, summarize
from llmring_cli._models import KnownModels, Offline, RegistryUrl, known_models, pool_providers
from llmring_cli._output import FAILED, UNREACHABLE, UNREADABLE, count_text, print_json, report
from llmring_cli._parameters import Count, Json, LockfilePath, today
from llmring_cli._run import version_text

_EXIT_CODES = {"valid": 0, "invalid": FAILED, "unreachable": UNREACHABLE}


def audit(
    *,
    days: Count = 90,
    sarif: Annotated[Path | None, Parameter(allow_leading_hyphen=True)] = None,
    html: Path | None = None,
    svg: Path | None = None,
    lockfile: LockfilePath = None,
    registry: RegistryUrl = None,
    offline: Offline = False,
    json: Json = False,
) -> int:
    """Find what has got worse since the models were locked.

    Reported are models that are retired or about to be, cost more, have lower token limits, lost a capability or
    are unknown. Exit code 1 on errors and warnings, 2 if there is no readable lockfile, 3 if the registry cannot
    be reached.

    $ llmring lock audit --days 30
    $ llmring lock audit --sarif llmring.sarif

    Args:
        days: Report retirements within this many days.
        sarif: Also write the findings as SARIF 2.1.0 to this file; "-" writes only them, to standard output.
        html: Also write the findings to this file, a page that needs no network.
        svg: Also write them to this file, as a picture.
    """
    source = read_lockfile(lockfile, unreadable=UNREADABLE)
    known = known_models(pool_providers(source.lockfile), url=registry, offline=offline)
    findings = located(audit_lockfile(source.lockfile, known.facts, today=today(), within_days=days), source)
    _advise(known)
    if sarif is not None:
        from llmring_lockfile import to_sarif  # noqa: PLC0415 - most reviews do without

        _write_sarif(sarif, to_sarif(findings, shown(source.path), version=version_text()))
    if html is not None:
        from llmring_cli.page.reports import write_report  # noqa: PLC0415 - needs an extra

        counts = Counter(finding.severity.value for finding in findings)
        where = str(shown(source.path))
        write_report(
            html,
            "report-audit.html",
            title=f"Audit of {where}",
            where=where,
            findings=findings,
            counts=counts,
            days=days,
        )
    if svg is not None:
        from llmring_cli.page.reports import write_table_picture  # noqa: PLC0415 - as above

        rows = [(each.severity.value, each.rule, each.message) for each in findings]
        title = f"Audit of {shown(source.path)}: {count_text(len(rows), 'finding')}"
        write_table_picture(svg, title, ("severity", "rule", "finding"), rows)
    if json:
        print_json({"lockfile": str(source.path), "days": days, "findings": findings_json(findings)})
    elif str(sarif) != "-":
        print_findings(findings, source)
        summarize(findings, nothing="nothing has got worse")
    return _exit_code(findings)


def _advise(known: KnownModels) -> None:
    if known.failures:
        report("hint: to review against the local data, without the registry: --offline")


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

    A model must be listed, still served, and have the capabilities that its binding needs. The registry is
    contacted at most once a day. Exit code 1 if a model is invalid, 2 if there is no readable lockfile, 3 if
    the registry cannot be reached: models that could not be looked up are never valid.

    $ llmring lock validate
    $ llmring lock validate --offline --json
    """
    source = read_lockfile(lockfile, unreadable=UNREADABLE)
    known = known_models(pool_providers(source.lockfile), url=registry, offline=offline)
    result = validate_lockfile(source.lockfile, known.facts, today=today())
    _advise(known)
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
        summarize(findings, nothing=f"{count_text(result.checked, 'model')} checked, no problems")
    return _EXIT_CODES[result.status]
