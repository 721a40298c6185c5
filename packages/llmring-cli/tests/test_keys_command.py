"""The commands ``keys set``, ``keys list``, ``keys remove`` and ``keys path``."""

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

Run = Callable[..., tuple[int, str, str]]
KEY = "sk-kept-0123456789abcdef"
TYPED = f"{KEY}\nnext line\n"


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("GROQ_API_KEY", raising=False)
    return tmp_path / "config" / "llmring" / "keys.json"


def test_a_key_is_kept_used_and_removed(llmring: Run, kept: Path) -> None:
    assert llmring("keys", "path") == (0, f"{kept}\n", "")
    assert llmring("keys", "list")[2] == "no keys are kept; to keep one: llmring keys set PROVIDER\n"
    assert llmring("keys", "set", "groq", stdin=TYPED) == (0, "", f"kept the key of groq in {kept}\n")
    assert json.loads(kept.read_text())["keys"] == {"groq": KEY}
    code, out, _ = llmring("keys", "list")
    assert (code, out.split()[-3:]) == (0, ["groq", "file", "yes"])
    assert "key from llmring keys" in llmring("doctor")[1]
    assert llmring("keys", "remove", "groq") == (0, "", "removed the key of groq\n")
    assert llmring("keys", "remove", "groq") == (1, "", "no key of groq is kept\n")


def test_a_variable_that_comes_before_the_key_is_told(
    llmring: Run, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GROQ_API_KEY", "gsk-environment")
    _, _, err = llmring("keys", "set", "groq", stdin=TYPED)
    assert err.endswith("warning: GROQ_API_KEY is set in the environment and comes before it\n")
    assert json.loads(llmring("keys", "list", "--json")[1]) == [
        {"provider": "groq", "place": "file", "used": False, "instead": "GROQ_API_KEY"}
    ]
    assert "key from GROQ_API_KEY" in llmring("doctor")[1]


def test_a_misspelt_provider_is_asked_about_and_nothing_is_kept(llmring: Run, kept: Path) -> None:
    code, _, err = llmring("keys", "set", "opnai", stdin=TYPED)
    assert (code, "did you mean openai" in err) == (1, True)
    assert not kept.exists()


def test_the_answer_of_set_as_json_follows_its_schema(llmring: Run) -> None:
    rows = json.loads(llmring("keys", "set", "groq", "--json", stdin=TYPED)[1])
    schema = json.loads((Path(__file__).parent / "schemas" / "keys-set.json").read_text())
    Draft202012Validator(schema).validate(rows)
    assert rows == [{"provider": "groq", "place": "file", "used": True, "instead": None}]


def test_no_command_prints_a_key(llmring: Run, kept: Path) -> None:
    llmring("keys", "set", "groq", stdin=TYPED)
    for arguments in (("keys", "list"), ("keys", "list", "--json"), ("doctor", "--json"), ("hosts",)):
        assert KEY not in "".join(map(str, llmring(*arguments)))


@pytest.mark.skipif(os.name != "posix", reason="a pseudo-terminal is POSIX")
def test_a_key_that_is_typed_is_not_shown(kept: Path) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "llmring_cli", "keys", "set", "groq"]
    process = subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True, close_fds=True
    )
    os.close(theirs)
    shown = b""
    while b"(not shown): " not in shown:
        shown += os.read(ours, 1024)
    os.write(ours, f"{KEY}\n".encode())
    assert process.wait(timeout=60) == 0
    shown += os.read(ours, 4096)
    os.close(ours)
    assert KEY.encode() not in shown
    assert json.loads(kept.read_text())["keys"] == {"groq": KEY}
