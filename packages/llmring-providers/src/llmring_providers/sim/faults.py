"""Faults of a scripted model. In a script file each is named by its ``kind``.

Positions (``after``) count stream events, from zero: ``after=0`` goes wrong before the first event,
``after=2`` once two were sent. A whole answer is one event, of which ``after=1`` or more leaves the first
half.
"""

from typing import Literal

import msgspec


class _Fault(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True, tag_field="kind"):
    """Base of all faults; ``kind`` tells them apart in a script."""


class Status(_Fault, frozen=True, tag="status"):
    """An HTTP status with a body in the provider's own error shape.

    Attributes:
        status: 400 or more.
        retry_after: seconds; sent as ``retry-after``, and in the body where the provider does (Gemini).
        message: the provider's words; ``None`` takes the usual ones for the status.
        body: sent in place of the provider's error shape, as a proxy's page would be.
    """

    status: int = 500
    retry_after: float | None = None
    message: str | None = None
    body: str | None = None


class Stall(_Fault, frozen=True, tag="stall"):
    """Silence: before the first byte of the answer, or within the stream.

    Attributes:
        after: events before it; ``None`` stalls before the status line.
        seconds: how long; ``None`` is for ever.
    """

    after: int | None = None
    seconds: float | None = None


class Cut(_Fault, frozen=True, tag="cut"):
    """The answer stops early.

    Attributes:
        after: events that still come.
        how: ``ended`` ends the body properly, as if this were all; ``lost`` closes the connection in the middle of
            the body; ``torn`` ends the body properly in the middle of an event.
    """

    after: int = 2
    how: Literal["ended", "lost", "torn"] = "ended"


class Reset(_Fault, frozen=True, tag="reset"):
    """The connection is reset (TCP RST).

    Attributes:
        after: events before it; ``None`` resets before any byte of an answer.
    """

    after: int | None = None


class Refused(_Fault, frozen=True, tag="refused"):
    """Nobody listens any more, as when a server has died: open connections are reset, new ones are refused.

    Over HTTP the call itself meets the reset, since it is connected; in memory it is the only one that is refused.

    Attributes:
        seconds: until the host listens again; ``None`` is never.
    """

    seconds: float | None = None


class Malformed(_Fault, frozen=True, tag="malformed"):
    """An event that is not JSON, with the rest of the answer behind it; a whole answer is not JSON at all."""

    after: int = 1


class BadChunk(_Fault, frozen=True, tag="bad_chunk"):
    """The HTTP framing itself is broken: a chunk size that is not a number."""

    after: int = 1


class ErrorEvent(_Fault, frozen=True, tag="error_event"):
    """An error inside a stream that began with status 200, in the provider's own form, and then the end of the body.

    An answer that is not streamed fails with ``status`` instead.

    Attributes:
        status: what the error stands for.
        message: the provider's words; ``None`` takes the usual ones.
    """

    after: int = 1
    status: int = 529
    message: str | None = None


class Drip(_Fault, frozen=True, tag="drip"):
    """The whole answer, but only a few bytes at a time, split anywhere.

    Attributes:
        size: bytes at a time.
        seconds: pause between them.
    """

    size: int = 3
    seconds: float = 0.001


Fault = Status | Stall | Cut | Reset | Refused | Malformed | BadChunk | ErrorEvent | Drip
"""All faults that a rule can cause."""
