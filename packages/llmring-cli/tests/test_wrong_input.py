"""Whatever the user gets wrong: one line on standard error, a non-zero exit code, and never a traceback."""

import os
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from llmring_cli._files import state_folder
from llmring_cli._output import printable
from llmring_cli.chat.saved import open_store

Run = Callable[..., tuple[int, str, str]]
Answering = Callable[[int, object], str]


def refused(result: tuple[int, str, str], code: int, *parts: str) -> None:
    exit_code, out, err = result
    assert (exit_code, out) == (code, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert err.endswith("\n")
    for part in parts:
        assert part in err


CASES: list[tuple[tuple[str, ...], tuple[str, ...]]] = [
    (("chat", "Hi", "-m", "nosuch"), ("nosuch", "llmring bind nosuch provider:model")),
    (("info", "nosuch"), ("nosuch", "llmring bind")),
    (("bind", "fast", "gpt-4o"), ("gpt-4o", "provider:model")),
    (("bind", "fast", "openai:"), ("openai:", "provider:model")),
    (("bind", " ", "openai:gpt-4o"), ("alias",)),
    (("chat", "Hi", "-m", "openai:"), ("provider:model",)),
    (("chat", "Hi", "-m", "openai:gpt-4o"), ("OPENAI_API_KEY",)),
    (("chat", "Hi", "-m", "acme:model"), ("acme",)),
    (("chat", "Hi", "--temperature", "nan", "-m", "sim:demo"), ("temperature",)),
    (("aliases", "--profile", "nosuch"), ("nosuch", "default")),
    (("aliases", "-f", "nosuch.lock"), ("nosuch.lock", "llmring lock init")),
    (("sim", "nosuch.toml"), ("nosuch.toml",)),
    (("sim", "llmring.lock"), ("script is not valid",)),
    (("sim", "--host", "192.0.2.1"), ("192.0.2.1",)),
    (("lock", "suggest", "-p", "acme"), ("acme",)),
    (("lock", "diff", "nosuch"), ("nosuch", "neither a lockfile nor a revision")),
    (("lock", "diff", "--", "--output=x"), ("--output=x",)),
    (("lock", "scan", "nosuch"), ("nosuch",)),
    (("lock", "upgrade", "nosuch", "--offline"), ("nosuch", "llmring aliases")),
    (("lock", "upgrade", "--profile", "nosuch", "--offline"), ("nosuch", "default")),
    (("lock", "chat", "--guided", "--server-url", "http://127.0.0.1:9/mcp"), ("--server-url",)),
    (("mcp", "lockfile", "--json"), ("--http",)),
    (("lock", "init", "-f", ""), ("is a folder",)),
    (("lock", "stubs", "--name", "not a name"), ("not a name",)),
    (("lock", "stubs", "-o", "no/such/folder.py"), ("folder.py",)),
    (("lock", "audit", "--offline", "--sarif", "no/such/folder"), ("no/such/folder",)),
    (("lock", "update", "--registry", "ftp://example.org"), ("ftp",)),
    (("lock", "init", "-f", "no/such/folder/llmring.lock"), ("folder",)),
    (("list", "-p", "acme"), ("acme",)),
    (("stats",), ("LLMRING_USAGE_LOG", "--log FILE")),
    (("stats", "--log", "nosuch.db"), ("there is no usage log nosuch.db",)),
    (("stats", "--log", "llmring.lock"), ("llmring.lock", "usage log")),
    (("export",), ("LLMRING_USAGE_LOG", "--log FILE")),
    (("export", "--log", "llmring.lock"), ("llmring.lock", "usage log")),
]


@pytest.mark.parametrize(("arguments", "parts"), CASES, ids=[" ".join(case[0]) for case in CASES])
def test_it_says_what_is_wrong_and_what_to_do(
    llmring: Run, arguments: tuple[str, ...], parts: tuple[str, ...]
) -> None:
    llmring("bind", "default", "sim:demo")
    refused(llmring(*arguments), 1, *parts)


USAGE: list[tuple[tuple[str, ...], tuple[str, ...]]] = [
    (("frobnicate",), ("Unknown command: frobnicate. See: llmring --help",)),
    (("lock", "frobnicate"), ("Unknown command: frobnicate. See: llmring lock --help",)),
    (("alias",), ("Unknown command: alias; did you mean aliases? See: llmring --help",)),
    (("lock", "audti"), ("did you mean lock audit?",)),
    (("lokc",), ("did you mean lock?",)),
    (("init",), ("did you mean lock init or server init?",)),
    (("status",), ("did you mean batch status or server status?",)),
    (("server", "create"), ("did you mean serve key create or server key create?",)),
    (("lock", "bind", "a", "sim:b"), ("did you mean bind?",)),
    (("--json",), ("Unknown option: --json. Options come after a command.",)),
    (("bind",), ("ALIAS", "llmring bind --help")),
    (("bind", "fast"), ("MODELS",)),
    (("bind", "fast", "openai:x", "more"), ("Unexpected argument: more",)),
    (("aliases", "--jsn"), ("--jsn", "--json")),
    (("chat", "Hi", "you", "there"), ("Unexpected argument: you there", "in quotes")),
    (("chat", "Hi", "--temperature", "warm"), ("--temperature", "warm", "It takes a number.")),
    (("chat", "Hi", "--max-tokens"), ("--max-tokens needs a value",)),
    (("chat", "Hi", "--max-tokens", "few"), ("--max-tokens", "few", "It takes a whole number.")),
    (("chat", "Hi", "--max-tokens", "0"), ("--max-tokens", "It takes 1 or more.")),
    (("lock", "suggest", "--max-input-price", "nan"), ("--max-input-price", "It takes a number above 0.")),
    (("lock", "suggest", "--max-output-price", "cheap"), ("--max-output-price", "cheap", "a number.")),
    (("lock", "suggest", "--need", "wings"), ("wings", "vision")),
    (("lock", "audit", "--days", "-1"), ("--days",)),
    (("sim", "--port", "65536"), ("--port", "It takes 0 to 65535.")),
    (("mcp", "lockfile", "--http", "--port", "-1"), ("--port",)),
    (("chat", "--frobnicate"), ("--frobnicate",)),
    (("chat", "--modle=sim:demo"), ("--modle",)),
    (("stats", "--by", "hour"), ("--by", "hour", "model")),
    (("stats", "--since", "2026-13-01"), ("--since", "2026-13-01", "7d")),
    (("export", "--format", "xml"), ("--format", "xml", "parquet")),
]


@pytest.mark.parametrize(("arguments", "parts"), USAGE, ids=[" ".join(case[0]) for case in USAGE])
def test_a_wrong_command_line_is_exit_code_2(
    llmring: Run, arguments: tuple[str, ...], parts: tuple[str, ...]
) -> None:
    refused(llmring(*arguments), 2, *parts)


@pytest.mark.parametrize("arguments", [(), ("lock",)])
def test_a_command_line_without_a_command_shows_help_on_standard_error(
    llmring: Run, arguments: tuple[str, ...]
) -> None:
    code, out, err = llmring(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith("Usage: llmring")


BROKEN = [
    ('version = "1.0"\n[profiles.default\n', "line 2"),
    ('version = "9.9"\n', "9.9"),
    ('version = "1.0"\n[[profiles.default.bindings]]\nalias = "a"\nmodels = []\n', "models"),
]


@pytest.mark.parametrize(("text", "part"), BROKEN)
@pytest.mark.parametrize(
    "command", [("aliases",), ("chat", "Hi"), ("lock", "explain", "a"), ("bind", "a", "openai:x")]
)
def test_a_broken_lockfile_is_named_with_the_place(
    llmring: Run, folder: Path, command: tuple[str, ...], text: str, part: str
) -> None:
    (folder / "llmring.lock").write_text(text)
    refused(llmring(*command), 1, "llmring.lock", part)


@pytest.mark.parametrize("command", [("lock", "chat", "--guided"), ("mcp", "lockfile")])
def test_a_folder_in_the_place_of_the_lockfile_is_named(
    llmring: Run, folder: Path, command: tuple[str, ...]
) -> None:
    (folder / "llmring.lock").mkdir()
    code, out, err = llmring(*command)
    assert (code, out) == (1, "")
    assert err.splitlines()[-1].startswith(f"error: {folder / 'llmring.lock'}")


def test_a_lockfile_that_the_environment_names_must_exist(
    llmring: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLMRING_LOCKFILE_PATH", "gone.lock")
    refused(llmring("chat", "Hi"), 1, "gone.lock", "LLMRING_LOCKFILE_PATH", "llmring lock init")


def test_a_setting_of_the_wrong_kind_is_named(llmring: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLMRING_PROVIDER_TIMEOUT_S", "soon")
    refused(llmring("chat", "Hi", "-m", "sim:demo"), 1, "LLMRING_PROVIDER_TIMEOUT_S", "soon")


@contextmanager
def unprivileged() -> Iterator[None]:
    """Nothing is read-only for root, so root becomes somebody else for a while."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's here")
@pytest.mark.parametrize("command", [("bind", "a", "openai:x"), ("lock", "init")])
def test_a_read_only_folder_is_named(
    llmring: Run, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    llmring(*command, "-f", "elsewhere.lock")  # loads what may be unreadable for somebody else
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o555)
        monkeypatch.chdir(folder)
        with unprivileged():
            result = llmring(*command)
        refused(result, 1, str(folder), "writable")


ASK = ("chat", "Hi", "-m", "openai:gpt-4o")
REJECTED = {
    "error": {
        "message": "Incorrect API key provided",
        "type": "invalid_request_error",
        "code": "invalid_api_key",
    }
}
MISSING = {
    "error": {
        "message": "The model does not exist",
        "type": "invalid_request_error",
        "code": "model_not_found",
    }
}


@pytest.mark.parametrize("more", [(), ("--stream",), ("--json",)])
@pytest.mark.parametrize("answer", [(401, REJECTED), (404, MISSING)], ids=["wrong key", "unknown model"])
def test_what_the_provider_refuses_is_told_in_its_words(
    llmring: Run,
    monkeypatch: pytest.MonkeyPatch,
    answering: Answering,
    answer: tuple[int, Any],
    more: tuple[str, ...],
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-made-up-0000")
    monkeypatch.setenv("OPENAI_BASE_URL", answering(*answer))
    result = llmring(*ASK, *more)
    refused(result, 1, "openai", answer[1]["error"]["message"])
    assert "sk-made-up-0000" not in result[2]


def test_a_host_that_cannot_be_reached_is_named(llmring: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-made-up-0000")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("LLMRING_RETRY_ATTEMPTS", "1")
    refused(llmring(*ASK), 1, "openai", "127.0.0.1:9")


def test_a_dotenv_file_that_is_no_text_is_named(llmring: Run, folder: Path) -> None:
    (folder / ".env").write_bytes(b"\xff\xfe\x00KEY")
    refused(llmring("aliases"), 1, ".env")


DEEP = "[" * 100_000 + "]" * 100_000


def test_a_conversation_that_is_nested_too_deeply_is_told(llmring: Run) -> None:
    llmring("chat", "Hi", "-m", "sim:demo")
    deep = f'{{"messages": [{{"role": "user", "content": {DEEP}}}]}}'.encode()
    with closing(sqlite3.connect(open_store().path, isolation_level=None)) as database:
        database.execute("UPDATE conversation SET document = ?", (deep,))
    refused(llmring("chat", "-c", "Hi", "-m", "sim:demo"), 1, "cannot read the conversation")
    refused(llmring("chats", "show"), 1, "cannot read the conversation")


def test_a_session_that_is_nested_too_deeply_is_none(llmring: Run) -> None:
    sessions = state_folder("advisor") / "sessions"
    sessions.mkdir(parents=True)
    (sessions / "deep.json").write_text(
        f'{{"name": "deep", "lockfile": "x", "messages": [{{"role": "user", "content": {DEEP}}}]}}'
    )
    code, _, err = llmring("lock", "chat", "-m", "sim:demo", "--continue", stdin="/load deep\n")
    assert code == 0
    assert "there is no session to continue" in err
    assert "error: cannot read the session 'deep'" in err


@pytest.mark.parametrize("answer", [DEEP, f'{{"status": {DEEP}}}'])
@pytest.mark.parametrize("command", ["status", "stats", "logs", "conversations"])
def test_a_server_that_answers_too_deeply_is_told(
    llmring: Run, answering: Answering, command: str, answer: str
) -> None:
    url = answering(200, msgspec.Raw(answer.encode()))
    code, _, err = llmring("server", command, "--server", url, "--api-key", "k")
    assert code == 1
    assert err.startswith("error: ")
    assert err.count("\n") == 1


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="this system has no /dev/zero")
@pytest.mark.parametrize(
    "arguments",
    [
        ("chat", "Hi", "-m", "sim:demo", "-f", "/dev/zero"),
        ("sim", "/dev/zero"),
        ("trust", "/dev/zero"),
        ("server", "status", "--env-file", "/dev/zero"),
        ("lock", "check", "-f", "/dev/zero"),
    ],
    ids=" ".join,
)
def test_a_file_without_an_end_is_refused(llmring: Run, arguments: tuple[str, ...]) -> None:
    refused(llmring(*arguments), 2 if "check" in arguments else 1, "/dev/zero")


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere names of files have to be text")
@pytest.mark.parametrize(
    "arguments",
    [
        ("chat", "Hi", "-m", "sim:demo"),
        ("chat", "--continue", "Hi", "-m", "sim:demo"),
        ("doctor", "--json"),
        ("lock", "check", "--json"),
        ("lock", "explain", "fast", "--json"),
        ("lock", "audit", "--offline", "--sarif", "-"),
        ("lock", "chat", "-m", "sim:demo"),
        ("lock", "upgrade", "--offline", "--json"),
        ("trust", "llmring.lock", "--json"),
        ("trust", "--list", "--json"),
        ("--install-completion", "--shell", "bash", "--output", "script"),
    ],
    ids=" ".join,
)
def test_a_folder_whose_name_is_no_text_is_one_to_work_in(
    llmring: Run, folder: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    here = folder / os.fsdecode(b"caf\xe9")
    here.mkdir()
    monkeypatch.chdir(here)
    llmring("bind", "fast", "sim:demo")
    if "--continue" in arguments:
        llmring("chat", "Hi", "-m", "sim:demo")
    code, out, err = llmring(*arguments, stdin="Hello\n")
    assert (code, "error" in err) == (0, False)
    assert (out + err).isprintable() or printable(out + err) == out + err
