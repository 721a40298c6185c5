"""State that the calls of a ring share: routes, screening, accounting and observers."""

from contextlib import suppress
from threading import Lock
from typing import TYPE_CHECKING

import msgspec
from llmring_types import LLMRequest, LLMResponse
from llmring_types.exceptions import MessageValidationError
from msgspec import UNSET

from llmring._failover import Failover
from llmring._money.accounting import Accounting
from llmring._money.budgets import Budgets
from llmring._money.calls import Purse
from llmring._money.counting import TokenCounter
from llmring._observing.watch import Watcher
from llmring._providers import Providers
from llmring._records import Observers
from llmring._routing import Candidate, Route, Router
from llmring._runtime import TimeLimitError, within
from llmring.pricing import unpriced
from llmring.tokens import context_problem

if TYPE_CHECKING:
    from llmring.files._store import FileStore


class Chat:
    """Joins routing, screening, failover, providers and accounting for each call.

    Args:
        router: names to candidates.
        providers: name to provider.
        failover: owns retries and deadlines.
        accounting: prices the answers.
        counter: counts tokens, where the policy asks for it.
        origin: who asks, for the records of calls.
        observers: get those records.
        timeout: seconds for one attempt where neither request nor alias says otherwise; ``None`` for no limit.
    """

    def __init__(
        self,
        router: Router,
        providers: Providers,
        failover: Failover,
        accounting: Accounting,
        counter: TokenCounter,
        *,
        origin: str,
        observers: Observers,
        timeout: float | None,
    ) -> None:
        policy = failover.policy
        self.providers = providers
        self.failover = failover
        self.accounting = accounting
        self.counter = counter
        self.bounded = policy.budget_usd is not None
        self.budgets = Budgets(policy.budget_usd)
        self.purse = Purse(self.budgets, accounting, providers, policy.unknown_price)
        self.watcher = Watcher(origin, observers, accounting, failover.clock)
        self.counts_exactly = policy.context_check == "exact"
        self._router = router
        self._context_check = policy.context_check
        self._default_timeout = timeout
        self._files: FileStore | None = None
        self._opening = Lock()

    @property
    def files(self) -> "FileStore":
        """The registered files of the ring."""
        if self._files is None:
            from llmring.files._store import FileStore  # noqa: PLC0415 - only for calls with files

            with self._opening:
                if self._files is None:
                    self._files = FileStore(self.providers, self.failover.clock)
        return self._files

    def route(self, request: LLMRequest, profile: str | None) -> Route:
        """Return what to try, with what is against each candidate: failover passes over those, and says why.

        Raises:
            MessageValidationError: the conversation is empty (also a ``ValueError``).
        """
        if (
            not request.messages and not request.extra_params
        ):  # which may name a stored prompt or conversation
            raise MessageValidationError("there are no messages to send: give at least one", field="messages")
        route = self.accounting.mark_unpriced(self._router.route(request.model, profile))
        if self._context_check == "error":
            candidates = [_fitting(request, candidate) for candidate in route.candidates]
            route = msgspec.structs.replace(route, candidates=candidates)
        return route

    async def counted(self, request: LLMRequest, route: Route) -> Route:
        """Return the route with the models marked that are too small by their provider's count, within the deadline."""
        with suppress(TimeLimitError):
            return await within(self.failover.policy.deadline_s, self.counter.mark_too_small(request, route))
        return route

    def comment(self, request: LLMRequest, response: LLMResponse, candidate: Candidate, route: Route) -> None:
        """Add to the answer's warnings what was against the candidate and did not stop the call."""
        usage = response.usage or {}
        if self._context_check == "warn":
            problem = context_problem(request, candidate.facts, counted=usage.get("prompt_tokens"))
            if problem is not None:
                response.warnings.append(problem)
        if usage.get("cost") is None and (self.bounded or route.constraints.budget_usd is not None):
            reason = unpriced(candidate.facts)
            if reason is not None:
                response.warnings.append(
                    f"the budget does not count this call: its price is not known ({reason})"
                )

    def timeout(self, request: LLMRequest, route: Route) -> float | None:
        """Seconds for one attempt: the request's, else the alias's, else the ring's."""
        if request.timeout is not UNSET:
            return request.timeout
        limit = route.constraints.timeout_s
        return self._default_timeout if limit is None else limit


def _fitting(request: LLMRequest, candidate: Candidate) -> Candidate:
    if candidate.unusable is not None:
        return candidate
    problem = context_problem(request, candidate.facts)
    return candidate if problem is None else candidate.too_large(problem)
