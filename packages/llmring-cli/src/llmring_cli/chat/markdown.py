"""Markdown on a terminal while it comes."""

import re
from types import TracebackType
from typing import Self

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.markdown import Markdown
from rich.segment import Segment, Segments
from rich.text import Text

from llmring_cli._output import printable

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_MOST_LINES, _MOST_CHARACTERS = 100, 8000
"""The longest unfinished block that is drawn as Markdown, which takes a few hundredths of a second."""


class BlockSplitter:
    """Splits Markdown that comes in pieces into the blocks that nothing to come can change, and the rest.

    A block ends at an empty line outside of fenced code, if what follows is not indented: an indented line may continue
    a list. Each line is looked at once, however long the block.
    """

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._unfinished: list[str] = []
        self._fence = ""
        self._after_blank = False

    def feed(self, text: str) -> list[str]:
        """Take the next piece; return the blocks that it finished."""
        blocks = []
        for piece in _LINE.findall(text):
            if not self._unfinished and self._after_blank and not self._fence and piece[0] not in " \t\n":
                blocks.append("".join(self._lines))
                self._lines.clear()
            self._unfinished.append(piece)
            if piece.endswith("\n"):
                line = "".join(self._unfinished)
                self._unfinished.clear()
                self._lines.append(line)
                self._look_at(line)
        return blocks

    def rest(self) -> str:
        """Return what no block has yet."""
        return "".join((*self._lines, *self._unfinished))

    def end_of_rest(self, lines: int, characters: int) -> str:
        """Return at most so much of its end, without joining the rest of it."""
        taken: list[str] = []
        room = characters
        for part in (*reversed(self._unfinished), *self._lines[: -lines - 1 : -1]):
            taken.append(part[-room:])
            room -= len(part)
            if room <= 0:
                break
        return "".join(reversed(taken))

    def _look_at(self, line: str) -> None:
        found = _FENCE.match(line)
        if self._fence:
            if found and found[1].startswith(self._fence) and not line[found.end() :].strip():
                self._fence = ""
        elif found:
            self._fence = found[1]
        self._after_blank = not line.strip()


class _Tail:
    """The unfinished end; parsed when the screen is drawn, not whenever a word comes.

    Of a long one only the last lines are drawn, as plain text: to parse all of it a dozen times a second would take
    longer and longer.
    """

    def __init__(self) -> None:
        self.blocks = BlockSplitter()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        end = self.blocks.end_of_rest(_MOST_LINES, _MOST_CHARACTERS)
        if len(end) < _MOST_CHARACTERS and end.count("\n") < _MOST_LINES:
            yield _rendered(console, end)
            return
        height = max(options.size.height - 1, 1)
        # Wrapping costs more than anything else here, and no more than a screenful is seen.
        end = self.blocks.end_of_rest(height + 1, height * options.max_width)
        lines = Text(end).wrap(console, options.max_width, tab_size=4)
        yield Text("\n").join(lines[-height:])


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
        rest = self._tail.blocks.rest()
        self._tail.blocks = BlockSplitter()
        self._live.stop()
        self._print(rest)

    def write(self, text: str) -> None:
        """Take the next piece of text."""
        for block in self._tail.blocks.feed(printable(text)):
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
