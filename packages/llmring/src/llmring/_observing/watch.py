"""One call, watched from its start to its end for those who want a record of it."""

import copy
import os
import time
from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache

import msgspec
from llmring_types import Attempt, LLMRequest, LLMResponse, ModelRef, Usage
from llmring_types.exceptions import ProviderError, StructuredOutputError

from llmring._money.accounting import Accounting, check_counts
from llmring._money.estimates import completed_usage, input_usage, maybe_billed
from llmring._records import CallRecord, Ending, Observer, Observers, Operation, conversation_of_this_call
from llmring._routing import Route
from llmring._runtime import Clock

_NOTHING = Decimal(0)
_reference = lru_cache(256)(ModelRef.parse)
"""Reads what an attempt says of its model, which is one of few."""


class Watcher:
    """Watches the calls that somebody wants to know about.

    Args:
        origin: who asks.
        observers: get the records.
        accounting: prices what the provider did not report.
        clock: measures the calls.
    """

    def __init__(self, origin: str, observers: Observers, accounting: Accounting, clock: Clock) -> None:
        self.origin = origin
        self.observers = observers
        self.accounting = accounting
        self.clock = clock
        self.watches: bool | None = None
        """True if calls are watched; unknown before the first, when the observers are all there."""

    def add(self, observer: Observer) -> None:
        """Notify one more observer of the calls that begin from now on."""
        self.observers.add(observer)
        self.watches = None

    def begin(
        self,
        request: LLMRequest,
        route: Route,
        *,
        streamed: bool = False,
        operation: Operation = "chat",
    ) -> "Watch | None":
        """Watch a call that begins now; ``None`` where nobody wants to know."""
        if self.watches is None:
            self.watches = bool(self.observers)
        if not self.watches:
            return None
        return Watch(self, request, route, streamed=streamed, operation=operation)


class Watch:
    """Becomes a record when the call ends, in one of its three ways. Only the first end counts.

    Attributes:
        id: the call's.
        attempts: where failover keeps its trace.
    """

    def __init__(
        self, watcher: Watcher, request: LLMRequest, route: Route, *, streamed: bool, operation: Operation
    ) -> None:
        self._operation: Operation = operation
        self._conversation_id = conversation_of_this_call()
        self.id = os.urandom(16).hex()
        self.attempts: list[Attempt] = []
        self._watcher = watcher
        self._request = copy.copy(request)
        self._request.messages = list(request.messages)
        self._route = route
        self._streamed = streamed
        self._started_at = time.time()
        self._started = watcher.clock.now()
        self._first_chunk_s: float | None = None
        self._ended = False

    def first_chunk(self) -> None:
        """The first chunk of a stream has come."""
        self._first_chunk_s = self._watcher.clock.now() - self._started

    def report_answer(self, response: LLMResponse) -> None:
        """The whole answer is there."""
        self._end("answered", self.attempts, copy.copy(response))

    def report_failure(self, error: BaseException) -> None:
        """The call ended with this error; one that is not an ``Exception`` is how event loops cancel."""
        response = None
        if isinstance(error, StructuredOutputError):
            response = error.response
        elif isinstance(error, ProviderError):
            response = error.partial
        self._end("failed" if isinstance(error, Exception) else "aborted", self.attempts, response, error)

    def report_abort(self, partial: LLMResponse) -> None:
        """The caller left a stream when this much of it had come."""
        attempts = list(self.attempts)
        attempts[-1] = msgspec.structs.replace(attempts[-1], outcome="cancelled")
        self._end("aborted", attempts, partial)

    def _end(
        self,
        ending: Ending,
        attempts: Sequence[Attempt],
        response: LLMResponse | None,
        error: BaseException | None = None,
    ) -> None:
        if self._ended:
            return
        self._ended = True
        watcher = self._watcher
        usage, estimated = self._usage(attempts, response, whole=ending == "answered")
        accounted = attempts[:-1] if usage is not None else attempts
        record = CallRecord(
            id=self.id,
            operation=self._operation,
            origin=watcher.origin,
            conversation_id=self._conversation_id,
            started_at=self._started_at,
            seconds=watcher.clock.now() - self._started,
            first_chunk_s=self._first_chunk_s,
            streamed=self._streamed,
            request=self._request,
            alias=self._route.alias,
            profile=self._route.profile,
            model=_model(attempts, response),
            ending=ending,
            response=response,
            error=error,
            attempts=tuple(attempts),
            usage=usage,
            estimated=estimated,
            failed_cost=self._failed_cost(accounted),
        )
        watcher.observers.notify(record)

    def _usage(
        self, attempts: Sequence[Attempt], response: LLMResponse | None, *, whole: bool
    ) -> tuple[Usage | None, bool]:
        if response is None or not attempts or attempts[-1].billed is False:
            return None, False
        if not whole:
            check_counts(response, self._request)
        whole = whole or response.finish_reason is not None
        usage, estimated = completed_usage(self._request, response, whole=whole)
        if estimated or "cost_status" not in usage:
            ref = _reference(attempts[-1].model)
            self._watcher.accounting.price_estimate(usage, ref, response.provider_model)
        return usage, estimated

    def _failed_cost(self, attempts: Sequence[Attempt]) -> Decimal:
        total, usage = _NOTHING, None
        for attempt in maybe_billed(attempts):
            usage = usage or input_usage(self._request)
            total += self._watcher.accounting.cost(usage, _reference(attempt.model)) or _NOTHING
        return total


def _model(attempts: Sequence[Attempt], response: LLMResponse | None) -> ModelRef | None:
    name = attempts[-1].model if attempts else "" if response is None else response.model
    return _reference(name) if name else None
