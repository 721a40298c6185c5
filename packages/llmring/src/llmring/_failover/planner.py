"""The planner: the next candidate and the pause before it. Failover and retry as a pure state machine."""

import random
from collections.abc import Callable, Sequence
from itertools import takewhile

import msgspec
from llmring_types.exceptions import (
    LLMRingError,
    ProviderAuthenticationError,
    ProviderRequestTooLargeError,
)

from llmring._policy import Policy
from llmring._routing import Candidate


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
        """Take note that the next candidate was tried beside the current one."""
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
