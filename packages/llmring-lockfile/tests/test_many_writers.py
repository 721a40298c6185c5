"""Several processes write one lockfile, and some are killed while they do."""

import multiprocessing
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from llmring_lockfile import bind, create_lockfile, parse

WRITERS, BINDS = 8, 50
BIND_MANY = """
import sys
from llmring_lockfile import bind
for place in range(int(sys.argv[3])):
    bind(sys.argv[1], f"{sys.argv[2]}-{place}", "openai:gpt-4o", environ={}, timeout=60)
"""
KILLS = 100


def test_of_many_writers_at_once_none_loses_an_edit(tmp_path: Path) -> None:
    path = tmp_path / "llmring.lock"
    create_lockfile(path)
    writers = [
        subprocess.Popen([sys.executable, "-c", BIND_MANY, str(path), str(writer), str(BINDS)])
        for writer in range(WRITERS)
    ]
    assert [writer.wait(timeout=120) for writer in writers] == [0] * WRITERS
    bound = parse(path.read_text()).profile().aliases
    assert sorted(bound) == sorted(f"{w}-{b}" for w in range(WRITERS) for b in range(BINDS))
    assert list(tmp_path.iterdir()) == [path]


def bind_for_ever(path: Path, numbers: Iterator[int]) -> None:
    for number in numbers:
        bind(path, "alias", f"openai:{'x' * (number * 997 % 5000)}{number}", environ={})


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="needs quick processes")
def test_a_writer_killed_at_any_moment_leaves_a_file_that_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "llmring.lock"
    create_lockfile(path)
    bind(path, "alias", "openai:first", environ={})  # import what editing needs before the forks
    chance = random.Random(7)  # noqa: S311 - a repeatable choice of moments
    seen = set()
    for kill in range(KILLS):
        writer = multiprocessing.get_context("fork").Process(
            target=bind_for_ever, args=(path, count(kill * 1000))
        )
        writer.start()
        time.sleep(chance.uniform(0.005, 0.03))
        writer.kill()
        writer.join(timeout=10)
        writer.close()
        seen.add(parse(path.read_text(), path).profile().bindings[0].models)
    assert len(seen) > KILLS // 4, "the writers were killed before they could write"
    left = [file for file in tmp_path.iterdir() if file != path]
    assert all(file.name.startswith(".llmring.lock.") for file in left)
