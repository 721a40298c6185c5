"""bind, unbind and aliases."""

import json
from collections.abc import Callable
from pathlib import Path

import llmring_lockfile
import pytest

Run = Callable[..., tuple[int, str, str]]


def test_bind_makes_a_lockfile_where_there_is_none(llmring: Run, folder: Path) -> None:
    code, out, err = llmring("bind", "fast", "openai:gpt-4o-mini")
    assert (code, out) == (0, "")
    assert err == "bound fast to openai:gpt-4o-mini in llmring.lock, profile default\n"
    assert llmring_lockfile.load().profile().aliases == ("fast",)


def test_a_pool_is_written_best_first(llmring: Run) -> None:
    llmring("bind", "fast", "openai:gpt-4o-mini,ollama:llama3:8b")
    assert json.loads(llmring("aliases", "--json")[1]) == {"fast": ["openai:gpt-4o-mini", "ollama:llama3:8b"]}


@pytest.mark.parametrize("option", ["--lockfile", "--file", "-f"])
def test_another_lockfile_can_be_named(llmring: Run, folder: Path, option: str) -> None:
    assert llmring("bind", "fast", "openai:x", option, "other.lock")[0] == 0
    assert not (folder / "llmring.lock").exists()
    assert llmring("aliases", option, "other.lock")[1] == "fast\topenai:x\n"
    assert llmring("unbind", "fast", option, "other.lock")[0] == 0
    assert llmring("aliases", option, "other.lock")[1] == ""


def test_the_profile_is_the_options_else_the_environments(
    llmring: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLMRING_PROFILE", "dev")
    llmring("bind", "a", "openai:x")
    llmring("bind", "b", "openai:x", "--profile", "prod")
    assert llmring("aliases")[1] == "a\topenai:x\n"
    assert llmring("aliases", "--profile", "prod")[1] == "b\topenai:x\n"


def test_aliases_says_on_standard_error_which_lockfile_it_read(llmring: Run, folder: Path) -> None:
    llmring("bind", "fast", "openai:x")
    code, out, err = llmring("aliases")
    assert (code, out) == (0, "fast\topenai:x\n")
    assert err == "llmring.lock, profile default\n"


def test_unbind_removes_an_alias_and_says_when_there_was_none(llmring: Run, folder: Path) -> None:
    llmring("bind", "fast", "openai:x")
    where = "llmring.lock, profile default"
    assert llmring("unbind", "fast") == (0, "", f"removed fast from {where}\n")
    assert llmring("unbind", "fast") == (1, "", f"fast is not bound in {where}\n")


@pytest.mark.parametrize("command", [("unbind", "fast"), ("aliases",)])
def test_without_a_lockfile_it_is_said_how_to_make_one(llmring: Run, command: tuple[str, ...]) -> None:
    code, out, err = llmring(*command)
    assert (code, out) == (1, "")
    assert "llmring lock init" in err


def test_edits_can_be_told_as_json(llmring: Run, folder: Path) -> None:
    bound = json.loads(llmring("bind", "fast", "openai:x,openai:y", "--json")[1])
    where = {"lockfile": str(folder / "llmring.lock"), "profile": "default", "alias": "fast"}
    assert bound == {**where, "models": ["openai:x", "openai:y"]}
    assert json.loads(llmring("unbind", "fast", "--json")[1]) == {**where, "removed": True}
