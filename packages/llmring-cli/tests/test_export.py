"""export."""

import csv
import io
import json
import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

Run = Callable[..., tuple[int, str, str]]


@pytest.mark.usefixtures("usage_log")
def test_rows_go_to_standard_output_as_csv(llmring: Run) -> None:
    code, out, err = llmring("export")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert (code, err) == (0, "")
    assert [row["id"] for row in rows] == ["1", "2", "3", "4"]


@pytest.mark.usefixtures("usage_log")
def test_rows_are_filtered_as_statistics_are(llmring: Run) -> None:
    out = llmring("export", "--format", "jsonl", "--since", "2026-11-21", "--alias", "fast")[1]
    assert [json.loads(line)["id"] for line in out.splitlines()] == ["3", "4"]


@pytest.mark.usefixtures("usage_log")
def test_json_is_one_array(llmring: Run, folder: Path) -> None:
    llmring("export", "-o", "usage.json")
    rows = json.loads((folder / "usage.json").read_text())
    assert [row["id"] for row in rows] == ["1", "2", "3", "4"]
    assert json.loads(llmring("export", "--format", "json", "--alias", "nowhere")[1]) == []


@pytest.mark.usefixtures("usage_log")
def test_a_files_name_tells_its_form(llmring: Run, folder: Path) -> None:
    assert llmring("export", "-o", "usage.JSONL") == (0, "", "wrote 4 rows to usage.JSONL\n")
    assert json.loads((folder / "usage.JSONL").read_text().splitlines()[0])["id"] == "1"
    llmring("export", "-o", "usage.txt")
    assert (folder / "usage.txt").read_text().startswith("id,logged_at,")
    llmring("export", "-o", "usage.csv", "--format", "jsonl")
    assert (folder / "usage.csv").read_text().startswith("{")


@pytest.mark.skipif(os.name != "posix", reason="named pipes are POSIX's")
@pytest.mark.usefixtures("usage_log")
def test_a_pipe_is_written_to_and_not_replaced(llmring: Run, folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    with ThreadPoolExecutor() as reader:
        read = reader.submit((folder / "pipe").read_text)
        assert llmring("export", "-o", "pipe")[0] == 0
        assert read.result().startswith("id,logged_at,")
    assert (folder / "pipe").is_fifo()


@pytest.mark.usefixtures("usage_log")
def test_parquet_is_for_other_tools(llmring: Run, folder: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    assert llmring("export", "-o", "usage.parquet")[0] == 0
    assert parquet.read_table(folder / "usage.parquet").num_rows == 4


@pytest.mark.usefixtures("usage_log")
def test_what_cannot_be_written_leaves_what_was_there(
    llmring: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (folder / "usage.parquet").write_text("before")
    code, out, err = llmring("export", "-o", "usage.parquet")
    assert (code, out) == (1, "")
    assert "pip install pyarrow" in err
    assert (folder / "usage.parquet").read_text() == "before"
    assert not list(folder.glob(".usage.parquet*"))


@pytest.mark.usefixtures("usage_log")
def test_a_folder_that_is_not_there_is_an_error(llmring: Run) -> None:
    code, _, err = llmring("export", "-o", "no/such/usage.csv")
    assert (code, err) == (1, "error: cannot write no/such/usage.csv: No such file or directory\n")


@pytest.mark.usefixtures("usage_log")
def test_parquet_does_not_go_to_a_terminal(llmring: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    code, out, err = llmring("export", "--format", "parquet")
    assert (code, out) == (1, "")
    assert "--output FILE" in err
