"""The steps of a simulated answer in time, and the faults put into them."""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Literal

import msgspec

from llmring_providers.sim import faults
from llmring_providers.sim.faults import Fault

Ending = Literal["end", "close", "reset", "bad_chunk", "refused"]
"""The end of the body: proper, closed too early, reset, with a broken chunk size, or with the host gone."""
GARBAGE = b'{"simulated": malformed'
"""Data that is not JSON."""


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


Failing = Callable[[int, faults.ErrorEvent], bytes]
"""Returns the protocol's error event, to be sent after so many events."""


def damaged(plan: Plan, fault: Fault, failing: Failing) -> Plan:  # noqa: PLR0911 - a table
    """Return the plan with the fault in it; at least the last event is always hit.

    A :class:`faults.Status`, and an error event for an answer that is not streamed, are no matter of this module.
    """
    change = msgspec.structs.replace
    match fault:
        case faults.Stall(after=None):
            return change(plan, wait=plan.wait + _seconds(fault.seconds))
        case faults.Reset(after=None):
            return change(plan, status=None, steps=(), ending="reset", length=None)
        case faults.Refused():
            return change(
                plan, status=None, steps=(), ending="refused", length=None, away=_seconds(fault.seconds)
            )
        case faults.Malformed() if plan.length is not None:
            return change(plan, steps=(GARBAGE,), length=len(GARBAGE))
        case faults.Drip():
            return change(plan, steps=_dripping(plan, fault))
        case faults.Status():
            return plan
    at = min(fault.after or 0, len(plan.steps) - 1)
    return _damaged_at(plan, fault, failing, plan.steps[:at], plan.steps[at:])


def _damaged_at(
    plan: Plan,
    fault: faults.Stall | faults.Reset | faults.Malformed | faults.Cut | faults.BadChunk | faults.ErrorEvent,
    failing: Failing,
    sent: tuple[bytes | float, ...],
    rest: tuple[bytes | float, ...],
) -> Plan:
    change = msgspec.structs.replace
    match fault:
        case faults.Stall():
            return change(plan, steps=(*sent, _seconds(fault.seconds), *rest))
        case faults.Malformed():
            return change(plan, steps=(*sent, _spoiled(*rest, *reversed(sent)), *rest))
        case faults.ErrorEvent():
            return change(plan, steps=(*sent, failing(len(sent), fault)))
        case faults.Reset():
            return change(plan, steps=sent, ending="reset")
        case faults.BadChunk():
            return change(plan, steps=sent, ending="bad_chunk", length=None)
    return _cut(plan, fault, sent, rest)


def _spoiled(*events: bytes | float) -> bytes:
    """Return the first event that holds JSON with other data in its place."""
    for event in events:
        if isinstance(event, bytes) and b"{" in event:
            return event[: event.index(b"{")] + GARBAGE + event[event.rindex(b"}") + 1 :]
    return GARBAGE


def _cut(
    plan: Plan, fault: faults.Cut, sent: tuple[bytes | float, ...], rest: tuple[bytes | float, ...]
) -> Plan:
    """A length that was announced is kept only where the connection is lost: the client can tell then."""
    if fault.how == "lost":
        return msgspec.structs.replace(plan, steps=sent, ending="close")
    if fault.how == "torn" and isinstance(rest[0], bytes):
        sent = (*sent, halves(rest[0])[0])
    length = None if plan.length is None else sum(len(step) for step in sent if isinstance(step, bytes))
    return msgspec.structs.replace(plan, steps=sent, length=length)


def _seconds(given: float | None) -> float:
    return math.inf if given is None else given


def _dripping(plan: Plan, fault: faults.Drip) -> tuple[bytes | float, ...]:
    body = b"".join(step for step in plan.steps if isinstance(step, bytes))
    size = max(1, fault.size)
    return tuple(between((body[start : start + size] for start in range(0, len(body), size)), fault.seconds))
