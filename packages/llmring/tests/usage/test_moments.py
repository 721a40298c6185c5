"""Points in time as people write them."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from llmring.exceptions import ValidationError
from llmring.usage import parse_moment

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-01", date(2026, 11, 1)),
        ("2026-11-01T08:00", datetime(2026, 11, 1, 8, tzinfo=UTC)),
        ("2026-11-01T08:00+01:00", datetime(2026, 11, 1, 8, tzinfo=timezone(timedelta(hours=1)))),
        ("today", date(2026, 11, 22)),
        ("yesterday", date(2026, 11, 21)),
        ("12h", NOW - timedelta(hours=12)),
        ("2w", NOW - timedelta(days=14)),
        ("99999w", datetime(1970, 1, 1, tzinfo=UTC)),
    ],
)
def test_a_day_a_time_or_how_long_ago(text: str, moment: date) -> None:
    assert parse_moment(text, now=NOW) == moment


def test_today_is_the_day_in_utc() -> None:
    assert parse_moment("today", now=datetime(2026, 11, 22, 1, tzinfo=timezone(timedelta(hours=3)))) == date(
        2026, 11, 21
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "7",
        "-7d",
        "\u0667d",
        "tomorrow",
        "2026-13-01",
        "99999999d",
        "0001-01-01T00:00+14:00",
        "9999-12-31",
    ],
)
def test_anything_else_is_an_error_that_says_what_can_be_written(text: str) -> None:
    with pytest.raises(ValidationError, match="write 2026-11-22"):
        parse_moment(text, now=NOW)
