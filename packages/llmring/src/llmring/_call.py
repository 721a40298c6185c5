"""One call from request to accounted answer, whole or streamed: the same steps for both."""

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from llmring_providers import ChatCall, EncodedCall, Provider, ProviderStream
from llmring_types import LLMRequest, LLMResponse, collect
from llmring_types.exceptions import (
    LLMRingError,
    MessageValidationError,
    ProviderError,
    ProviderTimeoutError,
    ValidationError,
)
from msgspec import UNSET

from llmring._chat import Chat
from llmring._failover import Answered, Attempting, Permit, PlacedStream
from llmring._money.accounting import check_counts
from llmring._money.accounts import Payer
from llmring._money.calls import CallBudget
from llmring._observing.watch import Watch
from llmring._routing import Candidate, Route
from llmring._runtime import TimeLimitError, extend_deadline, within
from llmring._stream import Opened
from llmring.pricing import unpriced
from llmring.structured import Expectation, finish, prepare
from llmring.tokens import context_problem

T = TypeVar("T")

_QUICK_LETTERS = 1024
"""An answer of so many letters is checked in a few milliseconds; in 30 by ``uniqueItems``, whose time is quadratic."""


class Call:
    """Routes a request, sends it under failover and budget, completes the answer, and reports how it ended.

    Args:
        chat: what the calls of a ring share.
        request: never changed.
        profile: the lockfile's profile.
        streamed: the answer is asked for in chunks.
        encoded: the request, where it was encoded for its first candidate already; ``route`` likewise.
        account: of the run, the job or the key that it belongs to, if that is bounded.
    """

    def __init__(
        self,
        chat: Chat,
        request: LLMRequest,
        profile: str | None,
        *,
        streamed: bool,
        account: Payer | None = None,
        encoded: EncodedCall | None = None,
        route: Route | None = None,
    ) -> None:
        self._chat = chat
        self._asked = self._prepared = request
        self._profile = profile
        self._streamed = streamed
        self._run_account = account
        self._encoded = encoded
        self._known_route = route
        self._expectation: Expectation | None = None
        self._watch: Watch | None = None
        self._budget: CallBudget | None = None
        self._progress: Callable[[], None] | None = None

    async def answer(self) -> LLMResponse:
        """Return the whole answer."""
        self._begin()
        answered = await self._run(self._send_whole, timeout=self._timeout)
        response = answered.result
        response.attempts = answered.attempts
        if self._watch is not None:
            self._watch.report_answer(response)
        return response

    async def open(self) -> Opened:
        """Return the stream of the candidate that answers, once its first chunks have come."""
        self._begin()
        policy = self._chat.failover.policy
        first, following = policy.first_chunk_timeout_s, policy.chunk_timeout_s
        self._progress = partial(extend_deadline, self._timeout if following is UNSET else following)
        answered = await self._run(
            self._send_streamed, timeout=self._timeout if first is UNSET else first, discard=self._discard
        )
        if self._watch is not None:
            self._watch.first_chunk()
        return answered.result._replace(
            attempts=answered.attempts,
            chunk_timeout=self._timeout if following is UNSET else following,
        )

    async def reread(self, response: LLMResponse) -> None:
        """Read the JSON of a whole answer that was kept, into the type that the request asks for now.

        Raises:
            StructuredOutputError: strict, and the answer is not what is asked for.
        """
        self._prepared, self._expectation = prepare(self._asked)
        await self._read(response)
        response.warnings = list(dict.fromkeys(response.warnings))

    async def complete(self, response: LLMResponse, opened: Opened) -> None:
        ref, limit = opened.candidate.ref, opened.chunk_timeout
        if self._chat.failover.breakers.states:
            self._chat.failover.breakers.record_success(ref)
        self._account(response, opened.candidate, opened.permit)
        try:
            await within(limit, self._read(response))
        except TimeLimitError:
            raise ProviderTimeoutError(
                f"the answer of {ref} could not be checked within {limit:g} s",
                provider=ref.provider,
                model=ref.model,
                timeout=limit,
            ) from None
        if self._watch is not None:
            self._watch.report_answer(response)

    def fail(self, error: LLMRingError, opened: Opened) -> None:
        self._chat.failover.record_late_failure(opened.candidate, error, opened.attempts, opened.started)
        error.attempts = tuple(opened.attempts)
        self._settle(opened, getattr(error, "partial", None))
        if self._watch is not None:
            self._watch.report_failure(error)

    def abandon(self, partial: Callable[[], LLMResponse], opened: Opened) -> None:
        self._chat.failover.breakers.record_success(opened.candidate.ref)
        if self._watch is None and self._budget is None:
            return
        response = partial()
        self._settle(opened, response)
        if self._watch is not None:
            self._watch.report_abort(response)

    def _begin(self) -> None:
        chat, request = self._chat, self._asked
        if not isinstance(request, LLMRequest):
            raise ValidationError(
                f"a ring sends an LLMRequest; got {type(request).__name__}. For one text: ring.ask(text, model=…);"
                " for messages: LLMRequest(messages, model=…)",
                field="request",
            )
        if request.files:
            chat.files.check(request)
        if not request.messages and not request.extra_params:  # they may name a stored conversation
            raise MessageValidationError("there are no messages to send: give at least one", field="messages")
        route = self._known_route or chat.router.route(request.model, self._profile)
        self._route = chat.screen(request, route) if chat.screens else route
        self._timeout = route.timeout(request, chat.default_timeout)
        if request.response_format is not None or request.json_response:
            self._prepared, self._expectation = prepare(request)
        if chat.watcher.watches is not False:
            self._watch = chat.watcher.begin(request, self._route, streamed=self._streamed)

    async def _run(
        self,
        attempt: Attempting[T],
        *,
        timeout: float | None,
        discard: Callable[[T], None] | None = None,
    ) -> Answered[T]:
        """Try the candidates, and report the call as failed where none answers."""
        chat, watch = self._chat, self._watch
        started = None
        try:
            if chat.counts_exactly:
                started = chat.failover.clock.now()
                self._route = await chat.counted(await self._with_files(self._asked), self._route)
            if chat.bounded or self._route.bounded or self._run_account is not None:
                asked, prepared = self._asked, self._prepared
                if asked.files:
                    asked, prepared = await self._with_files(asked), await self._with_files(prepared)
                account, progress = self._run_account, self._progress
                self._budget = CallBudget(
                    chat.purse, asked, prepared, self._route, account=account, progress=progress
                )
            return await chat.failover.run(
                self._route,
                attempt,
                timeout=timeout,
                budget=self._budget,
                whole=not self._streamed,
                discard=discard,
                trace=None if watch is None else watch.attempts,
                started=started,
                request=self._asked,
            )
        except BaseException as error:
            if watch is not None:
                watch.report_failure(error)
            raise

    async def _with_files(self, request: LLMRequest) -> LLMRequest:
        """Return the request as large as it will be: its files are part of it, wherever they are."""
        return await self._chat.files.inlined(request) if request.files else request

    def _provider(self, candidate: Candidate) -> Provider:
        providers, name = self._chat.providers, candidate.ref.provider
        provider = providers.built.get(name)
        return providers[name] if provider is None else provider

    def _call_of(self, candidate: Candidate, permit: Permit | None) -> ChatCall:
        bounds = None if permit is None or permit.reservation is None else permit.reservation.bounds
        encoded = self._encoded if bounds is None else bounds.encoded
        return ChatCall(self._prepared, candidate.ref, candidate.facts, self._progress, encoded=encoded)

    async def _send_whole(self, candidate: Candidate, permit: Permit | None) -> LLMResponse:
        """Ask one candidate for the whole answer, and complete it."""
        provider = self._provider(candidate)
        call = self._call_of(candidate, permit)
        response = await (
            self._chat.files.send(provider.chat, call) if call.request.files else provider.chat(call)
        )
        self._account(response, candidate, permit)
        await self._read(response)
        return response

    async def _send_streamed(self, candidate: Candidate, permit: Permit | None) -> Opened:
        """Ask one candidate for a stream and wait for its first chunks."""
        started = self._chat.failover.clock.now()
        provider = self._provider(candidate)
        call = self._call_of(candidate, permit)
        stream: ProviderStream = await (
            self._chat.files.send(provider.stream, call) if call.request.files else provider.stream(call)
        )
        place = None if permit is None else permit.take_place()
        if place is not None:
            stream = PlacedStream(stream, place)
        try:
            chunks = await stream.receive()
            if self._chat.failover.pacer is not None and chunks:
                self._chat.failover.pacer.learn(candidate.ref, chunks[0].rate_limits)
            return Opened(stream, chunks, candidate, permit, [], started)
        except ProviderError as error:
            error.partial = collect([stream.partial()])
            stream.close()
            raise
        except BaseException:
            stream.close()
            raise

    def _account(self, response: LLMResponse, candidate: Candidate, permit: Permit | None) -> None:
        """Check what an answer says it has used, price it and count it."""
        chat = self._chat
        reservation = None if permit is None else permit.reservation
        most = None if reservation is None else reservation.output_limit
        sure = check_counts(response, self._asked, most_output=most)
        cost = chat.accounting.price_answer(response, candidate)
        if chat.failover.pacer is not None:
            chat.failover.pacer.answered(candidate.ref, response, None if permit is None else permit.ticket)
        if self._budget is not None and reservation is not None:
            self._budget.settle_answer(reservation, candidate, response, cost, sure=sure)
        self._comment(response, candidate)

    def _comment(self, response: LLMResponse, candidate: Candidate) -> None:
        """Add to the answer's warnings what was against the candidate and did not stop the call."""
        chat, usage = self._chat, response.usage or {}
        if chat.context_check == "warn":
            problem = context_problem(self._asked, candidate.facts, counted=usage.get("prompt_tokens"))
            if problem is not None:
                response.warnings.append(problem)
        if usage.get("cost") is None and (chat.bounded or self._route.constraints.budget_usd is not None):
            reason = unpriced(candidate.facts)
            if reason is not None:
                response.warnings.append(
                    f"the budget does not count this call: its price is not known ({reason})"
                )

    async def _read(self, response: LLMResponse) -> None:
        """Read the JSON that was asked for. What may take long does not hold up the event loop.

        Raises:
            StructuredOutputError: strict, and the answer is not what was asked for.
        """
        expectation = self._expectation
        if expectation is None:
            return
        if not expectation.validates or len(response.content) < _QUICK_LETTERS:
            finish(response, expectation)
            return
        from anyio import to_thread  # noqa: PLC0415 - only for long answers to strict schemas

        await to_thread.run_sync(finish, response, expectation, abandon_on_cancel=True)

    def _discard(self, late: Opened) -> None:
        """Close a stream that another one, opened beside it, has overtaken."""
        late.stream.close()
        self._settle(late, None)

    def _settle(self, opened: Opened, partial: LLMResponse | None) -> None:
        reservation = None if opened.permit is None else opened.permit.reservation
        if self._budget is not None and reservation is not None:
            self._budget.settle_partial(reservation, opened.candidate, partial)
