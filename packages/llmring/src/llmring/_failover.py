"""The one owner of retries, deadlines and the trace of attempts."""

from collections.abc import Callable, Coroutine
from typing import Any, Generic, NamedTuple, TypeVar

from llmring_types import Attempt
from llmring_types.exceptions import (
    LLMRingError,
    MalformedResponseError,
    ProviderConnectionError,
    ProviderTimeoutError,
    StructuredOutputError,
)

from llmring._breaker import Breakers
from llmring._planner import Planner
from llmring._policy import Policy
from llmring._routing import Candidate, Route
from llmring._runtime import Clock, SystemClock, TimeLimitError, within

T = TypeVar("T")


class Answered(NamedTuple, Generic[T]):
    """What an attempt gave, by whom, and what was tried before."""

    result: T
    candidate: Candidate
    attempts: list[Attempt]


class Failover:
    """Runs one call over the candidates of its route."""

    def __init__(self, policy: Policy, *, clock: Clock | None = None) -> None:
        self.policy = policy
        self.clock: Clock = clock or SystemClock()
        self.breakers = Breakers(policy.breaker)

    async def run(
        self, route: Route, attempt: Callable[[Candidate], Coroutine[Any, Any, T]], *, timeout: float | None
    ) -> Answered[T]:
        """Try the candidates until one answers.

        Args:
            route: what to try.
            attempt: asks one candidate.
            timeout: seconds for one attempt; ``None`` for no limit.

        Raises:
            LLMRingError: the last attempt's own error; ``attempts`` on it lists all of them.
        """
        started = self.clock.now()
        deadline = None if self.policy.deadline_s is None else started + self.policy.deadline_s
        planner = Planner(route.candidates, self.policy, deadline=deadline)
        trace: list[Attempt] = []
        failure: LLMRingError | None = None
        step = planner.first()
        while True:
            if step.pause:
                await self.clock.sleep(step.pause)
            candidate = step.candidate
            error = candidate.unusable or self.breakers.refusal(candidate.ref, self.clock.now())
            sent = error is None
            if error is None:
                limit = self._limit(timeout, deadline)
                try:
                    return Answered(await self._once(candidate, attempt, limit, trace), candidate, trace)
                except LLMRingError as raised:
                    failure = error = raised
            else:
                trace.append(
                    Attempt(model=str(candidate.ref), outcome="skipped", message=str(error), billed=False)
                )
                failure = failure or error
            following = planner.after(error, self.clock.now(), sent=sent)
            if following is None:
                break
            step = following
        failure.attempts = tuple(trace)
        raise failure

    def failed_later(
        self, candidate: Candidate, error: LLMRingError, attempts: list[Attempt], started: float
    ) -> None:
        """Take note that an attempt which had begun to answer failed in the middle of its stream."""
        now = self.clock.now()
        self.breakers.failed(candidate.ref, error, now)
        attempts[-1] = failed_attempt(candidate, error, now - started)

    async def _once(
        self,
        candidate: Candidate,
        attempt: Callable[[Candidate], Coroutine[Any, Any, T]],
        limit: float | None,
        trace: list[Attempt],
    ) -> T:
        ref, started = candidate.ref, self.clock.now()
        try:
            result = await within(limit, attempt(candidate))
        except TimeLimitError:
            error: LLMRingError = ProviderTimeoutError(
                f"{ref} did not answer within {limit:g} s",
                provider=ref.provider,
                model=ref.model,
                timeout=limit,
            )
        except LLMRingError as raised:
            error = raised
        except BaseException:
            self.breakers.abandoned(ref)
            raise
        else:
            self.breakers.succeeded(ref)
            trace.append(
                Attempt(model=str(ref), outcome="ok", seconds=self.clock.now() - started, billed=True)
            )
            return result
        now = self.clock.now()
        self.breakers.failed(ref, error, now)
        trace.append(failed_attempt(candidate, error, now - started))
        raise error

    def _limit(self, timeout: float | None, deadline: float | None) -> float | None:
        if deadline is None:
            return timeout
        left = max(0.0, deadline - self.clock.now())
        return left if timeout is None else min(timeout, left)


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


def _billed(error: LLMRingError) -> bool | None:
    """Whether the provider charges for a failure: it may have worked on what we did not hear the end of."""
    if isinstance(error, StructuredOutputError):
        return True
    if isinstance(error, (ProviderTimeoutError, ProviderConnectionError, MalformedResponseError)):
        return None if getattr(error, "status_code", None) is None else False
    return False
