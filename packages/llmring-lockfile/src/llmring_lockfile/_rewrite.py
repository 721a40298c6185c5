"""Change TOML text so that it says something else, and touch no other line.

The caller gives plain values before and after; this module finds what differs and cuts, replaces and inserts whole
statements. Comments, order, blank lines and the form of everything else stay as they are. The time it takes grows with
the text and not with the number of differences.
"""

import tomllib
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import msgspec
from llmring_types.exceptions import LockfileWriteError

from llmring_lockfile._names import KeyPath
from llmring_lockfile._toml import (
    Statement,
    is_blank,
    is_block,
    is_same,
    match_items,
    past_comments,
    render_block,
    render_element,
    render_line,
    scan,
    split_lines,
    with_comments_above,
)
from llmring_lockfile._values import comments_in, replace_value


def rewrite(text: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """Make text that says ``old`` say ``new``.

    Raises:
        LockfileWriteError: it cannot be done statement by statement; no text is returned.
    """
    lines = split_lines(text)
    patch = _Patch(lines, scan(lines))
    patch.change_table((), old, new)
    result = patch.splice.apply()
    if not is_same(tomllib.loads(result), new):
        changed = ", ".join(sorted(key for key in {**old, **new} if old.get(key) != new.get(key)))
        raise LockfileWriteError(
            f"cannot change {changed} and keep the form of the rest of the file; please edit it by hand"
        )
    return result


class _Outline:
    """The statements of a file, found by key path. Places are lines, counted from 0."""

    def __init__(self, lines: list[str], statements: list[Statement]) -> None:
        self.lines = lines
        self._statements = statements
        self._under: dict[KeyPath, list[int]] = defaultdict(list)
        self._headers: dict[KeyPath, int] = {}
        for place, statement in enumerate(self._statements):
            for length in range(1, len(statement.path) + 1):
                self._under[statement.path[:length]].append(place)
            if statement.kind != "key":
                self._headers.setdefault(statement.path, place)
        self._last_of_block = list(range(len(self._statements)))
        for place in range(len(self._statements) - 2, -1, -1):
            if self._statements[place + 1].kind == "key":
                self._last_of_block[place] = self._last_of_block[place + 1]

    def under(self, path: KeyPath) -> list[Statement]:
        """Everything that is said of a path and below it, in order."""
        return [self._statements[place] for place in self._under.get(path, ())]

    def first(self, path: KeyPath) -> Statement | None:
        """The first statement of a path or below it."""
        return self._statements[self._under[path][0]] if path in self._under else None

    def key(self, path: KeyPath) -> Statement | None:
        """The ``key = value`` that says the whole of a path."""
        first = self.first(path)
        return first if first is not None and first.kind == "key" and first.path == path else None

    def header(self, path: KeyPath) -> Statement | None:
        """The header of a table."""
        return self._statements[self._headers[path]] if path in self._headers else None

    def end_of_block(self, path: KeyPath) -> int:
        """Below the keys of a table that has a header."""
        return self._statements[self._last_of_block[self._headers[path]]].end

    def top(self) -> int:
        """Above the first statement and the comment that belongs to it."""
        start = self._statements[0].start if self._statements else None
        return len(self.lines) if start is None else with_comments_above(self.lines, start)

    def has_keys_at_top(self) -> bool:
        return bool(self._statements) and self._statements[0].kind == "key"

    def before(self, path: KeyPath) -> int:
        """Above everything that is said of a path, and above the comment that belongs to it."""
        return with_comments_above(self.lines, self._statements[self._under[path][0]].start)

    def after(self, path: KeyPath) -> int:
        """Below everything that is said of a path, and below the rest of the table where that ends."""
        return past_comments(self.lines, self._statements[self._last_of_block[self._under[path][-1]]].end)


class _Splice:
    """Lines taken out of a text and put into it, all counted in the text as it was, and moved at once."""

    def __init__(self, lines: list[str]) -> None:
        self._lines = lines
        self._eol = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
        self._cut: set[int] = set()
        self._inserted: dict[int, list[tuple[str, bool]]] = defaultdict(list)

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
        self._inserted[start].append((text, False))

    def insert(self, at: int, text: str, *, is_block: bool = False) -> None:
        """Put text above a line; a block is parted from its neighbours by blank lines."""
        if text:
            self._inserted[at].append((text.replace("\n", self._eol), is_block))

    def apply(self) -> str:
        out: list[str] = []
        after_block = False
        for at in range(len(self._lines) + 1):
            for text, parted in self._inserted.get(at, ()):
                if out and not out[-1].endswith("\n"):
                    out.append(self._eol)
                if (parted or after_block) and out and not is_blank(out[-1]):
                    out.append(self._eol)
                out.append(text)
                after_block = parted
            if at < len(self._lines) and at not in self._cut:
                if after_block and not is_blank(self._lines[at]):
                    out.append(self._eol)
                out.append(self._lines[at])
                after_block = False
        return "".join(out)


class _Siblings(msgspec.Struct):
    """The entries of a table that stand in the text already, before any that are added."""

    path: KeyPath | None = None
    """The last key that anything is said of."""
    line: int = 0
    """Below the last ``key = value`` in the table's own block."""


class _Patch:
    def __init__(self, lines: list[str], statements: list[Statement]) -> None:
        self.lines = lines
        self.outline = _Outline(lines, statements)
        self.splice = _Splice(lines)

    def change_table(self, path: KeyPath, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        takes_over = not new.keys() <= old.keys()
        for key in old:
            if key not in new:
                self._remove((*path, key), keep_comments=takes_over)
        before = _Siblings()
        blocks: list[tuple[KeyPath, Any, _Siblings]] = []
        for key, value in new.items():
            inner = (*path, key)
            if key in old:
                if value is not old[key] and value != old[key]:
                    self._change(inner, old[key], value, before)
                self._pass(inner, before)
            elif is_block(inner, value):
                blocks.append((inner, value, _Siblings(before.path)))
            else:
                self._add(inner, value, before)
        for inner, value, siblings in blocks:  # below the lines that were added
            self._add(inner, value, siblings)
        if path and not new and self.outline.header(path) is None:
            # Only what was in it said that there is such a table.
            self.splice.insert(self.outline.before(path), render_block(path, new), is_block=True)

    def _pass(self, path: KeyPath, before: _Siblings) -> None:
        """Record the place of a key, which the next one follows."""
        if self.outline.first(path) is not None:
            before.path = path
        statement = self.outline.key(path)
        if statement is not None and statement.table == path[:-1]:
            before.line = max(before.line, statement.end)

    def _change(self, path: KeyPath, old: Any, new: Any, before: _Siblings) -> None:
        statement = self.outline.key(path)
        if statement is None and isinstance(old, Mapping) and isinstance(new, Mapping):
            self.change_table(path, old, new)
        elif statement is None and isinstance(old, list) and isinstance(new, list) and is_block(path, new):
            self._change_elements(path, old, new)
        elif statement is None:
            self._remove(path)
            self._add(path, new, before)
        else:
            text = "".join(self.lines[statement.start : statement.end])
            if old in ([], {}) and is_block(path, new):
                self.splice.cut(statement.start, statement.end)
                self._add(path, new, before, comments_in(text))
            else:
                keys = path[len(statement.table) :]
                self.splice.replace(statement.start, statement.end, _with_value(text, keys, old, new))

    def _change_elements(self, path: KeyPath, old: list[Any], new: list[Any]) -> None:
        """Elements of an array of tables: those that stay keep their place and their comments."""
        sources = match_items(old, new)
        last = -1
        for place, source in enumerate(sources):
            if source is not None and source < last:  # it moved down: cut and written anew
                sources[place] = None
            elif source is not None:
                last = source
        kept = {source for source in sources if source is not None}
        for place in sorted(set(range(len(old))) - kept):
            self._remove((*path, place))
        at = self.outline.before((*path, 0))
        for element, source in zip(new, sources, strict=True):
            if source is None:
                self.splice.insert(at, render_element(path, element), is_block=True)
                continue
            if element is not old[source] and element != old[source]:
                self.change_table((*path, source), old[source], element)
            at = self.outline.after((*path, source))

    def _add(self, path: KeyPath, value: Any, before: _Siblings, comments: str = "") -> None:
        """Add a value at a path: behind ``before``, with the lines of ``comments`` above it."""
        parent = path[:-1]
        if is_block(path, value):
            at = self._place_of_block(parent, before)
            self.splice.insert(at, comments + render_block(path, value), is_block=True)
            return
        header = self.outline.header(parent) if parent else None
        if header is not None or (not parent and self.outline.has_keys_at_top()):
            first = self.outline.top() if header is None else header.end
            self.splice.insert(max(before.line, first), comments + render_line(parent, path[-1:], value))
        else:
            self._add_without_header(path, value)

    def _add_without_header(self, path: KeyPath, value: Any) -> None:
        """The table is written as dotted keys, or only through the headers of its inner tables, or not yet."""
        parent = path[:-1]
        under = self.outline.under(parent)
        dotted = [found for found in under if found.kind == "key" and len(found.table) < len(parent)]
        if dotted:
            table = dotted[-1].table
            self.splice.insert(dotted[-1].end, render_line(table, path[len(table) :], value))
        elif parent:
            at = self.outline.before(parent)
            self.splice.insert(at, render_block(parent, {path[-1]: value}), is_block=True)
        else:
            self.splice.insert(self.outline.top(), render_line((), path, value), is_block=True)

    def _place_of_block(self, parent: KeyPath, before: _Siblings) -> int:
        if before.path is not None:
            return self.outline.after(before.path)
        if parent and self.outline.header(parent) is not None:
            return past_comments(self.lines, self.outline.end_of_block(parent))
        first = self.outline.first(parent)
        if first is None:
            return len(self.lines)
        # A header amid dotted keys would take the rest of them into its own table.
        return self.outline.after(parent) if first.kind == "key" else self.outline.before(parent)

    def _remove(self, path: KeyPath, *, keep_comments: bool = False) -> None:
        """Cut what is said of a path. Its comments stay where another key takes its place."""
        for found in self.outline.under(path):
            if found.kind == "key" and found.table[: len(path)] != path:
                if keep_comments:
                    text = "".join(self.lines[found.start : found.end])
                    self.splice.insert(found.start, comments_in(text))
                self.splice.cut(found.start, found.end)
            elif found.kind != "key":
                start = with_comments_above(self.lines, found.start)
                self.splice.cut_block(start, self.outline.end_of_block(found.path))


def _with_value(statement: str, keys: KeyPath, old: Any, new: Any) -> str:
    if statement.count("\n") == 1 and statement == render_line((), keys, old):
        return render_line((), keys, new)  # nobody gave it a form of its own
    return replace_value(statement, old, new)
