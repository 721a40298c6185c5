"""Markdown on a terminal while it comes."""

import re
from types import TracebackType
from typing import Self

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.markdown import Markdown
from rich.segment import Segment, Segments

from llmring_cli._output import printable

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")


def split_finished(text: str) -> tuple[list[str], str]:
    """Split Markdown into the blocks that nothing to come can change, and the rest.

    A block ends at an empty line outside of fenced code, if what follows is not indented: an indented line may go on
    with a list.
    """
    blocks: list[str] = []
    begin = start = 0
    fence = ""
    after_blank = False
    for line in text.splitlines(keepends=True):
        if after_blank and not fence and line[0] not in " \t\n":
            blocks.append(text[begin:start])
            begin = start
        found = _FENCE.match(line)
        if fence:
            if found and found[1].startswith(fence) and not line[found.end() :].strip():
                fence = ""
        elif found:
            fence = found[1]
        after_blank = not line.strip()
        start += len(line)
    return blocks, text[begin:]


class _Tail:
    """The unfinished end; parsed when the screen is drawn, not whenever a word comes."""

    def __init__(self) -> None:
        self.text = ""

    def __rich_console__(self, console: Console, _: ConsoleOptions) -> RenderResult:
        yield _rendered(console, self.text)


class MarkdownStream:
    """Writes finished blocks for good and redraws the last one while it grows.

    Args:
        console: the terminal.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._tail = _Tail()
        self._began = False
        self._live = Live(
            self._tail, console=console, refresh_per_second=12, transient=True, vertical_overflow="ellipsis"
        )

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        rest, self._tail.text = self._tail.text, ""
        self._live.stop()
        self._print(rest)

    def write(self, text: str) -> None:
        """Take the next piece of text."""
        finished, self._tail.text = split_finished(self._tail.text + printable(text))
        for block in finished:
            self._print(block)

    def _print(self, text: str) -> None:
        if not text.strip():
            return
        if self._began:
            self._console.print()
        self._began = True
        self._console.print(_rendered(self._console, text), end="")


def _rendered(console: Console, text: str) -> Segments:
    """Render Markdown without the blank lines that rich puts around some blocks.

    The address of a link is written out: not every terminal takes it along hidden, and where a model sends people is
    theirs to see.
    """
    lines = console.render_lines(Markdown(text, hyperlinks=False), pad=False)
    full = [place for place, line in enumerate(lines) if any(part.text.strip() for part in line)]
    kept = lines[full[0] : full[-1] + 1] if full else []
    # A character reference, such as ``&#x202e;``, becomes a control only here.
    return Segments([_printable(part) for line in kept for part in (*line, Segment.line())])


def _printable(part: Segment) -> Segment:
    return part if part.control else Segment(printable(part.text), part.style)
