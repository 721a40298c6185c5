"""The programs of the page about clusters, as they stand, against the simulated model."""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import llmring_lockfile
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "ray-and-dask.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)

pytestmark = [pytest.mark.ray, pytest.mark.timeout(170)]


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_a_program_of_the_page_runs_and_every_row_is_answered(block: str, tmp_path: Path) -> None:
    llmring_lockfile.bind(tmp_path / "llmring.lock", "summarizer", "sim:demo", create=True)
    (tmp_path / "program.py").write_text(block)
    with tempfile.TemporaryDirectory(prefix="ray", dir="/tmp") as folder:  # paths of sockets must be short
        ran = subprocess.run(
            [sys.executable, "program.py"],
            cwd=tmp_path,
            env={
                "PATH": os.environ["PATH"],
                "HOME": folder,
                "RAY_TMPDIR": folder,
                "RAY_USAGE_STATS_ENABLED": "0",
                "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",  # below `uv run` workers would write into a copy of the folder
            },
            capture_output=True,
            text=True,
            check=False,
        )
    assert ran.returncode == 0, ran.stderr[-3000:]
    if 'write_parquet("answers")' in block or "to_parquet" in block:
        answers = pq.read_table(tmp_path / "answers")
        assert answers.num_rows
        assert answers["error"].null_count == answers.num_rows
        assert "string" in str(answers["error"].type)
        assert answers["answer"].null_count == 0
