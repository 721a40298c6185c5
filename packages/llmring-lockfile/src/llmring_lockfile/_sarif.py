"""SARIF 2.1.0, the form in which code hosts take the findings of any tool (https://docs.oasis-open.org/sarif/)."""

import os
from collections.abc import Iterable, Mapping
from pathlib import PurePath
from typing import Any, Literal

import msgspec

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


class SarifPlace(msgspec.Struct, frozen=True, kw_only=True):
    """A place in a file.

    Attributes:
        path: the file, relative to the root of the repository.
        line: counts from 1.
        column: counts from 1, in characters; ``None`` means the whole line.
        end_column: the one after the last character.
        name: of what stands there, such as a key path.
    """

    path: PurePath | str
    line: int = 1
    column: int | None = None
    end_column: int | None = None
    name: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        from urllib.parse import quote  # noqa: PLC0415 - few ask for SARIF

        region = {"startLine": self.line, "startColumn": self.column, "endColumn": self.end_column}
        location: dict[str, Any] = {
            "physicalLocation": {
                "artifactLocation": {"uri": quote(os.fsencode(PurePath(self.path).as_posix()))},
                "region": {key: value for key, value in region.items() if value is not None},
            }
        }
        if self.name:
            location["logicalLocations"] = [{"fullyQualifiedName": self.name}]
        return location


class SarifResult(msgspec.Struct, frozen=True, kw_only=True):
    """One finding.

    Attributes:
        rule: a key of the rules.
        level: how bad.
        message: what, for people.
        places: where, the first first; at least one.
        identity: texts that are the same in a later run, wherever the lines have moved to.
    """

    rule: str
    level: Literal["error", "warning", "note"]
    message: str
    places: tuple[SarifPlace, ...]
    identity: tuple[str, ...]


def sarif_log(
    results: Iterable[SarifResult], rules: Mapping[str, str], *, tool: str = "llmring", version: str = "0"
) -> dict[str, Any]:
    """One run with its findings, as plain values for JSON.

    Args:
        results: the findings.
        rules: every rule and what it says in general; those that were broken are listed.
        tool: who found them.
        version: of the tool.
    """
    results = list(results)
    broken = sorted({result.rule for result in results})
    driver = {
        "name": tool,
        "version": version,
        "rules": [{"id": rule, "shortDescription": {"text": rules[rule]}} for rule in broken],
    }
    run = {"tool": {"driver": driver}, "results": [_result(result, broken) for result in results]}
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _result(result: SarifResult, rules: list[str]) -> dict[str, Any]:
    return {
        "ruleId": result.rule,
        "ruleIndex": rules.index(result.rule),
        "level": str(result.level),
        "message": {"text": result.message},
        "locations": [place.as_dict() for place in result.places],
        "partialFingerprints": {"finding/v1": _fingerprint(result.identity)},
    }


def _fingerprint(identity: Iterable[str]) -> str:
    import hashlib  # noqa: PLC0415 - slow to import, and few ask for SARIF

    return hashlib.sha256("\n".join(identity).encode(errors="surrogateescape")).hexdigest()
