"""The one owner of retries, deadlines and the trace of attempts."""

from collections.abc import Callable
from typing import Generic, TypeVar, cast

import msgspec
from llmring_types import Attempt
from llmring_types.exceptions import LLMRingError

from llmring._failover.attempts import Attempting, Attempts, failed_attempt
from llmring._failover.breaker import Breakers
from llmring._failover.limits import Limits
from llmring._failover.planner import Planner
from llmring._money.calls import CallBudget
from llmring._policy import Policy
from llmring._routing import Candidate, Route
from llmring._runtime import Clock, SystemClock

T = TypeVar("T")


class Answered(msgspec.Struct, Generic[T], frozen=True):
    """The result of a call, and its attempts until then."""

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
        attempt: Attempting[T],
        *,
        timeout: float | None,
        budget: CallBudget | None = None,
        whole: bool = True,
        discard: Callable[[T], None] | None = None,
        trace: list[Attempt] | None = None,
        started: float | None = None,
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

        Raises:
            LLMRingError: the last attempt's own error; ``attempts`` on it lists all of them.
        """
        deadline = None
        if self.policy.deadline_s is not None:
            deadline = (self.clock.now() if started is None else started) + self.policy.deadline_s
        planner: Planner | None = (
            None  # nothing is planned while the first candidate answers, unless calls are hedged
        )
        if self.policy.hedge_after_s is not None:
            planner = self._plan(route, deadline)
        attempts = Attempts(
            self,
            attempt,
            discard,
            planner,
            budget,
            timeout=timeout,
            deadline=deadline,
            whole=whole,
            trace=trace,
        )
        failure: LLMRingError | None = None
        candidate = route.candidates[0]
        while True:
            outcome = await attempts.make(candidate)
            if outcome.error is None:
                return Answered(cast("T", outcome.result), attempts.trace)
            if outcome.sent or failure is None:
                failure = outcome.error
            if planner is None:
                planner = self._plan(route, deadline)
            step = planner.after(outcome.error, self.clock.now(), sent=outcome.sent)
            if step is None:
                break
            for passed_over in step.passed_over:
                attempts.skipped(passed_over, step.reason)
            candidate = step.candidate
            if step.pause:
                await self.clock.sleep(step.pause)
        failure.attempts = tuple(attempts.trace)
        raise failure

    def _plan(self, route: Route, deadline: float | None) -> Planner:
        return Planner(route.candidates, self.policy, deadline=deadline)

    def record_late_failure(
        self, candidate: Candidate, error: LLMRingError, attempts: list[Attempt], started: float
    ) -> None:
        """Take note that an attempt which had begun to answer failed in the middle of its stream."""
        now = self.clock.now()
        self.breakers.record_failure(candidate.ref, error, now)
        attempts[-1] = failed_attempt(candidate, error, now - started, attempts[-1].waited_s)
