"""doctor."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., tuple[int, str, str]]
Answering = Callable[[int, object], str]


def told(llmring: Run, *more: str) -> tuple[int, dict[str, Any]]:
    code, out, _ = llmring("doctor", "--json", *more)
    return code, json.loads(out)


def test_it_tells_which_lockfile_counts_and_why(llmring: Run, folder: Path) -> None:
    llmring("bind", "fast", "sim:demo")
    code, checkup = told(llmring)
    assert code == 0
    assert checkup["lockfile"] == {
        "path": str(folder / "llmring.lock"),
        "origin": "working directory",
        "passed_over": [],
        "profile": "default",
        "profile_origin": "default_profile",
        "error": None,
    }


def test_without_a_lockfile_it_says_how_to_make_one_and_that_is_no_problem(
    llmring: Run, folder: Path
) -> None:
    code, out, err = llmring("doctor")
    assert code == 0
    assert "the one that ships with llmring is for lock chat only" in out
    assert "llmring lock init" in err
    assert told(llmring)[1]["lockfile"]["passed_over"] == [str(folder / "llmring.lock")]


def test_each_alias_is_told_with_what_it_resolves_to_now(llmring: Run) -> None:
    llmring("bind", "good", "openai:gpt-4o,sim:demo")
    llmring("bind", "bad", "openai:gpt-4o")
    code, checkup = told(llmring)
    assert code == 1
    good, bad = checkup["aliases"]
    assert "alias\tgood\tsim:demo, since openai:gpt-4o cannot be used" in llmring("doctor")[1]
    assert (good["alias"], good["resolves_to"]) == ("good", "sim:demo")
    assert bad["resolves_to"] is None
    assert "OPENAI_API_KEY" in bad["error"]
    assert checkup["problems"] == [f"alias bad: {bad['error']}"]


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_a_key_is_never_shown(llmring: Run, monkeypatch: pytest.MonkeyPatch, more: tuple[str, ...]) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-made-up-0000")
    monkeypatch.setenv("OPENAI_BASE_URL", "https://me:made-up@example.org/v1")
    code, out, err = llmring("doctor", *more)
    assert code == 0
    assert "example.org" in out
    assert "made-up" not in out + err


BROKEN = [
    ("llmring.lock", "version = ", {}),
    ("other", "", {"LLMRING_LOCKFILE_PATH": "gone.lock"}),
    ("llmring.lock", 'version = "1.0"\n[profiles.default]\nname = "default"\n', {"LLMRING_PROFILE": "gone"}),
    (
        "llmring.lock",
        'version = "1.0"\n[profiles.default]\nname = "default"\n',
        {"LLMRING_REGISTRY_URL": "ftp://x"},
    ),
    (
        "llmring.lock",
        'version = "1.0"\n[profiles.default]\nname = "default"\n',
        {"LLMRING_PROVIDER_TIMEOUT_S": "soon"},
    ),
    (
        "llmring.lock",
        'version = "1.0"\n[profiles.default]\nname = "default"\n',
        {"OLLAMA_BASE_URL": "ftp://x"},
    ),
]


@pytest.mark.parametrize(("name", "text", "environment"), BROKEN)
def test_whatever_is_broken_is_a_problem_and_not_the_end(
    llmring: Run,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    text: str,
    environment: dict[str, str],
) -> None:
    (folder / name).write_text(text)
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    code, out, err = llmring("doctor")
    assert code == 1
    assert err.startswith("problem: ")
    assert "provider\topenai\t" in out


def test_online_every_provider_that_can_be_used_is_asked(
    llmring: Run, monkeypatch: pytest.MonkeyPatch, answering: Answering
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-made-up")
    monkeypatch.setenv("OPENAI_BASE_URL", answering(200, {"data": [{"id": "gpt-4o"}]}))
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-made-up")
    monkeypatch.setenv(
        "ANTHROPIC_BASE_URL", answering(401, {"type": "error", "error": {"message": "invalid x-api-key"}})
    )
    monkeypatch.delenv("OLLAMA_BASE_URL")
    monkeypatch.setenv("OLLAMA_HOST", answering(200, {"models": []}))
    code, checkup = told(llmring, "--online")
    rows = {row["name"]: row for row in checkup["providers"]}
    assert code == 1
    assert rows["openai"]["models"] == 1
    assert rows["ollama"]["models"] == 0
    assert "invalid x-api-key" in rows["anthropic"]["error"]
    assert rows["google"] == {
        "name": "google",
        "configured": False,
        "needs": ["GOOGLE_GEMINI_API_KEY", "GEMINI_API_KEY", "GOOGLE_API_KEY"],
        "base_url": None,
        "models": None,
        "error": None,
    }
    assert checkup["problems"] == [rows["anthropic"]["error"]]


def test_the_age_of_what_is_known_of_models_is_told(llmring: Run) -> None:
    rows = told(llmring)[1]["registry"]
    assert [row["provider"] for row in rows] == ["anthropic", "google", "openai"]
    assert all(row["origin"] == "snapshot" and row["age_days"] > 0 for row in rows)
