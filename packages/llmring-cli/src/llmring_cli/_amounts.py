"""Amounts for people."""

from collections.abc import Sequence

_DOLLAR, _CENT = 1, 0.01


def dollars_texts(amounts: Sequence[float | None]) -> list[str]:
    """Return amounts of a column, all with as many digits as the least of them needs; ``?`` where it is not known."""
    least = min((abs(amount) for amount in amounts if amount), default=_DOLLAR)
    digits = 2 if least >= _DOLLAR else 4 if least >= _CENT else 6
    return ["?" if amount is None else f"${amount:,.{digits}f}" for amount in amounts]


def dollars_text(amount: float | None) -> str:
    """Return one amount."""
    return dollars_texts([amount])[0]


def count_text(count: int, what: str) -> str:
    """Return how many there are of something: ``1 call``, ``1,200 calls``."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"
