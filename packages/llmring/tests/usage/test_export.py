"""The log in the forms that other tools read."""

import csv
import io
import json
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from llmring import LLMRequest
from llmring.exceptions import ConfigurationError
from llmring.usage import Format, UsageEntry, UsageLog, export, read
from records import record


@pytest.fixture
def entries(tmp_path: Path) -> list[UsageEntry]:
    log = UsageLog(tmp_path / "usage.db")
    request = LLMRequest(messages=[], metadata={"note": 'a "quoted", line\nand another'})
    log(record(id="1", request=request))
    log(record(id="2", alias=None, usage=None, response=None))
    log.close()
    return list(read(tmp_path / "usage.db"))


def exported(entries: list[UsageEntry], form: Format) -> bytes:
    file = io.BytesIO()
    assert export(iter(entries), file, form) == len(entries)
    assert not file.closed
    return file.getvalue()


def test_csv_has_a_heading_and_every_field(entries: list[UsageEntry]) -> None:
    rows = list(csv.DictReader(io.StringIO(exported(entries, "csv").decode(), newline="")))
    assert list(rows[0]) == list(UsageEntry.__struct_fields__)
    assert [row["id"] for row in rows] == ["1", "2"]
    assert (rows[0]["cost"], rows[0]["input_tokens"], rows[0]["alias"]) == ("2.625e-05", "100", "fast")
    assert (rows[1]["cost"], rows[1]["alias"]) == ("", "")
    assert json.loads(rows[0]["metadata"])["request"]["note"].endswith("line\nand another")


def test_jsonl_is_one_object_per_line_with_metadata_as_an_object(entries: list[UsageEntry]) -> None:
    lines = exported(entries, "jsonl").splitlines()
    rows: list[dict[str, Any]] = [json.loads(line) for line in lines]
    assert [row["id"] for row in rows] == ["1", "2"]
    assert rows[0]["metadata"]["response_id"] == "chatcmpl-1"
    assert rows[1]["cost"] is None
    assert rows[0]["streamed"] is False


def test_parquet_keeps_types_and_unknowns(entries: list[UsageEntry], tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    path = tmp_path / "usage.parquet"
    path.write_bytes(exported(entries, "parquet"))
    rows = parquet.read_table(path).to_pylist()
    assert rows == [msgspec.structs.asdict(entry) for entry in entries]


def test_parquet_without_pyarrow_says_what_to_install(
    entries: list[UsageEntry], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ConfigurationError, match="pip install pyarrow"):
        export(entries, io.BytesIO(), "parquet")


def test_another_form_is_refused(entries: list[UsageEntry]) -> None:
    with pytest.raises(ConfigurationError, match="csv, json, jsonl, parquet"):
        export(entries, io.BytesIO(), "xml")  # type: ignore[arg-type]


def test_an_empty_log_is_a_heading(tmp_path: Path) -> None:
    assert exported([], "csv").decode().startswith("id,logged_at,")
    assert exported([], "jsonl") == b""
