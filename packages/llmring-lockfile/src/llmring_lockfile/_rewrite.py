"""Change TOML text so that it says something else, and touch no other line.

The caller changes plain values; this module finds out what differs and cuts, replaces and inserts whole statements.
Comments, order, blank lines and the form of everything else stay as they are. tomlkit, which keeps the form of what
is within a statement, is not used for the file as a whole: it counts a comment above a header as the end of the
table before it, so that to unbind one alias would take away the comment of the next.
"""

import tomllib
from collections.abc import Mapping, Sequence
from typing import Any

from llmring_types.exceptions import LockfileWriteError

from llmring_lockfile._keys import KeyPath
from llmring_lockfile._outline import Outline
from llmring_lockfile._render import is_block, render_block, render_element, render_line
from llmring_lockfile._splice import Splice
from llmring_lockfile._statements import split_lines


def rewrite(text: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """Make text that says ``old`` say ``new``.

    Raises:
        LockfileWriteError: it cannot be done statement by statement; no text is returned.
    """
    lines = split_lines(text)
    patch = _Patch(Outline(lines), Splice(lines))
    patch.change_table((), old, new)
    result = patch.splice.apply()
    if tomllib.loads(result) != new:
        changed = ", ".join(sorted(key for key in {**old, **new} if old.get(key) != new.get(key)))
        raise LockfileWriteError(
            f"cannot change {changed} and keep the form of the rest of the file; please edit it by hand"
        )
    return result


def _with_value(statement: str, keys: KeyPath, old: Any, new: Any) -> str:
    if statement.count("\n") == 1 and statement == render_line((), keys, old):
        return render_line((), keys, new)  # nobody gave it a form of its own
    from llmring_lockfile._inline import replace_value  # noqa: PLC0415 - tomlkit is slow to import

    return replace_value(statement, keys, new)


class _Patch:
    def __init__(self, outline: Outline, splice: Splice) -> None:
        self.outline = outline
        self.splice = splice

    def change_table(self, path: KeyPath, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        for key in old:
            if key not in new:
                self._remove((*path, key))
        before: list[KeyPath] = []
        for key, value in new.items():
            if key not in old:
                self._add((*path, key), value, before)
            else:
                if value != old[key]:
                    self._change((*path, key), old[key], value, before)
                before.append((*path, key))
        if path and not new and not self.outline.block(path):
            # Only what was in it said that there is such a table.
            self.splice.insert(self.outline.before(path), render_block(path, new), is_block=True)

    def _change(self, path: KeyPath, old: Any, new: Any, before: Sequence[KeyPath]) -> None:
        statement = self.outline.key(path)
        if statement is None and isinstance(old, Mapping) and isinstance(new, Mapping):
            self.change_table(path, old, new)
        elif statement is None and isinstance(old, list) and isinstance(new, list) and is_block(path, new):
            self._change_elements(path, old, new)
        elif statement is None or (old in ([], {}) and is_block(path, new)):
            self._remove(path)
            self._add(path, new, before)
        else:
            keys = path[len(statement.table) :]
            text = "".join(self.outline.lines[statement.start : statement.end])
            self.splice.replace(statement.start, statement.end, _with_value(text, keys, old, new))

    def _change_elements(self, path: KeyPath, old: list[Any], new: list[Any]) -> None:
        """Elements of an array of tables: those between what is the same before and after."""
        shorter = min(len(old), len(new))
        head = next((i for i in range(shorter) if old[i] != new[i]), shorter)
        tail = next((i for i in range(shorter - head) if old[-1 - i] != new[-1 - i]), shorter - head)
        both = shorter - tail
        for place in range(head, both):
            self.change_table((*path, place), old[place], new[place])
        for place in range(both, len(old) - tail):
            self._remove((*path, place))
        at = self.outline.after((*path, both - 1)) if both else self.outline.before((*path, 0))
        for place in range(both, len(new) - tail):
            self.splice.insert(at, render_element(path, new[place]), is_block=True)

    def _add(self, path: KeyPath, value: Any, before: Sequence[KeyPath]) -> None:
        """Say something new of a path. ``before`` are the paths beside it that it shall follow."""
        parent = path[:-1]
        block = self.outline.block(parent)
        if is_block(path, value):
            at = self._place_of_block(parent, before)
            self.splice.insert(at, render_block(path, value), is_block=True)
        elif block:
            ends = [found.end for found in block if found.path in before]
            first = block[0].end if parent else self.outline.top()
            self.splice.insert(max(ends, default=first), render_line(parent, path[-1:], value))
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

    def _place_of_block(self, parent: KeyPath, before: Sequence[KeyPath]) -> int:
        for sibling in reversed(before):
            if self.outline.under(sibling):
                return self.outline.after(sibling)
        block = self.outline.block(parent)
        if block:
            return self.outline.past_comments(block[-1].end)
        under = self.outline.under(parent)
        if not under:
            return len(self.outline.lines)
        # A header amid dotted keys would take the rest of them into its own table.
        return self.outline.after(parent) if under[0].kind == "key" else self.outline.before(parent)

    def _remove(self, path: KeyPath) -> None:
        for found in self.outline.under(path):
            if found.kind == "key" and found.table[: len(path)] != path:
                self.splice.cut(found.start, found.end)
            elif found.kind != "key":
                start = self.outline.with_comments_above(found.start)
                self.splice.cut_block(start, self.outline.block(found.path)[-1].end)
