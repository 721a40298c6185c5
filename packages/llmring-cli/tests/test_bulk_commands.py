"""The commands ``batch run``, ``plan``, ``status``, ``retry`` and ``export``."""

import csv
import io
import json
import os
import re
import sqlite3
import sys
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from llmring.bulk import Progress
from llmring.testing import Answer, Rule, Script, Simulator, faults
from llmring_cli._bulk import ProgressReport, summary
from llmring_cli._output import CommandError
from llmring_cli._results import TableWriter
from llmring_cli._schemas import read_schema
from llmring_cli._tables import count_rows, read_rows

Run = Callable[..., tuple[int, str, str]]
SCHEMAS = Path(__file__).parent / "schemas"
CITIES = "city,text\nOslo,A fjord\nRome,Seven hills\nbroken\nParis,A tower\n"
CODE = """
from dataclasses import dataclass


@dataclass
class City:
    name: str
    size: int
"""
RUN = ("batch", "run", "cities.csv", "-m", "openai:gpt-4o-mini")


@pytest.fixture
def simulator(monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulator]:
    rules = (Rule(answer=Answer(text='{"name": "Oslo", "size": 7}')),)
    with Simulator(Script(rules)) as simulator:
        for name, value in simulator.environment.items():
            monkeypatch.setenv(name, value)
        yield simulator


@pytest.fixture(autouse=True)
def cities(folder: Path) -> Path:
    path = folder / "cities.csv"
    path.write_text(CITIES)
    (folder / "cities.py").write_text(CODE)
    return path


def check(schema: str, document: object) -> None:
    Draft202012Validator(json.loads((SCHEMAS / f"{schema}.json").read_text())).validate(document)


def asked(simulator: Simulator) -> list[str]:
    return [received.json["messages"][-1]["content"] for received in simulator.requests]


def test_a_job_with_failures_reports_the_first_of_them(llmring: Run, simulator: Simulator) -> None:
    code, _, err = llmring(*RUN, "-p", "What is {town}?", "--out", "out.csv", "--quiet")
    first, last = err.splitlines()
    assert code == 1
    assert first == "first error: row 1: there is no column 'town'; there are city, text"
    assert last == "error: 4 rows failed: llmring batch status out.csv.journal.db"
    assert asked(simulator) == []


@pytest.mark.parametrize(("via", "code"), [("live", 0), ("auto", 0), ("batch", 1)])
def test_a_job_goes_the_way_that_is_asked_for(llmring: Run, folder: Path, via: str, code: int) -> None:
    """The simulated model has no batch API."""
    (folder / "cities.csv").write_text("city\nOslo\nRome\n")
    found, out, err = llmring(
        "batch", "run", "cities.csv", "-m", "sim:demo", "-p", "{city}", "--via", via, "-q"
    )
    rows = [json.loads(line) for line in out.splitlines()]
    assert (found, [row["error"] is None for row in rows]) == (code, [code == 0] * 2)
    assert [("batch" in err, "batch" in (row["error"] or "")) for row in rows] == [(code == 1, code == 1)] * 2


def test_a_job_asks_the_pool_of_its_profile_with_its_instructions(llmring: Run, simulator: Simulator) -> None:
    llmring("bind", "fast", "openai:gpt-4o")
    llmring("bind", "fast", "openai:gpt-4o-mini", "--profile", "dev")
    _, out, _ = llmring(
        *RUN[:3], "-m", "fast", "-p", "{city}", "--system", "Be {text}.", "--profile", "dev", "-q"
    )
    rows = [json.loads(line) for line in out.splitlines()]
    assert [row["model"] for row in rows] == [
        "openai:gpt-4o-mini",
        "openai:gpt-4o-mini",
        None,
        "openai:gpt-4o-mini",
    ]
    sent = [[message["content"] for message in received.json["messages"]] for received in simulator.requests]
    assert sorted(sent) == [["Be A fjord.", "Oslo"], ["Be A tower.", "Paris"], ["Be Seven hills.", "Rome"]]


def test_rows_become_columns_and_a_job_is_resumed(llmring: Run, simulator: Simulator, folder: Path) -> None:
    arguments = (*RUN, "-p", "What is {city}? {text}", "--schema", "cities.py:City", "--out", "out.csv")
    code, out, err = llmring(*arguments)
    assert (code, out) == (1, "")
    assert "4 of 4 rows" in err
    assert err.endswith("error: 1 row failed: llmring batch status out.csv.journal.db\n")
    assert sorted(asked(simulator)) == [
        "What is Oslo? A fjord",
        "What is Paris? A tower",
        "What is Rome? Seven hills",
    ]
    rows = [*csv.DictReader(io.StringIO((folder / "out.csv").read_text()))]
    assert [(row["key"], row["city"], row["name"], row["size"]) for row in rows] == [
        ("1", "Oslo", "Oslo", "7"),
        ("2", "Rome", "Oslo", "7"),
        ("3", "", "", ""),
        ("4", "Paris", "Oslo", "7"),
    ]
    assert rows[2]["error"] == "row 3 has 1 cells, and there are 2 columns"
    assert rows[0]["model"] == "openai:gpt-4o-mini"
    assert float(rows[0]["cost"]) > 0
    assert int(rows[0]["input_tokens"]) > 0
    assert int(rows[0]["output_tokens"]) > 0
    llmring(*arguments)
    assert len(asked(simulator)) == 3
    state = json.loads(llmring("batch", "status", "out.csv.journal.db", "--json")[1])
    check("batch-status", state)
    assert (state["rows"], state["answered"], state["failed"], state["runs"]) == (4, 3, 1, 2)
    assert state["errors"] == {"ValidationError": 1}
    code, out, _ = llmring("batch", "status", "out.csv.journal.db")
    assert code == 1
    assert "answered\t3\n" in out
    assert "ValidationError\t1\n" in out


@pytest.mark.usefixtures("simulator")
@pytest.mark.parametrize("ending", [".jsonl", ".csv", ".tsv", ".parquet", ".db"])
def test_results_have_the_form_that_their_name_says(llmring: Run, folder: Path, ending: str) -> None:
    name = f"out{ending}"
    assert llmring(*RUN, "-p", "{city}", "-o", name, "--key", "city", "-q")[0] == 1
    rows = list(read_rows(folder / name))
    assert [row.values["key"] for row in rows] == ["Oslo", "Rome", "3", "Paris"]
    assert [str(row.values["answer"] or "") for row in rows][2:] == ["", '{"name": "Oslo", "size": 7}']
    if ending == ".parquet":
        assert isinstance(rows[0].values["cost"], float)
    again = f"again{ending}"
    assert llmring("batch", "export", f"{name}.journal.db", "-o", again)[0] == 0
    exported = list(read_rows(folder / again))
    assert [row.values.get("city") or None for row in exported] == ["Oslo", "Rome", None, "Paris"]


@pytest.mark.usefixtures("simulator")
@pytest.mark.parametrize("schema", ["cities.py:City", "name, size int"])
def test_an_export_with_a_schema_has_the_columns_of_the_run(llmring: Run, folder: Path, schema: str) -> None:
    assert llmring(*RUN, "-p", "{city}", "--schema", schema, "-o", "out.csv", "-q")[0] == 1
    assert llmring("batch", "export", "out.csv.journal.db", "--schema", schema, "-o", "again.csv")[0] == 0
    assert (folder / "again.csv").read_text() == (folder / "out.csv").read_text()


@pytest.mark.usefixtures("simulator")
def test_without_a_file_the_result_is_json_lines_and_there_is_no_journal(llmring: Run, folder: Path) -> None:
    code, out, _ = llmring(*RUN, "-p", "{city}")
    assert code == 1
    assert [json.loads(line)["key"] for line in out.splitlines()] == ["1", "2", "3", "4"]
    assert not [*folder.glob("*.db")]


@pytest.mark.usefixtures("simulator")
def test_errors_that_are_kept_are_asked_again_after_retry(
    llmring: Run, simulator: Simulator, folder: Path
) -> None:
    simulator.script = Script((Rule(until=1, fault=faults.Status(status=400)),))
    (folder / "one.jsonl").write_text('{"messages": [{"role": "user", "content": "?"}]}\n')
    arguments = ("batch", "run", "one.jsonl", "-m", "openai:gpt-4o-mini", "--journal", "job.db")
    assert [llmring(*arguments)[0] for _ in range(2)] == [1, 1]
    assert len(simulator.requests) == 1
    answer = json.loads(llmring("batch", "retry", "job.db", "--error", "ProviderServerError", "--json")[1])
    assert answer["retried"] == 0
    _, out, err = llmring("batch", "retry", "job.db")
    assert (out, err) == ("", "1 request will be asked again by the next run\n")
    answer = json.loads(llmring("batch", "retry", "job.db", "--json")[1])
    check("batch-retry", answer)
    assert llmring(*arguments)[0] == 0
    assert len(simulator.requests) == 2


def test_a_plan_sends_nothing(llmring: Run, simulator: Simulator) -> None:
    plan = ("batch", "plan", "cities.csv", "-m", "openai:gpt-4o-mini", "-p", "{city}", "--max-tokens", "100")
    code, out, _ = llmring(*plan, "--json")
    answer = json.loads(out)
    check("batch-plan", answer)
    assert code == 1
    assert (answer["rows"], answer["unreadable"], answer["output_tokens"]) == (4, 1, 300)
    assert answer["batch_usd"] == pytest.approx(answer["live_usd"] / 2)
    code, out, _ = llmring(*plan, "--output-tokens", "10")
    assert "output tokens\tabout 30\n" in out
    assert simulator.requests == []


@pytest.mark.usefixtures("simulator")
def test_a_plan_of_rows_that_can_all_be_sent_names_their_models(llmring: Run, folder: Path) -> None:
    (folder / "cities.csv").write_text("city\nOslo\nRome\n")
    code, out, err = llmring("batch", "plan", "cities.csv", "-m", "openai:gpt-4o-mini", "-p", "{city}")
    assert (code, err) == (0, "")
    assert "rows that cannot be sent\t0\n" in out
    assert out.endswith("openai:gpt-4o-mini: 2 rows\n")


def test_a_plan_reports_why_rows_cannot_be_sent(llmring: Run) -> None:
    code, _, err = llmring("batch", "plan", "cities.csv", "-m", "openai:gpt-4o-mini", "-p", "{town}")
    assert code == 1
    assert re.search(r"^error: 4 rows cannot be sent, the first since: .*town", err, re.MULTILINE)


@pytest.mark.usefixtures("simulator")
def test_a_budget_is_a_wall(llmring: Run) -> None:
    _, out, _ = llmring(*RUN, "-p", "{city}", "--max-tokens", "1000", "--budget", "0.0001")
    errors = [json.loads(line)["error"] for line in out.splitlines()]
    assert sum("budget of the job" in (error or "") for error in errors) == 3


@pytest.mark.parametrize(
    ("arguments", "code", "match"),
    [
        (("batch", "run", "cities.txt", "-p", "x"), 2, "does not say what it holds"),
        (("batch", "run", "none.csv", "-p", "x"), 1, "cannot read none.csv: No such file"),
        (("batch", "run", "cities.csv", "-p", "{{ x"), 2, "the prompt is not a template of Jinja"),
        (("batch", "run", "cities.csv", "-p", "x", "--schema", "City of X"), 2, "is no field"),
        (
            ("batch", "run", "cities.csv", "-p", "x", "--schema", "nothing:City"),
            1,
            "No module named 'nothing'",
        ),
        (("batch", "run", "cities.csv", "-p", "x", "--schema", "{"), 2, "the schema is no JSON object"),
        (("batch", "run", "cities.csv", "-p", "x", "--deadline", "60"), 2, "--via auto or --via batch"),
        (("batch", "export", "none.db", "--schema", "{"), 2, "the schema is no JSON object"),
        (("batch", "status", "none.db"), 1, "there is no journal none.db"),
        (("batch", "export", "cities.csv"), 1, "others may read or write"),
    ],
)
def test_mistakes_are_explained(llmring: Run, arguments: tuple[str, ...], code: int, match: str) -> None:
    found, out, err = llmring(*arguments)
    assert (found, out) == (code, "")
    assert match in err


def test_rows_that_cannot_be_read_are_errors_and_the_others_follow(folder: Path) -> None:
    (folder / "rows.jsonl").write_bytes(b'{"a": 1}\n\nno\n[1]\n"\xff"\n{"a": 2}\n')
    rows = list(read_rows(folder / "rows.jsonl"))
    assert [(row.number, row.error is None) for row in rows] == [
        (1, True),
        (3, False),
        (4, False),
        (5, False),
        (6, True),
    ]
    (folder / "rows.csv").write_bytes(b'a,b\n1,2\n\xff,3\n\n"x\ny",4\n5\n')
    assert [(row.number, row.error is None) for row in read_rows(folder / "rows.csv")] == [
        (1, True),
        (2, False),
        (3, True),
        (4, False),
    ]


def test_a_row_with_a_stray_quote_is_an_error_and_the_next_one_is_read(folder: Path) -> None:
    (folder / "rows.csv").write_bytes(b'a,b\n"1"2,3\n4,5\n')
    first, second = read_rows(folder / "rows.csv")
    assert "is no CSV" in str(first.error)
    assert second.values == {"a": "4", "b": "5"}


def test_the_rows_of_a_database_are_not_counted_beforehand(folder: Path) -> None:
    (folder / "rows.db").write_bytes(b"")
    assert count_rows(folder / "rows.db") is None
    assert count_rows(folder / "nosuch.csv") is None


def test_a_cell_of_a_csv_file_may_be_a_long_document(folder: Path) -> None:
    before = csv.field_size_limit(128 * 1024)  # as in a new process
    document = "x" * (128 * 1024 + 1)
    (folder / "rows.csv").write_text(f"a\n{document}\nshort\n")
    try:
        assert [row.values for row in read_rows(folder / "rows.csv")] == [{"a": document}, {"a": "short"}]
    finally:
        csv.field_size_limit(before)


def test_a_table_of_a_database_is_named_where_it_has_several(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "rows.db", isolation_level=None)) as database:
        database.executescript('CREATE TABLE "a""b" (x); CREATE TABLE c (y); INSERT INTO "a""b" VALUES (1)')
    assert [row.values for row in read_rows(folder / "rows.db", 'a"b')] == [{"x": 1}]
    with pytest.raises(CommandError, match=r'name a table of .* with --table: a"b, c'):
        list(read_rows(folder / "rows.db"))


def test_a_file_of_excel_with_semicolons_is_read(folder: Path) -> None:
    (folder / "rows.csv").write_text('\ufeffcity;"text; long"\nOslo;"a; b"\nRome\n')
    rows = [*read_rows(folder / "rows.csv")]
    assert rows[0].values == {"city": "Oslo", "text; long": "a; b"}
    assert str(rows[1].error) == "row 2 has 1 cells, and there are 2 columns"


@pytest.mark.usefixtures("simulator")
def test_a_job_that_is_stopped_says_how_it_continues(llmring: Run, folder: Path) -> None:
    code = (
        f"import signal\n{CODE}\n    def __post_init__(self):\n        signal.raise_signal(signal.SIGINT)\n"
    )
    (folder / "stopping.py").write_text(code)
    (folder / "cities.csv").write_text("city\nOslo\n")
    status, out, err = llmring(*RUN, "-p", "{city}", "--schema", "stopping.py:City", "-o", "out.csv", "-q")
    assert (status, out) == (130, "")
    assert err.endswith(
        "stopped: the same command continues; the answers so far: llmring batch export out.csv.journal.db\n"
    )
    assert not (folder / "out.csv").exists()


@pytest.mark.usefixtures("simulator")
def test_columns_whose_names_are_not_utf_8_end_the_job(llmring: Run, folder: Path) -> None:
    (folder / "cities.csv").write_text(CITIES, encoding="utf-16")
    code, out, err = llmring(*RUN, "-p", "{city}")
    assert (code, out) == (1, "")
    assert "the names of the columns are not UTF-8: save the file in that encoding" in err


def test_a_row_without_the_column_of_its_key_is_an_error(llmring: Run, simulator: Simulator) -> None:
    code, out, _ = llmring(*RUN, "-p", "{text}", "--key", "town")
    assert code == 1
    first = json.loads(out.splitlines()[0])
    assert (first["key"], first["error"]) == (
        "1",
        "row 1: there is no column 'town' for its key; there are city, text",
    )
    assert asked(simulator) == []


@pytest.mark.parametrize("library", ["pyarrow", "polars"])
def test_a_date_that_python_has_not_is_the_error_of_its_row(
    folder: Path, monkeypatch: pytest.MonkeyPatch, library: str
) -> None:
    arrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    columns = {"day": arrow.array([0, 12_000_000, None], arrow.date32()), "text": ["a", "b", "c"]}
    parquet.write_table(arrow.table(columns), folder / "rows.parquet")
    if library == "polars":
        for module in ("pyarrow", "pyarrow.parquet"):
            monkeypatch.setitem(sys.modules, module, None)
    rows = [*read_rows(folder / "rows.parquet")]
    assert [row.values.get("text") for row in rows] == ["a", None, "c"]
    assert "row 2 cannot be read: " in str(rows[1].error)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no pipes with names")
def test_a_pipe_is_read_once(folder: Path) -> None:
    path = folder / "rows.jsonl"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_text, args=('{"a": 1}\n',), daemon=True)
    writer.start()
    assert count_rows(path) is None
    assert [row.values for row in read_rows(path)] == [{"a": 1}]
    writer.join()


def test_large_rows_of_parquet_are_read_and_written_a_few_at_a_time(folder: Path) -> None:
    text = "x" * 2**20
    with TableWriter(folder / "rows.parquet", sys.stdout) as writer:
        for place in range(40):
            writer.add({"text": f"{place}{text}"})
    groups = import_module("pyarrow.parquet").read_metadata(folder / "rows.parquet").num_row_groups
    assert groups == 3  # of 17, 17 and 6
    tracemalloc.start()
    try:
        assert [len(row.values["text"]) for row in read_rows(folder / "rows.parquet")][-1] == len(text) + 2
        assert tracemalloc.get_traced_memory()[1] < 30 * 2**20  # all rows are 40
    finally:
        tracemalloc.stop()


def test_columns_of_one_name_are_refused(folder: Path) -> None:
    arrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    table = arrow.table([arrow.array([1]), arrow.array([2])], names=["a", "a"])
    parquet.write_table(table, folder / "rows.parquet")
    with pytest.raises(CommandError, match="two columns have one name: a, a"):
        list(read_rows(folder / "rows.parquet"))


@pytest.mark.usefixtures("simulator")
def test_values_of_a_file_look_the_same_in_the_prompt_the_result_and_an_export(
    llmring: Run, simulator: Simulator, folder: Path
) -> None:
    arrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    columns = {
        "day": [datetime(2026, 11, 29, 12, tzinfo=UTC)],
        "price": [Decimal("1.50")],
        "raw": [b"\xff"],
        "tick": arrow.array([1], arrow.timestamp("ns")),
    }
    parquet.write_table(arrow.table(columns), folder / "rows.parquet")
    run = ("batch", "run", "rows.parquet", "-m", "openai:gpt-4o-mini", "-p", "{day} {price} {raw} {tick}")
    assert llmring(*run, "-o", "out.jsonl", "-q")[0] == 0
    values = json.loads((folder / "out.jsonl").read_text())
    found = [values[name] for name in columns]
    assert found == ["2026-11-29T12:00:00Z", "1.50", "/w==", "1970-01-01 00:00:00.000000001"]
    assert asked(simulator) == [" ".join(found)]
    exported = json.loads(llmring("batch", "export", "out.jsonl.journal.db")[1])
    assert [exported[name] for name in columns] == found


def test_views_of_a_database_are_read_by_name_and_tables_of_sqlite_are_none_of_it(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "rows.db", isolation_level=None)) as database:
        database.executescript(
            "CREATE TABLE a (x INTEGER PRIMARY KEY AUTOINCREMENT, y TEXT); INSERT INTO a (y) VALUES ('z'); ANALYZE;"
            "CREATE VIEW b AS SELECT y || '!' AS y FROM a"
        )
    assert [row.values for row in read_rows(folder / "rows.db")] == [{"x": 1, "y": "z"}]
    assert [row.values for row in read_rows(folder / "rows.db", "b")] == [{"y": "z!"}]


def test_a_cell_of_a_database_that_is_no_text_is_the_error_of_its_row(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "rows.db", isolation_level=None)) as database:
        database.executescript(
            "CREATE TABLE a (x); INSERT INTO a VALUES (CAST(x'ff41' AS TEXT)), ('ok'), (NULL)"
        )
    rows = [*read_rows(folder / "rows.db")]
    assert str(rows[0].error) == "row 1 is not UTF-8"
    assert [row.values for row in rows[1:]] == [{"x": "ok"}, {"x": None}]


@pytest.mark.parametrize(
    ("name", "content", "count"),
    [
        ("a.csv", 'x,y\n"two\nlines",1\n"say ""hi""\n",2\n', 2),
        ("b.csv", "x\nlast line without an end", 1),
        ("c.csv", "", 0),
        ("d.jsonl", '{"a": 1}\n{"a": 2}', 2),
        ("e.jsonl", "", 0),
    ],
)
def test_rows_are_counted_for_the_progress(folder: Path, name: str, content: str, count: int) -> None:
    (folder / name).write_text(content)
    assert count_rows(folder / name) == count == len([*read_rows(folder / name)])


def test_a_schema_is_a_file_a_type_or_json(folder: Path) -> None:
    (folder / "city.json").write_text('{"type": "object"}')
    form = read_schema("city.json")["json_schema"]
    assert (form["name"], form["schema"], form["strict"]) == ("city", {"type": "object"}, True)
    assert read_schema('{"type": "array"}')["json_schema"]["schema"] == {"type": "array"}
    assert read_schema("fractions:Fraction").__name__ == "Fraction"


def test_a_schema_is_found_in_a_module_of_this_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [each for each in sys.path if each])  # as of an installed command
    (folder / "own_forms.py").write_text("class City:\n    name: str\n")
    assert read_schema("own_forms:City").__module__ == "own_forms"


@pytest.mark.parametrize("schema", ["raising.py:City", "raising:City"])
def test_an_error_of_the_module_of_a_schema_is_explained(folder: Path, schema: str) -> None:
    (folder / "raising.py").write_text("1 / 0\n")
    with pytest.raises(CommandError, match=rf"--schema {schema}: ZeroDivisionError: division by zero"):
        read_schema(schema)


def test_a_file_of_types_takes_the_place_of_no_module(folder: Path) -> None:
    own = sys.modules["types"]
    (folder / "types.py").write_text("class City:\n    name: str\n")
    found = read_schema("types.py:City")
    assert sys.modules["types"] is own
    assert sys.modules[found.__module__].City is found


def progress(**changed: Any) -> Progress:
    fields = {"done": 30, "answered": 28, "failed": 2, "from_journal": 10, "in_flight": 3, "cost": 0.5}
    return Progress(**{**fields, "tokens": 100, "seconds": 10.0, "total": 3630, **changed})


def test_progress_is_told_in_a_line() -> None:
    assert (
        summary(progress()) == "30 of 3,630 rows, 2.0/s, $0.5000, 2 errors, 10 from the journal, 0:20:00 left"
    )
    assert summary(progress(total=None, failed=0, from_journal=0)) == "30 rows, 3.0/s, $0.5000"


def test_off_a_terminal_there_is_a_line_a_minute(capsys: pytest.CaptureFixture[str]) -> None:
    times = iter([0.0, 1.0, 59.0, 61.0, 61.0, 62.0, 63.0, 63.0])
    with ProgressReport(clock=lambda: next(times)) as report:
        for _ in range(4):
            report(progress())
        report(progress(is_over=True))
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_on_a_terminal_there_is_a_bar_and_a_last_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    with ProgressReport() as report:
        report(progress())
        report(progress(is_over=True))
    shown = capsys.readouterr().err
    assert "30 of 3,630 rows" in shown
    assert shown.endswith("10 from the journal\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ("batch", "run", "rows.parquet", "-m", "sim:demo", "-p", "{a}"),
        ("batch", "run", "cities.csv", "-m", "sim:demo", "-p", "{city}", "-o", "out.parquet"),
    ],
)
def test_without_pyarrow_and_polars_parquet_names_the_extra(
    llmring: Run, folder: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    (folder / "rows.parquet").write_bytes(b"PAR1")
    for module in ("pyarrow", "pyarrow.parquet", "polars"):
        monkeypatch.setitem(sys.modules, module, None)
    code, _, err = llmring(*arguments)
    assert code == 1
    assert "pip install 'llmring-cli[bulk]'" in err


@pytest.mark.usefixtures("simulator")
@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ('{"messages": "hello"}', "has no messages: give a prompt"),
        ('{"messages": [{"rôle": "user"}]}', "has a malformed message"),
        ('{"messages": [{"role": "admin", "content": "x"}]}', "row 1: "),
    ],
)
def test_a_row_with_malformed_messages_is_an_error(
    llmring: Run, folder: Path, row: str, problem: str
) -> None:
    (folder / "rows.jsonl").write_text(f"{row}\n")
    code, out, _ = llmring("batch", "run", "rows.jsonl", "-m", "openai:gpt-4o-mini")
    assert code == 1
    assert problem in json.loads(out)["error"]


@pytest.mark.usefixtures("simulator")
def test_pydantic_models_and_other_answers_become_columns(llmring: Run, folder: Path) -> None:
    (folder / "forms.py").write_text(
        "from pydantic import BaseModel\n\n\nclass City(BaseModel):\n    name: str\n    size: int\n"
    )
    arguments = ("-p", "{city}", "--schema", "forms.py:City", "--system", "Be brief, {city}.")
    _, out, _ = llmring("batch", "run", "cities.csv", "-m", "openai:gpt-4o-mini", *arguments)
    first = json.loads(out.splitlines()[0])
    assert (first["name"], first["size"]) == ("Oslo", 7)


def test_columns_of_several_types_are_written_as_text(folder: Path) -> None:
    with TableWriter(folder / "out.parquet", sys.stdout) as writer:
        for values in ({"a": 1, "b": 1, "c": [1]}, {"a": 1.5, "b": "x", "d": True}):
            writer.add(values)
    assert [row.values for row in read_rows(folder / "out.parquet")] == [
        {"a": 1.0, "b": "1", "c": "[1]", "d": None},
        {"a": 1.5, "b": "x", "c": None, "d": True},
    ]


@pytest.mark.parametrize("ending", [".jsonl", ".csv", ".parquet", ".db"])
def test_what_a_file_has_no_form_for_is_written_as_text_or_nothing(folder: Path, ending: str) -> None:
    """Rows are paid for by then: no value of theirs may end the job."""
    path = folder / f"out{ending}"
    with TableWriter(path, sys.stdout) as writer:
        writer.add(
            {"large": 10**30, "surrogate": "\ud800", "nested": [{"n": "\udfff"}], "number": float("nan")}
        )
        writer.add({"large": 1, "surrogate": "a", "nested": None, "number": 1.5})
    first, second = (row.values for row in read_rows(path))
    assert str(first["large"]) == "1" + "0" * 30
    assert first["surrogate"] == "\\ud800"
    assert second["number"] in (1.5, "1.5")
    assert first["number"] != 1.5


def test_json_lines_have_no_number_that_json_has_not(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    values = {"a": float("nan"), "b": [float("inf"), {"c": float("-inf")}], "d": 1.5}
    with TableWriter(folder / "out.jsonl", sys.stdout) as file, TableWriter(None, sys.stdout) as stream:
        file.add(values)
        stream.add(values)
    expected = '{"a": null, "b": [null, {"c": null}], "d": 1.5}\n'
    assert (folder / "out.jsonl").read_text() == expected == capsys.readouterr().out


def test_a_file_that_cannot_be_written_ends_the_job_before_anything_is_sent(
    llmring: Run, simulator: Simulator, folder: Path
) -> None:
    (folder / "folder.csv").mkdir()
    (folder / "file").write_text("")
    (folder / "link.csv").symlink_to("cities.csv")
    for out, problem in {
        "cities.csv": "names cities.csv itself",
        "link.csv": "names cities.csv itself",
        "folder.csv": "it is a folder",
        "file/out.csv": "file is no folder",
        "job.db": "names job.db itself",
    }.items():
        code, _, err = llmring(*RUN, "-p", "{city}", "--journal", "job.db", "-o", out)
        assert code
        assert problem in err
    assert asked(simulator) == []
    assert (folder / "cities.csv").read_text() == CITIES
    assert llmring(*RUN, "-p", "{city}", "--journal", "job.db", "-o", "new/deep/out.csv", "-q")[0] == 1
    assert (folder / "new" / "deep" / "out.csv").is_file()
    assert "names job.db itself" in llmring("batch", "export", "job.db", "-o", "./job.db")[2]
    assert llmring("batch", "status", "job.db")[0] == 1  # of the broken row


def test_where_only_polars_is_installed_it_reads_and_writes_parquet(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of the libraries reads what the other has written."""
    rows = [{"a": place, "b": 0.5, "c": True, "d": [place], "e": None} for place in range(2001)]
    expected = [{**row, "d": f"[{place}]"} for place, row in enumerate(rows)]
    names = ("by_arrow.parquet", "by [polars].parquet")
    for name in names:
        if "polars" in name:
            for module in ("pyarrow", "pyarrow.parquet"):
                monkeypatch.setitem(sys.modules, module, None)
        with TableWriter(folder / name, sys.stdout) as writer:
            for row in rows:
                writer.add(row)
    for name in names:
        assert [row.values for row in read_rows(folder / name)] == expected
        assert count_rows(folder / name) == 2001
    (folder / "rows.parquet").write_bytes(b"no parquet at all")
    assert count_rows(folder / "rows.parquet") is None
    with pytest.raises(CommandError, match=r"cannot read .*rows\.parquet"):
        list(read_rows(folder / "rows.parquet"))
    monkeypatch.undo()
    assert [row.values for row in read_rows(folder / names[1])] == expected
    groups = import_module("pyarrow.parquet").read_metadata(folder / names[1]).num_row_groups
    assert groups >= 3  # polars holds a group in memory; its default has all these rows in one


def test_a_broken_table_is_explained(folder: Path) -> None:
    (folder / "rows.parquet").write_bytes(b"no")
    (folder / "rows.db").write_bytes(b"no database" * 99)
    (folder / "twice.csv").write_text("a,a\n1,2\n")
    for name in ("rows.parquet", "rows.db", "none.sqlite"):
        with pytest.raises(CommandError, match=name):
            list(read_rows(folder / name))
    with pytest.raises(CommandError, match="two columns have one name"):
        list(read_rows(folder / "twice.csv"))


def test_an_alias_that_is_not_bound_fails_once_and_not_in_each_row(llmring: Run, folder: Path) -> None:
    (folder / "cities.csv").write_text(CITIES)
    llmring("bind", "fast", "sim:demo")
    code, out, err = llmring("batch", "run", "cities.csv", "-m", "fats", "-p", "{text}")
    assert (code, out) == (1, "")
    assert "fast" in err
    assert "failed" not in err
