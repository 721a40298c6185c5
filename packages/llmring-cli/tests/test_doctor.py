"""doctor."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from usage_server import UsageServer

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


@pytest.mark.parametrize(
    ("models", "keyed", "named"),
    [
        (None, None, "openai"),
        (None, "ANTHROPIC_API_KEY", None),
        ("sim:demo", None, None),
        ("anthropic:claude-haiku-4-5,sim:demo", None, "anthropic"),
        ("anthropic:claude-haiku-4-5", "OPENAI_API_KEY", "anthropic"),
        ("anthropic:claude-haiku-4-5", "ANTHROPIC_API_KEY", None),
    ],
)
def test_where_a_key_is_missing_the_command_that_keeps_one_is_named(
    llmring: Run, monkeypatch: pytest.MonkeyPatch, models: str | None, keyed: str | None, named: str | None
) -> None:
    if models is not None:
        llmring("bind", "fast", models)
    if keyed is not None:
        monkeypatch.setenv(keyed, "sk-made-up-0000")
    hints = [line for line in llmring("doctor")[2].splitlines() if "llmring keys set" in line]
    assert [line.rpartition(" ")[2] for line in hints] == ([] if named is None else [named])


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
        "missing": "set GOOGLE_GEMINI_API_KEY or GEMINI_API_KEY or GOOGLE_API_KEY",
        "base_url": None,
        "key_from": None,
        "listening": None,
        "models": None,
        "error": None,
    }
    assert checkup["problems"] == [rows["anthropic"]["error"]]


def test_the_age_of_what_is_known_of_models_is_told(llmring: Run) -> None:
    rows = told(llmring)[1]["registry"]
    assert [row["provider"] for row in rows] == ["anthropic", "google", "openai"]
    assert all(row["origin"] == "snapshot" and row["age_days"] > 0 for row in rows)


def test_the_age_matters_only_where_a_model_can_be_asked(
    llmring: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "days old" not in llmring("doctor")[2]
    monkeypatch.setenv("OPENAI_API_KEY", "sk-made-up-0000")
    assert "days old; to update them: llmring registry refresh" in llmring("doctor")[2]


def test_a_local_server_that_does_not_run_is_said_so(llmring: Run) -> None:
    rows = {row["name"]: row for row in told(llmring)[1]["providers"]}
    assert (rows["ollama"]["listening"], rows["sim"]["listening"]) == (False, None)
    assert "needs no key, http://127.0.0.1:9, nothing listens there" in llmring("doctor")[1]


NO_LOG = {"path": None, "calls": None, "error": None}
NO_SERVER = {
    "url": None,
    "url_from": None,
    "key_from": None,
    "reported_to": False,
    "status": None,
    "error": None,
}


def test_where_nothing_is_logged_it_says_what_would(llmring: Run) -> None:
    code, checkup = told(llmring)
    assert (code, checkup["usage_log"], checkup["usage_server"]) == (0, NO_LOG, NO_SERVER)
    out = llmring("doctor")[1]
    assert "usage\tlog\tnone; LLMRING_USAGE_LOG names one\n" in out
    assert "usage\tserver\tnone; LLMRING_SERVER_URL names one\n" in out


def test_the_usage_log_is_told_with_its_calls(llmring: Run, usage_log: Path) -> None:
    assert told(llmring)[1]["usage_log"] == {"path": str(usage_log), "calls": 4, "error": None}
    assert "usage\tlog\tusage.db, 4 calls, named by LLMRING_USAGE_LOG\n" in llmring("doctor")[1]


def test_a_log_that_is_not_there_yet_is_no_problem_and_not_made(
    llmring: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLMRING_USAGE_LOG", str(folder / "new" / "usage.db"))
    code, out, _ = llmring("doctor")
    assert code == 0
    assert "new/usage.db, created at the first call" in out
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("variable", "problem"),
    [("notes.txt", "notes.txt cannot be read as a usage log"), ("notes.txt/usage.db", "cannot be written")],
)
def test_a_log_that_nothing_can_be_written_to_is_a_problem(
    llmring: Run, folder: Path, monkeypatch: pytest.MonkeyPatch, variable: str, problem: str
) -> None:
    (folder / "notes.txt").write_text("These are notes and no database at all.")
    monkeypatch.setenv("LLMRING_USAGE_LOG", str(folder / variable))
    code, out, err = llmring("doctor")
    assert (code, problem in err) == (1, True)
    assert f"usage\tlog\t{variable}, cannot be used, named by LLMRING_USAGE_LOG\n" in out


def test_a_relative_log_is_a_problem_and_the_rest_is_told(
    llmring: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLMRING_USAGE_LOG", "usage.db")
    code, out, err = llmring("doctor")
    assert (code, "LLMRING_USAGE_LOG='usage.db' is relative" in err) == (1, True)
    assert "OPENAI_API_KEY" in out


def test_the_usage_server_is_told_without_its_key(llmring: Run, usage_server: UsageServer) -> None:
    _, out, err = llmring("doctor")
    assert f"usage\tserver\t{usage_server.url} from the environment, key from the environment\n" in out
    assert os.environ["LLMRING_API_KEY"] not in out + err
    assert usage_server.asked == []


def test_online_the_usage_server_is_asked_too(llmring: Run, usage_server: UsageServer) -> None:
    state = told(llmring, "--online")[1]["usage_server"]
    assert state == {
        "url": usage_server.url,
        "url_from": "the environment",
        "key_from": "the environment",
        "reported_to": True,
        "status": "healthy",
        "error": None,
    }


def test_a_usage_server_that_cannot_be_reached_is_a_problem_once_it_is_asked(
    llmring: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLMRING_SERVER_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("LLMRING_API_KEY", "llmr_pk_made_up")
    assert told(llmring)[0] == 0
    code, checkup = told(llmring, "--online")
    assert code == 1
    assert "127.0.0.1:9" in checkup["usage_server"]["error"]
    assert checkup["usage_server"]["error"] in checkup["problems"]


def test_a_usage_server_without_a_key_is_a_problem(llmring: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLMRING_SERVER_URL", "http://127.0.0.1:9")
    code, _, err = llmring("doctor")
    assert code == 1
    assert (
        "problem: the usage server http://127.0.0.1:9 takes no call without a key: set LLMRING_API_KEY" in err
    )


def test_a_url_that_is_none_is_one_problem_and_its_password_is_not_shown(
    llmring: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLMRING_SERVER_URL", "https://me:made-up@example.org")
    monkeypatch.setenv("LLMRING_API_KEY", "llmr_pk_made_up")
    code, out, err = llmring("doctor")
    assert (code, err.count("problem: ")) == (1, 1)
    assert "made-up" not in out + err


def test_a_server_that_only_the_env_file_names_gets_no_report_and_a_hint_says_so(
    llmring: Run, folder: Path
) -> None:
    (folder / ".env.llmring").write_text(
        "export LLMRING_SERVER_URL=http://127.0.0.1:9\nexport LLMRING_API_KEY=x\n"
    )
    code, out, err = llmring("doctor")
    assert code == 0
    assert "usage\tserver\thttp://127.0.0.1:9 from .env.llmring, key from .env.llmring\n" in out
    assert "only commands read .env.llmring" in err
