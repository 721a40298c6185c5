"""Median and 95th percentile of the log's times."""

from pathlib import Path

import pytest
from llmring.usage import UsageLatency, UsageLog, latencies
from llmring_types.exceptions import ValidationError
from records import record


def _log(path: Path, alias: str | None, *seconds: float, ending: str = "answered") -> None:
    log = UsageLog(path)
    for number, each in enumerate(seconds):
        log(record(id=f"{alias}{ending}{number}", alias=alias, seconds=each, ending=ending))
    log.close()


@pytest.mark.parametrize(
    ("seconds", "median", "p95"),
    [([4.0], 4000, 4000), ([2.0, 1.0], 1000, 2000), ([float(n) for n in range(100, 0, -1)], 50_000, 95_000)],
)
def test_they_are_times_that_were_measured(
    tmp_path: Path, seconds: list[float], median: int, p95: int
) -> None:
    _log(tmp_path / "usage.db", "fast", *seconds)
    (found,) = latencies(tmp_path / "usage.db", "alias")
    assert found == UsageLatency(name="fast", calls=len(seconds), median_ms=median, p95_ms=p95)


def test_failed_calls_do_not_count_and_the_largest_group_is_first(tmp_path: Path) -> None:
    path = tmp_path / "usage.db"
    _log(path, "fast", 9.0, ending="failed")
    _log(path, "fast", 1.0)
    _log(path, None, 2.0, 2.0)
    assert [(row.name, row.calls, row.p95_ms) for row in latencies(path, "alias")] == [
        (None, 2, 2000),
        ("fast", 1, 1000),
    ]


def test_a_period_bounds_them(tmp_path: Path) -> None:
    _log(tmp_path / "usage.db", "fast", 1.0)
    assert latencies(tmp_path / "usage.db", "model", since="2026-11-23") == []


def test_there_is_no_group_of_another_name(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="not grouped by 'cost'"):
        latencies(tmp_path / "usage.db", "cost")  # type: ignore[arg-type]  # the case
