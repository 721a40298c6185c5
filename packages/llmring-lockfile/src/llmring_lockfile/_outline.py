"""Where in a TOML file things are, and where new ones would go."""

from collections import defaultdict

from llmring_lockfile._keys import KeyPath
from llmring_lockfile._statements import Statement, is_blank, is_comment, scan


class Outline:
    """The statements of a file, found by key path. Places are lines, counted from 0."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self._statements = scan(lines)
        self._under: dict[KeyPath, list[int]] = defaultdict(list)
        for place, statement in enumerate(self._statements):
            for length in range(1, len(statement.path) + 1):
                self._under[statement.path[:length]].append(place)

    def under(self, path: KeyPath) -> list[Statement]:
        """Everything that is said of a path and below it, in order."""
        return [self._statements[place] for place in self._under.get(path, ())]

    def key(self, path: KeyPath) -> Statement | None:
        """The ``key = value`` that says the whole of a path."""
        return next((found for found in self.under(path) if found.kind == "key" and found.path == path), None)

    def block(self, path: KeyPath) -> list[Statement]:
        """A table's header and the keys below it; for ``()`` the keys at the top. Empty without a header."""
        start = 0
        if path:
            headers = (
                place
                for place in self._under.get(path, ())
                if self._statements[place].kind != "key" and self._statements[place].path == path
            )
            start = next(headers, len(self._statements))
        end = start + bool(path)
        while end < len(self._statements) and self._statements[end].kind == "key":
            end += 1
        return self._statements[start:end]

    def top(self) -> int:
        """Above the first statement and the comment that belongs to it."""
        return self.with_comments_above(self._statements[0].start) if self._statements else len(self.lines)

    def before(self, path: KeyPath) -> int:
        """Above everything that is said of a path, and above the comment that belongs to it."""
        return self.with_comments_above(self.under(path)[0].start)

    def after(self, path: KeyPath) -> int:
        """Below everything that is said of a path, and below the rest of the table where that ends."""
        last = self._under[path][-1]
        while last + 1 < len(self._statements) and self._statements[last + 1].kind == "key":
            last += 1
        return self.past_comments(self._statements[last].end)

    def with_comments_above(self, line: int) -> int:
        """Up over the comment lines that stand right above a statement."""
        while line > 0 and is_comment(self.lines[line - 1]):
            line -= 1
        return line

    def past_comments(self, line: int) -> int:
        """Down over comment lines that follow at once, unless they stand right above another statement."""
        end = line
        while end < len(self.lines) and is_comment(self.lines[end]):
            end += 1
        return end if end == len(self.lines) or is_blank(self.lines[end]) else line
