"""What the facade's tests share."""

from collections.abc import AsyncIterator
from pathlib import Path

import llmring_lockfile
import pytest
from aiohttp import web
from canned import Server


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    server = Server()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    server.url = f"http://{host}:{port}"
    yield server
    await runner.cleanup()


@pytest.fixture
def lockfile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A lockfile in the current folder, which is a new one."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "llmring.lock"
    llmring_lockfile.bind(path, "summarizer", "sim:demo", create=True)
    return path
