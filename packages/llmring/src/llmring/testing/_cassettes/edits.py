"""Changes to a text that lies in pieces."""

from collections.abc import Sequence
from typing import NamedTuple


class Edit(NamedTuple):
    """What takes the place of the bytes from ``start`` to ``end``, counted over all pieces."""

    start: int
    end: int
    text: bytes


def edited(pieces: Sequence[bytes], edits: Sequence[Edit]) -> list[bytes]:
    """Return the pieces after these edits, which do not overlap and are in order.

    A new text stands in the piece in which its span began.
    """
    changed, start = [], 0
    for piece in pieces:
        end, at, kept = start + len(piece), start, b""
        for edit in edits:
            if edit.end <= start or edit.start >= end:
                continue
            kept += piece[at - start : max(edit.start, start) - start]
            kept += edit.text if edit.start >= start else b""
            at = min(edit.end, end)
        changed.append(kept + piece[at - start :])
        start = end
    return changed
