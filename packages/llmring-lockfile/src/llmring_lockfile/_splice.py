"""Lines taken out of a text and put into it, all counted in the text as it was."""

from collections import defaultdict

import msgspec

from llmring_lockfile._statements import is_blank


class _Insertion(msgspec.Struct, frozen=True):
    text: str
    is_block: bool


class Splice:
    """Changes to lines, collected first and made at once."""

    def __init__(self, lines: list[str]) -> None:
        self._lines = lines
        self._eol = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
        self._cut: set[int] = set()
        self._inserted: dict[int, list[_Insertion]] = defaultdict(list)

    def cut(self, start: int, end: int) -> None:
        self._cut.update(range(start, end))

    def cut_block(self, start: int, end: int) -> None:
        """Cut, and of the blank lines around it leave one."""
        lines = self._lines
        if start == 0 or is_blank(lines[start - 1]):
            while end < len(lines) and is_blank(lines[end]):
                end += 1
        if end == len(lines):
            while start > 0 and is_blank(lines[start - 1]):
                start -= 1
        self.cut(start, end)

    def replace(self, start: int, end: int, text: str) -> None:
        """``text`` has its line ends already."""
        self.cut(start, end)
        self._inserted[start].append(_Insertion(text, is_block=False))

    def insert(self, at: int, text: str, *, is_block: bool = False) -> None:
        """Put text above a line; a block is parted from its neighbours by blank lines."""
        self._inserted[at].append(_Insertion(text.replace("\n", self._eol), is_block))

    def apply(self) -> str:
        out: list[str] = []
        after_block = False
        for at in range(len(self._lines) + 1):
            for insertion in self._inserted.get(at, ()):
                self._end_line(out)
                if (insertion.is_block or after_block) and out and not is_blank(out[-1]):
                    out.append(self._eol)
                out.append(insertion.text)
                after_block = insertion.is_block
            if at < len(self._lines) and at not in self._cut:
                if after_block and not is_blank(self._lines[at]):
                    out.append(self._eol)
                out.append(self._lines[at])
                after_block = False
        return "".join(out)

    def _end_line(self, out: list[str]) -> None:
        if out and not out[-1].endswith("\n"):
            out.append(self._eol)
