"""Bytes of bodies in a form that people can read: text as text, and only the rest in base64."""

import base64
import re
from typing import TypeAlias

import msgspec


class Binary(msgspec.Struct, frozen=True):
    """Bytes that are not text."""

    base64: str


Part: TypeAlias = str | Binary
Chunk: TypeAlias = Part | tuple[Part, ...]
"""The bytes of one read; in parts where there are several lines, or a character that is cut in two."""

_TEXT_OR_NOT = re.compile("[\udc80-\udcff]+|[^\udc80-\udcff]+")
_LINES = re.compile(r"[^\n]*\n+(?:\r\n)*|[^\n]+")
_MOST_TORN = 6
"""Bytes that may belong to characters cut in two, at both ends of a chunk."""


def to_chunk(data: bytes) -> Chunk:
    """Return the readable form."""
    parts: list[Part] = []
    torn = 0
    for run in _TEXT_OR_NOT.findall(data.decode("utf-8", "surrogateescape")):
        if "\udc80" <= run[0] <= "\udcff":
            torn += len(run)
            parts.append(_binary(run.encode("utf-8", "surrogateescape")))
        else:
            parts += _LINES.findall(run)
    if torn > _MOST_TORN:
        return _binary(data)
    return parts[0] if len(parts) == 1 else tuple(parts)


def from_chunk(chunk: Chunk) -> bytes:
    """Return the bytes.

    Raises:
        ValueError: what should be base64 is not.
    """
    if isinstance(chunk, str):
        return chunk.encode()
    if isinstance(chunk, Binary):
        return base64.b64decode(chunk.base64, validate=True)
    return b"".join(map(from_chunk, chunk))


def _binary(data: bytes) -> Binary:
    return Binary(base64.b64encode(data).decode())
