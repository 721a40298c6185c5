"""The command that runs everything: other interpreters, coverage, and a suite that can always be interrupted."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CHECK = (ROOT / "tests" / "check").read_text("utf-8")
CI = (ROOT / ".ci" / "run").read_text("utf-8")
INTERRUPTS = "tests/cli/test_sim.py"


@pytest.mark.skipif(os.name != "posix", reason="signals are sent in POSIX's way")
def test_the_suite_does_not_hang_where_sigint_is_ignored() -> None:
    """Such as under ``nohup``, or in the background of a script."""
    suite = subprocess.run(
        ["sh", "-c", f"trap '' INT; exec {sys.executable} -m pytest -p no:cacheprovider {INTERRUPTS}"],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert suite.returncode == 0, suite.stdout
    assert "send_signal(signal.SIGINT)" in (ROOT / INTERRUPTS).read_text("utf-8")


@pytest.mark.skipif(os.name != "posix", reason="the check is a POSIX script")
def test_a_python_that_is_not_there_is_named() -> None:
    check = subprocess.run(
        [ROOT / "tests" / "check", "--python", "3.1"], capture_output=True, text=True, timeout=60, check=False
    )
    assert check.returncode == 2
    assert check.stderr == "no Python 3.1 here; install it, for example by: pyenv install 3.1\n"


@pytest.mark.skipif(os.name != "posix", reason="the check is a POSIX script")
def test_this_python_is_among_those_at_hand() -> None:
    check = subprocess.run(
        [ROOT / "tests" / "check", "--pythons"], capture_output=True, text=True, timeout=60, check=True
    )
    assert "{}.{}".format(*sys.version_info) in check.stdout.split()


def test_every_tool_that_is_configured_runs_in_the_check() -> None:
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]
    commands = {"importlinter": "lint-imports", "pytest": "pytest", "coverage": "pytest"}
    for tool in tools:
        assert re.search(rf"^ *(exec )?{commands.get(tool, tool)}\b", CHECK, re.MULTILINE), tool


def test_coverage_counts_branches_and_has_a_floor_that_ci_holds() -> None:
    coverage = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["coverage"]
    assert coverage["run"]["branch"]
    assert coverage["report"]["fail_under"] >= 98
    assert re.search(r"tests/check --cov$", CI, re.MULTILINE)
