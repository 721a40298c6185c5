"""A job that is killed at fifty random moments, and resumed each time."""

import os
import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("kill_moments.py")
KILLS, ROWS, CONCURRENCY = 50, 3000, 16


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forks of one process, which Windows has not")
@pytest.mark.unmeasured
def test_every_row_has_one_outcome_and_only_calls_under_way_are_asked_again(tmp_path: Path) -> None:
    subprocess.run([sys.executable, SCRIPT, tmp_path, str(KILLS), str(ROWS)], check=True, timeout=150)
    asked = [tuple(map(int, line.split())) for line in (tmp_path / "asked").read_text().splitlines()]
    outcomes = [tuple(map(int, line.split())) for line in (tmp_path / "outcomes").read_text().splitlines()]

    last = [row for run, row, *_ in outcomes if run == KILLS]
    assert sorted(last) == [*range(ROWS)]
    with closing(sqlite3.connect(tmp_path / "job.db", isolation_level=None)) as database:
        assert database.execute("SELECT COUNT(*), SUM(state = 'answered') FROM outcome").fetchone() == (
            ROWS,
            ROWS,
        )

    asked_in: dict[int, list[int]] = {}
    for run, row in asked:
        asked_in.setdefault(row, []).append(run)
    again = Counter(run for runs in asked_in.values() for run in runs[:-1])
    assert set(asked_in) == {*range(ROWS)}
    assert len(again) > KILLS / 2  # the kills came amid calls
    assert max(again.values()) <= CONCURRENCY

    for run, row, from_journal, asked_again, answered in outcomes:
        assert answered
        assert max(asked_in[row]) <= run  # nothing that was handed out is asked again
        if not from_journal and min(asked_in[row]) < run:
            assert asked_again, (run, row)
