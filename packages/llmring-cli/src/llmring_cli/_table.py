"""Rows for a terminal of some width: as a table, or as one block each where a table does not fit."""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from textwrap import wrap
from typing import TYPE_CHECKING, NamedTuple

from rich.cells import cell_len
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from llmring_cli._output import one_line

if TYPE_CHECKING:
    from rich.console import ConsoleOptions

_wrap = partial(wrap, break_on_hyphens=False)
"""Names of models have hyphens, and are copied whole."""
_GAP = "  "
_NUMBER = re.compile(r"[$]?\d[\d,.]*%?|\?|")
_NARROWEST = 16
"""Least width of the last column; with less, long text becomes a tower of words."""
_EIGHTHS = " ▏▎▍▌▋▊▉"
_LEAST_WIDTH = 5


class Line(NamedTuple):
    """A line of the screen."""

    text: str
    heading: bool = False


def lay_out(headers: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> list[Line]:
    """Return the lines.

    In a table only the last column of text wraps, since the others are names and numbers, which people copy. Columns of
    numbers are aligned to the right. Where that leaves too little for the one that wraps, or makes towers of
    it, every row becomes a block: its first cell as a heading, and the others with their headers below.

    Args:
        headers: one for each column; no line is made of empty ones.
        rows: at least two cells each.
        width: of the screen, in cells.
    """
    if not rows:
        return []
    columns = list(zip(headers, *rows, strict=True))
    right = [all(_NUMBER.fullmatch(cell) for cell in cells) for _, *cells in columns]
    wraps = max((place for place, number in enumerate(right) if not number), default=len(right) - 1)
    widths = [max(map(cell_len, column)) for column in columns]
    blocks = [line for row in rows for line in _block(headers, row, width, wraps)]
    longest = max(cell_len(word) for cell in columns[wraps] for word in cell.split() or [""])
    for gap in (_GAP, " "):
        room = width - sum(widths) - len(gap) * (len(widths) - 1) + widths[wraps]
        if room >= max(longest, min(widths[wraps], _NARROWEST)):
            widths[wraps] = min(widths[wraps], room)
            shape = _Shape(widths, right, wraps, gap)
            lines = [Line(text) for row in rows for text in _lines(row, shape)]
            if not any(headers):
                return lines
            heading = [Line(text, heading=True) for text in _lines(headers, shape)]
            return heading + lines if len(lines) <= len(blocks) else blocks
    return blocks


class _Shape(NamedTuple):
    """Widths of the columns, which are aligned to the right, which one wraps, and what is between them."""

    widths: Sequence[int]
    right: Sequence[bool]
    wraps: int
    gap: str


def _lines(cells: Sequence[str], shape: _Shape) -> Iterator[str]:
    wraps = shape.wraps
    for place, part in enumerate(_wrap(cells[wraps], shape.widths[wraps]) or [""]):
        shown = [part if column == wraps else "" if place else cell for column, cell in enumerate(cells)]
        padded = []
        for cell, width, on_right in zip(shown, shape.widths, shape.right, strict=True):
            blanks = " " * (width - cell_len(cell))
            padded.append(blanks + cell if on_right else cell + blanks)
        yield shape.gap.join(padded).rstrip()


def _block(headers: Sequence[str], cells: Sequence[str], width: int, wraps: int) -> Iterator[Line]:
    if not any(headers):
        begin, text = (f"{cells[0]}: ", " ".join(cells[1:])) if cells[0] else (_GAP, " ".join(cells[1:]))
        for part in _wrap(begin + text, width, subsequent_indent=_GAP):
            yield Line(part)
        return
    for text in _wrap(cells[0], width):
        yield Line(text, heading=True)
    cells_shown = [f"{header}: {cell}" if cell else "" for header, cell in zip(headers, cells, strict=True)]
    long = cells_shown.pop(wraps) if wraps else ""
    for text in [*_joined(filter(None, cells_shown[1:]), width - len(_GAP)), long]:
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


class Row(NamedTuple):
    """One bar: its labels, one per column, its value, and the text beside it."""

    labels: tuple[str, ...]
    value: float
    text: str


def print_bars(rows: Iterable[Row]) -> None:
    """Draw one bar per row; the highest value takes the full width."""
    rows = list(rows)
    columns = max((len(row.labels) for row in rows), default=0)
    highest = max((row.value for row in rows), default=0.0)
    table = Table(box=None, pad_edge=False, show_header=False, expand=True)
    for _ in range(columns):
        table.add_column(overflow="fold")
    table.add_column(ratio=1)
    table.add_column(justify="right", no_wrap=True)
    for row in rows:
        share = row.value / highest if highest else 0.0
        table.add_row(*map(Text, map(one_line, row.labels)), _Bar(share), Text(row.text))
    Console().print(table)


class _Bar:
    """A bar of this share of the room that it gets."""

    def __init__(self, share: float) -> None:
        self._share = share

    def __rich_console__(self, _console: Console, options: "ConsoleOptions") -> Iterable[Text]:
        yield Text(draw_bar(self._share, options.max_width, ascii_only=options.ascii_only), style="cyan")

    def __rich_measure__(self, _console: Console, options: "ConsoleOptions") -> Measurement:
        return Measurement(_LEAST_WIDTH, options.max_width)


def draw_bar(share: float, width: int, *, ascii_only: bool) -> str:
    """Return a bar of this share of the width. Anything above zero is visible."""
    if ascii_only:
        return "#" * max(round(share * width), share > 0)
    full, rest = divmod(max(round(share * width * 8), share > 0), 8)
    return ("█" * full + _EIGHTHS[rest]).rstrip()
