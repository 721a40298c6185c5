"""Texts out of their pieces: those of messages, and the arguments of calls, which some hosts send again."""

from collections.abc import Sequence
from typing import Any

import msgspec

from llmring_providers._json import DECODE_ERRORS

RESENT = "the host sent the arguments of a call more than once: they were taken once"


class Pieces:
    """A text that is still coming, where the text itself is to stand."""

    def __init__(self, text: str) -> None:
        self._pieces = [text]

    def add(self, piece: str) -> None:
        self._pieces.append(piece)

    def __str__(self) -> str:
        return "".join(self._pieces)


def extended(there: str | Pieces, piece: str) -> Pieces:
    """Return the text that stands there with one more piece."""
    if isinstance(there, str):
        there = Pieces(there)
    there.add(piece)
    return there


def joined(value: Any) -> Any:
    """Return the value with its texts whole; what is there stays as it is, and may go on."""
    if isinstance(value, Pieces):
        return str(value)
    if isinstance(value, dict):
        return {name: joined(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [joined(inner) for inner in value]
    return value


def join_arguments(pieces: Sequence[str]) -> tuple[str, bool]:
    """Return the arguments of a call, and whether some had to be left out because the host had sent them again.

    Some hosts send all arguments so far in every piece, others all of them, or an empty object, once more at the end
    (https://github.com/NousResearch/hermes-agent/pull/35718). What is a JSON object as it stands is never touched.
    """
    text, last = "".join(pieces), pieces[-1] if pieces else ""
    if len(pieces) < 2 or not last.startswith("{") or _is_object(text):  # noqa: PLR2004 - one piece repeats none
        return text, False
    before = text[: -len(last)]
    if last == "{}" and _is_object(before):
        return before, True
    if (before == last or all(last.startswith(piece) for piece in pieces)) and _is_object(last):
        return last, True
    return text, False


def _is_object(text: str) -> bool:
    try:
        return isinstance(msgspec.json.decode(text), dict)
    except DECODE_ERRORS:
        return False


def documents(data: bytes) -> list[bytes]:
    """Return the lines, where each is a document by itself or the end of a stream; none where they are not."""
    lines = [line for line in map(bytes.strip, data.split(b"\n")) if line]
    return lines if len(lines) > 1 and all(line[:1] in (b"{", b"[") for line in lines) else []
