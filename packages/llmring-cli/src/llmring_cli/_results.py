"""Tables that commands write: rows are collected on disk, since all columns are known only at the end."""

import csv
import io
import json
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self, TextIO

from llmring_cli._files import replacing_output
from llmring_cli._parquet import write_parquet
from llmring_cli._tables import Values, form_of


class TableWriter:
    """Collects rows on disk, and writes the file with all their columns when it is closed without an error.

    Args:
        path: the file; ``None`` writes JSON lines to ``stream`` at once.
        stream: for those.
    """

    def __init__(self, path: Path | None, stream: TextIO) -> None:
        self._path = path
        self._form = None if path is None else form_of(path)
        self._stream = stream
        self._rows: BinaryIO = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the writer
        self._columns: dict[str, set[type]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None and self._path is not None:
                self._write(self._path)
        finally:
            self._rows.close()

    def add(self, values: Mapping[str, Any]) -> None:
        """Take a row."""
        line = json.dumps(values, ensure_ascii=False, default=str)
        if self._path is None:
            self._stream.write(f"{line}\n")
            self._stream.flush()
            return
        for name, value in values.items():
            self._columns.setdefault(name, set()).add(type(value))
        self._rows.write(line.encode(errors="backslashreplace") + b"\n")

    def _write(self, path: Path) -> None:
        self._rows.seek(0)
        with replacing_output(path) as file:
            if self._form in {".jsonl", ".ndjson"}:
                for line in self._rows:
                    file.write(line)
            elif self._form in {".csv", ".tsv"}:
                self._write_csv(file)
            elif self._form == ".parquet":
                self._write_parquet(file)
            else:
                self._write_sqlite(file)

    def _values(self) -> Iterator[Values]:
        for line in self._rows:
            yield json.loads(line)

    def _write_csv(self, file: BinaryIO) -> None:
        text = io.TextIOWrapper(file, encoding="utf-8", newline="")
        writer = csv.writer(text, delimiter="\t" if self._form == ".tsv" else ",")
        writer.writerow(self._columns)
        for values in self._values():
            writer.writerow([_cell(values.get(name)) for name in self._columns])
        text.flush()
        text.detach()

    def _write_parquet(self, file: BinaryIO) -> None:
        kinds = {name: _one_kind(types) for name, types in self._columns.items()}
        casts = {name: _CASTS[kind] for name, kind in kinds.items()}
        rows = (tuple(cast(row.get(name)) for name, cast in casts.items()) for row in self._values())
        write_parquet(file, kinds, rows)

    def _write_sqlite(self, file: BinaryIO) -> None:
        names = ", ".join('"{}"'.format(name.replace('"', '""')) for name in self._columns)
        marks = ", ".join("?" * len(self._columns))
        with closing(sqlite3.connect(":memory:")) as database:
            if self._columns:
                database.execute(f"CREATE TABLE outcomes ({names})")
                rows = ([_cell(values.get(name)) for name in self._columns] for values in self._values())
                database.executemany(f"INSERT INTO outcomes VALUES ({marks})", rows)  # noqa: S608 - no input
                database.commit()
            file.write(database.serialize())


def _cell(value: Any) -> Any:
    """Return a value as cells without types have it: lists and objects as JSON."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value


def _one_kind(types: set[type]) -> type:
    """Return the type that a column has; text where it has several, or another one."""
    found = types - {type(None)}
    if found == {int, float}:
        return float
    return found.pop() if len(found) == 1 and found <= {bool, int, float} else str


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else str(_cell(value))


_CASTS: Mapping[type, Callable[[Any], Any]] = {
    bool: lambda value: value,
    int: lambda value: value,
    float: lambda value: None if value is None else float(value),
    str: _text,
}
