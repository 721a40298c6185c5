"""Plans of jobs: rows, tokens and dollars, before anything is sent."""

from collections import Counter
from collections.abc import Mapping

import msgspec
from llmring_lockfile import LockedModel
from llmring_types import LLMRequest, Usage
from llmring_types.exceptions import LLMRingError, ValidationError

from llmring._chat import Chat
from llmring._money.estimates import UNKNOWN_OUTPUT_TOKENS
from llmring._routing import Candidate
from llmring.bulk._digest import DigestFilter, Digests
from llmring.bulk._outcomes import Requests, Row
from llmring.bulk._tasks import END, Source
from llmring.structured import prepare
from llmring.tokens import estimate_tokens

_BATCH = "batch"


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """The extent of a job, by estimates. Nothing was sent.

    Attributes:
        rows: all of them.
        unreadable: rows that cannot be sent: they could not be read, or no model of theirs can be used.
        first_error: why the first of them cannot be sent; ``None`` without such rows.
        repeated: rows whose request is that of another row; a job with a journal asks them once. They are counted in
            the tokens and dollars.
        models: rows by the model that is asked first.
        input_tokens: of all rows, estimated from their texts.
        output_tokens: of all rows: those expected of an answer, or the most that its request and model allow.
        live_usd: dollars for all rows, one by one; without those of ``unpriced`` rows.
        batch_usd: dollars for all rows by batch APIs; ``None`` where a model is in none, or its price there is unknown.
        unpriced: rows whose price is not known.
    """

    rows: int
    unreadable: int
    repeated: int
    models: Mapping[str, int]
    input_tokens: int
    output_tokens: int
    live_usd: float
    batch_usd: float | None
    unpriced: int
    first_error: str | None = None


class Planner:
    """Counts the rows of a job.

    Args:
        chat: what the calls of the ring share.
        locked: the models of the lockfile as they were recorded.
        profile: the lockfile's profile.
        output_tokens: of an answer, where the user knows better than the limits.
    """

    def __init__(
        self, chat: Chat, locked: Mapping[str, LockedModel], profile: str | None, output_tokens: int | None
    ) -> None:
        given: object = output_tokens
        if given is not None and (isinstance(given, bool) or not isinstance(given, int) or given < 0):
            raise ValidationError(
                f"output_tokens must be a number of tokens, 0 or more; got {given!r}", field="output_tokens"
            )
        self._chat = chat
        self._output_tokens = output_tokens
        self._digests = Digests(chat, locked, profile)
        self._seen = DigestFilter()
        self._models: Counter[str] = Counter()
        self._counts: Counter[str] = Counter()
        self._live = self._batch = 0.0
        self._has_batch_prices = True
        self._first_error: str | None = None

    async def plan(self, requests: Requests) -> Plan:
        """Take all rows, one after the other, and return what they come to."""
        source = Source(requests)
        try:
            while (item := await source.next()) is not END:
                await self._add(item.request if isinstance(item, Row) else item)
        finally:
            await source.aclose()
        counts = self._counts
        return Plan(
            rows=counts["rows"],
            unreadable=counts["unreadable"],
            repeated=counts["repeated"],
            models=dict(self._models.most_common()),
            input_tokens=counts["input"],
            output_tokens=counts["output"],
            live_usd=self._live,
            batch_usd=self._batch if self._has_batch_prices else None,
            unpriced=counts["unpriced"],
            first_error=self._first_error,
        )

    async def _add(self, request: object) -> None:
        self._counts["rows"] += 1
        if not isinstance(request, LLMRequest):
            self._refuse(request if isinstance(request, LLMRingError) else "it is no LLMRequest")
            return
        try:
            asked = await self._digests.inlined(request)
            prepared, _ = prepare(asked)
            digest, route, _ = self._digests.of_prepared(prepared)
            candidate = next(each for each in route.candidates if each.unusable is None)
        except LLMRingError as error:
            self._refuse(error)
            return
        if self._seen.may_have(digest):
            self._counts["repeated"] += 1
        self._seen.add(digest)
        self._models[str(candidate.ref)] += 1
        self._price(asked, prepared, candidate)

    def _refuse(self, problem: LLMRingError | str) -> None:
        self._counts["unreadable"] += 1
        self._first_error = self._first_error or str(problem)

    def _price(self, asked: LLMRequest, prepared: LLMRequest, candidate: Candidate) -> None:
        chat, facts = self._chat, candidate.facts
        output = self._output_tokens
        if output is None:
            bounds = chat.purse.bounds(prepared, candidate, None)
            longest = None if facts is None else facts.max_output_tokens
            output = (bounds.limit or longest or UNKNOWN_OUTPUT_TOKENS) * bounds.answers
        usage: Usage = {"prompt_tokens": estimate_tokens(asked), "completion_tokens": output}
        self._counts["input"] += usage["prompt_tokens"]
        self._counts["output"] += output
        live = chat.accounting.cost(usage, candidate.ref, facts)
        batched: Usage = {**usage, "service_tier": _BATCH}
        batch = chat.accounting.cost(batched, candidate.ref, facts)
        if live is None:
            self._counts["unpriced"] += 1
            return
        self._live += float(live)
        if batch is None:
            self._has_batch_prices = False
        else:
            self._batch += float(batch)
