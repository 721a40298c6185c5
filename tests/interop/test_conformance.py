"""The score on recorded traffic that an independent oracle gives, over a sample of thousands of exchanges.

The oracle, its server and its recordings lie beside the repository and are not part of it; on a machine
without them this is skipped. The whole of it is run by hand, as its README tells.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SHARED = Path(__file__).resolve().parents[2].parent / "shared"
SAMPLE = 300
STREAMS_WITH_FAULTS = 3
THRESHOLD = 0.99
GROUPS = {
    "anthropic messages plain",
    "anthropic messages stream",
    "gemini generateContent plain",
    "gemini streamGenerateContent stream",
    "ollama chat plain",
    "ollama chat stream",
    "openai chat plain",
    "openai chat stream",
    "openai responses plain",
    "openai responses stream",
}

REPAIRED = {"anthropic-messages-ed86a10ee017"}
"""Recorded requests that the vendor refused for their schema, which is now written so that it is taken."""

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not (SHARED / "conformance").is_dir(), reason="no ../shared beside the repository"),
]


def score(report: Path) -> dict[str, Any]:
    """Run the harness with this interpreter and return what it found."""
    subprocess.run(
        [
            sys.executable,
            str(SHARED / "conformance" / "run.py"),
            *("--adapter", "ours", "--recordings", str(SHARED / "recordings"), "--json", str(report)),
            *("--limit", str(SAMPLE), "--faults", str(STREAMS_WITH_FAULTS), "--timeout", "30"),
        ],
        check=True,
        capture_output=True,
        env={**os.environ, "CONF_RESPONSES_KWARGS": '{"extra_params": {"api": "responses"}}'},
    )
    found: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    return found


def test_a_sample_of_recorded_traffic_meets_the_thresholds(tmp_path: Path) -> None:
    found = score(tmp_path / "scored.json")
    rows = [row for row in found["rows"] if row["state"] == "scored"]
    groups = {name: group for name, group in found["summary"].items() if name in GROUPS}
    assert groups.keys() == GROUPS
    assert {name: group["elsewhere"] for name, group in groups.items()} == dict.fromkeys(groups, 0)
    assert below(groups, "full") == {}, [(row["id"], row["reasons"]) for row in rows if row["reasons"]]
    assert [
        (row["id"], row["request_reasons"])
        for row in rows
        if row["request_reasons"] and row["id"] not in REPAIRED
    ] == []
    faults = [(row["id"], case) for row in rows for case in row.get("faults", ())]
    assert len(faults) > 5 * STREAMS_WITH_FAULTS  # five protocols stream
    assert [(name, case) for name, case in faults if not case["ok"]] == []


def below(groups: dict[str, Any], aspect: str) -> dict[str, float]:
    """The groups below the threshold."""
    shares = {name: group[aspect] / group["scored"] for name, group in groups.items()}
    return {name: found for name, found in shares.items() if found < THRESHOLD}
