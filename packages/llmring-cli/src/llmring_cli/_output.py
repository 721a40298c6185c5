"""What commands print: data to stdout, talk to stderr; tables for people, JSON for programs."""

import sys
from collections.abc import Sequence
from typing import Any

import msgspec


def say(text: str) -> None:
    """Talk to the person, beside the data."""
    print(text, file=sys.stderr)


def print_json(value: Any) -> None:
    """Print one JSON document and nothing else."""
    text = msgspec.json.format(msgspec.json.encode(value), indent=2)
    sys.stdout.write(text.decode() + "\n")


def print_table(headers: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: int = 0) -> None:
    """Print aligned columns; tab-separated values without headers where stdout is no terminal.

    Args:
        headers: of the columns.
        rows: their cells.
        numbers: so many of the last columns are numbers.
    """
    if not sys.stdout.isatty():
        for row in rows:
            print("\t".join(" ".join(cell.split()) for cell in row))
        return
    from rich.console import Console  # noqa: PLC0415 - pipes and --json do without
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=None, pad_edge=False, header_style="bold", show_header=any(headers))
    for left, header in zip(range(len(headers), 0, -1), headers, strict=True):
        if left <= numbers:
            table.add_column(header, no_wrap=True, justify="right")
        else:
            table.add_column(header, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))  # a model's name may look like markup
    Console().print(table)


def confirm(question: str) -> bool:
    """Ask a person; nobody at the terminal, and anything but a yes, is a no."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in {"y", "yes"}
