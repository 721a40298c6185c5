"""The log in the forms that other tools read."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from itertools import islice
from typing import Any, BinaryIO, Literal, get_args

import msgspec
from llmring_types.exceptions import ConfigurationError

from llmring.usage._database import FIELDS
from llmring.usage._entry import UsageEntry

Format = Literal["csv", "json", "jsonl", "parquet"]
_ROWS_AT_ONCE = 10_000


def export(entries: Iterable[UsageEntry], file: BinaryIO, format: Format) -> int:  # noqa: A002 - the word for it
    """Write rows to a file that was opened for bytes, and return how many there were.

    Args:
        entries: what :func:`read` gives.
        file: where they go.
        format: ``csv`` with a heading, ``json`` with one array, ``jsonl`` with one object per line, or ``parquet``,
            which needs pyarrow.

    Raises:
        ConfigurationError: an unknown format, or pyarrow is not installed.
    """
    if format not in _WRITERS:
        raise ConfigurationError(f"unknown format {format!r}; there are {', '.join(get_args(Format))}")
    return _WRITERS[format](entries, file)


def _write_csv(entries: Iterable[UsageEntry], file: BinaryIO) -> int:
    text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
    count = 0
    try:
        writer = csv.writer(text)
        writer.writerow(FIELDS)
        for entry in entries:
            writer.writerow(msgspec.structs.astuple(entry))
            count += 1
    finally:
        text.detach()  # the file is the caller's to close
    return count


def _write_json(entries: Iterable[UsageEntry], file: BinaryIO) -> int:
    count = 0
    for entry in entries:
        file.write(b",\n" if count else b"[\n")
        file.write(_object(entry))
        count += 1
    file.write(b"\n]\n" if count else b"[]\n")
    return count


def _write_jsonl(entries: Iterable[UsageEntry], file: BinaryIO) -> int:
    count = 0
    for entry in entries:
        file.write(_object(entry) + b"\n")
        count += 1
    return count


def _object(entry: UsageEntry) -> bytes:
    row = msgspec.structs.asdict(entry)
    row["metadata"] = msgspec.Raw(entry.metadata.encode())
    return msgspec.json.encode(row)


def _write_parquet(entries: Iterable[UsageEntry], file: BinaryIO) -> int:
    try:
        arrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    except ImportError as error:
        raise ConfigurationError("parquet needs pyarrow: pip install pyarrow", original=error) from error
    schema = arrow.schema([(name, _arrow_type(arrow, name)) for name in FIELDS])
    count = 0
    with parquet.ParquetWriter(file, schema) as writer:
        for rows in _groups(entries):
            writer.write_table(arrow.Table.from_pylist(rows, schema=schema))
            count += len(rows)
    return count


def _groups(entries: Iterable[UsageEntry]) -> Iterator[list[dict[str, Any]]]:
    rows = map(msgspec.structs.asdict, entries)
    while group := list(islice(rows, _ROWS_AT_ONCE)):
        yield group


def _arrow_type(arrow: Any, name: str) -> Any:
    if name in ("streamed", "estimated"):
        return arrow.bool_()
    if name in ("cost", "failed_cost"):
        return arrow.float64()
    if name.endswith(("_tokens", "_ms")) or name == "attempts":
        return arrow.int64()
    return arrow.string()


_WRITERS: dict[str, Callable[[Iterable[UsageEntry], BinaryIO], int]] = {
    "csv": _write_csv,
    "json": _write_json,
    "jsonl": _write_jsonl,
    "parquet": _write_parquet,
}
