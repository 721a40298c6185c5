"""Rows for a terminal of some width: as a table, or as one block each where a table does not fit."""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from textwrap import wrap
from typing import NamedTuple

from rich.cells import cell_len

_wrap = partial(wrap, break_on_hyphens=False)
"""Names of models have hyphens, and are copied whole."""

_GAP = "  "
_NUMBER = re.compile(r"[$]?\d[\d,.]*%?|\?|")
_NARROWEST = 16
"""Least width of the last column; with less, long text becomes a tower of words."""


class Line(NamedTuple):
    """A line of the screen."""

    text: str
    heading: bool = False


def lay_out(headers: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> list[Line]:
    """Return the lines.

    In a table only the last column wraps, since the others are names and numbers, which people copy. Columns of numbers
    are aligned to the right. Where that leaves too little for the last column, every row becomes a block: its first cell
    as a heading, and the others with their headers below.

    Args:
        headers: one for each column; no line is made of empty ones.
        rows: at least two cells each.
        width: of the screen, in cells.
    """
    if not rows:
        return []
    columns = list(zip(headers, *rows, strict=True))
    widths = [max(map(cell_len, column)) for column in columns]
    room = width - sum(widths[:-1]) - len(_GAP) * (len(widths) - 1)
    words = max(cell_len(word) for cell in columns[-1] for word in cell.split() or [""])
    if room < max(words, min(widths[-1], _NARROWEST)):
        return [line for row in rows for line in _block(headers, row, width)]
    right = [all(_NUMBER.fullmatch(cell) for cell in column[1:]) for column in columns]
    lines = [line for row in rows for line in _line(row, widths, right, room)]
    if any(headers):
        lines = [*(Line(text, heading=True) for text, _ in _line(headers, widths, right, room)), *lines]
    return lines


def _line(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool], room: int) -> Iterator[Line]:
    *first, last = cells
    padded = [
        " " * (width - cell_len(cell)) + cell if on_right else cell + " " * (width - cell_len(cell))
        for cell, width, on_right in zip(first, widths, right, strict=False)
    ]
    begin = "".join(cell + _GAP for cell in padded)
    for text in _wrap(last, room) or [""]:
        told = text.rjust(min(widths[-1], room)) if right[-1] else text
        yield Line((begin + told).rstrip())
        begin = " " * cell_len(begin)


def _block(headers: Sequence[str], cells: Sequence[str], width: int) -> Iterator[Line]:
    if not any(headers):
        begin, text = (f"{cells[0]}: ", " ".join(cells[1:])) if cells[0] else (_GAP, " ".join(cells[1:]))
        for part in _wrap(begin + text, width, subsequent_indent=_GAP):
            yield Line(part)
        return
    for text in _wrap(cells[0], width):
        yield Line(text, heading=True)
    *short, long = [f"{header}: {cell}" if cell else "" for header, cell in zip(headers, cells, strict=True)][
        1:
    ]
    for text in [*_joined(filter(None, short), width - len(_GAP)), long]:
        for part in _wrap(text, width, initial_indent=_GAP, subsequent_indent=_GAP * 2):
            yield Line(part)


def _joined(texts: Iterable[str], width: int) -> Iterator[str]:
    """Put as many texts on a line as fit."""
    line = ""
    for text in texts:
        if line and cell_len(line + _GAP + text) > width:
            yield line
            line = ""
        line += _GAP + text if line else text
    if line:
        yield line
