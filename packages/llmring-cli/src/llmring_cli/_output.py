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


def print_table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print aligned columns; plain tab-separated values where stdout is no terminal."""
    if not sys.stdout.isatty():
        for row in rows:
            print("\t".join(row))
        return
    from rich.console import Console  # noqa: PLC0415 - pipes and --json do without
    from rich.table import Table  # noqa: PLC0415

    table = Table(*headers, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*row)
    Console().print(table)
