"""Stores of keys of both kinds, a server of Redis for those that need one, and a process that dies."""

import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from decimal import Decimal
from pathlib import Path

import anyio
import pytest
import redis
from gateways import CHAT
from llmring.serve import KeyStore
from llmring.serve._keys._ledger import KeyHold
from llmring_providers.sim import Answer, Tokens

SERVER = shutil.which("redis-server") or shutil.which("valkey-server")
KINDS = ("file", "redis")
PASSWORD = "open-sesame"
COST = Decimal("0.0004")
"""Cost of an answer: 200 tokens out at 2 dollars a million; the simulator counts none in."""
ANSWER = Answer(text="word " * 20, chunk_size=10, usage=Tokens(prompt_tokens=0, completion_tokens=200))
HELD = Decimal("0.0012")
CALL = {**CHAT, "max_tokens": 600}


@contextmanager
def redis_server(folder: Path, *options: str) -> Iterator[str]:
    """Run a server of Redis or Valkey on a socket in a folder, and yield its URL."""
    if SERVER is None:
        if os.environ.get("CI"):
            pytest.fail("there is no redis-server: .ci/run installs it")
        pytest.skip("needs redis-server or valkey-server (apt-get install redis-server)")
    socket = folder / "redis.sock"
    command = [SERVER, "--port", "0", "--unixsocket", str(socket), "--save", "", *options]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        for line in server.stdout:
            if "ready to accept connections" in line.lower():
                break
        try:
            yield f"unix://{socket}"
        finally:
            server.terminate()
            server.stdout.read()


def silence(place: str) -> None:
    """Make every process that uses a store look as if it had been silent for long."""
    if place.startswith("unix:"):
        with redis.Redis.from_url(place) as server:
            for worker in server.zrange("llmring:serve:workers", 0, -1):
                server.zadd("llmring:serve:workers", {worker: time.time() - 1000})
        return
    with closing(sqlite3.connect(place, isolation_level=None)) as database:
        database.execute("UPDATE worker SET seen = 0")


def let_a_minute_pass(place: str, key: str) -> int:
    """Put what a key's paces have counted 62 seconds back; return how many counts there are."""
    if place.startswith("unix:"):
        name = f"llmring:serve:pace:{key}"
        with redis.Redis.from_url(place) as server:
            counts = server.hgetall(name)
            server.delete(name)
            for field, value in counts.items():
                server.hset(name, f"{field[:1].decode()}{int(field[1:]) - 62}", value)
        return len(counts)
    with closing(sqlite3.connect(place, isolation_level=None)) as database:
        return database.execute("UPDATE pace SET second = second - 62").rowcount


@contextmanager
def holder(place: str, secret: str) -> "Iterator[subprocess.Popen[str]]":
    """Run a process that sets :data:`HELD` aside for a key, prints a line, and is killed at the end."""
    command = [sys.executable, __file__, place, secret]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


async def _hold(place: str, secret: str) -> None:
    async with KeyStore(place) as keys:
        key = keys.find(secret)
        account = None if key is None else keys.ledger.account(key)
        assert account is not None
        assert await keys.ledger.hold(KeyHold(account, int(HELD * keys.ledger.per_dollar))) is None
        sys.stdout.write("set aside\n")
        sys.stdout.flush()
        await anyio.sleep_forever()


if __name__ == "__main__":
    anyio.run(_hold, sys.argv[1], sys.argv[2])
