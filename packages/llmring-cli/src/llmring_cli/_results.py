"""Tables that commands write: rows are collected on disk, since all columns are known only at the end."""

import csv
import io
import json
import math
import os
import re
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self, TextIO

import msgspec

from llmring_cli._files import replacing_output
from llmring_cli._output import WRONG_USAGE, CommandError
from llmring_cli._parquet import require_parquet, write_parquet
from llmring_cli._tables import Values, form_of

_JSON_LINES = (".jsonl", ".ndjson")
_SURROGATE = re.compile("[\ud800-\udfff]")
_LARGEST_INTEGER = 2**63 - 1


class TableWriter:
    """Collects rows on disk, and writes the file with all their columns when it is closed without an error.

    Args:
        path: the file; ``None`` writes JSON lines to ``stream`` at once.
        stream: for those.

    Raises:
        CommandError: the file has no known ending, or its folder cannot be written to.
        MissingSDKError: Parquet needs pyarrow or polars.
    """

    def __init__(self, path: Path | None, stream: TextIO) -> None:
        self._path = path
        self._form = None if path is None else _checked_form(path)
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
        is_json = self._path is None or self._form in _JSON_LINES
        line = _line(values, finite=is_json)
        if self._path is None:
            self._stream.write(f"{line}\n")
            self._stream.flush()
            return
        for name, value in values.items():
            self._columns.setdefault(name, set()).add(_type_of(value))
        self._rows.write(f"{line}\n".encode())

    def _write(self, path: Path) -> None:
        self._rows.seek(0)
        with replacing_output(path) as file:
            if self._form in _JSON_LINES:
                shutil.copyfileobj(self._rows, file)
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
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "outcomes.db")
            with closing(sqlite3.connect(path)) as database:
                database.execute("PRAGMA user_version = 0")  # an empty file is a database as well
                if self._columns:
                    database.execute(f"CREATE TABLE outcomes ({names})")
                    rows = ([_cell(values.get(name)) for name in self._columns] for values in self._values())
                    database.executemany(f"INSERT INTO outcomes VALUES ({marks})", rows)  # noqa: S608 - no input
                    database.commit()
            with path.open("rb") as written:
                shutil.copyfileobj(written, file)


def refuse_to_replace(out: Path | None, *kept: Path | None) -> None:
    """Check that a result takes the place of no file that it is made of.

    Raises:
        CommandError: it would.
    """
    for path in kept:
        if out is not None and path is not None and _is_same(out, path):
            raise CommandError(
                f"--out names {path} itself, which the result would replace: name another file",
                exit_code=WRONG_USAGE,
            )


def _is_same(one: Path, other: Path) -> bool:
    return one.absolute() == other.absolute() or (one.exists() and other.exists() and one.samefile(other))


def _checked_form(path: Path) -> str:
    """Return the form of a file, which can be written as far as that is known before: rows are paid for by then."""
    form = form_of(path)
    if form == ".parquet":
        require_parquet()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = "is no folder" if isinstance(error, FileExistsError) else f"cannot be made: {error.strerror}"
        raise CommandError(f"cannot write {path}: {path.parent} {reason}") from error
    if path.is_dir():
        raise CommandError(f"cannot write {path}: it is a folder", exit_code=WRONG_USAGE)
    if not os.access(path.parent, os.W_OK):
        raise CommandError(f"cannot write {path}: {path.parent} may not be written to")
    return form


def _line(values: Mapping[str, Any], *, finite: bool) -> str:
    """Return a row as a line of JSON, with the escapes of lone surrogates as text: no file can hold those.

    Args:
        values: of the row.
        finite: numbers that JSON does not have, such as NaN, become null.
    """
    try:
        line = json.dumps(values, ensure_ascii=False, default=_plain, allow_nan=not finite)
    except ValueError:
        line = json.dumps(_finite(values), ensure_ascii=False, default=_plain)
    return _SURROGATE.sub(lambda found: f"\\\\u{ord(found[0]):04x}", line)


def _plain(value: Any) -> Any:
    """Return what JSON has no form for as the journal does: moments as ISO 8601 has them, bytes in base64."""
    return msgspec.to_builtins(value, enc_hook=str, str_keys=True)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {name: _finite(each) for name, each in value.items()}
    return [_finite(each) for each in value] if isinstance(value, list | tuple) else value


def _type_of(value: Any) -> type:
    """Return the type of a value in a column; text for an integer that no column of integers holds."""
    is_large = isinstance(value, int) and not -_LARGEST_INTEGER <= value <= _LARGEST_INTEGER
    return str if is_large else type(value)


def _cell(value: Any) -> Any:
    """Return a value as cells without types have it: lists and objects as JSON."""
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return str(value) if _type_of(value) is str else value


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
