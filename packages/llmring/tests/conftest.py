"""What the facade's tests share."""

from collections.abc import AsyncIterator
from pathlib import Path

import llmring_lockfile
import pytest
from canned import Server


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with Server() as server:
        yield server


@pytest.fixture
def lockfile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A lockfile in the current folder, which is a new one."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "llmring.lock"
    llmring_lockfile.bind(path, "summarizer", "sim:demo", create=True)
    return path
