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
from llmring_lockfile._statements import (
    Splice,
    Statement,
    comments_in,
    is_blank,
    is_comment,
    scan,
    split_lines,
)
from llmring_lockfile._values import (
    is_block,
    match_items,
    render_block,
    render_element,
    render_line,
    replace_value,
)


def rewrite(text: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """Make text that says ``old`` say ``new``.

    Raises:
        LockfileWriteError: it cannot be done statement by statement; no text is returned.
    """
    lines = split_lines(text)
    patch = _Patch(_Outline(lines), Splice(lines))
    patch.change_table((), old, new)
    result = patch.splice.apply()
    if not _same(tomllib.loads(result), new):
        changed = ", ".join(sorted(key for key in {**old, **new} if old.get(key) != new.get(key)))
        raise LockfileWriteError(
            f"cannot change {changed} and keep the form of the rest of the file; please edit it by hand"
        )
    return result


def _same(one: Any, other: Any) -> bool:
    """Return whether two values are the same, NaN included."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_same(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one == other) or (one != one and other != other)  # noqa: PLR0124


class _Outline:
    """The statements of a file, found by key path. Places are lines, counted from 0."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self._statements = scan(lines)
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

    def last(self, path: KeyPath) -> Statement:
        """The last statement of a path or below it."""
        return self._statements[self._under[path][-1]]

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
        return self.with_comments_above(self._statements[0].start) if self._statements else len(self.lines)

    def has_keys_at_top(self) -> bool:
        return bool(self._statements) and self._statements[0].kind == "key"

    def before(self, path: KeyPath) -> int:
        """Above everything that is said of a path, and above the comment that belongs to it."""
        return self.with_comments_above(self._statements[self._under[path][0]].start)

    def after(self, path: KeyPath) -> int:
        """Below everything that is said of a path, and below the rest of the table where that ends."""
        return self.past_comments(self._statements[self._last_of_block[self._under[path][-1]]].end)

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


class _Siblings(msgspec.Struct):
    """The entries of a table that stand in the text already, before any that are added.

    Attributes:
        path: the last key that anything is said of.
        line: below the last ``key = value`` in the table's own block.
    """

    path: KeyPath | None = None
    line: int = 0


class _Patch:
    def __init__(self, outline: _Outline, splice: Splice) -> None:
        self.outline = outline
        self.splice = splice

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
        """Take note of where a key stands that what comes next shall follow."""
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
            text = "".join(self.outline.lines[statement.start : statement.end])
            if old in ([], {}) and is_block(path, new):
                self.splice.cut(statement.start, statement.end)
                self._add(path, new, before, "".join(f"{comment}\n" for comment in comments_in(text)))
            else:
                keys = path[len(statement.table) :]
                self.splice.replace(statement.start, statement.end, _with_value(text, keys, old, new))

    def _change_elements(self, path: KeyPath, old: list[Any], new: list[Any]) -> None:
        """Elements of an array of tables: those that stay keep their place and their comments."""
        sources = match_items(old, new)
        last = -1
        for place, source in enumerate(sources):
            if (
                source is not None and source < last
            ):  # it came from above what it now follows: cut and written anew
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
        """Say something new of a path. ``before`` is what it follows, ``comments`` are lines to put above it."""
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
            return self.outline.past_comments(self.outline.end_of_block(parent))
        first = self.outline.first(parent)
        if first is None:
            return len(self.outline.lines)
        # A header amid dotted keys would take the rest of them into its own table.
        return self.outline.after(parent) if first.kind == "key" else self.outline.before(parent)

    def _remove(self, path: KeyPath, *, keep_comments: bool = False) -> None:
        """Cut what is said of a path. Its comments stay where another key takes its place."""
        for found in self.outline.under(path):
            if found.kind == "key" and found.table[: len(path)] != path:
                if keep_comments:
                    text = "".join(self.outline.lines[found.start : found.end])
                    self.splice.insert(found.start, "".join(f"{comment}\n" for comment in comments_in(text)))
                self.splice.cut(found.start, found.end)
            elif found.kind != "key":
                start = self.outline.with_comments_above(found.start)
                self.splice.cut_block(start, self.outline.end_of_block(found.path))


def _with_value(statement: str, keys: KeyPath, old: Any, new: Any) -> str:
    if statement.count("\n") == 1 and statement == render_line((), keys, old):
        return render_line((), keys, new)  # nobody gave it a form of its own
    return replace_value(statement, old, new)
