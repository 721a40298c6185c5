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
    assert llmring("lock", "diff", "--exit-code") == (0, "", "llmring.lock has no changes since HEAD\n")


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


EVIL = {
    "core.fsmonitor": "touch {marker}",
    "core.pager": "touch {marker}",
    "core.sshCommand": "touch {marker}",
    "diff.external": "touch {marker}",
    "diff.evil.textconv": "touch {marker} #",
    "filter.evil.smudge": "touch {marker} #",
    "gpg.program": "touch {marker}",
    "log.showSignature": "true",
    "alias.cat-file": "!touch {marker}",
    "remote.origin.url": "ext::sh -c touch% {marker}",
    "remote.origin.promisor": "true",
    "protocol.ext.allow": "always",
    "extensions.partialClone": "origin",
}


@pytest.mark.usefixtures("committed")
def test_a_repository_cannot_have_commands_run(
    llmring: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    marker = folder / "marker"
    (folder / ".gitattributes").write_text("* diff=evil filter=evil\n")
    for name, value in EVIL.items():
        subprocess.run(
            ["git", "config", name, value.format(marker=marker)],  # noqa: S607
            cwd=folder,
            check=True,
        )
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", f"touch {marker}")
    monkeypatch.setenv("GIT_PAGER", f"touch {marker}")
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    assert llmring("lock", "diff") == (0, CHANGE, "")
    llmring("lock", "diff", "HEAD:nosuch")
    llmring("lock", "diff", "0123456789012345678901234567890123456789")
    assert not marker.exists()


def test_a_git_in_the_working_directory_is_not_run(
    llmring: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    llmring("bind", "fast", "openai:gpt-6")
    (folder / "git").write_text("#!/bin/sh\ntouch marker\n")
    (folder / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f".{os.pathsep}{os.pathsep}bin")
    code, _, err = llmring("lock", "diff")
    assert (code, err) == (
        1,
        "error: there is no file HEAD, and git is not installed to look for a revision\n",
    )
    assert not (folder / "marker").exists()


def test_a_bare_repository_inside_is_none(llmring: Run, folder: Path) -> None:
    """A clone may hold the files of one, and with them a configuration."""
    llmring("bind", "fast", "openai:gpt-6")
    subprocess.run(["git", "init", "-q", "--bare", "."], cwd=folder, check=True)  # noqa: S607
    code, _, err = llmring("lock", "diff", "HEAD~0")
    assert code == 1
    assert "bare" in err
