"""Findings of any tool as SARIF."""

from pathlib import PureWindowsPath

from llmring_lockfile import SarifPlace, SarifResult, sarif_log

RULES = {"a": "All of a.", "b": "All of b.", "unused": "Nothing."}


def result(rule: str, *places: SarifPlace, identity: tuple[str, ...] = ()) -> SarifResult:
    return SarifResult(rule=rule, level="warning", message=f"{rule}!", places=places, identity=identity)


def test_a_log_names_the_rules_that_were_broken_and_points_at_characters() -> None:
    place = SarifPlace(path="src/a b.py", line=3, column=5, end_column=9, name="profiles.default")
    log = sarif_log([result("b", place), result("a", SarifPlace(path="x"))], RULES, version="1.2")
    (run,) = log["runs"]
    assert run["tool"]["driver"] == {
        "name": "llmring",
        "version": "1.2",
        "rules": [
            {"id": "a", "shortDescription": {"text": "All of a."}},
            {"id": "b", "shortDescription": {"text": "All of b."}},
        ],
    }
    assert [one["ruleIndex"] for one in run["results"]] == [1, 0]
    assert run["results"][0]["locations"] == [
        {
            "physicalLocation": {
                "artifactLocation": {"uri": "src/a%20b.py"},
                "region": {"startLine": 3, "startColumn": 5, "endColumn": 9},
            },
            "logicalLocations": [{"fullyQualifiedName": "profiles.default"}],
        }
    ]
    assert run["results"][1]["locations"][0]["physicalLocation"]["region"] == {"startLine": 1}


def test_a_fingerprint_is_of_the_identity_alone() -> None:
    results = [
        result("a", SarifPlace(path="x", line=line), identity=("a", text))
        for line, text in ((1, "m"), (9, "m"), (1, "n"))
    ]
    prints = [
        one["partialFingerprints"]["finding/v1"] for one in sarif_log(results, RULES)["runs"][0]["results"]
    ]
    assert prints[0] == prints[1] != prints[2]


def test_names_of_windows_and_bytes_that_are_no_text_become_addresses() -> None:
    assert SarifPlace(path=PureWindowsPath("a\\b.py")).as_dict()["physicalLocation"]["artifactLocation"] == {
        "uri": "a/b.py"
    }
    odd = SarifPlace(path="\udcff.py")
    assert odd.as_dict()["physicalLocation"]["artifactLocation"] == {"uri": "%FF.py"}
    sarif_log([result("a", odd, identity=("\udcff",))], RULES)
