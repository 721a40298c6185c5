"""One request to embed or to rerank, from its route to its accounted answer."""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Any, TypeVar, cast

import msgspec
from llmring_lockfile import LockedModel
from llmring_providers import OutputBounds
from llmring_providers.embeddings import EmbeddingCall, Embeds, RankCall, Ranking, Reranks, Vectors
from llmring_types import (
    Attempt,
    EmbeddingRequest,
    EmbeddingResponse,
    LLMRequest,
    LLMResponse,
    Message,
    RankedDocument,
    RerankRequest,
    RerankResponse,
    Usage,
)

from llmring._chat import Chat
from llmring._failover import Answered, Permit
from llmring._money.accounting import check_counts
from llmring._money.accounts import Payer
from llmring._money.calls import CallBudget
from llmring._observing.watch import Watch
from llmring._records import Operation
from llmring._routing import Candidate, Route
from llmring._tasks import task_group
from llmring.embeddings._pool import batches, common, dimensions_of, within_one_space, without

T = TypeVar("T", Vectors, Ranking)
_AT_ONCE = 8
"""Batches of one request that are under way together; ``Policy(max_concurrent=…)`` may allow fewer."""

_NO_OUTPUT = OutputBounds(1)


class _Part(msgspec.Struct):
    """The answer to one request to a provider, priced.

    Attributes:
        result: vectors or a ranking.
        shown: the same exchange in the form of a chat call, as budgets and records know it.
    """

    result: Any
    shown: LLMResponse


class _Exchange:
    """A call with input and without output, under the ring's policy: what embedding and reranking have in common."""

    def __init__(
        self,
        chat: Chat,
        route: Route,
        texts: Sequence[str],
        asked: EmbeddingRequest | RerankRequest,
        account: Payer | None = None,
    ) -> None:
        self._chat = chat
        self._account = account
        self._route = route
        self._asked = asked
        self._watch: Watch | None = None
        if chat.watcher.watches is not False:
            operation: Operation = "embeddings" if isinstance(asked, EmbeddingRequest) else "rerank"
            self._watch = chat.watcher.begin(self._as_chat(texts), route, operation=operation)

    def _as_chat(self, texts: Sequence[str]) -> LLMRequest:
        asked = self._asked
        messages = [Message(role="user", content=text) for text in texts]
        return LLMRequest(
            messages, model=asked.model, max_tokens=1, metadata=asked.metadata, timeout=asked.timeout
        )

    async def send(
        self,
        texts: Sequence[str],
        ask: Callable[[Candidate], Coroutine[Any, Any, T]],
        trace: list[Attempt],
    ) -> _Part:
        """Send one request under failover and budget."""
        chat, route = self._chat, self._route
        request = self._as_chat(texts)
        budget = None
        if chat.bounded or route.bounded or self._account is not None:
            budget = CallBudget(chat.purse, request, request, route, account=self._account, bounds=_NO_OUTPUT)

        async def attempt(candidate: Candidate, permit: Permit | None) -> _Part:
            result = await ask(candidate)
            shown = LLMResponse(content="", model=str(candidate.ref), finish_reason="stop")
            if result.tokens is not None:
                shown.usage = Usage(
                    prompt_tokens=result.tokens, completion_tokens=0, total_tokens=result.tokens
                )
            sure = check_counts(shown, request)
            cost = chat.accounting.price_answer(shown, candidate)
            if budget is not None and permit is not None and permit.reservation is not None:
                budget.settle_answer(permit.reservation, candidate, shown, cost, sure=sure)
            return _Part(result, shown)

        answered: Answered[_Part] = await chat.failover.run(
            route, attempt, timeout=route.timeout(request, chat.default_timeout), budget=budget, trace=trace
        )
        return answered.result

    def finish(self, parts: Sequence[_Part], attempts: list[Attempt]) -> LLMResponse:
        """Return the sum of the parts, and report it."""
        shown = LLMResponse(content="", model=parts[0].shown.model, finish_reason="stop", attempts=attempts)
        usages = [part.shown.usage for part in parts]
        if all(usages):
            shown.usage = summed(cast("list[Usage]", usages))
        shown.warnings = list(dict.fromkeys(warning for part in parts for warning in part.shown.warnings))
        if self._watch is not None:
            self._watch.attempts += attempts
            self._watch.report_answer(shown)
        return shown

    def fail(self, error: BaseException, attempts: list[Attempt]) -> None:
        if self._watch is not None:
            self._watch.attempts += attempts
            self._watch.report_failure(error)


class Embedding:
    """Embeds the texts of a request, batch by batch, several at once.

    Args:
        chat: what the calls of a ring share.
        route: as the request's model resolves.
        locked: the lockfile's records of models.
        request: never changed.
        account: of the key of a gateway that pays for it, if that is bounded.
    """

    def __init__(
        self,
        chat: Chat,
        route: Route,
        locked: Mapping[str, LockedModel],
        request: EmbeddingRequest,
        *,
        account: Payer | None = None,
    ) -> None:
        self._chat = chat
        self._account = account
        self._request = request
        route = within_one_space(chat.accounting.mark_unpriced(route), locked)
        self._dimensions = dimensions_of(request.dimensions, route)
        self._limits = []
        candidates = []
        for candidate in route.candidates:
            provider: object = (
                None if candidate.unusable is not None else chat.providers[candidate.ref.provider]
            )
            limits = provider.embedding_limits() if isinstance(provider, Embeds) else None
            if limits is not None:
                self._limits.append(limits)
            candidates.append(without(candidate, "has no embeddings") if limits is None else candidate)
        self._route = msgspec.structs.replace(route, candidates=candidates)

    async def answer(self) -> EmbeddingResponse:
        """Return the vectors, in the order of the texts."""
        texts = self._request.texts
        parts = list(batches(texts, common(self._limits))) if self._limits else [texts]
        exchange = _Exchange(self._chat, self._route, texts, self._request, self._account)
        traces: list[list[Attempt]] = [[] for _ in parts]
        try:
            answers = await _gather(
                [
                    partial(exchange.send, batch, partial(self._ask, batch), trace)
                    for batch, trace in zip(parts, traces, strict=True)
                ]
            )
        except BaseException as error:
            exchange.fail(error, list(chain.from_iterable(traces)))
            raise
        shown = exchange.finish(answers, list(chain.from_iterable(traces)))
        return EmbeddingResponse(
            embeddings=[vector for part in answers for vector in part.result.embeddings],
            model=shown.model,
            usage=shown.usage,
            attempts=shown.attempts,
            warnings=shown.warnings,
        )

    async def _ask(self, batch: Sequence[str], candidate: Candidate) -> Vectors:
        provider = cast("Embeds", self._chat.providers[candidate.ref.provider])
        request = self._request
        return await provider.embed(
            EmbeddingCall(batch, candidate.ref, self._dimensions, request.purpose, request.extra_params)
        )


class Reranking:
    """Orders the documents of a request. Another member of the pool may be asked: a ranking stands by itself."""

    def __init__(self, chat: Chat, route: Route, request: RerankRequest) -> None:
        self._chat = chat
        self._request = request
        candidates = [
            candidate
            if candidate.unusable is None and self._reranks(candidate)
            else without(candidate, "does not rerank")
            for candidate in chat.accounting.mark_unpriced(route).candidates
        ]
        self._route = msgspec.structs.replace(route, candidates=candidates)

    def _reranks(self, candidate: Candidate) -> bool:
        provider: object = self._chat.providers[candidate.ref.provider]
        return isinstance(provider, Reranks) and provider.reranks()

    async def answer(self) -> RerankResponse:
        """Return the documents, the best first."""
        request = self._request
        texts = [request.query, *request.documents]
        exchange = _Exchange(self._chat, self._route, texts, request)
        trace: list[Attempt] = []
        try:
            part = await exchange.send(texts, self._ask, trace)
        except BaseException as error:
            exchange.fail(error, trace)
            raise
        shown = exchange.finish([part], trace)
        return RerankResponse(
            results=[
                RankedDocument(index, score, request.documents[index]) for index, score in part.result.scores
            ],
            model=shown.model,
            usage=shown.usage,
            attempts=shown.attempts,
            warnings=shown.warnings,
        )

    async def _ask(self, candidate: Candidate) -> Ranking:
        provider = cast("Reranks", self._chat.providers[candidate.ref.provider])
        request = self._request
        return await provider.rerank(
            RankCall(request.query, request.documents, candidate.ref, request.top_n, request.extra_params)
        )


async def _gather(sends: Sequence[Callable[[], Coroutine[Any, Any, _Part]]]) -> list[_Part]:
    """Return the answers in order; the first failure cancels what is under way and is raised as it is."""
    if len(sends) == 1:
        return [await sends[0]()]
    import anyio  # noqa: PLC0415 - only for more than one batch

    answers: list[_Part | None] = [None] * len(sends)
    places = anyio.CapacityLimiter(_AT_ONCE)

    async def send(place: int) -> None:
        async with places:
            answers[place] = await sends[place]()

    async with task_group() as group:
        for place in range(len(sends)):
            group.start_soon(send, place)
    return cast("list[_Part]", answers)


def summed(usages: Sequence[Usage]) -> Usage:
    """Return the sum; where the cost of one is unknown, that of all is, for its reason."""
    tokens = sum(usage["prompt_tokens"] for usage in usages)
    total = Usage(prompt_tokens=tokens, completion_tokens=0, total_tokens=tokens)
    costs = [usage.get("cost") for usage in usages]
    known = [cost for cost in costs if cost is not None]
    total["cost"] = sum(known) if len(known) == len(costs) else None
    stated = usages[costs.index(None)] if None in costs else usages[-1]
    for name in ("cost_status", "cost_source"):
        if name in stated:
            total[name] = stated[name]
    return total
