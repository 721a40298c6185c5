"""Several processes write one lockfile, and some are killed while they do."""

import multiprocessing
import random
import time
from itertools import count
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
from llmring_lockfile import bind, create_lockfile, parse

WRITERS, BINDS, KILLS = 8, 50, 100
METHODS = multiprocessing.get_all_start_methods()
PROCESSES = multiprocessing.get_context("fork" if "fork" in METHODS else None)


def bind_many(path: Path, writer: int) -> None:
    for place in range(BINDS):
        bind(path, f"{writer}-{place}", "openai:gpt-4o", environ={}, timeout=60)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "llmring.lock"
    create_lockfile(path)
    bind(path, "alias", "openai:first", environ={})  # imports, before the forks, what editing needs
    return path


@pytest.mark.skipif("fork" not in METHODS, reason="needs quick processes")
def test_of_many_writers_at_once_none_loses_an_edit(path: Path) -> None:
    writers = [PROCESSES.Process(target=bind_many, args=(path, writer)) for writer in range(WRITERS)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(timeout=120)
    assert [writer.exitcode for writer in writers] == [0] * WRITERS
    bound = parse(path.read_text()).profile().aliases
    assert sorted(bound) == sorted(["alias", *(f"{w}-{b}" for w in range(WRITERS) for b in range(BINDS))])
    assert list(path.parent.iterdir()) == [path]


def bind_for_ever(path: Path, first: int, started: Connection) -> None:
    for number in count(first):
        bind(path, "alias", f"openai:{'x' * (number * 997 % 5000)}{number}", environ={})
        if number == first:
            started.send(number)


@pytest.mark.skipif("fork" not in METHODS, reason="needs quick processes")
def test_a_writer_killed_at_any_moment_leaves_a_file_that_can_be_read(path: Path) -> None:
    chance = random.Random(7)  # noqa: S311 - a repeatable choice of moments
    for kill in range(KILLS):
        started, send = PROCESSES.Pipe(duplex=False)
        writer = PROCESSES.Process(target=bind_for_ever, args=(path, kill * 1000, send))
        with started, send:
            writer.start()
            assert started.poll(60)
            time.sleep(chance.uniform(0, 0.01))
            writer.kill()
            writer.join(timeout=10)
        (binding,) = parse(path.read_text(), path).profile().bindings
        assert int(binding.primary.model.lstrip("x")) // 1000 == kill
    bind(path, "alias", "openai:last", environ={})  # which sweeps what the killed writers left
    assert list(path.parent.iterdir()) == [path]
