"""A job through batches that is killed before and after each of its requests."""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from batch_hosts import MODELS
from llmring.testing import BatchRule, Script, Simulator

SCRIPT = Path(__file__).with_name("kill_batches.py")
MOMENTS, ROWS = 18, 110
"""More rows than Gemini's batches take inline."""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forks of one process, which Windows has not")
@pytest.mark.unmeasured
@pytest.mark.parametrize("vendor", ["openai", "anthropic", "google"])
def test_every_row_is_answered_and_none_is_submitted_twice_unless_it_expired(
    vendor: str, tmp_path: Path
) -> None:
    with Simulator(Script(batches=(BatchRule(until=1, looks=2, expired_every=11),))) as simulator:
        arguments = (MODELS[vendor], simulator.base_url(vendor), tmp_path, MOMENTS, ROWS)
        subprocess.run([sys.executable, SCRIPT, *map(str, arguments)], check=True, timeout=150)
        outcomes = [line.split() for line in (tmp_path / "outcomes").read_text().splitlines()]
        submitted = Counter(line.request.body for batch in simulator.batches for line in batch.lines)
        expired = Counter(
            line.request.body
            for batch in simulator.batches
            for line in batch.lines
            for result in batch.results or ()
            if result.ending == "expired" and result.key == line.key
        )
    assert sorted(int(key) for key, _ in outcomes) == [*range(ROWS)]
    assert all(answered == "1" for _, answered in outcomes)
    assert len(submitted) == ROWS
    assert sum(expired.values()) == ROWS // 11
    assert {body: count - 1 for body, count in submitted.items() if count > 1} == expired
