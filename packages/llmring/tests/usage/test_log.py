"""The observer that writes the local log."""

import asyncio
import logging
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest
import trio
from llmring import LLMRequest, LLMRing, Message, Usage
from llmring.usage import UsageLog, read
from llmring.usage._database import insert, open_to_write
from llmring.usage._entry import entry_of
from records import record

ASKED = LLMRequest(messages=[Message(role="user", content="a secret")], model="sim:demo")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new folder" / "usage.db"


def ids(path: Path) -> list[str]:
    return [entry.id for entry in read(path)]


async def test_a_ring_writes_every_call_and_has_written_it_when_it_is_closed(path: Path) -> None:
    async with LLMRing("tests", usage_log=path) as ring:
        response = await ring.chat(ASKED)
        async for _ in ring.chat_stream(ASKED):
            pass
    first, second = read(path)
    assert response.usage is not None
    assert (first.provider, first.model, first.origin) == ("sim", "demo", "tests")
    assert first.input_tokens == response.usage["prompt_tokens"]
    assert first.cost == response.usage["cost"]
    assert (first.ending, first.streamed, second.streamed) == ("answered", False, True)


async def test_the_environment_names_the_log(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLMRING_USAGE_LOG", str(path))
    async with LLMRing() as ring:
        await ring.chat(ASKED)
    assert len(ids(path)) == 1


def test_without_being_asked_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    async def main() -> None:
        async with LLMRing(usage_log="") as ring:
            await ring.chat(ASKED)

    asyncio.run(main())
    assert list(tmp_path.iterdir()) == []


async def test_it_holds_no_message_no_answer_and_no_key(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    async with LLMRing(usage_log=path, server_url="http://127.0.0.1:1", api_key="llmr_pk_secret") as ring:
        response = await ring.chat(ASKED)
    written = b"".join(file.read_bytes() for file in path.parent.iterdir())
    for text in ("a secret", response.content, "sk-secret", "llmr_pk_secret"):
        assert text.encode() not in written


async def test_no_row_is_written_in_the_callers_thread(path: Path) -> None:
    log = UsageLog(path)
    log(record())
    writers = [thread.name for thread in threading.enumerate()]
    assert "llmring usage log" in writers
    await log.aclose()
    assert "llmring usage log" not in [thread.name for thread in threading.enumerate()]
    assert len(ids(path)) == 1


def test_records_may_come_again_after_closing(path: Path) -> None:
    log = UsageLog(path)
    for name in ("a", "b"):
        log(record(id=name))
        log.close()
    log.close()
    assert ids(path) == ["a", "b"]


def test_closing_a_log_that_was_never_used_writes_nothing(path: Path) -> None:
    asyncio.run(UsageLog(path).aclose())
    UsageLog(path).close()
    assert not path.exists()


def test_several_logs_write_to_one_file(path: Path) -> None:
    logs = [UsageLog(path) for _ in range(4)]
    for place in range(400):
        logs[place % 4](record(id=f"{place:03}"))
    for log in logs:
        log.close()
    assert ids(path) == [f"{place:03}" for place in range(400)]


def test_a_record_that_comes_twice_is_one_row(path: Path) -> None:
    log = UsageLog(path)
    log(record())
    log(record())
    log.close()
    assert len(ids(path)) == 1


def test_under_trio_closing_writes(path: Path) -> None:
    async def main() -> None:
        async with LLMRing(usage_log=path) as ring:
            await ring.chat(ASKED)

    trio.run(main)
    assert len(ids(path)) == 1


async def test_a_log_that_cannot_be_written_costs_one_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    ring = LLMRing(usage_log=tmp_path / "file" / "usage.db")
    for _ in range(3):
        assert (await ring.chat(ASKED)).content
        await ring.close()
    assert [(entry.levelno, entry.name) for entry in caplog.records] == [(logging.WARNING, "llmring.usage")]


def test_a_log_that_could_not_be_written_for_a_while_goes_on_later(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    log = UsageLog(path)
    path.mkdir(parents=True)
    log(record(id="lost"))
    log.close()
    path.rmdir()
    log(record(id="kept"))
    log.close()
    assert ids(path) == ["kept"]
    assert len(caplog.records) == 1


def test_a_batch_is_written_whole_or_not_at_all(path: Path) -> None:
    log = UsageLog(path)
    for name in ("a", "b"):
        log(record(id=name))
    log.close()
    connection = open_to_write(path)
    entries = [entry_of(record(id="c")), entry_of(record(id="d", usage={"prompt_tokens": 2**70}))]
    with pytest.raises(OverflowError):
        insert(connection, entries)
    insert(connection, entries[:1])
    connection.close()
    assert ids(path) == ["a", "b", "c"]


def test_a_record_that_no_column_holds_takes_no_other_with_it(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    log = UsageLog(path)
    for name, origin, tokens in (("a", "app", 1), ("b", "\ud800", 1), ("c", "app", 2**70), ("d", "app", 1)):
        usage: Usage = {"prompt_tokens": tokens, "completion_tokens": 1}
        log(record(id=name, origin=origin, usage=usage))
    log.close()
    assert sorted(ids(path)) == ["a", "d"]
    assert len(caplog.records) == 1


def test_a_log_stays_where_it_was_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "away").mkdir()
    monkeypatch.chdir(tmp_path)
    log = UsageLog("usage.db")
    monkeypatch.chdir(tmp_path / "away")
    log(record())
    log.close()
    assert len(ids(tmp_path / "usage.db")) == 1


def test_a_log_that_is_too_slow_leaves_records_out_and_says_so_once(
    path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llmring.usage._log._SIZE", 2)
    monkeypatch.setattr(UsageLog, "_start", lambda self: None)
    log = UsageLog(path)
    for place in range(5):
        log(record(id=str(place)))
    assert len(caplog.records) == 1
    monkeypatch.undo()
    log(record(id="last"))
    log.close()
    assert ids(path) == ["0", "1", "last"]


SCRIPT = """
import sys
sys.path[:0] = {support!r}
from llmring.usage import UsageLog
from records import record

log = UsageLog({path!r})
{body}
"""


def python(path: Path, body: str) -> "subprocess.Popen[str]":
    support = [str(Path(__file__).parents[4] / "tests" / "support")]
    code = SCRIPT.format(support=support, path=str(path), body=body)
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)


def test_an_interpreter_that_ends_without_closing_has_written_everything(path: Path) -> None:
    process = python(path, "for place in range(50): log(record(id=str(place)))")
    assert process.wait(30) == 0
    assert process.stdout is not None
    process.stdout.close()
    assert len(ids(path)) == 50


def test_a_killed_process_has_lost_no_more_than_its_last_batch(path: Path) -> None:
    """It writes without a pause and says what was in the file for sure; then it is killed at some moment."""
    body = """
import itertools
for place in itertools.count():
    log(record(id=f"{place:06}"))
    if place % 100 == 99:
        log.close()
        print(place + 1, flush=True)
"""
    for rounds in (1, 2, 5):
        process = python(path, body)
        assert process.stdout is not None
        for _ in range(rounds):
            surely = int(process.stdout.readline())
        os.kill(process.pid, signal.SIGKILL)
        process.wait(30)
        process.stdout.close()
        found = ids(path)
        with closing(sqlite3.connect(path)) as database:
            assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert found == [f"{place:06}" for place in range(len(found))]  # whole batches, in order, no gaps
        assert len(found) >= surely
        path.unlink()
        for left in path.parent.iterdir():
            left.unlink()


def test_a_forked_child_writes_its_own_records(path: Path) -> None:
    body = """
import os
log(record(id="parent"))
log.close()
log(record(id="before"))
child = os.fork()
if child == 0:
    log(record(id="child"))
    log.close()
    os._exit(0)
os.waitpid(child, 0)
log.close()
"""
    process = python(path, body)
    assert process.wait(30) == 0
    assert process.stdout is not None
    process.stdout.close()
    assert set(ids(path)) == {"parent", "before", "child"}
