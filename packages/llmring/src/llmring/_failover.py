"""The one owner of retries, deadlines and the trace of attempts."""

from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar, cast

import msgspec
from llmring_types import Attempt
from llmring_types.exceptions import (
    LLMRingError,
    ProviderConnectionError,
    ProviderRateLimitError,
    ProviderResponseError,
    ProviderTimeoutError,
    StructuredOutputError,
)

from llmring._breaker import Breakers
from llmring._hedge import Outcome, race
from llmring._limits import Limits
from llmring._planner import Planner
from llmring._policy import Policy
from llmring._routing import Candidate, Route
from llmring._runtime import Clock, SystemClock, TimeLimitError, within

T = TypeVar("T")

_SENT = (ProviderTimeoutError, ProviderConnectionError, ProviderRateLimitError, ProviderResponseError)
"""Errors of requests that were sent; those without a status came in place of an answer or within one."""


class Answered(msgspec.Struct, Generic[T], frozen=True):
    """What an attempt gave, and what was tried until then."""

    result: T
    attempts: list[Attempt]


class Failover:
    """Runs one call over the candidates of its route."""

    def __init__(self, policy: Policy, *, clock: Clock | None = None) -> None:
        self.policy = policy
        self.clock: Clock = clock or SystemClock()
        self.breakers = Breakers(policy.breaker)
        self.limits = Limits(policy.max_concurrent)

    async def run(
        self,
        route: Route,
        attempt: Callable[[Candidate], Coroutine[Any, Any, T]],
        *,
        timeout: float | None,
        whole: bool = True,
        discard: Callable[[T], None] | None = None,
        trace: list[Attempt] | None = None,
        started: float | None = None,
    ) -> Answered[T]:
        """Try the candidates until one answers.

        Args:
            route: what to try.
            attempt: asks one candidate.
            timeout: seconds for one attempt; ``None`` for no limit.
            whole: whether a result is all of the answer; of one that only begins, the caller tells how it ends.
            discard: frees a result that came too late to count, when calls are hedged.
            trace: where the attempts are noted, for a caller who wants them of a cancelled call too.
            started: when the call began, by the clock of failover, if that was not now: the deadline counts from there.

        Raises:
            LLMRingError: the last attempt's own error; ``attempts`` on it lists all of them.
        """
        deadline = None
        if self.policy.deadline_s is not None:
            deadline = (self.clock.now() if started is None else started) + self.policy.deadline_s
        planner = Planner(route.candidates, self.policy, deadline=deadline)
        run = _Run(
            self, attempt, discard, planner, timeout=timeout, deadline=deadline, whole=whole, trace=trace
        )
        failure: LLMRingError | None = None
        step = planner.first()
        while True:
            if step.pause:
                await self.clock.sleep(step.pause)
            outcome = await run.ask(step.candidate)
            if outcome.error is None:
                return Answered(cast("T", outcome.result), run.trace)
            if outcome.sent or failure is None:
                failure = outcome.error
            following = planner.after(outcome.error, self.clock.now(), sent=outcome.sent)
            if following is None:
                break
            step = following
            for candidate in step.passed_over:
                run.skipped(candidate, step.reason)
        failure.attempts = tuple(run.trace)
        raise failure

    def refusal(self, candidate: Candidate) -> LLMRingError | None:
        """Why the candidate must not be asked now; whoever gets ``None`` has to ask it, and tell how it went."""
        return candidate.unusable or self.breakers.refusal(candidate.ref, self.clock.now())

    def failed_later(
        self, candidate: Candidate, error: LLMRingError, attempts: list[Attempt], started: float
    ) -> None:
        """Take note that an attempt which had begun to answer failed in the middle of its stream."""
        now = self.clock.now()
        self.breakers.failed(candidate.ref, error, now)
        attempts[-1] = failed_attempt(candidate, error, now - started)


class _Run(Generic[T]):
    """The attempts of one call."""

    def __init__(
        self,
        failover: Failover,
        attempt: Callable[[Candidate], Coroutine[Any, Any, T]],
        discard: Callable[[T], None] | None,
        planner: Planner,
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

    def ask(self, candidate: Candidate) -> Coroutine[Any, Any, Outcome[T]]:
        """Ask a candidate, and the next one beside it if calls are hedged and this one is slow."""
        delay, backup = self._failover.policy.hedge_after_s, self._planner.following()
        if delay is None or backup is None or backup.unusable is not None:
            return self._once(candidate)
        return self._hedged(candidate, backup, delay)

    async def _hedged(self, candidate: Candidate, backup: Candidate, delay: float) -> Outcome[T]:
        first, second, both = await race(
            lambda: self._once(candidate), lambda: self._once(backup), delay, self._discard
        )
        if both:
            self._planner.advance()
        return self._chosen([(candidate, first), (backup, second)])

    def skipped(self, candidate: Candidate, reason: str) -> None:
        """Take note of a candidate that is not asked."""
        self.trace.append(Attempt(model=str(candidate.ref), outcome="skipped", message=reason, billed=False))

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

    async def _once(self, candidate: Candidate) -> Outcome[T]:
        failover, ref = self._failover, candidate.ref
        refusal = failover.refusal(candidate)
        if refusal is not None:
            self.skipped(candidate, str(refusal))
            return Outcome(None, refusal, sent=False)
        started, left = failover.clock.now(), self._left()
        limit = _shorter(self._timeout, left)
        try:
            work = self._attempt(candidate)
            result = await within(limit, work, movable=not self._whole, at_most=left)
        except TimeLimitError:
            if failover.limits.was_in_vain(ref.provider):
                return self._never_sent(candidate, limit)
            error: LLMRingError = ProviderTimeoutError(
                f"{ref} did not answer within {limit:g} s",
                provider=ref.provider,
                model=ref.model,
                timeout=limit,
            )
        except LLMRingError as raised:
            error = raised
        except BaseException as stop:
            failover.breakers.abandoned(ref)
            self.trace.append(_stopped_attempt(candidate, stop, failover.clock.now() - started))
            raise
        else:
            failover.breakers.succeeded(ref, whole=self._whole)
            seconds = failover.clock.now() - started
            self.trace.append(Attempt(model=str(ref), outcome="ok", seconds=seconds, billed=True))
            return Outcome(result)
        now = failover.clock.now()
        failover.breakers.failed(ref, error, now)
        self.trace.append(failed_attempt(candidate, error, now - started))
        return Outcome(None, error)

    def _never_sent(self, candidate: Candidate, limit: float | None) -> Outcome[T]:
        """Take note of a candidate for which there was no place in time; it tells nothing about the model."""
        ref = candidate.ref
        self._failover.breakers.abandoned(ref)
        error = ProviderTimeoutError(
            f"as many calls as max_concurrent allows were under way for {limit:g} s; nothing was sent",
            provider=ref.provider,
            model=ref.model,
            timeout=limit,
        )
        self.skipped(candidate, str(error))
        return Outcome(None, error, sent=False)

    def _left(self) -> float | None:
        """Seconds until the deadline."""
        return None if self._deadline is None else max(0.0, self._deadline - self._failover.clock.now())


def failed_attempt(candidate: Candidate, error: LLMRingError, seconds: float) -> Attempt:
    """Return the trace of an attempt that failed."""
    return Attempt(
        model=str(candidate.ref),
        outcome="error",
        error=type(error).__name__,
        message=str(error),
        status_code=getattr(error, "status_code", None),
        seconds=seconds,
        billed=_billed(error),
    )


def _stopped_attempt(candidate: Candidate, stop: BaseException, seconds: float) -> Attempt:
    """Return the trace of one that was cancelled; an ``Exception`` is a mistake in the provider's own code."""
    if isinstance(stop, Exception):
        return Attempt(model=str(candidate.ref), outcome="error", error=type(stop).__name__, seconds=seconds)
    return Attempt(model=str(candidate.ref), outcome="cancelled", seconds=seconds)


def _shorter(one: float | None, other: float | None) -> float | None:
    """The shorter of two limits; ``None`` is no limit."""
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)


def _billed(error: LLMRingError) -> bool | None:
    """Whether the provider charges for a failure: it may have worked on what we did not hear the end of."""
    if isinstance(error, StructuredOutputError):
        return True
    if isinstance(error, _SENT):
        return None if getattr(error, "status_code", None) is None else False
    return False
