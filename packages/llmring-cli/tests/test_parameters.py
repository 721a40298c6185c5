"""Points in time on a command line; llmring.usage reads them."""

from datetime import UTC, date, datetime, timedelta

import pytest
from cyclopts import Token
from llmring_cli import _parameters
from llmring_cli._parameters import read_moment

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _the_time_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_parameters, "now", lambda: NOW)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-01", date(2026, 11, 1)),
        ("yesterday", date(2026, 11, 21)),
        ("12h", NOW - timedelta(hours=12)),
    ],
)
def test_a_day_a_time_or_how_long_ago(text: str, moment: date) -> None:
    assert read_moment(date, [Token(value=text)]) == moment


def test_anything_else_is_an_error_that_says_what_can_be_written() -> None:
    with pytest.raises(ValueError, match="write 2026-11-22"):
        read_moment(date, [Token(value="tomorrow")])
