"""Bar charts in a terminal."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from llmring_cli._output import one_line

if TYPE_CHECKING:
    from rich.console import ConsoleOptions

_EIGHTHS = " ▏▎▍▌▋▊▉"
_LEAST_WIDTH = 5


class Row(NamedTuple):
    """One bar: what it is of, in one column or several, how long it is, and what is written beside it."""

    labels: tuple[str, ...]
    value: float
    text: str


def print_bars(rows: Iterable[Row]) -> None:
    """Draw one bar per row, as wide as there is room, the longest for the highest value."""
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
    """Return a bar of this share of the width; whatever is more than nothing can be seen."""
    if ascii_only:
        return "#" * max(round(share * width), share > 0)
    full, rest = divmod(max(round(share * width * 8), share > 0), 8)
    return ("█" * full + _EIGHTHS[rest]).rstrip()
