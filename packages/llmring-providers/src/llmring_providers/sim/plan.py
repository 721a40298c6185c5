"""The course of an exchange on the wire, as plain data."""

from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec

Ending = Literal["end", "close", "reset", "bad_chunk", "refused"]
"""The end of the body: proper, closed too early, reset, with a broken chunk size, or with the host gone."""


class Plan(msgspec.Struct, kw_only=True, frozen=True):
    """The course of one exchange on the wire.

    Attributes:
        wait: seconds before anything; infinite means for ever.
        status: ``None`` sends no answer at all, only the ending.
        steps: bytes to be sent at once, or seconds to pause (infinite: for ever).
        ending: comes after the steps.
        away: seconds for which the host is gone (infinite: for ever).
        length: of the body, as announced; ``None`` where it is sent in chunks.
    """

    status: int | None
    headers: Mapping[str, str] = msgspec.field(default_factory=dict)
    wait: float = 0.0
    steps: tuple[bytes | float, ...] = ()
    ending: Ending = "end"
    away: float = 0.0
    length: int | None = None


def halves(body: bytes) -> list[bytes]:
    """Return a whole answer as the two pieces between which it can go wrong."""
    middle = len(body) // 2
    return [body[:middle], body[middle:]]


def paced(plan: Plan, pace: float) -> Plan:
    """Return the plan with a pause between any two steps."""
    return msgspec.structs.replace(plan, steps=tuple(between(plan.steps, pace)))


def between(steps: Iterable[bytes | float], pace: float) -> Iterable[bytes | float]:
    """Yield the steps with a pause between any two."""
    for place, step in enumerate(steps):
        if place:
            yield pace
        yield step
