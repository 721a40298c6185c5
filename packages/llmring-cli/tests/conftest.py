"""The command in this process, in a folder of its own."""

import asyncio
import http.server
import io
import json
import sys
import threading
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from llmring import ModelRef
from llmring.exceptions import ProviderTimeoutError
from llmring.usage import UsageLog
from llmring_cli import run
from records import record
from simulated import Simulated
from usage_server import UsageServer

Run = Callable[..., tuple[int, str, str]]

SERVER_KEY = "llmr_pk_0123456789abcdef0123456789abcdef"
STORED: list[dict[str, Any]] = [
    {
        "provider": "openai",
        "model": "gpt-4o-mini",
        "alias": "fast",
        "origin": "my-app",
        "input_tokens": 1_000,
        "output_tokens": 200,
        "cost": 0.25,
    },
    {"provider": "openai", "model": "gpt-4o-mini", "input_tokens": 10, "output_tokens": 2, "cost": 0.125},
    {
        "provider": "anthropic",
        "model": "claude-haiku-4-5",
        "input_tokens": 5,
        "output_tokens": 1,
        "cost": 0.5,
    },
]
EXCHANGE: dict[str, Any] = {
    "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}],
    "response": {
        "content": "Hello",
        "tool_calls": [{"id": "1", "type": "function", "function": {"name": "wave", "arguments": "{}"}}],
    },
    "metadata": {
        "provider": "openai",
        "model": "gpt-4o-mini",
        "alias": "fast",
        "cost": 0.25,
        "input_tokens": 9,
    },
}
NOON = 1_795_348_800.0
"""2026-11-22, 12:00 UTC."""
DAY = 86_400.0
USAGE: list[dict[str, Any]] = [
    {
        "id": "1",
        "started_at": NOON - 2 * DAY,
        "usage": {"prompt_tokens": 1_200, "completion_tokens": 300, "cost": 0.5},
    },
    {
        "id": "2",
        "started_at": NOON,
        "model": ModelRef("anthropic", "claude-haiku-4-5"),
        "alias": None,
        "usage": {"prompt_tokens": 100, "completion_tokens": 20, "cost": 0.25, "cache_read_input_tokens": 40},
    },
    {
        "id": "3",
        "started_at": NOON,
        "model": ModelRef("ollama", "llama3:8b"),
        "origin": "other-app",
        "usage": {"prompt_tokens": 10, "completion_tokens": 2, "cost": None},
    },
    {
        "id": "4",
        "started_at": NOON,
        "usage": None,
        "response": None,
        "ending": "failed",
        "error": ProviderTimeoutError("late"),
        "failed_cost": Decimal("0.0125"),
    },
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory: empty, and no Ollama of this machine is asked."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OLLAMA_BASE_URL", "http://127.0.0.1:9")
    return tmp_path


@pytest.fixture
def llmring(folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command; returns its exit code, standard output and standard error."""

    def invoke(*arguments: str, stdin: str | None = None) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO((stdin or "").encode())))
        code = run(arguments)
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return invoke


@pytest.fixture
def usage_log(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A usage log that the environment names: calls of three days, one of no known price, one that failed."""
    path = folder / "usage.db"
    monkeypatch.setenv("LLMRING_USAGE_LOG", str(path))
    log = UsageLog(path)
    for entry in USAGE:
        log(record(**entry))
    log.close()
    return path


@pytest.fixture
def usage_server(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[UsageServer]:
    """The double of the usage server, in a thread, named by the environment with a key; it has stored a few calls."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = UsageServer()
    asyncio.run_coroutine_threadsafe(server.__aenter__(), loop).result()
    monkeypatch.setenv("LLMRING_SERVER_URL", server.url)
    monkeypatch.setenv("LLMRING_API_KEY", SERVER_KEY)
    for row in STORED:
        server.store.log(SERVER_KEY, row)
    server.store.log_conversation(SERVER_KEY, EXCHANGE)
    yield server
    asyncio.run_coroutine_threadsafe(server.__aexit__(), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.fixture
def answering() -> Iterator[Callable[[int, Any], str]]:
    """Start a server that answers every request alike; returns its address."""
    servers: list[http.server.ThreadingHTTPServer] = []

    def start(status: int, body: Any) -> str:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.do_GET()

            def do_GET(self) -> None:
                data = bytes(body) if isinstance(body, msgspec.Raw) else json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def publish(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Publish models of one provider in a registry on disk, which commands then ask."""
    base = folder / "registry"
    base.mkdir()
    monkeypatch.setenv("LLMRING_REGISTRY_URL", base.as_uri())

    def put(models: dict[str, dict[str, Any]], *, provider: str = "openai", version: int = 7) -> None:
        entries = {
            f"{provider}:{name}": {
                "model_name": name,
                "display_name": name,
                "provider": provider,
                "max_input_tokens": 100_000,
                "max_output_tokens": 8_000,
                "dollars_per_million_tokens_input": 1,
                "dollars_per_million_tokens_output": 4,
                "supports_function_calling": True,
                "is_active": True,
                **fields,
            }
            for name, fields in models.items()
        }
        document = {"provider": provider, "version": version, "updated_at": "2026-11-01", "models": entries}
        (base / provider).mkdir(exist_ok=True)
        (base / provider / "models.json").write_text(json.dumps(document))

    return put


@pytest.fixture
def simulated(monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulated]:
    with Simulated() as running:
        for name, value in running.environment.items():
            monkeypatch.setenv(name, value)
        yield running
