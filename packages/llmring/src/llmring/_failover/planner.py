"""The rules of failover: the next candidate, the pause before it, and the models that are left alone.

All of it is pure: the time is passed in.
"""

import random
from collections.abc import Callable, Sequence
from itertools import takewhile

import msgspec
from llmring_types import ModelRef
from llmring_types.exceptions import (
    CircuitBreakerError,
    LLMRingError,
    ProviderAuthenticationError,
    ProviderConnectionError,
    ProviderRateLimitError,
    ProviderRequestTooLargeError,
    ProviderResponseError,
    ProviderServerError,
    ProviderTimeoutError,
    StreamInterruptedError,
    StructuredOutputError,
)

from llmring._policy import BreakerPolicy, Policy
from llmring._routing import Candidate

_AVAILABILITY = (ProviderConnectionError, ProviderServerError, ProviderTimeoutError, StreamInterruptedError)
_SENT = (ProviderTimeoutError, ProviderConnectionError, ProviderRateLimitError, ProviderResponseError)
"""Errors of requests that were sent; those without a status came in place of an answer or within one."""


class Step(msgspec.Struct, frozen=True):
    """The next candidate to try.

    Attributes:
        candidate: whom to ask.
        pause: seconds to wait before.
        passed_over: candidates before it that are not worth trying.
        reason: why they are not.
    """

    candidate: Candidate
    pause: float = 0.0
    passed_over: Sequence[Candidate] = ()
    reason: str = ""


class Planner:
    """Goes through the candidates in order, each one once; only the last one is asked again. The first is under way.

    Args:
        candidates: the route's, at least one.
        policy: retries and what moves on.
        deadline: the moment after which nothing may start, on the same clock as ``now``; ``None`` for none.
        draw: a random number from 0 to 1, for the jitter.
    """

    def __init__(
        self,
        candidates: Sequence[Candidate],
        policy: Policy,
        *,
        deadline: float | None = None,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._candidates = candidates
        self._policy = policy
        self._deadline = deadline
        self._draw = draw
        self._position = 0
        self._tries = 1

    @property
    def _current(self) -> Candidate:
        return self._candidates[self._position]

    def following(self) -> Candidate | None:
        """The next candidate, if there is one."""
        place = self._position + 1
        return self._candidates[place] if place < len(self._candidates) else None

    def advance(self) -> None:
        """Record that the next candidate was tried beside the current one."""
        self._position += 1

    def after(self, error: LLMRingError, now: float, *, sent: bool = True) -> Step | None:
        """Return the step after this failure, or ``None`` when the call has failed.

        Args:
            error: why the current candidate did not answer.
            now: the time.
            sent: ``False`` where the candidate was skipped; it is then not asked again.
        """
        if self._expired(now):
            return None
        rest = self._candidates[self._position + 1 :]
        if not rest:
            return self._retry(error, now) if sent and error.retryable else None
        passed_over: Sequence[Candidate] = ()
        reason = ""
        if sent and isinstance(error, ProviderRequestTooLargeError):
            passed_over = self._no_larger(rest)
            reason = "its context window is no larger"
        elif sent and isinstance(error, ProviderAuthenticationError):
            if not self._policy.fail_over_on_authentication:
                return None
            passed_over = self._of_this_provider(rest)
            reason = f"the key of {self._current.ref.provider} was refused"
        elif sent and not error.fails_over:
            return None
        for _ in passed_over:
            self.advance()
        following = self.following()
        if following is None:
            return None
        self.advance()
        return Step(following, passed_over=passed_over, reason=reason if passed_over else "")

    def _retry(self, error: LLMRingError, now: float) -> Step | None:
        retry = self._policy.retry
        if self._tries >= retry.attempts:
            return None
        wish: float | None = getattr(error, "retry_after", None)
        if wish is not None and wish > retry.retry_after_cap_s:
            return None
        pause = wish
        if pause is None:
            pause = self._draw() * min(retry.max_s, retry.base_s * 2 ** (self._tries - 1))
        if self._expired(now + pause):
            return None
        self._tries += 1
        return Step(self._current, pause)

    def _of_this_provider(self, rest: Sequence[Candidate]) -> Sequence[Candidate]:
        """The next candidates that would show the same key."""
        here = self._current.ref.provider
        return tuple(takewhile(lambda other: other.ref.provider == here, rest))

    def _no_larger(self, rest: Sequence[Candidate]) -> Sequence[Candidate]:
        """The next candidates whose context window is known to be no larger than the current one's."""
        here = _window(self._current)
        if here is None:
            return ()
        return tuple(takewhile(lambda other: (_window(other) or here + 1) <= here, rest))

    def _expired(self, moment: float) -> bool:
        return self._deadline is not None and moment >= self._deadline


def _window(candidate: Candidate) -> int | None:
    return None if candidate.facts is None else candidate.facts.context_window


class _State(msgspec.Struct):
    failures: int = 0
    opened_at: float | None = None
    probing: bool = False


class Breakers:
    """One breaker per model, kept only while the model fails."""

    def __init__(self, policy: BreakerPolicy | None) -> None:
        self._policy = policy
        self.states: dict[ModelRef, _State] = {}
        """Empty while all is well, which callers on the hot path look at before they ask."""

    def refusal(self, ref: ModelRef, now: float, *, probe: bool = True) -> CircuitBreakerError | None:
        """Return why the model must not be called now, or ``None``; the first caller after the pause is the probe.

        Args:
            ref: the model.
            now: the time.
            probe: ``False`` only asks, for a call that has yet to wait for its place and asks again before it is sent.
        """
        state = self.states.get(ref)
        if self._policy is None or state is None or state.opened_at is None:
            return None
        wait = state.opened_at + self._policy.open_s - now
        if wait <= 0 and not state.probing:
            state.probing = probe
            return None
        return CircuitBreakerError(
            f"{ref} failed {state.failures} times in a row and is left alone for {max(wait, 0.0):.1f} s more",
            provider=ref.provider,
            retry_after=max(wait, 0.0),
            failure_count=state.failures,
        )

    def record_success(self, ref: ModelRef, *, whole: bool = True) -> None:
        """Forget the model's failures; let only others through too as long as the answer has but begun."""
        if not self.states:
            return
        if whole:
            self.states.pop(ref, None)
        elif ref in self.states:
            self.states[ref].opened_at, self.states[ref].probing = None, False

    def record_failure(self, ref: ModelRef, error: LLMRingError, now: float) -> None:
        """Count the failure if it is one of availability; another answer shows that the model can be reached."""
        if self._policy is None:
            return
        if not isinstance(error, _AVAILABILITY):
            if getattr(error, "status_code", None) is None:
                self.release_probe(ref)
            else:
                self.record_success(ref)
            return
        state = self.states.setdefault(ref, _State())
        state.failures += 1
        state.probing = False
        if state.failures >= self._policy.failures:
            state.opened_at = now

    def release_probe(self, ref: ModelRef) -> None:
        """The call ended without telling anything about the model: a probe may be tried again."""
        state = self.states.get(ref)
        if state is not None:
            state.probing = False


def is_billed(error: LLMRingError) -> bool | None:
    """Return whether the provider charges for a failure: it may have worked on an answer that never arrived whole."""
    if isinstance(error, StructuredOutputError):
        return True
    if isinstance(error, _SENT):
        return None if getattr(error, "status_code", None) is None else False
    return False
