"""trust, and what its approval changes."""

from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

Run = Callable[..., tuple[int, str, str]]
ANSWER: dict[str, Any] = {
    "id": "1",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}


def test_a_key_goes_to_an_address_of_the_folder_only_after_an_approval(
    llmring: Run, folder: Path, monkeypatch: pytest.MonkeyPatch, answering: Callable[[int, Any], str]
) -> None:
    url = answering(200, ANSWER)
    monkeypatch.setenv("OPENAI_API_KEY", "mine")
    (folder / ".env").write_text(f"OPENAI_BASE_URL={url}/v1\n")
    arguments = ("chat", "Hi", "-m", "openai:m")
    code, out, err = llmring(*arguments)
    assert (code, out) == (1, "")
    assert err == (
        f"error: {folder / '.env'} sets OPENAI_BASE_URL, so your OPENAI_API_KEY would be sent to {url}/v1; "
        "nothing was sent. If you trust that address, run: llmring trust\n"
    )
    assert llmring("trust") == (0, "", "approved .env, which sets OPENAI_BASE_URL\n")
    assert llmring(*arguments)[:2] == (0, "Hello\n")
    assert llmring("trust", "--revoke") == (0, "", "revoked the approval of .env\n")
    assert llmring(*arguments)[0] == 1


def test_an_edit_ends_the_approval(llmring: Run, folder: Path) -> None:
    path = folder / ".env"
    path.write_text("LLMRING_USAGE_LOG=usage.db\n")
    llmring("trust")
    assert llmring("trust", "--list") == (0, f"{path}\tapproved\n", "")
    path.write_text("LLMRING_USAGE_LOG=other.db\n")
    assert llmring("trust", "--list") == (0, f"{path}\tnot approved: changed or missing\n", "")
    assert "without your approval" in llmring("providers")[2]


def test_there_must_be_something_to_approve_or_revoke(llmring: Run, folder: Path) -> None:
    assert llmring("trust") == (1, "", "error: there is no .env to approve\n")
    assert llmring("trust", "--list") == (0, "", "you have approved no files\n")
    (folder / ".env").write_text("")
    assert llmring("trust", "--revoke") == (1, "", ".env is not approved\n")
    assert llmring("trust") == (0, "", "approved .env, which sets nothing that llmring reads\n")


def test_other_files_can_be_approved(llmring: Run, folder: Path) -> None:
    (folder / "llmring.lock").write_text("")
    llmring("trust", "llmring.lock")
    assert llmring("trust", "--list")[1] == f"{folder / 'llmring.lock'}\tapproved\n"


HOST = '[hosts.lab]\nbase_url = "https://lab.example/v1"\nkey_env = "LAB_KEY"\n'


def test_the_hosts_of_a_lockfile_are_shown_with_the_keys_that_they_get(llmring: Run, folder: Path) -> None:
    (folder / "llmring.lock").write_text(HOST)
    approved = "approved llmring.lock, which sets lab at https://lab.example/v1 with your LAB_KEY\n"
    assert llmring("trust", "llmring.lock") == (0, "", approved)


@pytest.mark.parametrize(
    ("valid", "invalid", "problem"),
    [
        ("https://", "ftp://", "must begin with http"),
        ("LAB_KEY", "sk-1", "name of an environment variable"),
        ("key_env", "protocol", "no protocol 'LAB_KEY'"),
        ("hosts.lab", "hosts.openai", "already"),
    ],
)
def test_a_lockfile_whose_hosts_are_not_valid_is_not_approved(
    llmring: Run, folder: Path, valid: str, invalid: str, problem: str
) -> None:
    (folder / "llmring.lock").write_text(HOST.replace(valid, invalid))
    code, _, err = llmring("trust", "llmring.lock")
    assert code == 1
    assert problem in err
    assert llmring("trust", "--list")[1] == ""


def test_the_file_is_not_obeyed_while_it_is_approved(llmring: Run, folder: Path) -> None:
    (folder / ".env").write_bytes(b"\0")
    assert llmring("trust")[2].startswith("error: cannot read .env: line 1 has a null character")


def test_ollamas_address_of_the_folder_gets_no_key(
    llmring: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str | None] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.headers.get("Authorization"))
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("OLLAMA_API_KEY", "mine")
        monkeypatch.delenv("OLLAMA_BASE_URL")
        (folder / ".env").write_text(f"OLLAMA_HOST=http://127.0.0.1:{server.server_port}\n")
        assert llmring("list", "-p", "ollama")[0] == 1
        assert llmring("chat", "Hi", "-m", "ollama:x")[0] == 1
        assert llmring("chat", "Hi")[0] == 0  # the simulated model answers
        server.shutdown()
    assert seen == []
