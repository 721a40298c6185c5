"""Journals: what was answered is not asked again, and a file of somebody else's is not believed."""

import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import msgspec
import pytest
from llmring import LLMRequest, LLMResponse, LLMRing, Message, Prices
from llmring.bulk import Outcome, Row, journal_outcomes, journal_state
from llmring.bulk._journal import Journal
from llmring.exceptions import (
    AliasNotFoundError,
    BudgetExceededError,
    ConfigurationError,
    ProviderBadRequestError,
    ProviderNotFoundError,
    ProviderServerError,
    StructuredOutputError,
    ValidationError,
)
from llmring.testing import HANG, FakeProvider
from llmring_lockfile import Binding, Lockfile, Profile
from llmring_providers import ChatCall
from llmring_types import ModelRef

USAGE = {"prompt_tokens": 10, "completion_tokens": 10, "total_tokens": 20}
PRICES = {"fake:x": Prices(input=Decimal(0), output=Decimal(100_000))}


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "job.db"


def question(text: str, **options: Any) -> LLMRequest:
    return LLMRequest([Message(role="user", content=text)], model="fake:x", max_tokens=10, **options)


def questions(number: int) -> Iterator[LLMRequest]:
    return (question(f"question {place}") for place in range(number))


def echo(call: ChatCall) -> LLMResponse:
    return LLMResponse(content=str(call.request.messages[0].content), model="fake:x", usage=USAGE)  # type: ignore[arg-type]


async def outcomes_of(rows: Any, *replies: Any, **options: Any) -> tuple[list[Outcome], int]:
    """Return the outcomes in order, and the number of calls."""
    ring, provider = LLMRing(prices=PRICES), FakeProvider(*(replies or (echo,)))
    ring.register_provider("fake", provider)
    found = [outcome async for outcome in ring.map(rows, ordered=True, **options)]
    return found, len(provider.calls)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_second_run_asks_nothing_again(journal: Path, backend: str) -> None:
    async def main() -> None:
        first, asked = await outcomes_of(questions(300), journal=journal)
        assert asked == 300
        assert not any(outcome.from_journal for outcome in first)
        second, asked = await outcomes_of(questions(300), journal=journal)
        assert asked == 0
        assert all(outcome.from_journal and outcome.cost == 0 for outcome in second)
        assert [outcome.response for outcome in second] == [outcome.response for outcome in first]

    anyio.run(main, backend=backend)


async def test_identical_requests_are_asked_once(journal: Path) -> None:
    rows = [question(f"question {place % 3}") for place in range(30)]
    found, asked = await outcomes_of(rows, journal=journal)
    assert asked == 3
    assert [outcome.unwrap().content for outcome in found] == [f"question {place % 3}" for place in range(30)]
    assert sum(outcome.from_journal for outcome in found) == 27
    assert sum(outcome.cost or 0 for outcome in found) == 3
    assert len((await outcomes_of(rows))[0]) == 30
    assert (await outcomes_of(rows))[1] == 30  # without a journal each row is asked


def has_index(journal: Path) -> bool:
    with closing(sqlite3.connect(journal, isolation_level=None)) as database:
        return bool(
            database.execute("SELECT 1 FROM sqlite_master WHERE type = 'index' AND sql != ''").fetchall()
        )


async def test_outcomes_are_indexed_once_one_is_looked_for(journal: Path) -> None:
    await outcomes_of(questions(5), journal=journal)
    assert not has_index(journal)
    found, asked = await outcomes_of([*questions(5), question("new"), question("new")], journal=journal)
    assert has_index(journal)
    assert asked == 1
    assert [outcome.from_journal for outcome in found] == [True] * 5 + [False, True]
    assert [outcome.key for outcome in journal_outcomes(journal)] == [*"0123456"]
    assert (await outcomes_of(questions(6), journal=journal))[1] == 1


async def test_identical_requests_far_apart_are_asked_once_by_a_first_run(journal: Path) -> None:
    rows = [question("a"), *questions(200), question("a"), question("b"), question("a")]
    found, asked = await outcomes_of(rows, journal=journal, concurrency=4)
    assert asked == 202
    assert [outcome.key for outcome in found if outcome.from_journal] == ["201", "203"]
    assert has_index(journal)


async def test_rows_that_cannot_be_read_in_the_same_way_are_one_outcome_of_the_journal(journal: Path) -> None:
    unread = ValidationError("no JSON")
    for _ in range(2):
        rows = [Row(request=unread, key="line"), *questions(50), Row(request=unread, key="line")]
        found, _ = await outcomes_of(rows, journal=journal, concurrency=2)
        assert [outcome.key for outcome in found if not outcome.is_answered] == ["line", "line"]
    with closing(sqlite3.connect(journal, isolation_level=None)) as database:
        assert database.execute("SELECT COUNT(*), COUNT(DISTINCT digest) FROM outcome").fetchone() == (51, 51)


LONE = "\ud800"
"""A surrogate without its other half, which JSON may have and UTF-8 has not."""


@pytest.mark.parametrize(
    ("row", "reply"),
    [
        (Row(request=question("a"), key=LONE), "yes"),
        (Row(request=question("a"), data={"x": LONE, LONE: [1]}), "yes"),
        (Row(request=question("a"), data={"x": Decimal, "y": [object()]}), "yes"),
        (Row(request=question(LONE)), "yes"),
        (Row(request=question("a")), LLMResponse(content=LONE, model="fake:x")),
        (Row(request=question("a")), LLMResponse(content="yes", model="fake:x", native={"x": object()})),
        (Row(request=question("a")), ProviderBadRequestError(LONE, provider="fake", status_code=400)),
        (Row(request=ValidationError(LONE)), "yes"),
    ],
)
async def test_a_row_that_utf8_or_json_has_no_form_for_ends_as_others_do(
    journal: Path, row: Row, reply: Any
) -> None:
    with anyio.fail_after(20):
        (first, other), _ = await outcomes_of([row, question("b")], reply, "yes", journal=journal)
        (again, _), asked = await outcomes_of([row, question("b")], "yes", journal=journal)
    assert asked == 0
    assert (first.key, first.data) == (again.key, again.data) == (row.key or "0", row.data)
    assert first.is_answered == again.is_answered
    assert other.is_answered
    assert len(list(journal_outcomes(journal))) == 2


async def test_a_value_that_the_file_cannot_hold_ends_the_job(journal: Path) -> None:
    """Whatever fails in the thread: a job that waits for it would wait for ever."""

    def rows() -> Iterator[LLMRequest]:
        assert outcomes._engine.journal is not None
        outcomes._engine.journal.run = 1 << 80
        yield question("a")

    ring = LLMRing()
    ring.register_provider("fake", FakeProvider("yes"))
    outcomes = ring.map(rows(), journal=journal)
    with anyio.fail_after(20), pytest.raises(ConfigurationError, match="cannot be written: Python int too"):
        await anext(outcomes)


async def test_keys_are_text(journal: Path) -> None:
    rows: Any = [Row(request=question("a"), key=5), Row(request=question("b"), key="6")]  # type: ignore[arg-type]
    for _ in range(2):
        found, _ = await outcomes_of(rows, journal=journal)
        assert [outcome.key for outcome in found] == ["5", "6"]


async def test_a_changed_request_is_a_new_row(journal: Path) -> None:
    await outcomes_of([question("a"), question("b")], journal=journal)
    found, asked = await outcomes_of([question("a"), question("c")], journal=journal)
    assert asked == 1
    assert [outcome.from_journal for outcome in found] == [True, False]
    hotter, asked = await outcomes_of([question("a", temperature=1.0)], journal=journal)
    assert (asked, hotter[0].from_journal) == (1, False)


async def test_the_order_of_names_makes_no_other_request(journal: Path) -> None:
    await outcomes_of([question("a", extra_params={"x": 1, "y": {"p": 1, "q": 2}})], journal=journal)
    found, asked = await outcomes_of(
        [question("a", extra_params={"y": {"q": 2, "p": 1}, "x": 1})], journal=journal
    )
    assert (asked, found[0].from_journal) == (0, True)


async def test_a_pool_whose_first_member_has_no_key_is_answered_and_kept(journal: Path) -> None:
    profile = Profile(
        name="default",
        bindings=(Binding(alias="fast", models=(ModelRef("openai", "gpt-4o"), ModelRef("fake", "x"))),),
    )
    for calls in (3, 0):
        ring, provider = LLMRing(lockfile=Lockfile(profiles={"default": profile})), FakeProvider(echo)
        ring.register_provider("fake", provider)
        rows = [msgspec.structs.replace(request, model="fast") for request in questions(3)]
        found = [outcome async for outcome in ring.map(rows, journal=journal)]
        assert [outcome.unwrap().model for outcome in found] == ["fake:x"] * 3
        assert len(provider.calls) == calls


async def test_leaving_a_job_loses_no_answer_that_has_come(journal: Path) -> None:
    ring, provider = LLMRing(), FakeProvider(*["yes"] * 7, HANG)
    ring.register_provider("fake", provider)
    async with ring.map(questions(100), journal=journal, concurrency=8) as outcomes:
        await anext(outcomes)
    answered = len(provider.calls) - provider.cancelled
    assert answered == 7
    found, asked = await outcomes_of(questions(100), journal=journal)
    assert asked == 93
    assert sum(outcome.from_journal for outcome in found) == 7
    assert (
        provider.cancelled <= sum(outcome.asked_again for outcome in found) <= 8
    )  # those that were under way


@pytest.mark.parametrize(
    ("error", "asked_again"),
    [
        (ProviderBadRequestError("no", provider="fake", status_code=400), False),
        (ProviderServerError("down", provider="fake", status_code=500, retry_after=0.0), True),
    ],
)
async def test_errors_that_may_end_otherwise_are_asked_again(
    journal: Path, error: Exception, asked_again: bool
) -> None:
    await outcomes_of(questions(1), error, journal=journal)
    (outcome,), asked = await outcomes_of(questions(1), journal=journal)
    assert (asked == 1, outcome.is_answered) == (asked_again, asked_again)
    if not asked_again:
        assert type(outcome.error) is type(error)
        assert str(outcome.error) == str(error)
        assert isinstance(outcome.error, ProviderBadRequestError)
        assert outcome.error.status_code == 400
        assert [attempt.error for attempt in outcome.attempts] == ["ProviderBadRequestError"]


async def test_kept_json_is_read_into_the_type_that_is_asked_for_now(journal: Path) -> None:
    class City(msgspec.Struct):
        name: str

    class Strange(msgspec.Struct):
        name: int

    rows = [question("a", response_format=City), question("b", response_format=City)]
    answers = ('{"name": "Oslo"}', '{"nom": "Oslo"}')
    for _ in range(2):
        found, asked = await outcomes_of(rows, *answers, journal=journal)
        assert found[0].unwrap().parsed == City("Oslo")
        assert isinstance(found[1].error, StructuredOutputError)
        assert found[1].error.raw_text == '{"nom": "Oslo"}'
    assert asked == 0


async def test_rows_that_cannot_be_sent_are_in_the_journal(journal: Path) -> None:
    rows = [Row(request=ValidationError("line 1 is no JSON"), key="line 1"), question("a")]
    for _ in range(2):
        found, _ = await outcomes_of(rows, journal=journal)
        assert [outcome.is_answered for outcome in found] == [False, True]
    with closing(sqlite3.connect(journal, isolation_level=None)) as database:
        states = database.execute("SELECT key, state FROM row JOIN outcome USING (digest) ORDER BY position")
        assert states.fetchall() == [("line 1", "failed"), ("1", "answered")]


async def test_the_budget_counts_what_earlier_runs_spent(journal: Path) -> None:
    first, _ = await outcomes_of(questions(10), journal=journal, budget_usd=4)
    assert sum(outcome.is_answered for outcome in first) == 4
    second, asked = await outcomes_of(questions(10), journal=journal, budget_usd=6)
    assert asked == 2
    assert sum(isinstance(outcome.error, BudgetExceededError) for outcome in second) == 4


async def test_the_file_is_its_owners_alone_and_can_be_read_with_plain_sql(journal: Path) -> None:
    await outcomes_of([Row(request=question("a"), data={"city": "Oslo"})], journal=journal)
    assert {path.name: path.stat().st_mode & 0o777 for path in journal.parent.iterdir()} == {
        "job.db": 0o600,
        "job.db-lock": 0o600,
    }
    with closing(sqlite3.connect(journal, isolation_level=None)) as database:
        query = """SELECT key, data ->> 'city', state, model, response ->> 'content', cost, input_tokens, output_tokens
            FROM row JOIN outcome USING (digest)"""
        assert database.execute(query).fetchall() == [("0", "Oslo", "answered", "fake:x", "a", 1.0, 10, 10)]


async def test_two_runs_do_not_share_a_journal(journal: Path) -> None:
    ring, _ = LLMRing(), None
    ring.register_provider("fake", FakeProvider("yes", HANG))
    async with ring.map(questions(5), journal=journal) as outcomes:
        await anext(outcomes)
        with pytest.raises(ConfigurationError, match="in use by another run"):
            await outcomes_of(questions(5), journal=journal)
    assert (await outcomes_of(questions(5), journal=journal))[1] == 4


async def test_a_run_waits_for_one_that_is_about_to_end(journal: Path) -> None:
    assert len((await outcomes_of(questions(3), journal=journal))[0]) == 3
    beside = f"{journal}-lock"
    with closing(sqlite3.connect(beside, isolation_level=None, check_same_thread=False)) as ending:
        ending.execute("BEGIN EXCLUSIVE")
        end = threading.Timer(0.2, ending.execute, ("ROLLBACK",))
        end.start()
        found, asked = await outcomes_of(questions(3), journal=journal)
        end.join()
    assert (len(found), asked) == (3, 0)


def foreign(path: Path) -> None:
    path.touch(mode=0o600)
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("CREATE TABLE t (x)")


def no_database(path: Path) -> None:
    path.touch(mode=0o600)
    path.write_bytes(b"hello" * 999)


def trap(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("CREATE TRIGGER t AFTER INSERT ON row BEGIN DELETE FROM outcome; END")


def other_index(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("CREATE INDEX outcome_digest ON outcome (model)")


def later(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA user_version = 99")


def linked(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to(path.with_name("elsewhere"))


@pytest.mark.skipif(os.name != "posix", reason="modes and links of POSIX")
@pytest.mark.parametrize(
    ("made_by", "change", "match"),
    [
        ("them", foreign, "a file of another program"),
        ("them", no_database, "file is not a database"),
        ("them", lambda path: path.mkdir(), "cannot be opened: Is a directory"),
        ("them", os.mkfifo, "is not a file"),
        ("us", trap, "views or triggers"),
        ("us", other_index, "views or triggers"),
        ("us", later, "version 99.*update llmring"),
        ("us", linked, "it is a link"),
        ("us", lambda path: path.chmod(0o644), "others may read or write"),
    ],
)
async def test_a_file_of_somebody_else_is_refused(
    journal: Path, made_by: str, change: Callable[[Path], Any], match: str
) -> None:
    if made_by == "us":
        await outcomes_of(questions(1), journal=journal)
    change(journal)
    with pytest.raises(ConfigurationError, match=match):
        await outcomes_of(questions(1), journal=journal)


async def test_a_journal_that_can_no_longer_be_written_ends_the_job(journal: Path) -> None:
    ring = LLMRing()
    ring.register_provider("fake", FakeProvider(echo))

    async def main() -> None:
        async for _ in ring.map(questions(5000), journal=journal, concurrency=2):
            with closing(sqlite3.connect(journal, isolation_level=None)) as database:
                database.execute("DROP TABLE IF EXISTS row")

    with pytest.raises(ConfigurationError, match="cannot be written: no such table"):
        await main()


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps files that are open")
@pytest.mark.parametrize("is_replaced", [False, True])
async def test_a_journal_that_is_deleted_ends_the_job(journal: Path, is_replaced: bool) -> None:
    ring = LLMRing()
    ring.register_provider("fake", FakeProvider(echo))

    def delete() -> None:
        journal.unlink(missing_ok=True)
        if is_replaced:
            journal.touch()

    async def main() -> None:
        async for _ in ring.map(questions(5000), journal=journal, concurrency=2):
            delete()

    with pytest.raises(ConfigurationError, match="it was deleted or replaced while the job ran"):
        await main()


async def test_a_row_that_is_no_outcome_is_a_typed_error(journal: Path) -> None:
    await outcomes_of(questions(1), journal=journal)
    with closing(sqlite3.connect(journal, isolation_level=None)) as database:
        database.execute("UPDATE outcome SET response = '[1'")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        await outcomes_of(questions(1), journal=journal)


async def test_rows_without_a_model_are_outcomes_and_are_asked_once_there_is_one(journal: Path) -> None:
    rows = [LLMRequest([Message(role="user", content="?")], model=model) for model in ("unbound", "openai:x")]
    for _ in range(2):
        found, asked = await outcomes_of(rows, journal=journal)
        assert asked == 0
        assert isinstance(found[0].error, AliasNotFoundError)
        assert isinstance(found[1].error, ProviderNotFoundError)
        assert not found[0].from_journal


async def test_a_kept_answer_that_is_not_as_asked_now_is_an_error(journal: Path) -> None:
    form: dict[str, Any] = {
        "type": "json_schema",
        "json_schema": {"name": "a", "schema": {"type": "integer"}},
    }
    strict = {"type": "json_schema", "json_schema": {**form["json_schema"], "strict": True}}
    for asked_form, is_answered in ((form, True), (strict, False)):
        found, _ = await outcomes_of([question("a", response_format=asked_form)], '"x"', journal=journal)
        assert found[0].is_answered == is_answered
    with closing(sqlite3.connect(journal, isolation_level=None)) as database:
        database.execute(
            "UPDATE outcome SET state = 'answered', response = (SELECT response FROM outcome WHERE state = 'answered')"
        )
    found, asked = await outcomes_of([question("a", response_format=strict)], journal=journal)
    assert asked == 0
    assert isinstance(found[0].error, StructuredOutputError)


async def test_an_error_of_the_application_ends_a_job_with_a_journal(journal: Path) -> None:
    def refuse(_: object) -> Any:
        raise ZeroDivisionError("mine")

    for option in ("on_progress", "key"):
        with pytest.raises(ZeroDivisionError, match="mine"):
            await outcomes_of(questions(300), journal=journal, **{option: refuse})


def test_what_a_killed_interpreter_has_not_waited_for_is_written_at_its_end(journal: Path) -> None:
    """A generator that nobody closes holds the job until the interpreter ends."""
    code = f"""
import asyncio
from llmring import LLMRequest, LLMRing, Message
from llmring.testing import FakeProvider

async def main():
    ring = LLMRing()
    ring.register_provider("fake", FakeProvider("yes"))
    rows = (LLMRequest([Message(role="user", content=str(row))], model="fake:x") for row in range(10))
    job = ring.map(rows, journal={str(journal)!r}, concurrency=2)
    await anext(job)
    globals()["job"] = job

asyncio.run(main())
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    assert journal_state(journal).answered >= 1
    assert journal_state(journal).open_runs == 0


@pytest.mark.parametrize("document", ["[]", "{", "{}", "5"])
async def test_what_the_file_holds_of_batches_must_be_batches(journal: Path, document: str) -> None:
    await outcomes_of(questions(1), journal=journal)
    with closing(sqlite3.connect(journal, isolation_level=None)) as database:
        database.execute("INSERT INTO batch_part VALUES ('x', 'open', ?)", (document,))
    with pytest.raises(ConfigurationError, match="cannot be read"):
        await outcomes_of(questions(2), journal=journal, via="batch")


async def test_what_the_file_holds_of_answers_must_be_answers(journal: Path) -> None:
    await outcomes_of(questions(1), journal=journal)
    with closing(sqlite3.connect(journal, isolation_level=None)) as database:
        database.execute("UPDATE outcome SET response = '[]'")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        await outcomes_of(questions(1), journal=journal)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        list(journal_outcomes(journal))


async def test_of_the_data_of_rows_json_objects_are_kept(journal: Path) -> None:
    kept: list[Any] = [{"line": 1}, {}, ["line"], "line", 1, None]
    rows = [Row(request=question(str(place)), data=data) for place, data in enumerate(kept)]
    found, _ = await outcomes_of(rows, journal=journal)
    assert [outcome.data for outcome in found] == kept
    assert [outcome.data for outcome in journal_outcomes(journal)] == [{"line": 1}, {}, *[None] * 4]


async def test_what_was_handed_over_is_in_the_file_once_the_journal_is_closed(journal: Path) -> None:
    writing = Journal[None](journal, lambda _: None, lambda _: None)
    await writing.open()
    for place in range(500):
        writing.end(place.to_bytes(16), LLMResponse(content="yes", model="fake:x"), 0.5, None)
    await writing.aclose()
    with closing(sqlite3.connect(journal, isolation_level=None)) as database:
        assert database.execute("SELECT COUNT(*), SUM(cost) FROM outcome").fetchone() == (500, 250.0)


@pytest.mark.skipif(os.name != "posix", reason="users and links of POSIX")
async def test_a_journal_whose_lock_is_a_link_is_refused(journal: Path) -> None:
    journal.with_name("job.db-lock").symlink_to(journal.with_name("elsewhere"))
    with pytest.raises(ConfigurationError, match="in use by another run"):
        await outcomes_of(questions(1), journal=journal)
    assert not journal.with_name("elsewhere").exists()


async def test_a_path_in_the_home_of_nobody_is_a_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    await outcomes_of(questions(1), journal="~nobody-of-this-name/job.db")
    assert (tmp_path / "~nobody-of-this-name" / "job.db").is_file()
