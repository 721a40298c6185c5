"""Secrets replaced in texts and in the pieces of a text."""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from llmring._redaction.spellings import Spellings

REDACTED = "REDACTED"
SHORTEST = 8
"""Characters of a value that is worth looking for; a shorter one is a stand-in, or a word of any text."""

_KEY_SHAPES = re.compile(rb"(?<![A-Za-z0-9])(?:sk-|gsk_|xai-|AIza)[\w-]{20,}", re.ASCII)
"""The forms of keys of the providers and of hosts that copy them."""


class Redactor:
    """Replaces secrets in every form that :class:`Spellings` knows, and whatever looks like the key of a provider.

    Args:
        secrets: short ones are left alone.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        self._spellings = _spellings(frozenset(secret for secret in secrets if len(secret) >= SHORTEST))

    def text(self, text: str) -> str:
        """Return the text without secrets."""
        return b"".join(self.pieces([text.encode()])).decode()

    def pieces(self, pieces: Sequence[bytes]) -> list[bytes]:
        """Return the pieces of one text without secrets, also without those that lie across several pieces."""
        kept = list(pieces)
        for spans in (self._spellings.spans, _key_shapes):
            edits = [Edit(start, end, REDACTED.encode()) for start, end in spans(b"".join(kept))]
            if edits:
                kept = edited(kept, edits)
        return kept


def _key_shapes(text: bytes) -> Iterator[tuple[int, int]]:
    return (found.span() for found in _KEY_SHAPES.finditer(text))


_spellings = lru_cache(maxsize=8)(Spellings)  # the same secrets come again with every text


class Edit(NamedTuple):
    """A replacement for the bytes from ``start`` to ``end``, counted over all pieces."""

    start: int
    end: int
    text: bytes


def edited(pieces: Sequence[bytes], edits: Sequence[Edit]) -> list[bytes]:
    """Return the pieces after these edits, which do not overlap and are in order.

    A new text stands in the piece in which its span began.
    """
    changed, start, next_edit = [], 0, 0
    for piece in pieces:
        end, at, kept = start + len(piece), start, b""
        while next_edit < len(edits) and (edit := edits[next_edit]).start < end:
            kept += piece[at - start : max(edit.start, start) - start]
            kept += edit.text if edit.start >= start else b""
            at = min(edit.end, end)
            if edit.end > end:
                break  # the rest of it lies in the next piece
            next_edit += 1
        changed.append(kept + piece[at - start :])
        start = end
    return changed
