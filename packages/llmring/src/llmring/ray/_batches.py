"""Blocks of rows, in the three forms that Ray Data and Dask hand them over in."""

import math
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from typing import Any


def rows_of(batch: Any) -> Iterable[Mapping[str, Any]]:
    """Return the rows of a block, with plain values; what is missing, NaN of numpy too, is ``None``."""
    if isinstance(batch, Mapping):
        names = list(batch)
        columns = [[_plain(value) for value in column] for column in batch.values()]
        return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]
    if hasattr(batch, "to_pylist"):
        rows: list[dict[str, Any]] = batch.to_pylist()
        return rows
    missing = batch.isna().to_numpy()
    return [
        {
            name: None if is_missing else _plain(value)
            for (name, value), is_missing in zip(row.items(), gaps, strict=True)
        }
        for row, gaps in zip(batch.to_dict("records"), missing, strict=True)
    ]


def _plain(value: Any) -> Any:
    """Return a value of numpy as one of Python."""
    convert = getattr(value, "tolist", None)
    if callable(convert):
        value = convert()
    return None if isinstance(value, float) and math.isnan(value) else value


def names_of(batch: Any) -> Sequence[str]:
    """Return the names of the columns of a block."""
    if isinstance(batch, Mapping):
        return list(batch)
    return list(batch.column_names if hasattr(batch, "column_names") else batch.columns)


def joined(batch: Any, columns: Mapping[str, Any]) -> Any:
    """Return the block with Arrow arrays as further columns, under names that are not taken.

    A dict of arrays becomes a table, in which a column of nothing but nulls keeps its type; one with tensors stays.
    """
    taken = set(names_of(batch))
    named: dict[str, Any] = {}
    for wanted, array in columns.items():
        name = wanted
        while name in taken:
            name = f"llmring_{name}"
        taken.add(name)
        named[name] = array
    if isinstance(batch, Mapping):
        table = _table(batch)
        if table is None:
            return {**batch, **{name: _objects(array) for name, array in named.items()}}
        batch = table
    if hasattr(batch, "column_names"):
        for name, array in named.items():
            batch = batch.append_column(name, array)
        return batch
    arrow_array = import_module("pandas").arrays.ArrowExtensionArray
    return batch.assign(**{name: arrow_array(array) for name, array in named.items()})


def _table(batch: Mapping[str, Any]) -> Any:
    """Return the columns as a table; ``None`` where Ray has a form for them that Arrow alone has not."""
    arrow = import_module("pyarrow")
    if any(map(_holds_tensors, batch.values())):
        return None
    try:
        return arrow.table({name: arrow.array(column) for name, column in batch.items()})
    except (arrow.ArrowException, OverflowError):
        return None


def _holds_tensors(column: Any) -> bool:
    dimensions = getattr(column, "ndim", 1)
    return dimensions != 1 or any(getattr(value, "ndim", 0) for value in column)


def _objects(array: Any) -> Any:
    """Return an Arrow array as one of numpy with ``None`` for null, which numbers in numpy have not."""
    values = import_module("numpy").empty(len(array), dtype=object)
    for place, value in enumerate(array.to_pylist()):
        values[place] = value
    return values
