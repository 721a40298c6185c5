"""State that the calls of a ring share: routes, screening, accounting and observers."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from threading import Lock
from typing import TYPE_CHECKING

import msgspec
from llmring_types import LLMRequest

from llmring._failover import Failover
from llmring._money.accounting import Accounting
from llmring._money.budgets import Budgets
from llmring._money.calls import Purse
from llmring._money.counting import TokenCounter
from llmring._observing.watch import Watcher
from llmring._policy import CachePolicy, Pace
from llmring._providers import Providers
from llmring._records import Observers
from llmring._routing import Candidate, Route, Router
from llmring._runtime import TimeLimitError, within
from llmring.tokens import context_problem

if TYPE_CHECKING:
    from llmring._call import Call
    from llmring._kept_answers import KeptAnswers
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
        call_type: what calls are made of, unless answers are kept.
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
        call_type: "type[Call]",
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
        self.router = router
        self.context_check = policy.context_check
        self.screens = accounting.strict or policy.context_check == "error"
        """True if candidates may be passed over before any is asked."""
        self.default_timeout = timeout
        self._files: FileStore | None = None
        self._opening = Lock()
        self.kept_answers: KeptAnswers | None = None
        self.call_type = call_type
        if policy.cache is not None:
            self.keep_answers(policy.cache)
        if policy.pace is not None:
            self.pace(policy.pace)

    def keep_answers(self, policy: CachePolicy) -> None:
        """Keep answers from now on."""
        from llmring._kept_answers import CachedCall, KeptAnswers  # noqa: PLC0415 - most rings keep no answers

        self.kept_answers = KeptAnswers(policy, self.failover.clock)
        self.call_type = CachedCall

    def pace(self, pace: Pace | Mapping[str, Pace]) -> None:
        """Pace the calls from now on."""
        from llmring._failover.pace import Pacer  # noqa: PLC0415 - most rings do not pace their calls

        self.failover.pacer = Pacer(pace, self.failover.clock, self._secrets)

    def _secrets(self, provider: str) -> Iterable[str]:
        secrets = getattr(self.providers[provider], "secrets", None)
        return () if secrets is None else secrets()

    @property
    def files(self) -> "FileStore":
        """The registered files of the ring."""
        if self._files is None:
            from llmring.files._store import FileStore  # noqa: PLC0415 - only for calls with files

            with self._opening:
                if self._files is None:
                    self._files = FileStore(self.providers, self.failover.clock)
        return self._files

    def screen(self, request: LLMRequest, route: Route) -> Route:
        """Return the route with what is against each candidate: failover passes over those, and says why."""
        route = self.accounting.mark_unpriced(route)
        if self.context_check == "error":
            candidates = [_fitting(request, candidate) for candidate in route.candidates]
            route = msgspec.structs.replace(route, candidates=candidates)
        return route

    async def counted(self, request: LLMRequest, route: Route) -> Route:
        """Return the route with the models marked that are too small by their provider's count, within the deadline."""
        with suppress(TimeLimitError):
            return await within(self.failover.policy.deadline_s, self.counter.mark_too_small(request, route))
        return route


def _fitting(request: LLMRequest, candidate: Candidate) -> Candidate:
    if candidate.unusable is not None:
        return candidate
    problem = context_problem(request, candidate.facts)
    return candidate if problem is None else candidate.too_large(problem)
