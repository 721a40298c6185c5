"""The observer that writes the local log."""

import asyncio
import base64
import errno
import json
import logging
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

import msgspec
import pytest
import trio
from llmring import LLMRequest, LLMRing, Message, ModelRef
from llmring._settings import known_secrets
from llmring.exceptions import ConfigurationError
from llmring.testing import Simulator
from llmring.usage import UsageLog, read
from llmring.usage._database import LogUnwritableError, insert, open_to_write
from llmring.usage._entry import entry_of
from records import record, response

HELLO = [Message(role="user", content="Hello")]
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
    unwritable = msgspec.structs.replace(entry_of(record(id="d")), alias=cast("str", []))
    with pytest.raises(LogUnwritableError):
        insert(connection, [entry_of(record(id="c")), unwritable])
    insert(connection, [entry_of(record(id="c"))])
    connection.close()
    assert ids(path) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("fields", "column", "kept"),
    [
        ({"usage": {"prompt_tokens": 2**70}}, "input_tokens", 2**63 - 1),
        ({"usage": {"completion_tokens": -(2**70)}}, "output_tokens", -(2**63) + 1),
        ({"usage": {"prompt_tokens": 1e300}}, "input_tokens", 2**63 - 1),
        ({"seconds": 1e300}, "latency_ms", 2**63 - 1),
        ({"first_chunk_s": float("inf")}, "first_chunk_ms", 2**63 - 1),
        ({"started_at": 1e300}, "logged_at", "9999-12-31T23:59:59.999999Z"),
        ({"started_at": -1e13}, "logged_at", "0001-01-01T00:00:00.000000Z"),
    ],
)
def test_a_row_past_64_bits_is_clamped_and_says_so(
    path: Path, fields: dict[str, Any], column: str, kept: object, caplog: pytest.LogCaptureFixture
) -> None:
    log = UsageLog(path)
    log(record(**fields))
    log.close()
    [entry] = read(path)
    assert getattr(entry, column) == kept
    assert json.loads(entry.metadata)["clamped"] == [column]
    assert caplog.records == []


@pytest.mark.parametrize(
    "fields",
    [
        {"origin": "\ud800", "alias": "\ud800", "model": ModelRef("openai", "\ud800")},
        {
            "response": response(response_id="\ud800", provider_model="\ud800"),
            "usage": {"cost_source": "\ud800"},
        },
        {"usage": {"prompt_tokens": "many", "completion_tokens": True, "cost": float("nan")}},
        {"seconds": float("nan"), "failed_cost": Decimal("inf")},
    ],
)
def test_no_record_is_lost_for_what_no_column_holds(
    path: Path, fields: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    log = UsageLog(path)
    log(record(id="a"))
    log(record(id="b", **fields))
    log.close()
    assert sorted(ids(path)) == ["a", "b"]
    assert caplog.records == []


def test_what_a_host_repeats_of_a_key_is_not_in_the_log(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACME_API_KEY", "key-of-the-environment")
    keys = ("key-of-the-environment", "key-of-a-ring")
    log = UsageLog(path, secrets=lambda: (*known_secrets(), "key-of-a-ring"))
    for place, key in enumerate(keys):
        coded = base64.b64encode(f"Bearer {key}".encode()).decode()
        echo = response(request_id=f"refused-{key}", response_id=coded, provider_model=quote(key, safe=""))
        log(record(id=str(place), response=echo, request=LLMRequest(messages=HELLO, metadata={"seen": key})))
    log.close()
    assert len(ids(path)) == len(keys)
    with closing(sqlite3.connect(path)) as connection, connection:
        written = "".join(connection.iterdump())
    for key in keys:
        assert key not in written
        assert base64.b64encode(f"Bearer {key}".encode()).decode() not in written


async def test_a_key_given_to_a_ring_is_not_in_its_log(path: Path) -> None:
    with Simulator() as simulator:
        async with LLMRing(usage_log=path) as ring:
            ring.register_provider(
                "openai", api_key="key-given-to-the-ring", base_url=simulator.base_url("openai")
            )
            request = LLMRequest(model="openai:x", messages=HELLO, metadata={"seen": "key-given-to-the-ring"})
            await ring.chat(request)
    [entry] = read(path)
    assert json.loads(entry.metadata)["request"] == {"seen": "REDACTED"}


@pytest.mark.skipif(os.name != "posix", reason="POSIX modes")
@pytest.mark.parametrize("umask", [0o000, 0o022])
def test_a_new_log_is_its_owners_alone_whatever_the_umask(path: Path, umask: int) -> None:
    old = os.umask(umask)
    try:
        log = UsageLog(path)
        log(record())
        log.close()
        connection = open_to_write(path)  # held, so that the files beside it are there
        insert(connection, [entry_of(record(id="b"))])
    finally:
        os.umask(old)
    modes = {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()}
    connection.close()
    assert modes == dict.fromkeys(("usage.db", "usage.db-wal", "usage.db-shm"), 384)


def of_later_version(path: Path) -> None:
    log = UsageLog(path)
    log(record(id="old"))
    log.close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA user_version = 2")
    connection.close()


def of_another_program(path: Path) -> None:
    path.parent.mkdir(parents=True)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE usage (id TEXT)")
        connection.execute("PRAGMA user_version = 1")
    connection.close()


def of_another_program_by_its_mark(path: Path) -> None:
    path.parent.mkdir(parents=True)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA application_id = 7")
        connection.execute("PRAGMA journal_mode = WAL")
    connection.close()


def no_database(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_text("not a database" * 100)


@pytest.mark.parametrize(
    "make", [of_later_version, of_another_program, of_another_program_by_its_mark, no_database]
)
def test_the_file_of_a_later_version_or_another_program_is_not_altered(
    path: Path, make: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    make(path)
    before = path.read_bytes()
    log = UsageLog(path)
    log(record(id="new"))
    log.close()
    assert len(caplog.records) == 1
    with pytest.raises(ConfigurationError):
        list(read(path))
    assert path.read_bytes() == before


def test_a_log_without_our_mark_is_taken_by_its_table_and_marked(path: Path) -> None:
    log = UsageLog(path)
    log(record(id="a"))
    log.close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA application_id = 0")
    connection.close()
    log(record(id="b"))
    log.close()
    assert ids(path) == ["a", "b"]
    assert path.read_bytes()[68:72] == b"LLMR"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
def test_a_pipe_is_no_log(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path.parent.mkdir()
    os.mkfifo(path)
    log = UsageLog(path)
    log(record())
    log.close()
    assert [message for message in caplog.messages if "it is not a file" in message]
    with pytest.raises(ConfigurationError, match="there is no usage log"):
        ids(path)


@pytest.mark.parametrize("name", ["usage.db", "usage\0.db"])
def test_an_empty_file_and_an_impossible_name_are_no_log_to_read(tmp_path: Path, name: str) -> None:
    (tmp_path / "usage.db").touch()
    with pytest.raises(ConfigurationError):
        ids(tmp_path / name)


def test_rows_that_can_be_put_nowhere_cause_one_warning(
    path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("llmring.usage._log.put_aside", full)
    open_to_write(path).close()
    log = UsageLog(path)
    with held(path):
        for name in ("a", "b"):
            log(record(id=name))
            log.close()
    assert len(caplog.records) == 1


@contextmanager
def held(path: Path, mode: str = "NORMAL") -> Iterator[None]:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute(f"PRAGMA locking_mode = {mode}")
    connection.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")
        connection.close()


@pytest.mark.parametrize("mode", ["NORMAL", "EXCLUSIVE"])
@pytest.mark.parametrize("opened_before", [True, False])
def test_a_log_that_another_process_holds_costs_half_a_second_at_most_and_no_row(
    path: Path, caplog: pytest.LogCaptureFixture, mode: str, *, opened_before: bool
) -> None:
    log = UsageLog(path)
    if opened_before:
        log(record(id="1"))
        log.close()
    else:
        open_to_write(path).close()
    with held(path, mode):
        for place in range(2, 5):
            log(record(id=str(place)))
        started = time.monotonic()
        log.close()
        assert time.monotonic() - started < 0.5
        [waiting] = path.parent.glob("*.waiting")
        assert os.name != "posix" or waiting.stat().st_mode & 0o777 == 0o600
    other = UsageLog(path)
    other(record(id="5"))
    other.close()
    assert sorted(ids(path)) == ["1", "2", "3", "4", "5"][not opened_before :]
    assert [file.name for file in path.parent.iterdir()] == ["usage.db"]
    assert caplog.records == []


async def test_a_ring_closes_in_time_while_its_log_is_held_and_loses_no_row(path: Path) -> None:
    open_to_write(path).close()
    with held(path, "EXCLUSIVE"):
        ring = LLMRing(usage_log=path)
        await ring.chat(ASKED)
        started = time.monotonic()
        await ring.close()
        assert time.monotonic() - started < 0.5
    async with LLMRing(usage_log=path) as ring:
        await ring.chat(ASKED)
    assert len(ids(path)) == 2


def test_rows_wait_while_the_log_is_held_and_are_written_by_the_same_process(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llmring.usage._log._RETRY_S", 0.01)
    log = UsageLog(path)
    open_to_write(path).close()
    with held(path):
        log(record(id="a"))
        while not log._queue.empty():
            os.sched_yield()
    while not ids(path):
        os.sched_yield()
    log.close()
    assert ids(path) == ["a"]


def test_a_damaged_file_of_waiting_rows_loses_no_other(path: Path) -> None:
    log = UsageLog(path)
    open_to_write(path).close()
    with held(path):
        log(record(id="a"))
        log.close()
    [waiting] = path.parent.glob("*.waiting")
    huge = b'{"id":"c","logged_at":"2026-01-01T00:00:00Z","input_tokens":9223372036854775808}\n'
    waiting.write_bytes(huge + b"{\n" + b"[" * 100_000 + b"\n\xff\n" + waiting.read_bytes())
    log(record(id="b"))
    log.close()
    assert sorted(ids(path)) == ["a", "b"]


def test_without_sqlite_there_is_one_clear_error(tmp_path: Path) -> None:
    code = """
import sys
sys.modules["sqlite3"] = None
from llmring import LLMRing
from llmring.exceptions import ConfigurationError
from llmring.usage import stats
for attempt in (lambda: LLMRing(usage_log="usage.db"), lambda: stats("usage.db")):
    try:
        attempt()
    except ConfigurationError as error:
        print("sqlite3" in str(error))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("True\nTrue\n", "")


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
