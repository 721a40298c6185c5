"""The attempts of one call: each waits for its leave to be sent, is sent, and leaves a trace."""

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec
from llmring_types import Attempt
from llmring_types.exceptions import LLMRingError, ProviderTimeoutError

from llmring._failover.hedge import Outcome, race
from llmring._failover.limits import Permit
from llmring._failover.planner import Planner
from llmring._money.calls import CallBudget
from llmring._money.estimates import is_billed
from llmring._routing import Candidate
from llmring._runtime import TimeLimitError, current_caller, within

if TYPE_CHECKING:
    from llmring._failover.failover import Failover

T = TypeVar("T")

Attempting = Callable[[Candidate, Permit | None], Coroutine[Any, Any, T]]
"""Asks one candidate. It takes over the permit's place where its result goes on using it, as a stream does."""

_LEAST_WAIT_S = 0.001
"""A shorter one is no wait: it is what taking a free place costs."""


class Attempts(Generic[T]):
    """The attempts of one call."""

    def __init__(
        self,
        failover: "Failover",
        attempt: Attempting[T],
        discard: Callable[[T], None] | None,
        planner: Planner | None,
        budget: CallBudget | None,
        *,
        timeout: float | None,
        deadline: float | None,
        whole: bool,
        trace: list[Attempt] | None,
    ) -> None:
        self.trace = [] if trace is None else trace
        self._failover = failover
        self._attempt = attempt
        self._discard = discard
        self._planner = planner
        self._timeout = timeout
        self._deadline = deadline
        self._whole = whole
        self._budget = budget
        self._owner = current_caller() if budget is not None or failover.policy.max_concurrent else None

    def make(self, candidate: Candidate) -> Coroutine[Any, Any, Outcome[T]]:
        """Ask a candidate, and the next one beside it if calls are hedged and this one is slow."""
        delay, planner = self._failover.policy.hedge_after_s, self._planner
        backup = None if planner is None else planner.following()
        if delay is None or planner is None or backup is None or backup.unusable is not None:
            return self._once(candidate)
        return self._hedged(candidate, backup, delay, planner)

    async def _hedged(
        self, candidate: Candidate, backup: Candidate, delay: float, planner: Planner
    ) -> Outcome[T]:
        first, second, both = await race(
            lambda sent: self._once(candidate, sent), lambda: self._once(backup), delay, self._discard
        )
        if both:
            planner.advance()
        return self._chosen([(candidate, first), (backup, second)])

    def skipped(self, candidate: Candidate, reason: str, waited: float = 0.0) -> None:
        """Take note of a candidate that is not asked."""
        self.trace.append(
            Attempt(
                model=str(candidate.ref), outcome="skipped", message=reason, waited_s=waited, billed=False
            )
        )

    def _chosen(self, outcomes: list[tuple[Candidate, Outcome[T] | None]]) -> Outcome[T]:
        """Take the first good outcome, or the last error; another good one came too late and is freed."""
        ended = [(who, outcome) for who, outcome in outcomes if outcome is not None]
        good = [(who, outcome) for who, outcome in ended if outcome.error is None]
        if not good:
            failed = [outcome for _, outcome in ended]
            return ([outcome for outcome in failed if outcome.sent] or failed)[-1]
        for who, late in good[1:]:
            self._withdraw(who)
            if self._discard is not None and late.result is not None:
                self._discard(late.result)
        self.trace.sort(key=lambda tried: tried.outcome == "ok")  # who answered stands last
        return good[0][1]

    def _withdraw(self, late: Candidate) -> None:
        place = next(place for place, tried in enumerate(self.trace) if tried.model == str(late.ref))
        self.trace[place] = msgspec.structs.replace(self.trace[place], outcome="cancelled")

    async def _once(self, candidate: Candidate, sent: Callable[[], None] = lambda: None) -> Outcome[T]:
        failover, ref = self._failover, candidate.ref
        queued = self._budget is not None or ref.provider in failover.policy.max_concurrent
        refusal = candidate.unusable
        if refusal is None and failover.breakers.states:
            refusal = failover.breakers.refusal(ref, failover.clock.now(), probe=not queued)
        permit = None
        waited = 0.0
        if refusal is None and queued:
            arrived = failover.clock.now()
            try:
                permit = await self._admit(candidate)
            except LLMRingError as raised:
                refusal = raised
            except BaseException as stop:
                self.trace.append(_stopped_attempt(candidate, stop, 0.0, self._waited(arrived), billed=False))
                raise
            waited = self._waited(arrived)
        if refusal is not None:
            self.skipped(candidate, str(refusal), waited)
            return Outcome(None, refusal, sent=False)
        sent()
        return await self._send(candidate, permit, waited)

    async def _admit(self, candidate: Candidate) -> Permit:
        """Wait for a place and for the budget, within the deadline, and look again at what may have changed meanwhile.

        Raises:
            LLMRingError: the candidate must not be asked now. It tells nothing about the model.
        """
        left = self._left()
        try:
            permit = await within(left, self._queue(candidate))
        except TimeLimitError:
            raise self._too_late(candidate, left) from None
        now = self._failover.clock.now()
        refusal: LLMRingError | None = None
        if self._deadline is not None and now >= self._deadline:
            refusal = self._too_late(candidate, left)
        refusal = refusal or self._failover.breakers.refusal(candidate.ref, now)
        if refusal is not None:
            permit.cancel()
            raise refusal
        return permit

    async def _queue(self, candidate: Candidate) -> Permit:
        place = await self._failover.limits.take(candidate.ref.provider, self._owner)
        try:
            reservation = None if self._budget is None else await self._budget.reserve(candidate, self._owner)
        except BaseException:
            if place is not None:
                place.release()
            raise
        return Permit(place, reservation)

    async def _send(self, candidate: Candidate, permit: Permit | None, waited: float) -> Outcome[T]:
        failover, ref = self._failover, candidate.ref
        started, left = failover.clock.now(), self._left()
        limit = _shorter(self._timeout, left)
        try:
            work = self._attempt(candidate, permit)
            result = await within(limit, work, movable=not self._whole, at_most=left)
        except TimeLimitError:
            error: LLMRingError = ProviderTimeoutError(
                f"{ref} did not answer within {limit:g} s",
                provider=ref.provider,
                model=ref.model,
                timeout=limit,
            )
        except LLMRingError as raised:
            error = raised
        except BaseException as stop:
            failover.breakers.release_probe(ref)
            self.trace.append(_stopped_attempt(candidate, stop, failover.clock.now() - started, waited))
            self._give_back(candidate, permit, stop)
            raise
        else:
            if failover.breakers.states:
                failover.breakers.record_success(ref, whole=self._whole)
            seconds = failover.clock.now() - started
            self.trace.append(
                Attempt(model=str(ref), outcome="ok", seconds=seconds, waited_s=waited, billed=True)
            )
            if permit is not None:
                permit.leave()
            return Outcome(result)
        now = failover.clock.now()
        failover.breakers.record_failure(ref, error, now)
        self.trace.append(failed_attempt(candidate, error, now - started, waited))
        self._give_back(candidate, permit, error)
        return Outcome(None, error)

    def _give_back(self, candidate: Candidate, permit: Permit | None, error: BaseException) -> None:
        if permit is None:
            return
        permit.leave()
        if self._budget is not None and permit.reservation is not None:
            self._budget.settle_failure(permit.reservation, candidate, error)

    def _too_late(self, candidate: Candidate, seconds: float | None) -> ProviderTimeoutError:
        return ProviderTimeoutError(
            f"the deadline of the call came after {seconds:g} s in llmring's own queue, for a place (max_concurrent) or "
            "for budget that calls under way had set aside; nothing was sent",
            provider=candidate.ref.provider,
            model=candidate.ref.model,
            timeout=seconds,
        )

    def _waited(self, since: float) -> float:
        seconds = self._failover.clock.now() - since
        return seconds if seconds >= _LEAST_WAIT_S else 0.0

    def _left(self) -> float | None:
        """Seconds until the deadline."""
        return None if self._deadline is None else max(0.0, self._deadline - self._failover.clock.now())


def failed_attempt(candidate: Candidate, error: LLMRingError, seconds: float, waited: float) -> Attempt:
    """Return the trace of an attempt that failed."""
    return Attempt(
        model=str(candidate.ref),
        outcome="error",
        error=type(error).__name__,
        message=str(error),
        status_code=getattr(error, "status_code", None),
        seconds=seconds,
        waited_s=waited,
        billed=is_billed(error),
    )


def _stopped_attempt(
    candidate: Candidate, stop: BaseException, seconds: float, waited: float, *, billed: bool | None = None
) -> Attempt:
    """Return the trace of one that was cancelled; an ``Exception`` is a mistake in the provider's own code."""
    mistake = isinstance(stop, Exception)
    return Attempt(
        model=str(candidate.ref),
        outcome="error" if mistake else "cancelled",
        error=type(stop).__name__ if mistake else None,
        seconds=seconds,
        waited_s=waited,
        billed=billed,
    )


def _shorter(one: float | None, other: float | None) -> float | None:
    """The shorter of two limits; ``None`` is no limit."""
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)
