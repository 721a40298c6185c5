"""Growth that a user can cause: four times the size takes at most five times the time."""

import io
import time
from collections.abc import Callable
from math import inf
from pathlib import Path
from typing import NamedTuple

import llmring_lockfile
import pytest
from llmring.structured import finish, prepare
from llmring.testing._cassettes.redaction import HttpRedactor
from llmring.tokens import estimate_tokens
from llmring.usage import UsageLog, read, stats
from llmring_cli import run
from llmring_cli.chat.markdown import MarkdownStream
from llmring_types import LLMRequest, LLMResponse, Message, StreamChunk, collect
from records import record
from rich.console import Console

MOST = 5.0
"""Times as long for :data:`FACTOR` times as much: linear, and some room for caches that no longer hold everything."""
FACTOR = 4
ENOUGH_S = 0.02
"""A shorter measurement says more about the clock."""
LEAST_ROUNDS, ROUNDS = 2, 12


class Growing(NamedTuple):
    """Something that takes longer the more there is of it.

    Attributes:
        size: the smaller of the two sizes.
        prepare: makes what a size needs in an empty folder, and returns the work to measure.
    """

    size: int
    prepare: Callable[[int, Path], Callable[[], object]]


def lockfile_text(size: int, model: str) -> str:
    rows = (
        f'[[profiles.default.bindings]]\nalias = "alias-{number}"\nmodels = ["{model}-{number}"]\n'
        for number in range(size)
    )
    return 'version = "1.0"\ndefault_profile = "default"\n' + "".join(rows)


def lock_diff(size: int, folder: Path) -> Callable[[], object]:
    old, new = folder / "old.lock", folder / "llmring.lock"
    old.write_text(lockfile_text(size, "openai:gpt"), "utf-8")
    new.write_text(lockfile_text(size, "openai:o"), "utf-8")
    return lambda: run(["lock", "diff", str(old), "--lockfile", str(new)])


def parse(size: int, _: Path) -> Callable[[], object]:
    text = lockfile_text(size, "openai:gpt")
    return lambda: llmring_lockfile.parse(text)


def emit(size: int, _: Path) -> Callable[[], object]:
    lockfile = llmring_lockfile.parse(lockfile_text(size, "openai:gpt"))
    return lambda: llmring_lockfile.emit(lockfile)


def check(size: int, _: Path) -> Callable[[], object]:
    lockfile = llmring_lockfile.parse(lockfile_text(size, "openai:gpt"))
    return lambda: llmring_lockfile.check(lockfile)


def binds_in_one_edit(size: int, folder: Path) -> Callable[[], object]:
    path = folder / "llmring.lock"

    def work() -> None:
        path.write_text('version = "1.0"\n', "utf-8")
        with llmring_lockfile.editing(path) as document:
            for number in range(size):
                document.bind(f"alias-{number}", "openai:gpt-5-mini")

    return work


def scan(size: int, folder: Path) -> Callable[[], object]:
    text = "".join(f"ring.resolve_alias('alias-{number}')\n" for number in range(size))
    (folder / "app.py").write_text(text, "utf-8")
    lockfile = llmring_lockfile.parse(lockfile_text(size, "openai:gpt"))
    return lambda: llmring_lockfile.scan(lockfile, llmring_lockfile.read_sources(folder))


def markdown(size: int, begin: str, line: str) -> Callable[[], object]:
    def work() -> None:
        console = Console(file=io.StringIO(), force_terminal=True, width=80, height=24)
        with MarkdownStream(console) as stream:
            stream.write(begin)
            for _ in range(size):
                stream.write(line)

    return work


def one_code_block(size: int, _: Path) -> Callable[[], object]:
    return markdown(size, "```python\n", "x = 1\n")


def one_paragraph(size: int, _: Path) -> Callable[[], object]:
    return markdown(size, "", "some words ")


def one_list(size: int, _: Path) -> Callable[[], object]:
    return markdown(size, "", "- one of many points\n")


def one_numbered_list(size: int, _: Path) -> Callable[[], object]:
    return markdown(size, "", "1. one of many points\n   and what follows from it\n")


def one_table(size: int, _: Path) -> Callable[[], object]:
    return markdown(size, "| a | b |\n|---|---|\n", "| some | words |\n")


def chunks(size: int, _: Path) -> Callable[[], object]:
    pieces = [StreamChunk(delta="word ") for _ in range(size)]
    return lambda: collect(pieces)


def tokens(size: int, _: Path) -> Callable[[], object]:
    request = LLMRequest([Message(role="user", content="some words of a long text. " * size)])
    return lambda: estimate_tokens(request)


def structured(size: int, _: Path) -> Callable[[], object]:
    schema = {"type": "array", "items": {"type": "integer"}}
    request = LLMRequest([], response_format={"type": "json_schema", "json_schema": {"schema": schema}})
    text = str(list(range(size)))

    def work() -> None:
        _, expectation = prepare(request)
        finish(LLMResponse(content=text, model="sim:demo"), expectation)

    return work


def usage_log(size: int, folder: Path) -> Callable[[], object]:
    path = folder / "usage.db"

    def work() -> None:
        path.unlink(missing_ok=True)
        log = UsageLog(path)
        for number in range(size):
            log(record(id=str(number)))
        log.close()
        stats(path, "model")

    return work


def usage_read(size: int, folder: Path) -> Callable[[], object]:
    path = folder / "usage.db"
    log = UsageLog(path)
    for number in range(size):
        log(record(id=str(number)))
    log.close()
    return lambda: [stats(path, "day", "model"), list(read(path))]


def redaction(size: int, _: Path) -> Callable[[], object]:
    """A streamed answer that repeats a key in every event."""
    redactor = HttpRedactor(["a-secret-key"])
    pieces = [b'data: {"delta": "you sent a-secret-key"}\n\n'] * size
    return lambda: redactor.body(pieces)


CASES = [
    Growing(200, lock_diff),
    Growing(300, parse),
    Growing(300, emit),
    Growing(300, check),
    Growing(50, binds_in_one_edit),
    Growing(500, scan),
    Growing(100, one_code_block),
    Growing(500, one_paragraph),
    Growing(100, one_list),
    Growing(100, one_numbered_list),
    Growing(100, one_table),
    Growing(4000, chunks),
    Growing(2000, tokens),
    Growing(2000, structured),
    Growing(1000, usage_log),
    Growing(1000, usage_read),
    Growing(500, redaction),
]


def seconds(work: Callable[[], object], times: int) -> float:
    started = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - started) / times


@pytest.mark.parametrize("case", [pytest.param(case, id=case.prepare.__name__) for case in CASES])
def test_four_times_as_much_takes_at_most_five_times_as_long(case: Growing, tmp_path: Path) -> None:
    """Compare the quickest rounds of each side, in turn. A busy machine gets more rounds: noise only ever adds."""
    sides = []
    for size in (case.size, FACTOR * case.size):
        folder = tmp_path / str(size)
        folder.mkdir()
        work = case.prepare(size, folder)
        work()
        times = max(1, round(ENOUGH_S / max(seconds(work, 1), 1e-6)))
        sides.append((work, times))
    small = large = inf
    for number in range(ROUNDS):
        figures = [seconds(work, times) for work, times in sides]
        small, large = min(small, figures[0]), min(large, figures[1])
        if number >= LEAST_ROUNDS and large <= MOST * small:
            return
    raise AssertionError(f"{large / small:.1f} times as long ({small * 1000:.1f} ms for {case.size})")
