"""The literals of a source file: its strings, the values of its configuration, and never its comments or its prose.

Pygments splits the text into tokens, by the language that the file's name tells; here they become whole literals, with
their places and the text before them, which says what they are for.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate, islice
from pathlib import Path
from typing import Any

import msgspec

from llmring_cli.scanner.languages import language_of, split_code

_ITEMS = re.compile(r"""(?:\s|-[ \t]+[\w.:/-]+\n|[-,(\[{]|\"[^\"\n]*\"|'[^'\n]*'|`[^`\n]*`)*["'`]?""")
"""Text that consists of items of a list: what they are items of stands above."""
_FENCE = re.compile(r"^[ \t>]*(?P<fence>`{3,}|~{3,})[ \t]*\{?\.?(?P<language>[\w+#.-]*).*$", re.MULTILINE)
_CODE_SPAN = re.compile(r"(?<!`)(`{1,2})([^`\n]+)\1(?!`)")
_RST_BLOCK = re.compile(
    r"^(?P<indent>[ \t]*)\.\. (?:code-block|code|sourcecode)::[ \t]*(?P<language>[\w+-]+)[ \t]*\n"
    r"(?P<code>(?:(?P=indent)[ \t]+\S.*\n?|[ \t]*\n)*)",
    re.MULTILINE,
)
_JSON_STRING = re.compile(r'"([^"\\]*(?:\\.[^"\\]*)*)"')
_JSON_CHARACTER = re.compile(r"\\u[dD][89abAB]..\\u....|\\u....|\\.|.")
_LEADING_LINES = 12
_LEADING = 400


class Place(msgspec.Struct, frozen=True, order=True):
    """A place in a file; both count from 1, the column in characters."""

    line: int
    column: int


class Literal(msgspec.Struct, frozen=True):
    """A literal.

    Attributes:
        text: its content, without quotes.
        place: of the content.
        before: the code before it that it is a value of: that on its line, and on the lines above where its own has
            nothing else.
        after: the rest of its line.
    """

    text: str
    place: Place
    before: str
    after: str


def literals(path: Path, text: str) -> Iterator[Literal]:
    """Yield the literals of a file in order; none of a file whose language is not known."""
    lines = _Lines(text)
    for start, content in _split(path, text):
        yield lines.literal(start, content)


def _split(path: Path, text: str) -> Iterator[tuple[int, str]]:
    if path.suffix in {".md", ".markdown", ".mdx", ".qmd"}:
        return _of_markdown(text)
    if path.suffix == ".rst":
        return _of_rst(text)
    if path.suffix == ".ipynb":
        return _of_notebook(text)
    language = language_of(path, text)
    return iter(()) if language is None else split_code(text, language)


def _of_markdown(text: str) -> Iterator[tuple[int, str]]:
    """Fenced code by its language, and code spans; prose names models without using them."""
    position = 0
    for begin in _FENCE.finditer(text):
        if begin.start() < position:
            continue  # the end of the block before
        yield from _spans(text, position, begin.start())
        end = re.compile(rf"^[ \t>]*{re.escape(begin['fence'])}[`~]*[ \t]*$", re.MULTILINE).search(
            text, begin.end()
        )
        stop = len(text) if end is None else end.start()
        language = begin["language"].lower()
        yield from (
            (begin.end() + at, word) for at, word in split_code(text[begin.end() : stop], language or "bash")
        )
        position = len(text) if end is None else end.end()
    yield from _spans(text, position, len(text))


def _spans(text: str, start: int, stop: int) -> Iterator[tuple[int, str]]:
    return ((span.start(2), span[2]) for span in _CODE_SPAN.finditer(text, start, stop))


def _of_rst(text: str) -> Iterator[tuple[int, str]]:
    """Code blocks by their language, and double backquotes, as in Markdown."""
    position = 0
    for block in _RST_BLOCK.finditer(text):
        yield from _spans(text, position, block.start())
        code = block.start("code")
        yield from ((code + at, word) for at, word in split_code(block["code"], block["language"].lower()))
        position = block.end()
    yield from _spans(text, position, len(text))


class _Cell(msgspec.Struct):
    cell_type: str = "code"
    source: str | list[str] = ""


class _Notebook(msgspec.Struct):
    cells: list[_Cell] = []
    metadata: dict[str, Any] = {}


def _of_notebook(text: str) -> Iterator[tuple[int, str]]:
    """The code and the Markdown of a notebook's cells, at their places in the file; never its outputs."""
    try:
        notebook = msgspec.json.decode(text, type=_Notebook)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return
    described = notebook.metadata.get("language_info")
    language = described.get("name") if isinstance(described, dict) else None
    strings = _JSON_STRING.finditer(text)
    for cell in notebook.cells:
        pieces = [cell.source] if isinstance(cell.source, str) else cell.source
        whole = "".join(pieces)
        written = [next(each for each in strings if _says(each[1], piece)) for piece in pieces]
        found = (
            _of_markdown(whole)
            if cell.cell_type == "markdown"
            else split_code(whole, str(language or "python"))
        )
        begins = [0, *accumulate(map(len, pieces))]
        for at, word in found:
            place = min(bisect_right(begins, at), len(pieces)) - 1  # Pygments puts a line end behind the text
            piece = written[place]
            yield piece.start(1) + _written_before(piece[1], at - begins[place]), word


def _says(raw: str, piece: str) -> bool:
    """Return whether the inside of a JSON string stands for a text."""
    if "\\" not in raw:
        return raw == piece
    return len(raw) > len(piece) and msgspec.json.decode(f'"{raw}"', type=str) == piece


def _written_before(raw: str, at: int) -> int:
    """Return how many characters the first ``at`` of a JSON string take inside its quotes."""
    if "\\" not in raw:
        return at
    return sum(len(each[0]) for each in islice(_JSON_CHARACTER.finditer(raw), at))


class _Lines:
    def __init__(self, text: str) -> None:
        self._text = text
        self._starts = [0, *(found.end() for found in re.finditer("\n", text))]

    def literal(self, start: int, content: str) -> Literal:
        line = bisect_right(self._starts, start)
        begin = self._starts[line - 1]
        place = Place(line, start - begin + 1)
        after = self._text[start + len(content) : start + len(content) + _LEADING].partition("\n")[0]
        return Literal(content, place, self._before(line, start), after)

    def _before(self, line: int, start: int) -> str:
        """Return the code before a literal; where its line has none, that of the lines above up to one that has."""
        for first in range(line, max(line - _LEADING_LINES, 0), -1):
            before = self._text[self._starts[first - 1] : start][-_LEADING:]
            if not _ITEMS.fullmatch(before):
                return before
        return self._text[self._starts[line - 1] : start][-_LEADING:]
