"""Texts inside objects that come in pieces over a stream: joined once, when they are asked for, not at every piece."""

from typing import Any


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
