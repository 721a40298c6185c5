"""Hosts that a lockfile names, in every command that may meet them: before the approval and after it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from llmring_types.hosts import HOSTS, unregister

Run = Callable[..., tuple[int, str, str]]

LOCKFILE = """\
version = "1.0"

[hosts.lab]
base_url = "http://127.0.0.1:9/v1"
key_env = "LAB_KEY"

[profiles.default]
name = "default"

[[profiles.default.bindings]]
alias = "fast"
models = ["lab:org/small:free"]
"""
HINT = "run: llmring trust llmring.lock"
COMMANDS = (
    ("hosts",),
    ("lock", "check"),
    ("lock", "validate", "--offline"),
    ("lock", "audit", "--offline"),
    ("lock", "explain", "fast"),
    ("lock", "update", "--offline"),
    ("list", "--provider", "lab", "--live"),
    ("info", "lab:org/small:free"),
    ("providers",),
    ("doctor",),
    ("aliases", "--verbose"),
    ("bind", "slow", "lab:org/big:free"),
    ("chat", "Hello", "--model", "fast"),
)
HINTED = ("hosts", "check", "list", "info", "providers", "doctor", "bind", "chat")


@pytest.fixture(autouse=True)
def _nothing_stays() -> Iterator[None]:
    yield
    unregister("lab")


@pytest.fixture(autouse=True)
def lockfile(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder / "config"))
    monkeypatch.setenv("LAB_KEY", "key-of-the-lab")
    monkeypatch.setenv("LLMRING_RETRY_ATTEMPTS", "1")
    file = folder / "llmring.lock"
    file.write_text(LOCKFILE)
    return file


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_before_the_approval_the_host_is_known_and_refused(llmring: Run, command: tuple[str, ...]) -> None:
    _, out, error = llmring(*command)
    said = out + error
    assert "no provider" not in said
    assert "not in the registry [unknown-model]" not in said
    assert (HINT in said) is bool(set(command) & set(HINTED))
    assert "lab" not in HOSTS


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_after_the_approval_the_host_is_one_like_any_other(llmring: Run, command: tuple[str, ...]) -> None:
    assert llmring("trust", "llmring.lock")[0] == 0
    _, out, error = llmring(*command)
    said = out + error
    assert HINT not in said
    assert "no provider" not in said
    if command[0] in ("list", "chat"):
        assert "no answer from 127.0.0.1:9" in said
    if command[0] in ("hosts", "providers", "doctor"):
        assert any(
            "lab" in line and any(word in line for word in ("set", "ready", "key from LAB_KEY"))
            for line in out.splitlines()
        )
    if command[0] != "chat":  # a ring keeps what it knows
        assert "lab" not in HOSTS


def test_commands_that_edit_aliases_end_no_approval(llmring: Run, lockfile: Path) -> None:
    llmring("trust", "llmring.lock")
    for command in (
        ("bind", "slow", "lab:org/big:free"),
        ("unbind", "slow"),
        ("lock", "init", "--force"),
        ("lock", "update", "--offline"),
    ):
        assert llmring(*command)[0] == 0
        assert "not approved" not in llmring("trust", "--list")[1]
    lockfile.write_text(lockfile.read_text().replace("127.0.0.1:9", "127.0.0.2:9"))
    assert "not approved" in llmring("trust", "--list")[1]
    assert HINT in llmring("lock", "check")[2]


def test_hosts_that_need_an_approval_are_marked(llmring: Run) -> None:
    out = llmring("hosts")[1]
    assert ["lab", "openai", "not approved", "no", "http://127.0.0.1:9/v1"] in [
        line.split("\t") for line in out.splitlines()
    ]


def test_a_lockfile_whose_host_takes_a_known_name_is_one_warning(llmring: Run, lockfile: Path) -> None:
    lockfile.write_text(LOCKFILE.replace("hosts.lab", "hosts.openai"))
    assert llmring("trust", "llmring.lock")[0] == 1
    code, out, error = llmring("hosts")
    assert (code, "openai\topenai" in out, HINT in error) == (0, True, True)
