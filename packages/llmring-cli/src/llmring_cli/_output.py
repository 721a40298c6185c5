"""What commands print: data to stdout, talk to stderr; tables for people, JSON for programs."""

import os
import re
import sys
from collections.abc import Sequence
from enum import Enum
from typing import Any, TextIO

import msgspec

_COLOURS = {"error": "31", "problem": "31", "warning": "33", "hint": "36"}
_LEAST_WIDTH = 20
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""All but tabs and line ends."""


def say(text: str) -> None:
    """Talk to the person, beside the data. ``error:``, ``warning:`` and the like are coloured on a terminal."""
    text = printable(text)
    kind, colon, rest = text.partition(":")
    if kind in _COLOURS and colon and takes_colour(sys.stderr):
        text = f"\x1b[1;{_COLOURS[kind]}m{kind}:\x1b[0m{rest}"
    print(text, file=sys.stderr)


def printable(text: str) -> str:
    """Return text of others, such as a model or a server, without what would steer a terminal."""
    return _CONTROLS.sub("", text)


def screen_width() -> int:
    """Return how many characters fit on a line of the terminal, or at least what text can be wrapped to."""
    import shutil  # noqa: PLC0415 - pipes and --json do without

    return max(shutil.get_terminal_size().columns, _LEAST_WIDTH)


def takes_colour(stream: TextIO) -> bool:
    """Tell whether a stream is a terminal that shows colours, and its user wants them (https://no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def print_json(value: Any) -> None:
    """Print one JSON document and nothing else."""
    text = msgspec.json.format(msgspec.json.encode(value), indent=2)
    sys.stdout.write(text.decode() + "\n")


def print_json_line(value: Any) -> None:
    """Print one JSON document on a line of its own, at once: for what goes on."""
    sys.stdout.write(msgspec.json.encode(value).decode() + "\n")
    sys.stdout.flush()


class Mark(Enum):
    """How something is, at the beginning of a cell; the second sign is for terminals without the first."""

    GOOD = "✓+"
    BAD = "✗x"
    UNKNOWN = "·-"


def mark(kind: Mark, text: str) -> str:
    """Return a cell with its mark; programs get it without."""
    if not sys.stdout.isatty():
        return text
    best, plain = kind.value
    try:
        best.encode(sys.stdout.encoding)
    except UnicodeEncodeError:
        return f"{plain} {text}"
    return f"{best} {text}"


def print_table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print aligned columns, or blocks on a narrow screen; tab-separated values without headers to anything else."""
    if not sys.stdout.isatty():
        for row in rows:
            print("\t".join(" ".join(cell.split()) for cell in row))
        return
    from rich.console import Console  # noqa: PLC0415 - pipes and --json do without
    from rich.text import Text  # noqa: PLC0415

    from llmring_cli._table import lay_out  # noqa: PLC0415

    console = Console(width=screen_width())  # rich takes 80 for a terminal that is dumb
    for line in lay_out(headers, rows, console.width):
        text = Text(printable(line.text), style="bold" if line.heading else "")
        for kind, colour in ((Mark.GOOD, "green"), (Mark.BAD, "red")):
            text.highlight_words([f"{kind.value[0]} "], colour)
        console.print(text, soft_wrap=True)


def confirm(question: str) -> bool:
    """Ask a person; nobody at the terminal, and anything but a yes, is a no."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in {"y", "yes"}
