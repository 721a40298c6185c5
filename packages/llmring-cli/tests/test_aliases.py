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


@pytest.mark.parametrize(
    ("alias", "models", "says"),
    [
        ("fast", "openi:gpt-5", "no provider openi is known; did you mean openai:gpt-5?"),
        ("fast", "openi:gpt5", "no provider openi is known; did you mean openai:gpt-5 or "),
        ("fast", "openi:nosuch-model", "no provider openi is known; did you mean openai?"),
        ("fast", "nosuch:nosuch-model", "no provider nosuch is known; to list them: llmring hosts"),
        ("fast", "openai:gpt-4o-minni", "the registry does not list this model; did you mean gpt-4o-mini"),
        ("openai:fast", "sim:demo", "the alias is never looked up"),
        ("tools:fast", "sim:demo", "does not extend a package tools"),
        ("my alias", "sim:demo", "an unusual name"),
    ],
)
def test_what_nobody_knows_is_bound_with_a_warning(llmring: Run, alias: str, models: str, says: str) -> None:
    code, _, err = llmring("bind", alias, models)
    assert code == 0
    assert err.startswith("warning: ")
    assert says in err


@pytest.mark.parametrize("models", ["openai:gpt-4o-mini", "ollama:anything:8b", "sim:demo"])
def test_what_is_known_is_bound_without_one(llmring: Run, models: str) -> None:
    assert "warning" not in llmring("bind", "fast", models)[2]


@pytest.mark.parametrize(
    ("models", "end"),
    [
        ("gpt5-mini", "; did you mean openai:gpt-5-mini or "),
        ("sim:demo,claude-haiku", "; did you mean anthropic:claude-haiku-4-5 or "),
        ("nosuch-model", "for example 'openai:gpt-4o'\n"),
    ],
)
def test_a_model_without_a_provider_is_refused_with_the_references_that_were_probably_meant(
    llmring: Run, folder: Path, models: str, end: str
) -> None:
    code, _, err = llmring("bind", "fast", models)
    assert code == 1
    assert err.startswith("error: Invalid model format ")
    assert end in err
    assert not list(folder.glob("*.lock"))


def test_a_bind_that_fails_leaves_no_lockfile(llmring: Run, folder: Path) -> None:
    assert llmring("bind", "fast", "gpt-5")[0] == 1
    assert not (folder / "llmring.lock").exists()


def test_aliases_are_listed_with_constraints_and_providers_that_are_ready(llmring: Run, folder: Path) -> None:
    (folder / "llmring.lock").write_text(
        '[[profiles.default.bindings]]\nalias = "fast"\nmodels = ["sim:demo", "openai:gpt-5"]\n'
        'constraints = {needs = ["tools", "vision"], timeout_s = 5.0}\n'
    )
    expected = "fast\tsim:demo, openai:gpt-5\tneeds=tools+vision, timeout_s=5.0\tsim\n"
    assert llmring("aliases", "--verbose")[1] == expected
