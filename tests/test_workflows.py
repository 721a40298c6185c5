"""The workflows and the hooks of the repository: valid YAML that runs what tests/check runs."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PACKAGES = sorted(path.parent.name for path in ROOT.glob("packages/*/pyproject.toml"))


def read(path: Path) -> Any:
    """Return the document; GitHub means YAML 1.2, in which ``on`` is a word and no truth value."""
    document = yaml.safe_load(path.read_text("utf-8"))
    if isinstance(document, dict) and True in document:
        document["on"] = document.pop(True)
    return document


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_states_when_it_runs_what_it_may_do_and_for_how_long(path: Path) -> None:
    workflow = read(path)
    assert workflow["on"]
    assert workflow["permissions"] == {"contents": "read"}
    for name, job in workflow["jobs"].items():
        assert job["timeout-minutes"] <= 30, name
        for step in job["steps"]:
            assert ("run" in step) != ("uses" in step), name
            assert re.fullmatch(r"[\w./-]+@v\d+", step.get("uses", "x@v1")), step


def test_every_supported_python_and_system_is_tested() -> None:
    jobs = read(ROOT / ".github" / "workflows" / "check.yml")["jobs"]
    matrix = jobs["tests"]["strategy"]["matrix"]
    assert {system.partition("-")[0] for system in matrix["os"]} == {"ubuntu", "macos", "windows"}
    assert matrix["python"] == ["3.11", "3.12", "3.13", "3.14"]
    commands = [step.get("run", "") for step in jobs["check"]["steps"]]
    assert "uv run --all-packages tests/check --cov" in commands


@pytest.mark.parametrize("package", PACKAGES)
def test_a_tag_publishes_the_package_that_it_names_without_a_password(package: str) -> None:
    text = (ROOT / ".github" / "workflows" / "publish.yml").read_text("utf-8")
    (pattern,) = read(ROOT / ".github" / "workflows" / "publish.yml")["on"]["push"]["tags"]
    expression = re.escape(pattern).replace(r"\*", "[^/]*").replace(r"\[0\-9\]\+", "[0-9]+")
    assert re.fullmatch(expression, f"{package}-v0.10.2")
    assert not re.fullmatch(expression, "v0.10.2")
    assert "trusted-publishing always" in text
    assert "id-token: write" in text
    assert "secrets." not in text


@pytest.mark.skipif(os.name != "posix", reason="the build is a POSIX script")
@pytest.mark.parametrize(
    ("tag", "message"),
    [
        ("v0.1.0", "v0.1.0 names no package: write NAME-vX.Y.Z"),
        ("llmring-absent-v0.1.0", "llmring-absent-v0.1.0 names no package: write NAME-vX.Y.Z"),
        ("llmring-v99.0.0", "llmring-v99.0.0: packages/llmring/pyproject.toml has another version"),
    ],
)
def test_a_tag_that_does_not_fit_its_package_builds_nothing(tag: str, message: str) -> None:
    built = subprocess.run([ROOT / ".ci" / "build", tag], capture_output=True, text=True, check=False)
    assert (built.returncode, built.stderr) == (2, f"{message}\n")


def test_the_hooks_before_a_commit_run_the_tools_of_the_check() -> None:
    (repository,) = read(ROOT / ".pre-commit-config.yaml")["repos"]
    assert repository["repo"] == "local"
    check = (ROOT / "tests" / "check").read_text("utf-8")
    for hook in repository["hooks"]:
        tool = hook["entry"].removeprefix("uv run -q --frozen --all-packages ")
        assert re.search(rf"^ *{re.escape(tool)}\b", check, re.MULTILINE), tool


def test_the_action_takes_its_inputs_as_values_and_pins_what_it_uses() -> None:
    action = read(ROOT / ".github" / "actions" / "scan-models" / "action.yml")
    steps = action["runs"]["steps"]
    assert all(re.fullmatch(r"[\w./-]+@v\d+", step["uses"]) for step in steps if "uses" in step)
    (run,) = [step for step in steps if "run" in step]
    assert "${{" not in run["run"]
    used = {name for value in run["env"].values() for name in re.findall(r"inputs\.([\w-]+)", value)}
    assert used == set(action["inputs"])


@pytest.mark.skipif(os.name != "posix", reason="the step is a script of bash")
@pytest.mark.parametrize(
    ("source", "status"), [('x = "gpt-4o-mini"', 0), ('x = "claude-3-opus-20240229"', 1)]
)
def test_the_action_scans_and_summarizes(tmp_path: Path, source: str, status: int) -> None:
    (run,) = [
        step
        for step in read(ROOT / ".github/actions/scan-models/action.yml")["runs"]["steps"]
        if "run" in step
    ]
    (tmp_path / "odd name.py").write_text(source)
    command = tmp_path / "bin" / "uv"
    command.parent.mkdir()
    command.write_text(
        f'#!/bin/sh\nwhile [ "$1" != llmring ]; do shift; done\nshift\nexec {sys.executable} -m llmring_cli "$@"\n'
    )
    command.chmod(0o755)
    done = subprocess.run(
        ["bash", "-e", "-c", run["run"]],  # noqa: S607 - as GitHub runs it
        cwd=tmp_path,
        env={
            **os.environ,
            "PATH": f"{command.parent}:{os.environ['PATH']}",
            "PROJECT": str(ROOT),
            "PATHS": "odd name.py\nbin",
            "FAIL_ON": "retired",
            "DAYS": "90",
            "SARIF": "out.sarif",
            "RUNNER_TEMP": str(tmp_path),
            "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status, done.stderr
    assert "odd name.py:1:6" in (tmp_path / "summary").read_text()
    assert (tmp_path / "out.sarif").is_file()


def test_hooks_for_other_repositories_run_a_command_that_is_there() -> None:
    (hook,) = read(ROOT / ".pre-commit-hooks.yaml")
    assert hook["entry"] == "llmring scan-models --fail-on retired"
    assert hook["language"] == "system"


def test_every_other_yaml_file_of_the_repository_can_be_read() -> None:
    paths = [path for path in (ROOT / ".github").rglob("*.yml") if path not in WORKFLOWS]
    assert paths
    for path in paths:
        assert isinstance(read(path), dict), path
