"""The record of one finished call, and the observers that get it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from contextvars import ContextVar
from decimal import Decimal
from typing import TYPE_CHECKING, Literal, Protocol

import msgspec
from llmring_types import Attempt, LLMRequest, LLMResponse, ModelRef, Usage

if TYPE_CHECKING:
    from uuid import UUID

Ending = Literal["answered", "failed", "aborted"]
Operation = Literal["chat", "embeddings", "rerank"]

_conversation_id: ContextVar[str | None] = ContextVar("llmring_conversation", default=None)
"""The conversation that the calls of this context belong to."""


@contextmanager
def calls_of_conversation(conversation_id: "UUID | None") -> Iterator[None]:
    """Let the records of the calls within the block name this conversation."""
    token = _conversation_id.set(None if conversation_id is None else str(conversation_id))
    try:
        yield
    finally:
        _conversation_id.reset(token)


def conversation_of_this_call() -> str | None:
    return _conversation_id.get()


class CallRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One call that has ended; observers get it.

    Attributes:
        id: of this call: 32 hexadecimal digits. The provider's ids are on the response.
        operation: ``embeddings`` and ``rerank`` have their texts as messages of ``request``, and no answer in words.
        origin: who asked.
        conversation_id: of the conversation that it belongs to, in :class:`llmring.LLMRingSession`.
        started_at: seconds since 1970.
        seconds: from the start to the answer, the last chunk or the failure.
        first_chunk_s: seconds from the start to a stream's first chunk.
        streamed: the answer was asked for in chunks.
        request: as it was asked, with a list of messages of its own; the messages are the caller's.
        alias: what was asked for, unless it was a ``provider:model``.
        profile: the lockfile's profile that was used.
        model: who answered, or was asked or refused last.
        ending: ``aborted`` where the caller left a stream early or cancelled the call.
        response: the whole answer, or what had come of a stream.
        error: why there is no whole answer.
        attempts: every member of the pool that was tried or skipped.
        usage: tokens and cost; ``None`` where nothing was sent or nothing came of it.
        estimated: the provider did not report the whole usage: it is made of estimates (:mod:`llmring.tokens`).
        failed_cost: estimated dollars of attempts that came to nothing and may be billed all the same: their input,
            since nobody knows their output. It is not in ``usage``.
    """

    id: str
    operation: Operation = "chat"
    origin: str
    conversation_id: str | None = None
    started_at: float
    seconds: float
    first_chunk_s: float | None = None
    streamed: bool = False
    request: LLMRequest
    alias: str | None = None
    profile: str | None = None
    model: ModelRef | None = None
    ending: Ending
    response: LLMResponse | None = None
    error: BaseException | None = None
    attempts: Sequence[Attempt] = ()
    usage: Usage | None = None
    estimated: bool = False
    failed_cost: Decimal = Decimal(0)

    @property
    def cost(self) -> Decimal | None:
        """Dollars for what was used, without ``failed_cost``; ``None`` where that cannot be known."""
        cost = self.usage.get("cost") if self.usage is not None else None
        return None if cost is None else Decimal(repr(cost))


class Observer(Protocol):
    """Receives the record of each call that has ended.

    It is called while the caller still waits, so it only puts the record aside and does the work elsewhere. One that
    keeps something back may have ``async def aclose(self)``, which the ring's ``close()`` awaits.
    """

    def __call__(self, record: CallRecord, /) -> None:
        """Observe the call."""


class Observers:
    """Hands every record to all observers.

    Args:
        observers: in the order in which they are called.
        late: finds further ones when the first call begins.
    """

    def __init__(
        self, observers: Sequence[Observer] = (), *, late: Callable[[], Sequence[Observer]] | None = None
    ) -> None:
        self._observers = tuple(observers)
        self._late = late

    def add(self, observer: Observer) -> None:
        """Hand records to one more."""
        self._observers += (observer,)

    def __bool__(self) -> bool:
        if self._late is not None:
            self._observers += tuple(self._late())
            self._late = None
        return bool(self._observers)

    def notify(self, record: CallRecord) -> None:
        """Notify all of them. One that fails is logged: the caller's answer is worth more than its record."""
        for observer in self._observers:
            try:
                observer(record)
            except Exception:
                import logging  # noqa: PLC0415 - only for what must never happen

                logging.getLogger("llmring").exception("an observer failed on call %s", record.id)

    async def aclose(self) -> None:
        """Let all of them deliver what they keep back, one after the other, also where one fails."""
        async with AsyncExitStack() as closing:
            for observer in reversed(self._observers):
                close = getattr(observer, "aclose", None)
                if close is not None:
                    closing.push_async_callback(close)
