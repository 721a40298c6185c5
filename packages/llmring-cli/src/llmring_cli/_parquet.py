"""Parquet by pyarrow, or by polars where only that is installed; a thousand rows at most are in memory."""

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from llmring_types.exceptions import MissingSDKError

from llmring_cli._output import CommandError

Cells = tuple[Any, ...]
_CHUNK, _CHUNK_BYTES = 1000, 2**24
"""Rows that are in memory at once: so many, or fewer that are as large together."""


class UnreadableError(Exception):
    """A row has a value that Python has not: a date after the year 9999, say."""


class _Engine(Protocol):
    """A library that reads and writes Parquet; ``errors`` is what it raises for files that it cannot read."""

    errors: type[Exception]

    def count(self, path: Path) -> int: ...
    def read(self, path: Path) -> Iterator[dict[str, Any] | UnreadableError]: ...
    def write(self, file: BinaryIO, kinds: Mapping[str, type], rows: Iterator[Cells]) -> None: ...


def require_parquet() -> None:
    """Check that Parquet can be read and written.

    Raises:
        MissingSDKError: neither library is installed.
    """
    _engine()


def read_parquet(path: Path) -> Iterator[dict[str, Any] | UnreadableError]:
    """Yield the rows of a file, and the error of one that cannot be read.

    Raises:
        CommandError: it cannot be read.
        MissingSDKError: neither library is installed.
    """
    engine = _engine()
    with _explained(path, engine):
        yield from engine.read(path)


def count_parquet(path: Path) -> int:
    """Return how many rows a file has; raises as :func:`read_parquet`."""
    engine = _engine()
    with _explained(path, engine):
        return engine.count(path)


def write_parquet(file: BinaryIO, kinds: Mapping[str, type], rows: Iterable[Cells]) -> None:
    """Write rows.

    Args:
        file: an open file.
        kinds: the columns and their types: ``bool``, ``int``, ``float`` or ``str``.
        rows: their cells, of these types or ``None``.

    Raises:
        MissingSDKError: neither library is installed.
    """
    _engine().write(file, kinds, iter(rows))


def _engine() -> _Engine:
    try:
        return _Arrow()
    except ImportError:
        pass
    try:
        return _Polars()
    except ImportError as error:
        raise MissingSDKError(
            "Parquet files need pyarrow, or polars: pip install 'llmring-cli[bulk]'", original=error
        ) from error


@contextmanager
def _explained(path: Path, engine: _Engine) -> Iterator[None]:
    try:
        yield
    except engine.errors as error:
        raise CommandError(f"cannot read {path}: {error}") from error


def _one_by_one(
    chunk: Any, count: int, rows: Callable[[Any], list[dict[str, Any]]]
) -> Iterator[dict[str, Any] | UnreadableError]:
    """Yield the rows of a chunk; where one of them cannot be read, each for itself."""
    try:
        found = rows(chunk)
    except _UNREADABLE:
        for place in range(count):
            try:
                yield rows(chunk.slice(place, 1))[0]
            except _UNREADABLE as error:
                yield UnreadableError(str(error))
        return
    yield from found


_UNREADABLE = (ValueError, OverflowError)


def _chunks(rows: Iterable[Cells]) -> Iterator[list[Cells]]:
    """Yield the rows in lists that memory has room for."""
    chunk: list[Cells] = []
    size = 0
    for cells in rows:
        chunk.append(cells)
        size += sum(len(cell) for cell in cells if isinstance(cell, str))
        if len(chunk) == _CHUNK or size > _CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _refuse_twins(path: Path, names: Sequence[str]) -> None:
    """Refuse columns of one name, the first of which would be lost.

    Raises:
        CommandError: there are some.
    """
    if len({*names}) != len(names):
        raise CommandError(f"cannot read {path}: two columns have one name: {', '.join(names)}")


class _Arrow:
    """pyarrow, which has no types."""

    errors: type[Exception] = ValueError  # its own are

    def __init__(self) -> None:
        self._arrow, self._parquet = import_module("pyarrow"), import_module("pyarrow.parquet")

    def count(self, path: Path) -> int:
        return int(self._parquet.read_metadata(path).num_rows)

    def read(self, path: Path) -> Iterator[dict[str, Any] | UnreadableError]:
        with self._parquet.ParquetFile(path) as file:
            _refuse_twins(path, file.schema_arrow.names)
            metadata = file.metadata
            size = sum(metadata.row_group(place).total_byte_size for place in range(metadata.num_row_groups))
            fitting = _CHUNK_BYTES * max(metadata.num_rows, 1) // max(size, 1)
            for batch in file.iter_batches(batch_size=max(1, min(_CHUNK, fitting))):
                yield from _one_by_one(batch, batch.num_rows, lambda part: part.to_pylist())

    def write(self, file: BinaryIO, kinds: Mapping[str, type], rows: Iterator[Cells]) -> None:
        arrow = self._arrow
        types = {bool: arrow.bool_(), int: arrow.int64(), float: arrow.float64(), str: arrow.string()}
        schema = arrow.schema([(name, types[kind]) for name, kind in kinds.items()])
        with self._parquet.ParquetWriter(file, schema) as writer:
            for chunk in _chunks(rows):
                columns = zip(*chunk, strict=True)
                arrays = [
                    arrow.array(cells, type=kind) for cells, kind in zip(columns, schema.types, strict=True)
                ]
                writer.write_table(arrow.Table.from_arrays(arrays, schema=schema))


class _Polars:
    """polars, by those of its functions that are stable: none of them writes a file chunk by chunk."""

    def __init__(self) -> None:
        self._polars = import_module("polars")
        self.errors: type[Exception] = self._polars.exceptions.PolarsError

    def count(self, path: Path) -> int:
        return int(self._scan(path).select(self._polars.len()).collect().item())

    def read(self, path: Path) -> Iterator[dict[str, Any] | UnreadableError]:
        lazy, start = self._scan(path), 0
        while (frame := lazy.slice(start, _CHUNK).collect()).height:
            yield from _one_by_one(frame, frame.height, lambda part: [*part.iter_rows(named=True)])
            start += _CHUNK

    def write(self, file: BinaryIO, kinds: Mapping[str, type], rows: Iterator[Cells]) -> None:
        """Write each chunk as a file of its own, and stream them into one."""
        polars = self._polars
        types = {bool: polars.Boolean, int: polars.Int64, float: polars.Float64, str: polars.String}
        schema = {name: types[kind] for name, kind in kinds.items()}
        with tempfile.TemporaryDirectory() as folder:
            parts = [Path(folder, "0")]
            polars.DataFrame(schema=schema).write_parquet(parts[0])
            for chunk in _chunks(rows):
                parts.append(Path(folder, str(len(parts))))
                polars.DataFrame(chunk, schema=schema, orient="row").write_parquet(parts[-1])
            self._scan(parts).sink_parquet(file, row_group_size=_CHUNK)  # a group is in memory

    def _scan(self, paths: Path | list[Path]) -> Any:
        return self._polars.scan_parquet(
            paths, glob=False, hive_partitioning=False
        )  # the names are no patterns
