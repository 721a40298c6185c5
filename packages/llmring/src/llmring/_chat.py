"""One chat call from request to accounted answer, whole or streamed."""

from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

from llmring_providers import ChatCall, Provider, ProviderStream
from llmring_types import LLMRequest, LLMResponse, collect
from llmring_types.exceptions import LLMRingError, MessageValidationError, ProviderError
from msgspec import UNSET

from llmring._failover import Failover, Permit, PlacedStream
from llmring._money.accounting import Accounting
from llmring._money.budgets import Budgets
from llmring._money.calls import CallBudget, Purse
from llmring._money.counting import TokenCounter
from llmring._money.counts import check_counts
from llmring._observers import Observers
from llmring._routing import Candidate, Route, Router
from llmring._runtime import TimeLimitError, put_off, within
from llmring._screening import Screening
from llmring._stream import ChatStream, Opened
from llmring._watch import Watch, Watcher
from llmring.structured import Expectation, finish, prepare


class Chat:
    """Joins routing, screening, failover, providers and accounting, and has calls watched.

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
        providers: Mapping[str, Provider],
        failover: Failover,
        accounting: Accounting,
        counter: TokenCounter,
        *,
        origin: str,
        observers: Observers,
        timeout: float | None,
    ) -> None:
        policy = failover.policy
        self.failover = failover
        self.budgets = Budgets(policy.budget_usd)
        self.purse = Purse(self.budgets, accounting, providers, policy.unknown_price)
        self.watcher = Watcher(origin, observers, accounting, failover.clock)
        self.counter = counter
        self._router = router
        self._providers = providers
        self._accounting = accounting
        self._screening = Screening(policy.context_check, accounting, self.budgets)
        self._default_timeout = timeout
        self.counts_exactly = policy.context_check == "exact"

    async def ask(self, request: LLMRequest, profile: str | None) -> LLMResponse:
        """Return the whole answer."""
        route = self.route(request, profile)
        prepared, expectation = prepare(request)
        watch = self.watcher.begin(request, route)
        trace = None if watch is None else watch.attempts
        started = None
        try:
            if self.counts_exactly:
                started = self.failover.clock.now()
                route = await self.counted(request, route)
            budget = self.purse.open(request, prepared, route)
            answered = await self.failover.run(
                route,
                partial(self._attempt, request, route, prepared, expectation, budget),
                timeout=self.timeout(request, route),
                budget=budget,
                trace=trace,
                started=started,
            )
        except BaseException as error:
            if watch is not None:
                watch.failed(error)
            raise
        response = answered.result
        response.attempts = answered.attempts
        if watch is not None:
            watch.answered(response)
        return response

    async def _attempt(
        self,
        request: LLMRequest,
        route: Route,
        prepared: LLMRequest,
        expectation: Expectation | None,
        budget: CallBudget | None,
        candidate: Candidate,
        permit: Permit | None,
    ) -> LLMResponse:
        """Ask one candidate for the whole answer, and complete it."""
        provider = self._providers[candidate.ref.provider]
        response = await provider.chat(ChatCall(prepared, candidate.ref, candidate.facts))
        self.complete(response, request, route, candidate, budget, permit)
        finish(response, expectation)
        return response

    def stream(self, request: LLMRequest, profile: str | None) -> ChatStream:
        """Return the answer in chunks; nothing happens before the first one is asked for."""
        return ChatStream(_StreamedCall(self, request, profile))

    async def start(
        self,
        request: LLMRequest,
        candidate: Candidate,
        permit: Permit | None,
        *,
        progress: Callable[[], None],
    ) -> Opened:
        """Ask one candidate for a stream and wait for its first chunks."""
        started = self.failover.clock.now()
        provider = self._providers[candidate.ref.provider]
        stream: ProviderStream = await provider.stream(
            ChatCall(request, candidate.ref, candidate.facts, progress)
        )
        place = None if permit is None else permit.take_place()
        if place is not None:
            stream = PlacedStream(stream, place)
        try:
            return Opened(stream, await stream.receive(), candidate, permit, [], started)
        except ProviderError as error:
            error.partial = collect([stream.partial()])
            stream.close()
            raise
        except BaseException:
            stream.close()
            raise

    def route(self, request: LLMRequest, profile: str | None) -> Route:
        """Return what to try.

        Raises:
            MessageValidationError: the conversation is empty (also a ``ValueError``).
        """
        if not request.messages:
            raise MessageValidationError("there are no messages to send: give at least one", field="messages")
        return self._screening.screen(request, self._router.route(request.model, profile))

    async def counted(self, request: LLMRequest, route: Route) -> Route:
        """Return the route with the models marked that are too small by their provider's count, within the deadline."""
        with suppress(TimeLimitError):
            return await within(self.failover.policy.deadline_s, self.counter.screen(request, route))
        return route

    def complete(
        self,
        response: LLMResponse,
        request: LLMRequest,
        route: Route,
        candidate: Candidate,
        budget: CallBudget | None,
        permit: Permit | None,
    ) -> None:
        """Check what an answer says it has used, add its cost, count it, and add what is to be said about it."""
        reservation = None if permit is None else permit.reservation
        most = None if reservation is None else reservation.output_limit
        sure = response.usage is None or check_counts(response, request, most_output=most)
        self._accounting.price_answer(response, candidate)
        if budget is not None and reservation is not None:
            budget.answered(reservation, candidate, response, sure=sure)
        self._screening.comment(request, response, candidate, route)

    def timeout(self, request: LLMRequest, route: Route) -> float | None:
        """Seconds for one attempt: the request's, else the alias's, else the ring's."""
        if request.timeout is not UNSET:
            return request.timeout
        limit = route.constraints.timeout_s
        return self._default_timeout if limit is None else limit


class _StreamedCall:
    """The owner of one stream."""

    def __init__(self, chat: Chat, request: LLMRequest, profile: str | None) -> None:
        self._chat = chat
        self._asked = request
        self._profile = profile
        self._expectation: Expectation | None = None
        self._route: Route  # set when the stream is opened
        self._watch: Watch | None = None
        self._budget: CallBudget | None = None

    async def open(self) -> Opened:
        chat, policy = self._chat, self._chat.failover.policy
        route = self._route = chat.route(self._asked, self._profile)
        timeout = chat.timeout(self._asked, route)
        request, self._expectation = prepare(self._asked)
        watch = self._watch = chat.watcher.begin(self._asked, route, streamed=True)
        first = timeout if policy.first_chunk_timeout_s is UNSET else policy.first_chunk_timeout_s
        following = timeout if policy.chunk_timeout_s is UNSET else policy.chunk_timeout_s

        def attempt(candidate: Candidate, permit: Permit | None) -> Coroutine[Any, Any, Opened]:
            return chat.start(request, candidate, permit, progress=partial(put_off, following))

        started = None
        try:
            if chat.counts_exactly:
                started = chat.failover.clock.now()
                route = self._route = await chat.counted(self._asked, route)
            budget = self._budget = chat.purse.open(self._asked, request, route)
            answered = await chat.failover.run(
                route,
                attempt,
                timeout=first,
                budget=budget,
                whole=False,
                discard=self._discard,
                trace=None if watch is None else watch.attempts,
                started=started,
            )
        except BaseException as error:
            if watch is not None:
                watch.failed(error)
            raise
        if watch is not None:
            watch.first_chunk()
        return answered.result._replace(attempts=answered.attempts, chunk_timeout=following)

    def _discard(self, late: Opened) -> None:
        """Close a stream that another one, opened beside it, has overtaken."""
        late.stream.close()
        self._settle(late, None)

    def complete(self, response: LLMResponse, opened: Opened) -> None:
        self._chat.failover.breakers.succeeded(opened.candidate.ref)
        self._chat.complete(
            response, self._asked, self._route, opened.candidate, self._budget, opened.permit
        )
        finish(response, self._expectation)
        if self._watch is not None:
            self._watch.answered(response)

    def failed(self, error: LLMRingError, opened: Opened) -> None:
        self._chat.failover.failed_later(opened.candidate, error, opened.attempts, opened.started)
        error.attempts = tuple(opened.attempts)
        self._settle(opened, getattr(error, "partial", None))
        if self._watch is not None:
            self._watch.failed(error)

    def abandoned(self, partial: Callable[[], LLMResponse], opened: Opened) -> None:
        self._chat.failover.breakers.succeeded(opened.candidate.ref)
        if self._watch is None and self._budget is None:
            return
        response = partial()
        self._settle(opened, response)
        if self._watch is not None:
            self._watch.aborted(response)

    def _settle(self, opened: Opened, partial: LLMResponse | None) -> None:
        reservation = None if opened.permit is None else opened.permit.reservation
        if self._budget is not None and reservation is not None:
            self._budget.ended(reservation, opened.candidate, partial)
