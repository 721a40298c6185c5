"""Points in time as people write them."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from llmring_cli import _moments
from llmring_cli._moments import parse_moment

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _the_time_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_moments, "now", lambda: NOW)
    monkeypatch.setattr(_moments, "today", NOW.date)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-01", date(2026, 11, 1)),
        ("2026-11-01T08:00", datetime(2026, 11, 1, 8, tzinfo=UTC)),
        ("2026-11-01T08:00:00Z", datetime(2026, 11, 1, 8, tzinfo=UTC)),
        ("2026-11-01T08:00+01:00", datetime(2026, 11, 1, 8, tzinfo=timezone(timedelta(hours=1)))),
        ("today", date(2026, 11, 22)),
        ("yesterday", date(2026, 11, 21)),
        ("12h", NOW - timedelta(hours=12)),
        ("7d", NOW - timedelta(days=7)),
        ("2w", NOW - timedelta(days=14)),
        ("99999w", datetime(1970, 1, 1, tzinfo=UTC)),
    ],
)
def test_a_day_a_time_or_how_long_ago(text: str, moment: date) -> None:
    assert parse_moment(text) == moment


@pytest.mark.parametrize(
    "text",
    [
        "",
        "7",
        "d",
        "-7d",
        "7 d",
        "tomorrow",
        "2026-13-01",
        "2026-11-01T25:00",
        "99999999d",
        "0001-01-01T00:00+14:00",
        "9999-12-31",
        "9999-12-31T23:59:59-14:00",
    ],
)
def test_anything_else_is_an_error_that_says_what_can_be_written(text: str) -> None:
    with pytest.raises(ValueError, match="write 2026-11-22"):
        parse_moment(text)
