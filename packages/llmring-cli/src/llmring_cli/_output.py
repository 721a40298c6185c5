"""Output of commands: data to stdout, messages to stderr, an exit code; tables for people, JSON for programs."""

import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from enum import Enum
from typing import Any, TextIO, cast

import msgspec
from llmring_types.exceptions import LLMRingError

_TAKE_LINKS = (
    "VTE_VERSION",
    "KITTY_WINDOW_ID",
    "KONSOLE_VERSION",
    "WEZTERM_PANE",
    "WT_SESSION",
    "ITERM_SESSION_ID",
)
"""Set by terminals that show hyperlinks: those of VTE (GNOME), kitty, Konsole, WezTerm, Windows Terminal, iTerm2."""
_COLOURS = {"error": "31", "problem": "31", "warning": "33", "hint": "36"}
_LEAST_WIDTH = 20
_BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
"""The bidirectional controls (https://www.unicode.org/reports/tr9/): they show text in another order than it has."""
_SURROGATES = "\ud800-\udfff"
"""Python's stand-ins for bytes of file names that are not UTF-8."""
_UNPRINTABLE = re.compile(f"[\x00-\x08\x0b-\x1f\x7f-\x9f{_BIDI}{_SURROGATES}]")
_LINE_ENDS = "\u2028\u2029"
"""Unicode's line and paragraph separators: line ends for programs, such as ``str.splitlines`` of Python."""
_UNPRINTABLE_IN_JSON = re.compile(f"[\x7f-\x9f{_BIDI}{_LINE_ENDS}]")
_WITHIN_LINES = str.maketrans({"\n": "\\n", "\u2028": "\\u2028", "\u2029": "\\u2029"})
_DOLLAR, _CENT = 1, 0.01
FAILED = 1
"""The command failed, or its answer is no."""
WRONG_USAGE = 2
UNREADABLE = 2
"""For commands that review a lockfile: it does not exist or cannot be read."""
UNREACHABLE = 3
"""For commands that need the registry or the usage server: it cannot be reached."""
INTERRUPTED = 130


def printable(text: str) -> str:
    r"""Return text that cannot control a terminal. Everything from outside the program passes through here.

    Control characters, bidirectional controls and lone surrogates become visible escapes, such as ``\x1b``. Line ends
    and tabs stay; carriage returns are dropped.
    """
    if text.isprintable():
        return text
    return _UNPRINTABLE.sub(_escape, text.replace("\r", ""))


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}"  # noqa: PLR2004 - the last of Latin-1


def one_line(text: str) -> str:
    """Return printable text without line ends, so that a name cannot look like a line of its own."""
    return printable(text).translate(_WITHIN_LINES)


def print_line(text: object) -> None:
    """Print one line of an answer."""
    print(one_line(str(text)))


def print_text(text: str) -> None:
    """Print text of several lines, such as a diff."""
    print(linked(printable(text), sys.stdout))


def write_exact(text: str) -> None:
    """Write and flush text unchanged, for files and programs; on a terminal it is made printable first."""
    sys.stdout.write(printable(text) if sys.stdout.isatty() else text)
    sys.stdout.flush()


def report(text: str) -> None:
    """Write one line to standard error. On a terminal ``error:``, ``warning:`` and the like are coloured."""
    report_text(" ".join(text.splitlines()))


def report_text(text: str) -> None:
    """Write text of several lines, such as a diff, to standard error."""
    text = linked(printable(text), sys.stderr)
    kind, colon, rest = text.partition(":")
    if kind in _COLOURS and colon and takes_colour(sys.stderr):
        text = f"\x1b[1;{_COLOURS[kind]}m{kind}:\x1b[0m{rest}"
    print(text, file=sys.stderr)


def report_aside(text: str) -> None:
    """Write one line that can be overlooked to standard error, cut to the screen; a terminal shows it faint."""
    text = one_line(text)
    width = screen_width()
    text = text if len(text) <= width else f"{text[: width - 1]}…"
    print(f"\x1b[2m{text}\x1b[0m" if takes_colour(sys.stderr) else text, file=sys.stderr)


def report_logs() -> None:
    """Report warnings and errors that libraries log, one line each: they may quote a server."""
    import logging  # noqa: PLC0415 - short commands do without

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            report(f"warning: {record.getMessage()}")

    logging.lastResort = Handler(logging.WARNING)


def screen_width() -> int:
    """Return the width of the terminal, or the least width that text can be wrapped to."""
    import shutil  # noqa: PLC0415 - pipes and --json do without

    return max(shutil.get_terminal_size().columns, _LEAST_WIDTH)


def takes_colour(stream: TextIO) -> bool:
    """Return whether a stream is a terminal that shows colours, and the user wants them (https://no-color.org)."""
    return takes_control(stream) and not os.environ.get("NO_COLOR")


def takes_control(stream: TextIO) -> bool:
    """Return whether a stream is a terminal that takes control sequences."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def linked(text: str, stream: TextIO) -> str:
    """Return printable text whose addresses are hyperlinks, where a stream is a terminal that is known to take them.

    OSC 8: https://gist.github.com/egmontkob/eb114294efbcd5adb1944c9f3cb5feda. A terminal cannot be asked for it.
    """
    if not takes_control(stream) or not any(os.environ.get(name) for name in _TAKE_LINKS):
        return text
    return re.sub(
        r"https?://[^\s'\"<>),;]+", lambda found: f"\x1b]8;;{found[0]}\x1b\\{found[0]}\x1b]8;;\x1b\\", text
    )


def print_json(value: Any) -> None:
    """Print one JSON document and nothing else."""
    sys.stdout.write(json_text(value, indent=2) + "\n")


def print_json_line(value: Any) -> None:
    """Print and flush one JSON document on a line of its own, for output that continues."""
    sys.stdout.write(json_text(value) + "\n")
    sys.stdout.flush()


def json_text(value: Any, indent: int | None = None) -> str:
    """Return JSON. DEL, C1, bidirectional controls and Unicode's line ends stand in it as escapes, as C0 must."""
    try:
        data = msgspec.json.encode(value)
    except UnicodeEncodeError:  # a file name that is not UTF-8
        import json  # noqa: PLC0415 - hardly ever needed

        return json.dumps(msgspec.to_builtins(value), indent=indent)
    text = (data if indent is None else msgspec.json.format(data, indent=indent)).decode()
    return text if text.isascii() and "\x7f" not in text else _UNPRINTABLE_IN_JSON.sub(_escape_in_json, text)


def _escape_in_json(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"


class Mark(Enum):
    """A state at the beginning of a cell: a sign, and another one for terminals that lack it."""

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
    rows = [[" ".join(printable(cell).split()) for cell in row] for row in rows]
    if not sys.stdout.isatty():
        for row in rows:
            print("\t".join(row))
        return
    from rich.console import Console  # noqa: PLC0415 - pipes and --json do without
    from rich.text import Text  # noqa: PLC0415

    from llmring_cli._table import lay_out  # noqa: PLC0415

    width = screen_width()  # rich takes 80 for a terminal that is dumb
    lines = lay_out(headers, rows, width)
    with _paged(len(lines)) as target:
        console = Console(width=width, file=target, force_terminal=True)
        for line in lines:
            text = Text(line.text, style="bold" if line.heading else "")
            for kind, colour in ((Mark.GOOD, "green"), (Mark.BAD, "red")):
                text.highlight_words([f"{kind.value[0]} "], colour)
            console.print(text, soft_wrap=True)


@contextmanager
def _paged(lines: int) -> Iterator[TextIO]:
    """Yield where lines for a terminal go: to the user's pager, where they are more than the screen has.

    ``PAGER`` names it, as for git; ``cat`` or an empty value means none.
    """
    import shlex  # noqa: PLC0415 - pipes and --json do without
    import shutil  # noqa: PLC0415
    import signal  # noqa: PLC0415
    import subprocess  # noqa: PLC0415

    command = shlex.split(os.environ.get("PAGER", "less"))
    fits = lines < shutil.get_terminal_size().lines
    if fits or command in ([], ["cat"]) or not sys.stdin.isatty() or not takes_control(sys.stdout):
        yield sys.stdout
        return
    sys.stdout.flush()
    try:
        pager = subprocess.Popen(  # noqa: S603 - the user's own
            command,
            stdin=subprocess.PIPE,
            encoding=sys.stdout.encoding,
            errors="replace",
            env={"LESS": "FRX", **os.environ},  # colours, and no pager for less than a screen
        )
    except OSError:  # such as a machine without less
        yield sys.stdout
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the pager
    try:
        with suppress(BrokenPipeError), pager:
            yield cast("TextIO", pager.stdin)
    finally:
        signal.signal(signal.SIGINT, before)


def confirm(question: str) -> bool:
    """Ask for a yes at the terminal. Anything else, or no terminal, is a no."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    print(one_line(f"{question} [y/N] "), end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


def dollars_texts(amounts: Sequence[float | None]) -> list[str]:
    """Format the amounts of a column with the digits that the smallest one needs; ``?`` for an unknown one."""
    least = min((abs(amount) for amount in amounts if amount), default=_DOLLAR)
    digits = 2 if least >= _DOLLAR else 4 if least >= _CENT else 6
    return ["?" if amount is None else f"${amount:,.{digits}f}" for amount in amounts]


def dollars_text(amount: float | None) -> str:
    """Format one amount."""
    return dollars_texts([amount])[0]


def count_text(count: int, noun: str) -> str:
    """Format a count: ``1 call``, ``1,200 calls``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


class CommandError(LLMRingError):
    """A command failed. ``exit_code`` is the exit code of the process."""

    def __init__(self, message: str, *, exit_code: int = FAILED) -> None:
        super().__init__(message)
        self.exit_code = exit_code
