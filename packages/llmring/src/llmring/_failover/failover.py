"""The loop of failover: one attempt after another, each with its time limit and its trace, until one answers."""

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

import msgspec
from llmring_types import Attempt, LLMRequest
from llmring_types.exceptions import LLMRingError, ProviderTimeoutError

from llmring._failover.hedge import Outcome, hedged
from llmring._failover.limits import Limits, Permit, Queue
from llmring._failover.planner import Breakers, Planner, is_billed
from llmring._money.calls import CallBudget
from llmring._policy import Policy
from llmring._routing import Candidate, Route
from llmring._runtime import Clock, SystemClock, TimeLimitError, current_caller, within

if TYPE_CHECKING:
    from llmring._failover.pace import Pacer

T = TypeVar("T")

Attempting = Callable[[Candidate, Permit | None], Coroutine[Any, Any, T]]
"""Asks one candidate. It takes over the permit's place where its result goes on using it, as a stream does."""

_LEAST_WAIT_S = 0.001
"""A shorter one is no wait: it is what taking a free place costs."""


class Answered(msgspec.Struct, Generic[T], frozen=True):
    """The result of a call, and its attempts until then."""

    result: T
    attempts: list[Attempt]


class Failover:
    """Runs one call over the candidates of its route: the one owner of retries, deadlines and the trace of attempts."""

    def __init__(self, policy: Policy, *, clock: Clock | None = None) -> None:
        self.policy = policy
        self.clock: Clock = clock or SystemClock()
        self.breakers = Breakers(policy.breaker)
        self.limits = Limits(policy.max_concurrent)
        self.pacer: Pacer | None = None

    async def run(
        self,
        route: Route,
        attempt: Attempting[T],
        *,
        timeout: float | None,
        budget: CallBudget | None = None,
        whole: bool = True,
        discard: Callable[[T], None] | None = None,
        trace: list[Attempt] | None = None,
        started: float | None = None,
        request: LLMRequest | None = None,
    ) -> Answered[T]:
        """Try the candidates until one answers.

        Args:
            route: what to try.
            attempt: asks one candidate.
            timeout: seconds for one attempt, from the moment it is sent; ``None`` for no limit.
            budget: sets aside what each attempt may cost before it is sent.
            whole: whether a result is all of the answer; of one that only begins, the caller tells how it ends.
            discard: frees a result that came too late to count, when calls are hedged.
            trace: where the attempts are noted, for a caller who wants them of a cancelled call too.
            started: when the call began, by the clock of failover, if that was not now: the deadline counts from there.
            request: what is asked, for the estimate of its tokens where calls are paced.

        Raises:
            LLMRingError: the last attempt's own error; ``attempts`` on it lists all of them.
        """
        policy, deadline = self.policy, None
        if policy.deadline_s is not None:
            deadline = (self.clock.now() if started is None else started) + policy.deadline_s
        # Nothing is planned while the first candidate answers, unless calls are hedged.
        planner = (
            None if policy.hedge_after_s is None else Planner(route.candidates, policy, deadline=deadline)
        )
        attempts = _Attempts(
            self,
            attempt,
            budget,
            timeout=timeout,
            deadline=deadline,
            whole=whole,
            trace=trace,
            request=request,
        )
        failure: LLMRingError | None = None
        candidate = route.candidates[0]
        while True:
            if planner is None or policy.hedge_after_s is None:
                outcome = await attempts.make(candidate)
            else:
                outcome = await hedged(
                    candidate,
                    planner,
                    attempts.make,
                    delay=policy.hedge_after_s,
                    trace=attempts.trace,
                    discard=discard,
                )
            if outcome.error is None:
                return Answered(cast("T", outcome.result), attempts.trace)
            if outcome.sent or failure is None:
                failure = outcome.error
            if planner is None:
                planner = Planner(route.candidates, policy, deadline=deadline)
            step = planner.after(outcome.error, self.clock.now(), sent=outcome.sent)
            if step is None:
                break
            for passed_over in step.passed_over:
                attempts.skip(passed_over, step.reason)
            candidate = step.candidate
            if step.pause:
                await self.clock.sleep(step.pause)
        failure.attempts = tuple(attempts.trace)
        raise failure

    def record_late_failure(
        self, candidate: Candidate, error: LLMRingError, attempts: list[Attempt], started: float
    ) -> None:
        """Record that an attempt which had begun to answer failed in the middle of its stream."""
        now = self.clock.now()
        self.breakers.record_failure(candidate.ref, error, now)
        attempts[-1] = _failed_attempt(candidate, error, now - started, attempts[-1].waited_s)


class _Attempts(Generic[T]):
    """The attempts of one call: each waits for its leave to be sent, is sent, and leaves a trace."""

    def __init__(
        self,
        failover: Failover,
        attempt: Attempting[T],
        budget: CallBudget | None,
        *,
        timeout: float | None,
        deadline: float | None,
        whole: bool,
        trace: list[Attempt] | None,
        request: LLMRequest | None,
    ) -> None:
        self.trace = [] if trace is None else trace
        self._failover = failover
        self._attempt = attempt
        self._timeout = timeout
        self._deadline = deadline
        self._whole = whole
        self._budget = budget
        self._queue: Queue | None = None
        if budget is not None or failover.policy.max_concurrent or failover.pacer is not None:
            self._queue = Queue(
                failover.limits,
                failover.breakers,
                failover.clock,
                budget,
                failover.pacer,
                owner=current_caller(),
                deadline=deadline,
                request=request,
            )

    async def make(self, candidate: Candidate, sent: Callable[[], None] | None = None) -> Outcome[T]:
        """Ask a candidate, unless something is against it. ``sent`` is called at the moment that it is asked."""
        failover, ref, queue = self._failover, candidate.ref, self._queue
        refusal = candidate.unusable
        # A provider without its key has no lane: the keys name it.
        if queue is not None and (refusal is not None or not queue.concerns(ref.provider)):
            queue = None
        if refusal is None and failover.breakers.states:
            refusal = failover.breakers.refusal(ref, failover.clock.now(), probe=queue is None)
        permit, waited = None, 0.0
        if refusal is None and queue is not None:
            arrived = failover.clock.now()
            try:
                permit = await queue.pass_through(candidate)
            except LLMRingError as raised:
                refusal = raised
            except BaseException as stop:
                waited = _noticeable(failover.clock.now() - arrived)
                self.trace.append(_stopped_attempt(candidate, stop, 0.0, waited, billed=False))
                raise
            waited = _noticeable(failover.clock.now() - arrived)
        if refusal is not None:
            self.skip(candidate, str(refusal), waited)
            return Outcome(None, refusal, sent=False)
        if sent is not None:
            sent()
        return await self._send(candidate, permit, waited)

    def skip(self, candidate: Candidate, reason: str, waited: float = 0.0) -> None:
        """Record a candidate that is not asked."""
        self.trace.append(
            Attempt(
                model=str(candidate.ref), outcome="skipped", message=reason, waited_s=waited, billed=False
            )
        )

    async def _send(self, candidate: Candidate, permit: Permit | None, waited: float) -> Outcome[T]:
        failover, ref, limit = self._failover, candidate.ref, self._timeout
        started, left = failover.clock.now(), None
        if self._deadline is not None:
            left = max(0.0, self._deadline - started)
            limit = left if limit is None else min(limit, left)
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
        if failover.pacer is not None:
            await failover.pacer.failed(ref, error, None if permit is None else permit.ticket)
        failed = _failed_attempt(candidate, error, now - started, waited)
        self.trace.append(failed)
        self._give_back(candidate, permit, error, billed=failed.billed)
        return Outcome(None, error)

    def _give_back(
        self,
        candidate: Candidate,
        permit: Permit | None,
        error: BaseException,
        *,
        billed: bool | None = None,
    ) -> None:
        if permit is None:
            return
        permit.leave()
        if self._budget is not None and permit.reservation is not None:
            self._budget.settle_failure(permit.reservation, candidate, error, billed=billed)


def _failed_attempt(candidate: Candidate, error: LLMRingError, seconds: float, waited: float) -> Attempt:
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


def _noticeable(seconds: float) -> float:
    return seconds if seconds >= _LEAST_WAIT_S else 0.0
