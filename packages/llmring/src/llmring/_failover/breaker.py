"""Circuit breakers: a model that keeps failing is left alone for a while. Pure but for the time passed in."""

import msgspec
from llmring_types import ModelRef
from llmring_types.exceptions import (
    CircuitBreakerError,
    LLMRingError,
    ProviderConnectionError,
    ProviderServerError,
    ProviderTimeoutError,
    StreamInterruptedError,
)

from llmring._policy import BreakerPolicy

_AVAILABILITY = (ProviderConnectionError, ProviderServerError, ProviderTimeoutError, StreamInterruptedError)


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
