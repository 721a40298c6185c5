"""llmring scan-models."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

Run = Callable[..., tuple[int, str, str]]

SOURCE = """MODEL = "claude-3-opus-20240229"
OTHER = "gpt-4o-mini"
AGAIN = ["gpt-4o-mini", "gpt-99"]
"""


@pytest.fixture(autouse=True)
def repository(folder: Path) -> None:
    (folder / "src").mkdir()
    (folder / "src" / "app.py").write_text(SOURCE)
    (folder / "config.yaml").write_text("model: anthropic.claude-3-haiku-20240307-v1:0\n")


def test_each_name_has_a_row_with_its_fate_the_worst_first(llmring: Run) -> None:
    code, out, err = llmring("scan-models")
    rows = [line.split("\t") for line in out.splitlines()]
    assert code == 1
    assert [(row[0], row[1], row[2], row[3]) for row in rows] == [
        ("src/app.py:1:10", "claude-3-opus-20240229", "retired", "2026-01-05"),
        ("config.yaml:1:8", "anthropic.claude-3-haiku-20240307-v1:0", "retiring", "2026-04-19"),
        ("src/app.py:3:26", "gpt-99", "unlisted", "-"),
        ("src/app.py:2:10 and 1 more", "gpt-4o-mini", "current", "-"),
    ]
    assert [row[5] for row in rows[2:]] == ["?", "0.15/0.60"]
    assert rows[0][4].startswith("anthropic:claude-opus-")
    assert err == (
        "note: anthropic has retired it; bedrock has days of its own\n"
        "5 names of models in 2 files: 1 retired, 1 retiring, 1 unlisted, 2 current\n"
    )


@pytest.mark.parametrize(
    ("path", "policy", "code"),
    [
        ("src", "never", 0),
        ("src", "retired", 1),
        ("config.yaml", "retired", 0),
        ("config.yaml", "retiring", 1),
        ("src/other.py", "retiring", 0),
        ("src/other.py", "any", 1),
        ("src/none.py", "any", 0),
    ],
)
def test_the_policy_says_what_fails(llmring: Run, folder: Path, path: str, policy: str, code: int) -> None:
    (folder / "src" / "other.py").write_text('x = "gpt-4o-mini"\n')
    (folder / "src" / "none.py").write_text('x = "gpt"\n')
    assert llmring("scan-models", path, "--fail-on", policy)[0] == code


def test_a_repository_without_names_is_fine(llmring: Run) -> None:
    assert llmring("scan-models", "--exclude", "src/", "--exclude", "*.yaml") == (
        0,
        "",
        "0 names of models in 0 files\n",
    )


def test_a_file_that_was_not_read_is_named(llmring: Run, folder: Path) -> None:
    (folder / "big.json").write_bytes(b" " * 2**21)
    assert "warning: big.json was not read: larger than 1 MiB\n" in llmring("scan-models", "big.json")[2]


def test_a_path_that_is_not_there_is_an_error(llmring: Run) -> None:
    assert llmring("scan-models", "nosuch")[::2] == (1, "error: there is no nosuch\n")


def test_sarif_points_at_the_characters_of_each_name(llmring: Run, folder: Path) -> None:
    llmring("scan-models", "--sarif", "out.sarif", "--fail-on", "never")
    document: dict[str, Any] = json.loads((folder / "out.sarif").read_text())
    (run,) = document["runs"]
    assert {rule["id"] for rule in run["tool"]["driver"]["rules"]} == {
        "retired",
        "retiring",
        "unlisted",
        "current",
    }
    result = next(one for one in run["results"] if one["ruleId"] == "retired")
    place = result["locations"][0]["physicalLocation"]
    assert result["level"] == "error"
    assert place["artifactLocation"]["uri"] == "src/app.py"
    assert place["region"] == {"startLine": 1, "startColumn": 10, "endColumn": 32}
    assert "2026-01-05" in result["message"]["text"]
    assert len({one["partialFingerprints"]["finding/v1"] for one in run["results"]}) == 4


def test_one_document_goes_to_standard_output_alone(llmring: Run) -> None:
    code, out, err = llmring("scan-models", "--sarif", "-")
    assert (code, err) == (1, "")
    assert json.loads(out)["version"] == "2.1.0"
    assert llmring("scan-models", "--markdown", "-")[1].startswith("### Models named in the code: 1 retired")


def test_a_table_for_a_pull_request_takes_what_is_written_as_code(llmring: Run, folder: Path) -> None:
    odd = folder / "src" / "a|b`c.py"
    odd.write_text('x = "gpt-4o"\n')
    llmring("scan-models", str(odd.relative_to(folder)), "--markdown", "out.md")
    text = (folder / "out.md").read_text()
    assert "| `src/a\\|b'c.py:1:6` | `gpt-4o` | superseded |" in text


def test_a_long_table_is_cut(llmring: Run, folder: Path) -> None:
    names = ", ".join(f'"gpt-9{number}"' for number in range(120))
    (folder / "src" / "app.py").write_text(f"x = [{names}]\n")
    out = llmring("scan-models", "src", "--markdown", "-")[1]
    assert out.endswith("\n20 more are left out.\n")
    assert llmring("scan-models", "config.yaml", "--exclude", "*", "--markdown", "-")[1].count("\n") > 1
    (folder / "empty").mkdir()
    assert llmring("scan-models", "empty", "--markdown", "-")[1] == "### Models named in the code: none\n"


def test_every_field_of_the_json_follows_its_schema(llmring: Run, folder: Path) -> None:
    (folder / "big.json").write_bytes(b" " * 2**21)
    code, out, err = llmring("scan-models", "--json")
    document = json.loads(out)
    schema = Path(__file__).parent / "schemas" / "scan-models.json"
    Draft202012Validator(json.loads(schema.read_text())).validate(document)
    assert (code, err) == (1, "")
    assert document["skipped"] == [{"path": "big.json", "problem": "larger than 1 MiB"}]
    assert document["counts"] == {"retired": 1, "retiring": 1, "superseded": 0, "unlisted": 1, "current": 2}
    (bedrock,) = [found for found in document["found"] if found["status"] == "retiring"]
    assert (bedrock["host"], bedrock["vendor"], bedrock["model"]) == (
        "bedrock",
        "anthropic",
        "claude-3-haiku-20240307",
    )
    assert bedrock["note"] == "anthropic has retired it; bedrock has days of its own"


def test_a_path_outside_of_the_folder_is_whole_in_sarif(
    llmring: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "elsewhere").mkdir()
    monkeypatch.chdir(folder / "elsewhere")
    document = json.loads(llmring("scan-models", "../src/app.py", "--sarif", "-")[1])
    place = document["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"].endswith("/src/app.py")
