import json
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

import pytest
from llmring_lockfile import RULES, Finding, Place, Severity, to_sarif, with_lines

FINDINGS = [
    Finding(
        rule="retired",
        severity=Severity.ERROR,
        message="openai:x is retired",
        model="openai:x",
        places=(Place(path=("profiles", "dev", "bindings", 0, "models", 0), profile="dev", alias="a"),),
    ),
    Finding(rule="registry-unreachable", severity=Severity.ERROR, message="no network"),
    Finding(rule="unused-lock", severity=Severity.NOTE, message="m", places=(Place(path=("locked", "a:b")),)),
]


def test_findings_become_results_with_rules_and_locations() -> None:
    text = '[[profiles.dev.bindings]]\nalias = "a"\nmodels = ["openai:x"]\n'
    report = to_sarif(with_lines(FINDINGS, text), PurePosixPath("src/llmring.lock"), version="1.2")
    assert json.loads(json.dumps(report)) == report
    assert report["version"] == "2.1.0"
    (run,) = report["runs"]
    driver = run["tool"]["driver"]
    assert (driver["name"], driver["version"]) == ("llmring", "1.2")
    assert [rule["id"] for rule in driver["rules"]] == ["registry-unreachable", "retired", "unused-lock"]
    first, second, _ = run["results"]
    assert first == {
        "ruleId": "retired",
        "ruleIndex": 1,
        "level": "error",
        "message": {"text": "openai:x is retired"},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": "src/llmring.lock"},
                    "region": {"startLine": 3},
                },
                "logicalLocations": [{"fullyQualifiedName": "profiles.dev.bindings[0].models[0]"}],
            }
        ],
        "partialFingerprints": first["partialFingerprints"],
    }
    assert second["locations"][0]["physicalLocation"]["region"] == {"startLine": 1}


@pytest.mark.parametrize(
    "path", ["my app/llmring.lock", "c#/100%25/a?b/prüfung/llmring.lock", "\udcff/l.lock"]
)
def test_the_address_of_the_lockfile_is_a_uri_that_means_its_path(path: str) -> None:
    (result,) = to_sarif(FINDINGS[:1], path)["runs"][0]["results"]
    uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri.isascii()
    assert " " not in uri
    assert unquote(urlsplit(uri).path, errors="surrogateescape") == path


def test_a_fingerprint_does_not_depend_on_lines_and_messages() -> None:
    def prints(text: str) -> list[object]:
        return [
            result["partialFingerprints"]
            for result in to_sarif(with_lines(FINDINGS, text), "llmring.lock")["runs"][0]["results"]
        ]

    assert prints("") == prints("\n\n[[profiles.dev.bindings]]\nmodels = ['openai:x']\n")
    assert len({str(found) for found in prints("")}) == len(FINDINGS)


def test_every_rule_says_what_it_means_in_one_sentence() -> None:
    assert list(RULES) == sorted(RULES)
    assert all(text.endswith(".") and text[0].isupper() for text in RULES.values())
