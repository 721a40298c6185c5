"""Findings as SARIF 2.1.0, which code hosts show beside the lines.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

import os
from collections.abc import Iterable
from pathlib import PurePath
from typing import Any

from llmring_lockfile._findings import RULES, Finding, Place

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def to_sarif(
    findings: Iterable[Finding], path: PurePath | str, *, tool: str = "llmring", version: str = "0"
) -> dict[str, Any]:
    """One run with its findings, as plain values for JSON.

    Args:
        findings: with lines, for a host to show them where they are; see :func:`with_lines`.
        path: the lockfile, relative to the root of the repository.
        tool: who found them.
        version: of the tool.
    """
    findings = list(findings)
    rules = sorted({finding.rule for finding in findings})
    driver = {
        "name": tool,
        "version": version,
        "rules": [{"id": rule, "shortDescription": {"text": RULES[rule]}} for rule in rules],
    }
    from urllib.parse import quote  # noqa: PLC0415 - few ask for SARIF

    uri = quote(os.fsencode(PurePath(path).as_posix()))
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": [_result(found, rules, uri) for found in findings]}],
    }


def _result(finding: Finding, rules: list[str], uri: str) -> dict[str, Any]:
    places = finding.places or (Place(path=()),)
    return {
        "ruleId": finding.rule,
        "ruleIndex": rules.index(finding.rule),
        "level": finding.severity.value,
        "message": {"text": finding.message},
        "locations": [_location(place, uri) for place in places],
        # The same finding in a later run, wherever its lines have moved to.
        "partialFingerprints": {"finding/v1": _fingerprint(finding)},
    }


def _location(place: Place, uri: str) -> dict[str, Any]:
    location: dict[str, Any] = {
        "physicalLocation": {
            "artifactLocation": {"uri": uri},
            "region": {"startLine": place.line or 1},
        }
    }
    if place.path:
        location["logicalLocations"] = [{"fullyQualifiedName": place.key}]
    return location


def _fingerprint(finding: Finding) -> str:
    import hashlib  # noqa: PLC0415 - slow to import, and few ask for SARIF

    where = sorted(f"{place.profile}/{place.alias}" for place in finding.places)
    text = "\n".join([finding.rule, finding.model or "", *where])
    return hashlib.sha256(text.encode()).hexdigest()
