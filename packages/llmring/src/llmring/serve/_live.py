"""The calls under way, and the last ones that ended: for people who look."""

import time
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Self

import msgspec
from llmring_types import Attempt

from llmring._records import CallRecord, Ending

_RECENT = 200


class LiveCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call under way.

    Attributes:
        id: of the request, as its header has it without ``req_``.
        protocol: that the client speaks.
        model: as the client named it.
        key: the id of its key; ``None`` without keys.
        streamed: the answer was asked for in chunks.
        started_at: seconds since 1970.
    """

    id: str
    protocol: str
    model: str | None
    key: str | None = None
    streamed: bool = False
    started_at: float


class EndedCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call that has ended.

    Attributes:
        call: as it began.
        ending: ``answered``, ``failed`` or ``aborted``.
        answered_by: ``provider:model`` that answered, or was asked last.
        seconds: to the end of the answer.
        first_chunk_s: to a stream's first chunk.
        cost: US dollars; ``None`` where that is not known.
        input_tokens: likewise.
        output_tokens: likewise.
        error: the exception's class.
        message: its text.
        attempts: every member of the pool tried or skipped.
    """

    call: LiveCall
    ending: Ending
    answered_by: str | None = None
    seconds: float
    first_chunk_s: float | None = None
    cost: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    error: str | None = None
    message: str | None = None
    attempts: Sequence[Attempt] = ()


class LiveCalls:
    """Keeps the calls under way and the last 200 that ended, without their content.

    In a worker, those that ended are handed to the supervisor, which keeps them for all.

    Attributes:
        under_way: by id, the oldest first.
        recent: the newest last.
    """

    def __init__(self) -> None:
        self.under_way: dict[str, LiveCall] = {}
        self.recent: deque[EndedCall] = deque(maxlen=_RECENT)

    @classmethod
    def of(cls, under_way: Iterable[LiveCall], recent: Iterable[EndedCall]) -> Self:
        """Return the calls of several processes as those of one."""
        live = cls()
        live.under_way = {call.id: call for call in sorted(under_way, key=lambda call: call.started_at)}
        live.recent.extend(recent)
        return live

    def take_ended(self) -> list[EndedCall]:
        """Return the calls that have ended, and forget them."""
        taken = list(self.recent)
        self.recent.clear()
        return taken

    def begin(
        self,
        call_id: str,
        protocol: str,
        model: str | None,
        *,
        key: str | None = None,
        streamed: bool = False,
    ) -> None:
        """Record a call that is sent to the ring now."""
        self.under_way[call_id] = LiveCall(
            id=call_id, protocol=protocol, model=model, key=key, streamed=streamed, started_at=time.time()
        )

    def forget(self, call_id: str) -> None:
        """Drop a call that ended without a record: it never got to the ring."""
        self.under_way.pop(call_id, None)

    def end(self, call_id: str, record: CallRecord) -> None:
        """Record the end of a call."""
        call = self.under_way.pop(call_id, None)
        if call is None:
            return
        usage, error = record.usage or {}, record.error
        self.recent.append(
            EndedCall(
                call=call,
                ending=record.ending,
                answered_by=None if record.model is None else str(record.model),
                seconds=record.seconds,
                first_chunk_s=record.first_chunk_s,
                cost=usage.get("cost"),
                input_tokens=usage.get("prompt_tokens"),
                output_tokens=usage.get("completion_tokens"),
                error=None if error is None else type(error).__name__,
                message=None if error is None or record.ending == "aborted" else str(error),
                attempts=record.attempts,
            )
        )
