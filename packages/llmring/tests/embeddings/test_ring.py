"""Embedding and reranking through the ring: batches, order, failover within one space, money, records."""

from collections.abc import AsyncIterator, Sequence
from decimal import Decimal

import anyio
import anyio.lowlevel
import llmring_lockfile as lockfiles
import pytest
from canned import Answer, Server
from hypothesis import given
from hypothesis import strategies as st
from llmring import CallRecord, EmbeddingRequest, LLMRing, Policy, RerankRequest, RetryPolicy
from llmring.embeddings._calls import summed
from llmring.embeddings._pool import batches, common
from llmring.exceptions import (
    BudgetExceededError,
    MalformedResponseError,
    ModelCapabilityError,
    ProviderNotFoundError,
    ProviderServerError,
    ValidationError,
)
from llmring.testing import Simulator
from llmring_providers.embeddings import EmbeddingCall, EmbeddingLimits, RankCall, Ranking, Vectors
from llmring_types import Prices, Usage

LOCKFILE = """\
[[profiles.default.bindings]]
alias = "docs-index"
models = ["one:embed", "two:vendor/embed", "three:other"]
{constraints}
{locked}
"""
LOCKED = "\n".join(
    f'[locked."{name}"]\nsnapshot = "{snapshot}"'
    for name, snapshot in {
        "one:embed": "embed",
        "two:vendor/embed": "vendor/Embed",
        "three:other": "other",
    }.items()
)
DIMENSIONS = "constraints = { dimensions = 2 }"


class Embedder:
    """A provider that embeds a text as the number in it, and fails as often as it is told to."""

    def __init__(self, name: str, *, texts: int = 3, fails: bool = False, short: bool = False) -> None:
        self.name = name
        self.calls: list[Sequence[str]] = []
        self.dimensions: list[int | None] = []
        self.asked: list[EmbeddingCall | RankCall] = []
        self._texts, self._fails, self._short = texts, fails, short

    def embedding_limits(self) -> EmbeddingLimits:
        return EmbeddingLimits(self._texts)

    async def embed(self, call: EmbeddingCall) -> Vectors:
        self.calls.append(call.texts)
        self.dimensions.append(call.dimensions)
        self.asked.append(call)
        if self._fails:
            raise ProviderServerError("down", provider=self.name)
        return Vectors([[float(text), 1.0] for text in call.texts], tokens=len(call.texts))

    def reranks(self) -> bool:
        return True

    async def rerank(self, call: RankCall) -> Ranking:
        self.asked.append(call)
        if self._fails:
            raise ProviderServerError("down", provider=self.name)
        return Ranking([(index, 1.0 - index) for index in range(len(call.documents))][: call.top_n])

    async def aclose(self) -> None:
        """Nothing is held."""


def ring_of(
    *providers: Embedder, constraints: str = DIMENSIONS, locked: str = LOCKED, **more: object
) -> LLMRing:
    text = LOCKFILE.format(constraints=constraints, locked=locked)
    ring = LLMRing(lockfile=lockfiles.parse(text), **more)  # type: ignore[arg-type]
    for provider in providers:
        ring.register_provider(provider.name, provider)  # type: ignore[arg-type]
    return ring


async def test_batches_keep_the_order_of_the_texts() -> None:
    one = Embedder("one")
    ring = ring_of(one)
    response = await ring.embed(EmbeddingRequest([str(n) for n in range(20)], model="docs-index"))
    assert [vector[0] for vector in response.embeddings] == list(range(20))
    assert sorted(map(len, one.calls)) == [2, *[3] * 6]
    assert response.model == "one:embed"
    assert response.dimensions == 2
    assert set(one.dimensions) == {2}, "those that the lockfile locks"
    assert response.usage is not None
    assert response.usage["prompt_tokens"] == 20
    assert len(response.attempts) == 7


@given(st.lists(st.text(min_size=1)), st.integers(1, 5), st.none() | st.integers(1, 20))
def test_batches_are_the_texts_in_order_and_within_the_limits(
    texts: list[str], most: int, tokens: int | None
) -> None:
    if not texts:
        return
    parts = list(batches(texts, EmbeddingLimits(most, tokens)))
    assert [text for part in parts for text in part] == texts
    assert all(1 <= len(part) <= most for part in parts)
    for part in parts:
        size = sum(len(text.encode("utf-8", "surrogatepass")) // 2 + 1 for text in part)
        assert tokens is None or size <= tokens or len(part) == 1


def test_limits_of_several_providers_are_the_least_of_each() -> None:
    assert common([EmbeddingLimits(5, None), EmbeddingLimits(9, 70), EmbeddingLimits(7, 90)]) == (5, 70)


async def test_observers_know_an_embedding_and_a_ranking_from_an_answer() -> None:
    seen: list[CallRecord] = []
    ring = ring_of(Embedder("one"), observers=[seen.append])
    await ring.embed(EmbeddingRequest(["1", "2"], model="docs-index"))
    await ring.rerank(RerankRequest("?", ["1", "2"], model="one:embed"))
    assert [record.operation for record in seen] == ["embeddings", "rerank"]
    assert [message.content for message in seen[0].request.messages] == ["1", "2"]


async def test_another_host_of_the_same_model_is_asked_where_the_first_fails() -> None:
    one, two = Embedder("one", fails=True), Embedder("two")
    response = await ring_of(one, two).embed(EmbeddingRequest("7", model="docs-index"))
    assert response.embeddings == [[7.0, 1.0]]
    assert response.model == "two:vendor/embed"
    assert [attempt.outcome for attempt in response.attempts] == ["error", "ok"]


@pytest.mark.parametrize(
    ("constraints", "locked"),
    [("", LOCKED), (DIMENSIONS, ""), (DIMENSIONS, LOCKED.replace("vendor/Embed", "vendor/embed-2"))],
)
async def test_no_other_model_is_asked_unless_the_lockfile_says_it_is_the_same(
    constraints: str, locked: str
) -> None:
    one, two, three = Embedder("one", fails=True), Embedder("two"), Embedder("three")
    ring = ring_of(
        one, two, three, constraints=constraints, locked=locked, policy=Policy(retry=RetryPolicy(attempts=1))
    )
    with pytest.raises(ProviderServerError):
        await ring.embed(EmbeddingRequest("7", model="docs-index"))
    assert two.calls == three.calls == []


async def test_a_first_member_that_is_not_configured_is_not_replaced_by_another_model() -> None:
    three = Embedder("three")
    with pytest.raises(ProviderNotFoundError, match="'one'"):
        await ring_of(three).embed(EmbeddingRequest("7", model="docs-index"))
    assert three.calls == []


async def test_other_dimensions_than_those_of_the_index_are_refused() -> None:
    with pytest.raises(ValidationError, match="the lockfile locks 2 for 'docs-index'"):
        await ring_of(Embedder("one")).embed(EmbeddingRequest("7", model="docs-index", dimensions=3))


async def test_a_failed_batch_fails_the_whole_request_with_its_own_error() -> None:
    one = Embedder("one", texts=1)
    with pytest.raises(ValueError, match="could not convert"):
        await ring_of(one).embed(EmbeddingRequest(["1", "2", "x", "4"], model="docs-index"))


async def test_a_budget_counts_what_embeddings_cost() -> None:
    prices = {"one:embed": Prices(input=Decimal(1_000_000), output=Decimal(0))}  # a dollar for each token
    ring = ring_of(
        Embedder("one"), prices=prices, policy=Policy(budget_usd=Decimal(50), max_concurrent={"one": 1})
    )
    response = await ring.embed(EmbeddingRequest(["1", "2", "3"], model="docs-index"))
    assert response.usage is not None
    assert response.usage["cost"] == 3.0
    assert ring.budgets[0].spent == 3
    with pytest.raises(BudgetExceededError):
        await ring.embed(EmbeddingRequest([str(n) for n in range(60)], model="docs-index"))


async def test_a_request_is_one_record_with_the_sum_of_its_batches() -> None:
    records: list[CallRecord] = []
    ring = ring_of(Embedder("one"), observers=[records.append])
    await ring.embed(EmbeddingRequest([str(n) for n in range(7)], model="docs-index", metadata={"job": 1}))
    (record,) = records
    assert (record.alias, str(record.model), record.ending) == ("docs-index", "one:embed", "answered")
    assert record.usage is not None
    assert record.usage["prompt_tokens"] == 7
    assert len(record.attempts) == 3
    assert record.request.metadata == {"job": 1}


@pytest.mark.parametrize("places", [(0, 1), (1, 0)])
def test_a_sum_without_a_cost_says_why(places: Sequence[int]) -> None:
    tokens = Usage(prompt_tokens=1, completion_tokens=0, total_tokens=1)
    priced: Usage = {**tokens, "cost": 1.0, "cost_status": "priced", "cost_source": "lockfile"}
    usages: list[Usage] = [priced, {**tokens, "cost": None, "cost_status": "model_not_in_registry"}]
    total = summed([usages[place] for place in places])
    assert (total["cost"], total["cost_status"]) == (None, "model_not_in_registry")
    assert "cost_source" not in total


async def test_a_failed_request_is_a_record_too() -> None:
    records: list[CallRecord] = []
    ring = ring_of(
        Embedder("one", fails=True), observers=[records.append], policy=Policy(retry=RetryPolicy(attempts=1))
    )
    with pytest.raises(ProviderServerError):
        await ring.embed(EmbeddingRequest(["1", "2", "3", "4"], model="docs-index"))
    assert [record.ending for record in records] == ["failed"]


async def test_documents_are_ranked_and_another_member_may_do_it() -> None:
    one, three = Embedder("one", fails=True), Embedder("three")
    response = await ring_of(one, three).rerank(
        RerankRequest("q", ["a", "b", "c"], model="docs-index", top_n=2)
    )
    assert [(each.index, each.document) for each in response.results] == [(0, "a"), (1, "b")]
    assert response.model == "three:other"
    assert response.usage is None


async def test_all_that_is_asked_reaches_the_provider() -> None:
    one = Embedder("one")
    ring, extra = ring_of(one), {"user": "u"}
    await ring.embed(EmbeddingRequest(["1"], model="docs-index", purpose="query", extra_params=extra))
    await ring.rerank(RerankRequest("q", ["a", "b"], model="docs-index", top_n=1, extra_params=extra))
    embedded, ranked = one.asked
    assert isinstance(embedded, EmbeddingCall)
    assert (embedded.texts, embedded.purpose, embedded.extra_params) == (["1"], "query", extra)
    assert isinstance(ranked, RankCall)
    assert (ranked.query, ranked.documents, ranked.top_n, ranked.extra_params) == ("q", ["a", "b"], 1, extra)


async def test_a_count_that_cannot_be_is_reported_once() -> None:
    class Miscounting(Embedder):
        async def embed(self, call: EmbeddingCall) -> Vectors:
            return Vectors((await super().embed(call)).embeddings, tokens=-1)

    response = await ring_of(Miscounting("one")).embed(EmbeddingRequest(["1"] * 6, model="docs-index"))
    assert len(response.warnings) == 1


@pytest.fixture
async def simulated() -> AsyncIterator[LLMRing]:
    async with Simulator() as simulator, LLMRing() as ring:
        for name in ("openai", "google", "ollama", "voyage", "jina", "anthropic"):
            ring.register_provider(name, base_url=simulator.base_url(name), api_key="k")
        yield ring


@pytest.mark.parametrize("name", ["openai", "google", "ollama", "voyage", "jina", "sim"])
async def test_every_protocol_embeds_the_same_over_http(simulated: LLMRing, name: str) -> None:
    texts = [f"text {n}" for n in range(130)]
    response = await simulated.embed(
        EmbeddingRequest(texts, model=f"{name}:m", dimensions=6, purpose="document")
    )
    again = await simulated.embed(EmbeddingRequest(texts[77], model="sim:m", dimensions=6))
    assert len(response.embeddings) == 130
    assert response.embeddings[77] == pytest.approx(again.embeddings[0], abs=1e-6)


@pytest.mark.parametrize("name", ["voyage", "jina"])
async def test_a_document_with_the_words_of_the_query_ranks_first(simulated: LLMRing, name: str) -> None:
    documents = ["a green house", "the capital of France", "blue"]
    response = await simulated.rerank(RerankRequest("capital France", documents, model=f"{name}:m"))
    assert response.results[0].document == "the capital of France"
    assert len(response.results) == 3


async def test_a_provider_without_the_ability_says_so(simulated: LLMRing) -> None:
    with pytest.raises(ModelCapabilityError, match="anthropic has no embeddings"):
        await simulated.embed(EmbeddingRequest("a", model="anthropic:m"))
    with pytest.raises(ModelCapabilityError, match="openai does not rerank"):
        await simulated.rerank(RerankRequest("q", ["a"], model="openai:m"))


def test_the_sync_ring_embeds_and_reranks_too() -> None:
    with LLMRing.sync() as ring:
        assert ring.embed(EmbeddingRequest("a", model="sim:m", dimensions=3)).dimensions == 3
        with pytest.raises(ModelCapabilityError):
            ring.rerank(RerankRequest("q", ["a"], model="sim:m"))


async def test_a_short_answer_is_a_typed_error() -> None:
    async with Server() as server, LLMRing(policy=Policy(retry=RetryPolicy(attempts=1))) as ring:
        server.answers = [Answer(b'{"data": [{"index": 0, "embedding": [1.0]}]}')]
        ring.register_provider("openai", base_url=server.url, api_key="k")
        with pytest.raises(MalformedResponseError, match="1 vectors for 2 texts"):
            await ring.embed(EmbeddingRequest(["a", "b"], model="openai:m"))


class Gate(Embedder):
    """A provider that counts how many batches are with it at the same time."""

    most = now = 0

    async def embed(self, call: EmbeddingCall) -> Vectors:
        self.now += 1
        self.most = max(self.most, self.now)
        await anyio.lowlevel.checkpoint()
        await anyio.lowlevel.checkpoint()
        self.now -= 1
        return await super().embed(call)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize(("places", "most"), [({"one": 2}, 2), ({}, 8)])
def test_no_more_batches_are_under_way_than_the_policy_allows(
    backend: str, places: dict[str, int], most: int
) -> None:
    one = Gate("one", texts=1)

    async def embed() -> list[float]:
        ring = ring_of(one, policy=Policy(max_concurrent=places))
        request = EmbeddingRequest([str(n) for n in range(30)], model="docs-index")
        return [vector[0] for vector in (await ring.embed(request)).embeddings]

    assert anyio.run(embed, backend=backend) == list(range(30))
    assert one.most == most


async def test_cohere_is_asked_at_its_own_address_with_its_own_names() -> None:
    async with Simulator() as simulator, LLMRing() as ring:
        ring.register_provider("cohere", base_url=f"{simulator.url}/compatibility/v1", api_key="k")
        response = await ring.embed(
            EmbeddingRequest([f"t{n}" for n in range(100)], model="cohere:m", purpose="query")
        )
        assert (len(response.embeddings), len(response.attempts)) == (100, 2)
        ranking = await ring.rerank(RerankRequest("a b", ["c", "b a"], model="cohere:m", top_n=1))
        assert [each.document for each in ranking.results] == ["b a"]
