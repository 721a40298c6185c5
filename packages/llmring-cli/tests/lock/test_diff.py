"""diff."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., tuple[int, str, str]]
Publish = Callable[..., None]


@pytest.fixture
def committed(llmring: Run, folder: Path) -> None:
    """A lockfile in a repository, changed since its commit."""
    llmring("bind", "fast", "openai:gpt-6")
    who = {
        "GIT_AUTHOR_NAME": "a",
        "GIT_AUTHOR_EMAIL": "a@b",
        "GIT_COMMITTER_NAME": "a",
        "GIT_COMMITTER_EMAIL": "a@b",
    }
    for arguments in (["init", "-q"], ["add", "llmring.lock"], ["commit", "-qm", "one"]):
        subprocess.run(["git", *arguments], cwd=folder, env={**os.environ, **who}, check=True)  # noqa: S607
    llmring("bind", "fast", "openai:gpt-6,openai:gpt-7")


CHANGE = "default fast: models openai:gpt-6 -> openai:gpt-6, openai:gpt-7\n"


@pytest.mark.usefixtures("committed")
@pytest.mark.parametrize("revision", [(), ("HEAD",), ("HEAD~0",)])
def test_it_compares_with_a_revision(llmring: Run, revision: tuple[str, ...]) -> None:
    assert llmring("lock", "diff", *revision) == (0, CHANGE, "")


@pytest.mark.usefixtures("committed")
def test_changes_can_be_an_exit_code(llmring: Run) -> None:
    assert llmring("lock", "diff", "--exit-code")[0] == 1
    llmring("bind", "fast", "openai:gpt-6")
    assert llmring("lock", "diff", "--exit-code") == (0, "", "llmring.lock says the same as HEAD\n")


@pytest.mark.usefixtures("committed")
def test_a_revision_that_git_does_not_know_is_named(llmring: Run) -> None:
    code, out, err = llmring("lock", "diff", "nosuch")
    assert (code, out) == (1, "")
    assert "nosuch is neither a lockfile nor a revision with llmring.lock in it" in err


def test_it_compares_with_another_file(llmring: Run) -> None:
    llmring("bind", "fast", "openai:gpt-6", "-f", "old.lock")
    llmring("bind", "fast", "openai:gpt-6,openai:gpt-7")
    assert llmring("lock", "diff", "old.lock")[1] == CHANGE
    assert json.loads(llmring("lock", "diff", "old.lock", "--json")[1])["changes"] == [
        {
            "what": "models",
            "before": ["openai:gpt-6"],
            "after": ["openai:gpt-6", "openai:gpt-7"],
            "profile": "default",
            "alias": "fast",
            "model": None,
        }
    ]
