"""check, validate and audit: what they find, how they say it, and their exit codes."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., tuple[int, str, str]]
Publish = Callable[..., None]

LOCKFILE = """\
version = "1.0"

[profiles.default]
name = "default"

[[profiles.default.bindings]]
alias = "fast"
models = ["openai:gpt-6-mini", "openai:gpt-6"]
"""


@pytest.fixture
def lockfile(folder: Path, publish: Publish) -> Path:
    publish({"gpt-6-mini": {}, "gpt-6": {}})
    path = folder / "llmring.lock"
    path.write_text(LOCKFILE)
    return path


def test_a_finding_is_one_line_with_its_place(llmring: Run, lockfile: Path) -> None:
    lockfile.write_text(LOCKFILE.replace("openai:gpt-6-mini", "acme:gpt-6-mini"))
    code, out, err = llmring("lock", "check")
    assert code == 0
    assert out.startswith("llmring.lock:8: warning: acme:gpt-6-mini: no provider acme is known")
    assert out.endswith(" [provider-unknown]\n")
    assert err == "profile default: fast\n1 warning\n"


def test_a_lockfile_in_which_nothing_is_wrong_passes(llmring: Run, lockfile: Path) -> None:
    assert llmring("lock", "check") == (0, "", "profile default: fast\nno problems\n")


def test_check_names_a_package_that_is_not_installed(llmring: Run, lockfile: Path) -> None:
    lockfile.write_text(
        LOCKFILE.replace("\n[profiles", '\n[extends]\npackages = ["no-such-tools"]\n\n[profiles')
    )
    code, out, _ = llmring("lock", "check", "--json")
    result = json.loads(out)
    assert code == 1
    assert not result["ok"]
    assert result["packages"] == {"no-such-tools": None}
    assert result["aliases"] == {"default": ["fast"]}
    assert result["findings"][0]["rule"] == "package-missing"


REVIEWS = [("check",), ("validate",), ("audit",)]


@pytest.mark.parametrize("review", REVIEWS)
@pytest.mark.parametrize("text", [None, "version = ", 'version = "9.9"\n'])
def test_a_lockfile_that_cannot_be_read_is_exit_code_2(
    llmring: Run, folder: Path, review: tuple[str, ...], text: str | None
) -> None:
    if text is not None:
        (folder / "llmring.lock").write_text(text)
    code, out, err = llmring("lock", *review)
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1


def test_models_that_are_listed_and_served_are_valid(llmring: Run, lockfile: Path) -> None:
    assert llmring("lock", "validate") == (0, "", "2 models checked, no problems\n")


INVALID = [
    ({"gpt-6-mini": {}}, "unknown-model"),
    ({"gpt-6-mini": {}, "gpt-6": {"is_active": False}}, "retired"),
    ({"gpt-6-mini": {}, "gpt-6": {"deprecated_date": "2020-01-01"}}, "retired"),
]


@pytest.mark.parametrize(("models", "rule"), INVALID)
def test_every_member_of_a_pool_is_validated(
    llmring: Run, lockfile: Path, publish: Publish, models: dict[str, dict[str, object]], rule: str
) -> None:
    publish(models)
    code, out, _ = llmring("lock", "validate", "--json")
    result = json.loads(out)
    assert (code, result["status"], result["checked"]) == (1, "invalid", 2)
    assert [(row["rule"], row["model"], row["places"][0]["line"]) for row in result["findings"]] == [
        (rule, "openai:gpt-6", 8)
    ]


def test_a_need_that_a_model_cannot_meet_is_invalid(llmring: Run, lockfile: Path, publish: Publish) -> None:
    publish({"gpt-6-mini": {"supports_vision": False}, "gpt-6": {"supports_vision": True}})
    lockfile.write_text(LOCKFILE + '\n[profiles.default.bindings.constraints]\nneeds = ["vision"]\n')
    code, out, _ = llmring("lock", "validate")
    assert code == 1
    assert "openai:gpt-6-mini: needs vision" in out
    assert out.count("\n") == 1


def test_models_of_ollama_are_in_no_registry_and_pass(llmring: Run, lockfile: Path) -> None:
    lockfile.write_text(LOCKFILE.replace("openai:gpt-6-mini", "ollama:llama3:8b"))
    assert llmring("lock", "validate")[0] == 0


@pytest.mark.parametrize("address", ["http://127.0.0.1:9", "file:///no/registry/here"])
@pytest.mark.parametrize("review", [("validate",), ("audit",), ("update",), ("bump-registry",), ("upgrade",)])
def test_a_registry_out_of_reach_is_exit_code_3(
    llmring: Run, lockfile: Path, review: tuple[str, ...], address: str
) -> None:
    before = lockfile.read_bytes()
    code, out, err = llmring("lock", *review, "--registry", address)
    assert code == 3
    assert address in out + err
    assert "--offline" in err
    assert lockfile.read_bytes() == before


def test_offline_nobody_is_asked(llmring: Run, folder: Path) -> None:
    llmring("bind", "fast", "openai:gpt-4o-mini")
    code, _, err = llmring("lock", "validate", "--offline", "--registry", "http://127.0.0.1:9")
    assert (code, "--offline" in err) == (0, False)


def test_what_did_not_change_is_no_finding(llmring: Run, lockfile: Path) -> None:
    llmring("lock", "update")
    assert llmring("lock", "audit") == (0, "", "nothing has got worse\n")


DRIFT = [
    ({"dollars_per_million_tokens_input": 2.0}, "price-up", "warning"),
    ({"max_input_tokens": 50_000}, "limit-down", "warning"),
    ({"supports_function_calling": False}, "capability-lost", "error"),
    ({"is_active": False}, "retired", "error"),
]


@pytest.mark.parametrize(("fields", "rule", "severity"), DRIFT)
def test_what_changed_for_the_worse_is_found(
    llmring: Run, lockfile: Path, publish: Publish, fields: dict[str, object], rule: str, severity: str
) -> None:
    llmring("lock", "update")
    publish({"gpt-6-mini": {}, "gpt-6": fields}, version=8)
    code, out, _ = llmring("lock", "audit", "--json")
    found = json.loads(out)["findings"]
    assert code == 1
    assert [(row["rule"], row["severity"], row["model"]) for row in found] == [
        (rule, severity, "openai:gpt-6")
    ]


def test_the_days_decide_what_is_retiring(llmring: Run, lockfile: Path, publish: Publish) -> None:
    publish({"gpt-6-mini": {}, "gpt-6": {"deprecated_date": "9000-01-01"}})
    llmring("lock", "update")
    assert llmring("lock", "audit")[0] == 0
    code, out, _ = llmring("lock", "audit", "--days", "9000000")
    assert code == 1
    assert "[retiring]" in out


def test_findings_go_to_a_sarif_file(llmring: Run, lockfile: Path, publish: Publish) -> None:
    llmring("lock", "update")
    publish({"gpt-6-mini": {}})
    code, out, _ = llmring("lock", "audit", "--sarif", "llmring.sarif")
    document = json.loads((lockfile.parent / "llmring.sarif").read_text())
    place = document["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
    assert code == 1
    assert place == {"artifactLocation": {"uri": "llmring.lock"}, "region": {"startLine": 8}}
    assert "[unknown-model]" in out


def test_sarif_on_standard_output_is_alone_there(llmring: Run, lockfile: Path) -> None:
    assert json.loads(llmring("lock", "audit", "--sarif", "-")[1])["version"] == "2.1.0"
