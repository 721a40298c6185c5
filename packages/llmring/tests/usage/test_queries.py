"""Sums and rows of the log."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llmring import LLMRequest, ModelRef
from llmring.exceptions import ConfigurationError, ProviderTimeoutError, ValidationError
from llmring.usage import Moment, UsageLog, UsageStats, read, stats
from llmring.usage._entry import entry_of
from llmring_types import Attempt
from records import record, response

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC).timestamp()
DAY = 86_400


def usage(prompt: int = 100, completion: int = 20, cost: float | None = 0.01) -> dict[str, Any]:
    return {"prompt_tokens": prompt, "completion_tokens": completion, "cost": cost}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "usage.db"
    log = UsageLog(path)
    log(record(id="1", started_at=NOON - DAY, usage=usage(), origin="a"))
    log(record(id="2", started_at=NOON, usage=usage(10, 2, 0.5), model=ModelRef("anthropic", "claude")))
    log(record(id="3", started_at=NOON + 1, usage=usage(cost=None), alias=None, estimated=True, seconds=0.5))
    failed = record(
        id="4",
        started_at=NOON + DAY,
        usage=None,
        response=None,
        ending="failed",
        error=ProviderTimeoutError("late"),
        failed_cost=Decimal("0.25"),
    )
    log(failed)
    log.close()
    return path


def test_everything_is_one_row(path: Path) -> None:
    assert stats(path) == [
        UsageStats(
            group=(),
            calls=4,
            answered=3,
            input_tokens=210,
            output_tokens=42,
            cached_input_tokens=0,
            cost=0.51,
            unpriced=1,
            estimated=1,
            failed_cost=0.25,
            mean_latency_ms=3500 / 3,
        )
    ]


GROUPS: list[tuple[tuple[Any, ...], list[tuple[tuple[str | None, ...], int]]]] = [
    (("model",), [(("anthropic:claude",), 1), (("openai:gpt-4o-mini",), 3)]),
    (("provider",), [(("anthropic",), 1), (("openai",), 3)]),
    (("alias",), [(("fast",), 3), ((None,), 1)]),
    (("origin",), [(("my-app",), 3), (("a",), 1)]),
    (("profile",), [(("prod",), 4)]),
    (("day",), [(("2026-11-21",), 1), (("2026-11-22",), 2), (("2026-11-23",), 1)]),
    (
        ("day", "provider"),
        [
            (("2026-11-21", "openai"), 1),
            (("2026-11-22", "anthropic"), 1),
            (("2026-11-22", "openai"), 1),
            (("2026-11-23", "openai"), 1),
        ],
    ),
]


@pytest.mark.parametrize(("by", "expected"), GROUPS)
def test_sums_are_grouped_dearest_first_and_days_in_order(
    path: Path, by: tuple[Any, ...], expected: list[tuple[tuple[str | None, ...], int]]
) -> None:
    assert [(row.group, row.calls) for row in stats(path, *by)] == expected


FILTERS: list[tuple[dict[str, Any], list[str]]] = [
    ({}, ["1", "2", "3", "4"]),
    ({"origin": "a"}, ["1"]),
    ({"alias": "fast"}, ["1", "2", "4"]),
    ({"model": "claude"}, ["2"]),
    ({"model": "anthropic:claude"}, ["2"]),
    ({"model": "openai:claude"}, []),
    ({"since": "2026-11-22"}, ["2", "3", "4"]),
    ({"until": date(2026, 11, 22)}, ["1", "2", "3"]),
    ({"since": "2026-11-22T12:00:00Z", "until": "2026-11-22T12:00:00"}, ["2"]),
    ({"since": datetime(2026, 11, 22, 13, tzinfo=timezone(timedelta(hours=1))), "origin": "my-app"}, ["2", "3", "4"]),
]  # fmt: skip


@pytest.mark.parametrize(("filters", "expected"), FILTERS)
def test_rows_and_sums_are_filtered_alike(path: Path, filters: dict[str, Any], expected: list[str]) -> None:
    assert [entry.id for entry in read(path, **filters)] == expected
    assert sum(row.calls for row in stats(path, **filters)) == len(expected)


def test_the_cost_of_a_group_is_unknown_where_no_call_has_one(tmp_path: Path) -> None:
    path = tmp_path / "usage.db"
    log = UsageLog(path)
    log(record(id="1", model=ModelRef("ollama", "llama3"), usage=usage(cost=None)))
    log(record(id="2", model=ModelRef("openai", "x"), usage=None, response=None, ending="failed"))
    log(record(id="3", model=ModelRef("openai", "y"), usage=usage(cost=0.1)))
    log(record(id="4", model=ModelRef("openai", "y"), usage=usage(cost=0.2)))
    log.close()
    assert {row.group[0]: row.cost for row in stats(path, "model")} == {
        "openai:y": 0.3,
        "openai:x": 0.0,
        "ollama:llama3": None,
    }


def test_an_empty_selection_has_no_sums(path: Path) -> None:
    assert stats(path, origin="nobody") == stats(path, "day", origin="nobody") == []


def test_a_row_has_what_is_known_of_the_call(path: Path) -> None:
    entry = list(read(path))[3]
    assert (entry.logged_at, entry.ending, entry.error) == (
        "2026-11-23T12:00:00.000000Z",
        "failed",
        "ProviderTimeoutError",
    )
    assert (entry.input_tokens, entry.cost, entry.failed_cost) == (None, None, 0.25)
    assert (entry.latency_ms, entry.attempts) == (1500, 1)


@pytest.mark.parametrize("text", ["some day", "2026-11-31", "2026-11-22 at noon"])
def test_a_text_that_is_no_time_is_an_error(path: Path, text: str) -> None:
    with pytest.raises(ValidationError, match=text):
        stats(path, since=text)


def test_what_cannot_be_grouped_by_is_an_error(path: Path) -> None:
    by: Any = "hour"
    with pytest.raises(ValidationError, match="by 'hour', but by model"):
        stats(path, by)


def test_the_log_may_be_in_the_users_home(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(path.parent))
    assert stats("~/usage.db") == stats(path)


def nothing(path: Path) -> None:
    pass


def other_text(path: Path) -> None:
    path.write_text("no database, but some text that is long enough to be one" * 100)


def other_database(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE other (x)")
    connection.close()


def other_table(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE other (x)")
    connection.execute("PRAGMA user_version = 1")
    connection.close()


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (nothing, "there is no usage log"),
        (other_text, "cannot be read as a usage log"),
        (other_table, "cannot be read as a usage log"),
        (other_database, "a database of another program"),
    ],
)
def test_what_is_no_log_is_told_and_left_alone(
    tmp_path: Path, make: Callable[[Path], None], text: str
) -> None:
    path = tmp_path / "usage.db"
    make(path)
    before = path.read_bytes() if path.exists() else None
    with pytest.raises(ConfigurationError, match=text):
        stats(path)
    with pytest.raises(ConfigurationError, match=text):
        list(read(path))
    assert (path.read_bytes() if path.exists() else None) == before


def test_metadata_has_the_providers_ids_and_the_requests_own() -> None:
    request = LLMRequest(messages=[], metadata={"user": 1})
    entry = entry_of(
        record(
            request=request,
            response=response(request_id="req_1"),
            usage={"reasoning_tokens": 5, "cost_status": "priced"},
        )
    )
    assert entry.metadata == (
        '{"reasoning_tokens":5,"cost_status":"priced","provider_model":"gpt-4o-mini-2024-07-18",'
        '"response_id":"chatcmpl-1","request_id":"req_1","request":{"user":1}}'
    )


def test_metadata_that_is_no_json_is_left_out() -> None:
    entry = entry_of(record(request=LLMRequest(messages=[], metadata={"odd": "\ud800"})))
    assert "odd" not in entry.metadata


def test_only_what_was_sent_counts_as_an_attempt() -> None:
    tried = [
        Attempt(model="a:x", outcome="skipped"),
        Attempt(model="b:y", outcome="error"),
        Attempt(model="b:y", outcome="ok"),
    ]
    assert entry_of(record(attempts=tuple(tried))).attempts == 2


@given(st.lists(st.tuples(st.integers(0, 10**6), st.floats(0, 100), st.sampled_from("abc")), max_size=20))
def test_groups_sum_up_to_the_whole(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int, float, str]]
) -> None:
    path = tmp_path_factory.mktemp("log") / "usage.db"
    log = UsageLog(path)
    for place, (tokens, cost, origin) in enumerate(rows):
        log(record(id=str(place), origin=origin, usage=usage(tokens, tokens, cost)))
    log.close()
    if not rows:
        assert not path.exists()
        return
    (whole,) = stats(path)
    parts = stats(path, "origin")
    assert whole.calls == sum(part.calls for part in parts) == len(rows)
    assert whole.input_tokens == sum(part.input_tokens for part in parts) == sum(row[0] for row in rows)
    cost = sum(part.cost or 0 for part in parts)
    assert whole.cost == pytest.approx(cost, abs=1e-11)  # each is rounded to twelve places


@pytest.mark.parametrize(
    "moment",
    [
        datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=12))),
        datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-5))),
    ],
)
def test_a_moment_that_utc_does_not_have_is_one_typed_error(path: Path, moment: Moment) -> None:
    with pytest.raises(ValidationError, match="out of range"):
        stats(path, since=moment)
    with pytest.raises(ValidationError, match="out of range"):
        list(read(path, until=moment))


def test_a_row_that_another_tool_has_spoilt_is_one_typed_error(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE usage SET input_tokens = 'many'")
    connection.close()
    with pytest.raises(ConfigurationError, match="a row of the usage log"):
        list(read(path))
