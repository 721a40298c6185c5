"""Who gets to know how calls end."""

from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from typing import Protocol

from llmring._records import CallRecord


class Observer(Protocol):
    """Takes note of calls that have ended.

    It is called while the caller still waits, so it only puts the record aside and does the work elsewhere. One that
    keeps something back may have ``async def aclose(self)``, which the ring's ``close()`` awaits.
    """

    def __call__(self, record: CallRecord, /) -> None:
        """Take note."""


class Observers:
    """Hands every record to all observers.

    Args:
        observers: in the order in which they are told.
        late: finds further ones when the first call begins.
    """

    def __init__(
        self, observers: Sequence[Observer] = (), *, late: Callable[[], Sequence[Observer]] | None = None
    ) -> None:
        self._observers = tuple(observers)
        self._late = late

    def __bool__(self) -> bool:
        if self._late is not None:
            self._observers += tuple(self._late())
            self._late = None
        return bool(self._observers)

    def notify(self, record: CallRecord) -> None:
        """Tell all of them. One that fails is logged: the caller's answer is worth more than its record."""
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
