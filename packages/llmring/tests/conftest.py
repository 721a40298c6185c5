"""What the facade's tests share."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import llmring_lockfile
import pytest
import redis
from canned import Server
from key_stores import redis_server


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


@pytest.fixture(scope="session")
def redis_of_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with redis_server(tmp_path_factory.mktemp("redis")) as url:
        yield url


@pytest.fixture
def redis_url(redis_of_session: str) -> str:
    """The address of a server of Redis, real and empty."""
    with redis.Redis.from_url(redis_of_session) as server:
        server.flushall()
    return redis_of_session
