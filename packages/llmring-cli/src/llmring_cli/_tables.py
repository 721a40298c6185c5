"""Tables that commands read row by row: JSON lines, CSV, Parquet and SQLite."""

import csv
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, TextIO

import msgspec
from llmring_types.exceptions import LLMRingError, ValidationError

from llmring_cli._output import WRONG_USAGE, CommandError
from llmring_cli._parquet import UnreadableError, count_parquet, read_parquet
from llmring_cli.chat.message import refuse_link_out

Values = dict[str, Any]
FORMS = (".jsonl", ".ndjson", ".csv", ".tsv", ".parquet", ".db", ".sqlite", ".sqlite3")
_LONGEST_LINE = 64 * 2**20
_BLOCK = 2**20
_SQLITE = (".db", ".sqlite", ".sqlite3")


class TableRow(NamedTuple):
    """A row: its number from 1, and its values, or the error of one that cannot be read."""

    number: int
    values: Values
    error: ValidationError | None = None


def form_of(path: Path) -> str:
    """Return the ending that says what a file holds.

    Raises:
        CommandError: it says nothing that is known.
    """
    ending = path.suffix.lower()
    if ending not in FORMS:
        raise CommandError(
            f"the name of {path} does not say what it holds: it ends in none of {', '.join(FORMS)}",
            exit_code=WRONG_USAGE,
        )
    return ending


def read_rows(path: Path, table: str | None = None) -> Iterator[TableRow]:
    """Yield the rows of a file, one by one. A row that cannot be read has an error, and the next one follows.

    Args:
        path: the file.
        table: of an SQLite file; its only one where it has one.

    Raises:
        CommandError: the file itself cannot be read.
        MissingSDKError: Parquet needs pyarrow or polars.
    """
    form = form_of(path)
    refuse_link_out(path)
    try:
        if form in {".jsonl", ".ndjson"}:
            with path.open("rb") as file:
                yield from _json_lines(file)
        elif form in {".csv", ".tsv"}:
            with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as text:
                yield from _csv(text, "\t" if form == ".tsv" else ",")
        elif form == ".parquet":
            yield from _parquet(path)
        else:
            yield from _sqlite(path, table)
    except OSError as error:
        raise CommandError(f"cannot read {path}: {error.strerror or error}") from error
    except sqlite3.Error as error:
        raise CommandError(f"cannot read {path}: {error}") from error


def count_rows(path: Path) -> int | None:
    """Return how many rows a file has, about; ``None`` where that would take as long as reading them."""
    form = form_of(path)
    try:
        if form == ".parquet":
            return count_parquet(path)
        if form in _SQLITE or not path.is_file():  # a pipe can be read once
            return None
        with path.open("rb") as file:
            return _count_lines(file) if form in {".jsonl", ".ndjson"} else _count_records(file)
    except (OSError, LLMRingError):  # whoever reads the rows says what is wrong
        return None


def _count_lines(file: BinaryIO) -> int:
    lines, last = 0, b"\n"
    while block := file.read(_BLOCK):
        lines += block.count(b"\n")
        last = block[-1:]
    return lines + (last != b"\n")


def _count_records(file: BinaryIO) -> int:
    """Return how many records follow the header: a line's end within quotes ends none."""
    records, is_quoted, last = 0, False, b"\n"
    while block := file.read(_BLOCK):
        for part in block.split(b'"'):
            records += 0 if is_quoted else part.count(b"\n")
            is_quoted = not is_quoted
        is_quoted = not is_quoted  # there is one part more than there are quotes
        last = block[-1:]
    return max(records + (last != b"\n") - 1, 0)


def _parquet(path: Path) -> Iterator[TableRow]:
    for number, values in enumerate(read_parquet(path), 1):
        if isinstance(values, UnreadableError):
            yield TableRow(number, {}, _unreadable(number, f"cannot be read: {values}"))
        else:
            yield TableRow(number, values)


def _json_lines(file: BinaryIO) -> Iterator[TableRow]:
    decode = msgspec.json.Decoder(dict[str, Any]).decode
    number = 0
    while line := file.readline(_LONGEST_LINE):
        number += 1
        if not line.strip():
            continue
        try:
            yield TableRow(number, decode(line))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            yield TableRow(number, {}, _unreadable(number, f"is no JSON object: {error}"))


def _csv(file: TextIO, delimiter: str) -> Iterator[TableRow]:
    # Of all readers: the default, 131,072 characters, is less than a long document.
    csv.field_size_limit(max(csv.field_size_limit(), _LONGEST_LINE))
    reader = csv.reader(file, delimiter=delimiter, strict=True)
    names = next(reader, [])
    if len(names) == 1 and ";" in names[0]:  # as Excel writes it where the comma is in numbers
        reader = csv.reader(file, delimiter=";", strict=True)
        names = next(csv.reader(names, delimiter=";"))
    if not all(map(_is_text, names)):
        raise CommandError("the names of the columns are not UTF-8: save the file in that encoding")
    if len(set(names)) != len(names):
        raise CommandError(f"two columns have one name: {', '.join(names)}")
    number = 0
    while True:
        number += 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield TableRow(number, {}, _unreadable(number, f"is no CSV: {error}"))
            continue
        if not cells:
            number -= 1
        elif len(cells) != len(names):
            problem = f"has {len(cells)} cells, and there are {len(names)} columns"
            yield TableRow(number, {}, _unreadable(number, problem))
        elif not all(cell.isprintable() or _is_text(cell) for cell in cells):
            yield TableRow(number, {}, _unreadable(number, "is not UTF-8"))
        else:
            yield TableRow(number, dict(zip(names, cells, strict=True)))


def _is_text(cell: str) -> bool:
    """Return whether a cell has no stand-in for a byte that is not UTF-8."""
    try:
        cell.encode()
    except UnicodeEncodeError:
        return False
    return True


def _unreadable(number: int, problem: str) -> ValidationError:
    return ValidationError(f"row {number} {problem}", field="row")


def _sqlite(path: Path, table: str | None) -> Iterator[TableRow]:
    if not path.is_file():
        raise CommandError(f"there is no file {path}")
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
        database.execute("PRAGMA trusted_schema = OFF")
        database.text_factory = _text  # else one cell that is not UTF-8 would be the end
        table = _named(database, path, table)
        quoted = table.replace('"', '""')
        cursor = database.execute(f'SELECT * FROM "{quoted}"')  # noqa: S608 - a name that the file has
        columns = [column[0] for column in cursor.description]
        for number, cells in enumerate(cursor, 1):
            if all(_is_text(cell) for cell in cells if isinstance(cell, str)):
                yield TableRow(number, dict(zip(columns, cells, strict=True)))
            else:
                yield TableRow(number, {}, _unreadable(number, "is not UTF-8"))


def _named(database: sqlite3.Connection, path: Path, name: str | None) -> str:
    """Return the name of the table, or view, that is meant: the only table where none is named."""
    found: dict[str, str] = dict(database.execute(_TABLES))
    tables = [each for each, kind in found.items() if kind == "table"]
    if name is None and len(tables) == 1:
        return tables[0]
    if name is None or name not in found:
        raise CommandError(
            f"name a table of {path} with --table: {', '.join(found) or 'it has none'}", exit_code=WRONG_USAGE
        )
    return name


_TABLES = r"""SELECT name, type FROM sqlite_master
WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\_%' ESCAPE '\'"""
"""SQLite's own, of counters and statistics, left out: https://www.sqlite.org/fileformat2.html#intschema"""


def _text(cell: bytes) -> str:
    return cell.decode(errors="surrogateescape")
