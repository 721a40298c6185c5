"""The public API as a typed application uses it: mypy and pyright check this file in strict mode, nobody runs it."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, TypedDict, assert_type
from uuid import UUID

import llmring
import llmring.bulk
import llmring.lockfile
import llmring.ray
import llmring.serve
import llmring_lockfile
from llmring import (
    Attempt,
    BreakerPolicy,
    BudgetState,
    CallRecord,
    ChatStream,
    EmbeddingRequest,
    EmbeddingResponse,
    LLMRequest,
    LLMResponse,
    LLMRing,
    LLMRingError,
    Message,
    ModelFacts,
    ModelRef,
    Observer,
    Policy,
    ProviderRateLimitError,
    RerankRequest,
    RerankResponse,
    RetryPolicy,
    StreamChunk,
    StreamInterruptedError,
    ToolCall,
    Usage,
)
from llmring.bulk import BatchHandle, BatchProgress, Outcome, Outcomes, Progress, Row, SyncOutcomes
from llmring.content import document, image
from llmring.conversation import Conversation, ConversationStore, StoredConversation
from llmring.files import RegisteredFile
from llmring.mcp.client import EnhancedLLM
from llmring.pricing import Cost, price
from llmring.suggest import Suggestion, Wish, suggest_models
from llmring.testing import FakeProvider, RecordedRequest, Simulator, recorded_requests, stand_in
from llmring.tools import Run, ToolResult, tool
from llmring.usage import UsageLatency, UsageLog, UsageStats, latencies, stats
from llmring_lockfile import Lockfile, Resolution
from llmring_providers import ChatCall, Provider, ProviderStream
from llmring_types import Parsed, RateLimits
from llmring_types.hosts import HOSTS, Host, register
from msgspec import Struct
from openai.types.chat import ChatCompletionContentPartTextParam, ChatCompletionToolParam
from pydantic import BaseModel


def requests() -> LLMRequest:
    request = LLMRequest(
        model="summarizer",
        messages=[Message(role="user", content="Hello"), Message(role="user", content=[{"type": "text"}])],
        temperature=0.2,
        max_tokens=100,
        reasoning_effort="low",
        timeout=None,
    )
    assert_type(request.model, str | None)
    assert_type(request.messages, list[Message])
    Message(role="admin", content="")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    LLMRequest(messages=[], unknown=1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    return request


async def answers(request: LLMRequest) -> None:
    async with LLMRing(origin="app", timeout=30, lockfile_path=Path("llmring.lock")) as ring:
        response = await ring.chat(request, profile="dev")
        assert_type(response, LLMResponse)
        assert_type(response.images[0].data, bytes)
        assert_type(response.content, str)
        assert_type(response.model, str)
        assert_type(response.usage, Usage | None)
        assert_type(response.tool_calls, list[ToolCall] | None)
        assert_type(response.attempts, list[Attempt])
        assert_type(response.warnings, list[str])
        assert_type(response.total_tokens, int | None)
        assert_type(response.cost, float | None)
        assert_type(response.to_message(), Message)
        if response.usage is not None:
            assert_type(response.usage.get("prompt_tokens"), int | None)
            assert_type(response.usage.get("cost"), float | None)
        for call in response.tool_calls or []:
            assert_type(call["function"]["arguments"], str)
        assert_type(await ring.calculate_cost(response), dict[str, float | None] | None)
        assert_type(await ring.count_tokens(request), int)
        assert_type(await ring.validate_context_limit(request), str | None)
        await ring.chat("Hello")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


async def streams(ring: LLMRing, request: LLMRequest) -> AsyncIterator[str]:
    stream = ring.chat_stream(request)
    assert_type(stream, ChatStream)
    async with stream:
        async for chunk in stream:
            assert_type(chunk, StreamChunk)
            yield chunk.delta
    assert_type(stream.response, LLMResponse | None)
    assert_type(await ring.chat_stream(request).start(), ChatStream)
    async for text in stream.text():
        assert_type(text, str)


def without_async(request: LLMRequest) -> None:
    with LLMRing.sync() as ring:
        assert_type(ring.chat(request), LLMResponse)
        assert_type(ring.embed(EmbeddingRequest("a", model="docs-index", dimensions=8)), EmbeddingResponse)
        assert_type(ring.rerank(RerankRequest("q", ["a"], model="ranker", top_n=1)), RerankResponse)
        with ring.chat_stream(request) as stream:
            for chunk in stream:
                assert_type(chunk, StreamChunk)
        assert_type(list(ring.chat_stream(request).start().text()), list[str])
        assert_type(ring.count_tokens(request), int)
        assert_type(ring.register_file("report.pdf"), str)
        assert_type(ring.list_registered_files(), list[RegisteredFile])
        assert_type(ring.deregister_file("id"), bool)
        assert_type(ring.run_async(lambda inner: inner.chat(request)), LLMResponse)


async def files(ring: LLMRing, path: Path) -> None:
    file_id = ring.register_file(path, file_id="report")
    assert_type(LLMRequest([Message.user("Hi")], files=[file_id]).files, list[str] | None)
    assert_type(ring.list_registered_files()[0]["uploads"]["openai"]["provider_file_id"], str)
    assert_type(await ring.deregister_file(file_id), bool)


async def conversations(ring: LLMRing, path: Path) -> None:
    talk = Conversation(ring, "assistant", system="Be brief.", tools=[len])
    assert_type(await talk.send("Hi", temperature=0.1), LLMResponse)
    async for chunk in talk.stream("And?"):
        assert_type(chunk, StreamChunk)
    assert_type(talk.branch().cost, float | None)
    store = ConversationStore(path)
    assert_type(store.load(store.save(talk), ring), Conversation)
    assert_type(store.list(topic="here"), list[StoredConversation])
    assert_type(store.document(store.save(talk, topic="here")), bytes)


def contents(path: Path) -> Message:
    part: ChatCompletionContentPartTextParam = {"type": "text", "text": "Compare"}
    message = Message.user("Compare", part, image(path), document(b"%PDF-"), name="Ann")
    assert_type(message, Message)
    return message


async def tools(ring: LLMRing, request: LLMRequest) -> None:
    def weather(city: str) -> str:
        return city

    run = await ring.run(
        request, tools=[weather, tool(weather, name="sky"), {"type": "web_search"}], max_rounds=3
    )
    assert_type(run, Run)
    assert_type(run.results, list[ToolResult])
    assert_type(run.cost, float | None)
    async for event in ring.run_stream(request, tools=[weather], max_cost_usd=0.1):
        assert_type(event, StreamChunk | ToolResult)
    of_openai: list[ChatCompletionToolParam] = [{"type": "function", "function": {"name": "sky"}}]
    LLMRequest(request.messages, tools=of_openai)
    LLMRequest(request.messages, tools=[tool(weather).spec()])
    await ring.run(request, tool=[weather])  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def hosts() -> None:
    assert_type(HOSTS, Mapping[str, Host])
    row = Host(name="acme", protocol="openai", default_url="https://api.acme.example/v1", keyless=True)
    assert_type(row.variables, tuple[str, ...])
    assert_type(llmring.provider_status()[0].missing, str | None)
    register(row)


def aliases(ring: LLMRing) -> None:
    ring.bind_alias("fast", ["openai:gpt-5-mini", "anthropic:claude-haiku-4-5"])
    assert_type(ring.resolve_alias("fast"), str)
    assert_type(ring.has_alias("fast"), bool)
    assert_type(ring.list_aliases(), dict[str, str])
    assert_type(ring.pool("fast"), tuple[ModelRef, ...])
    assert_type(ring.facts("openai:gpt-5-mini"), ModelFacts | None)
    assert_type(ring.budgets, tuple[BudgetState, ...])
    assert_type(ring.strict_cost, bool)
    assert_type(ring.providers, Mapping[str, Provider])
    ring.require_aliases(["fast"], context="the summaries")
    ring.unbind_alias("fast")
    assert_type(ModelRef.parse("openai:gpt-5"), ModelRef)


def policies(log: UsageLog) -> LLMRing:
    def observe(record: CallRecord, /) -> None:
        assert_type(record.cost, Decimal | None)
        assert_type(record.attempts, Sequence[Attempt])

    observers: list[Observer] = [observe, log]
    policy = Policy(
        retry=RetryPolicy(attempts=1),
        breaker=BreakerPolicy(failures=5),
        max_concurrent={"openai": 4},
        budget_usd=Decimal("0.50"),
    )
    return LLMRing(policy=policy, observers=observers)


async def failures(ring: LLMRing, request: LLMRequest) -> float | None:
    try:
        await ring.chat(request)
    except ProviderRateLimitError as error:
        return assert_type(error.retry_after, float | None)
    except StreamInterruptedError as error:
        assert_type(error.partial, LLMResponse | None)
    except LLMRingError as error:
        assert_type(str(error), str)
    return None


def prices(usage: Usage, facts: ModelFacts) -> None:
    cost = price(usage, facts)
    assert_type(cost, Cost)
    assert_type(cost.total, Decimal | None)
    assert_type(suggest_models(Wish(needs=("tools",)), [facts]), list[Suggestion])
    assert_type(stats("usage.db", "model"), list[UsageStats])
    assert_type(latencies("usage.db", "key"), list[UsageLatency])


def lockfiles(path: Path) -> None:
    lockfile = llmring_lockfile.load(path)
    assert_type(lockfile, Lockfile)
    assert_type(lockfile.resolve_alias("fast"), list[str])
    assert_type(lockfile.has_alias("fast"), bool)
    assert_type(llmring_lockfile.resolve(lockfile, "fast"), Resolution)
    assert_type(llmring_lockfile.emit(lockfile), str)
    assert_type(llmring_lockfile.digest(lockfile), str)
    assert_type(llmring_lockfile.near_providers("openi", HOSTS), list[str])
    assert_type(llmring_lockfile.nearest("openi", HOSTS), list[str])
    assert_type(llmring_lockfile.did_you_mean(["openai"]), str)
    assert_type(recorded_requests(path), list[RecordedRequest])
    assert_type(llmring_lockfile.sarif_log([], {}), dict[str, Any])
    for _, data in llmring_lockfile.read_files(path, lambda each, folder: folder or each.suffix == ".py"):
        assert_type(data, bytes | None)
    llmring_lockfile.bind(path, "fast", "openai:gpt-5", create=True)


async def fakes(request: LLMRequest) -> None:
    ring = LLMRing()
    ring.register_provider("openai", FakeProvider("Hello"))
    ring.register_provider("azure", api_key="k", base_url="https://example.com")
    with stand_in(FakeProvider("Hello")):
        assert_type((await ring.chat(request)).content, str)
    with Simulator() as simulator, simulator.answer_others():
        assert_type(simulator.url, str)
        assert_type(simulator.environment, dict[str, str])


class Own:
    """A provider of one's own satisfies the protocol without inheriting from anything."""

    name = "own"

    async def chat(self, call: ChatCall) -> LLMResponse:
        return LLMResponse(content="", model=str(call.ref))

    async def stream(self, call: ChatCall) -> ProviderStream:
        raise NotImplementedError

    async def aclose(self) -> None: ...


def own_provider(ring: LLMRing) -> None:
    own: Provider = Own()
    ring.register_provider("own", own)
    ring.register_provider("own", 1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


@llmring.log_llm_call(provider="openai")
async def logged(prompt: str, *, tries: int = 1) -> dict[str, Any]:
    return {"prompt": prompt, "tries": tries}


async def decorated() -> None:
    assert_type(await logged("x", tries=2), dict[str, Any])
    await logged(1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


Finish = Literal["stop", "length", "tool_calls", "content_filter", "error", "other"]


def endings(response: LLMResponse) -> None:
    assert_type(response.finish_reason, Finish | None)


def lockfile_of(ring: LLMRing) -> None:
    assert_type(ring.lockfile_path, Path | None)
    ring.init_lockfile(force=True)
    ring.get_provider(provider_type="openai")
    ring.require_aliases(required=["fast"])


async def asked(ring: LLMRing) -> None:
    assert_type(await ring.ask("Hi", model="fast", temperature=0.5, profile="dev"), str)
    assert_type(await ring.ask("Hi", response_format={"type": "json_object"}), str)
    assert_type(await ring.ask("Hi", response_format=City), City)
    assert_type(LLMRing.sync().ask("Hi", response_format=list[City], profile="dev"), list[City])
    await ring.ask("Hi", response_format=City | Town)
    await ring.ask("Hi", temprature=0.5)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]


async def as_in_1_4(manager: llmring.ConversationManager, llm: EnhancedLLM) -> None:
    assert_type(await manager.start_conversation("Counting", model_alias="fast"), UUID | None)
    assert_type(await manager.send_message("Hi", temperature=0.5), LLMResponse)
    assert_type(await llm.chat([{"role": "user", "content": "Hi"}]), LLMResponse)
    assert_type(await llm.chat([], stream=True), AsyncIterator[StreamChunk])
    assert_type(llmring.lockfile.Lockfile.load().resolve_alias("fast"), list[str])


async def mapped(ring: LLMRing, requests: AsyncIterator[LLMRequest], rows: Sequence[Row]) -> None:
    assert_type(ring.map(requests, journal="job.db", budget_usd=1, ordered=True, via="auto"), Outcomes)
    async for outcome in ring.map(rows, key=str, on_progress=print):
        assert_type(outcome, Outcome)
        assert_type(outcome.response, LLMResponse | None)
        assert_type(outcome.error, LLMRingError | None)
        assert_type(outcome.unwrap(), LLMResponse)
    ring.map(rows, jornal="job.db")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    assert_type(LLMRing.sync().map([]), SyncOutcomes)


async def batched(ring: LLMRing, rows: Sequence[Row]) -> None:
    handle = BatchHandle.from_json((await ring.submit_batch(rows, path="job.json")).to_json())
    assert_type(await ring.batch_status(handle), BatchProgress)
    async for outcome in ring.batch_results(handle, rows):
        assert_type(outcome, Outcome)
    assert_type(await ring.cancel_batch(handle), BatchProgress)
    for outcome in LLMRing.sync().batch_results(handle):
        assert_type(outcome, Outcome)


def progressed(progress: Progress) -> None:
    assert_type(progress.seconds_left, float | None)


async def served(ring: LLMRing) -> None:
    assert_type(llmring.serve.app(ring, direct_models=True), llmring.serve.Gateway)
    assert_type(ring.chat_stream(LLMRequest([])).attempts, Sequence[Attempt])
    llmring.serve.run_worker(llmring.serve.app(ring), llmring.serve.Worker(3, 4))
    keys = llmring.serve.KeyStore("redis://localhost")
    assert_type(await keys.look_up("llmr-…"), llmring.serve.GatewayKey | None)
    assert_type(keys.path, Path | None)
    await keys.aclose()
    llmring.serve.app("ring")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def paced(response: LLMResponse) -> None:
    Policy(pace=llmring.Pace(requests_per_minute=60, tokens_per_minute=1e6, shared=Path("pace.db")))
    Policy(pace={"openai": llmring.Pace(shared="redis://localhost")})
    if response.rate_limits is not None and response.rate_limits.tokens is not None:
        assert_type(response.rate_limits.tokens.per_minute, float | None)
        assert_type(response.rate_limits.retry_after, float | None)
    assert_type(StreamChunk().rate_limits, RateLimits | None)


async def planned(ring: LLMRing, rows: Sequence[Row]) -> None:
    assert_type((await ring.plan(rows, output_tokens=50)).batch_usd, float | None)
    assert_type(llmring.bulk.journal_state("job.db").errors, dict[str, int])
    assert_type(llmring.bulk.journal_outcomes("job.db"), Iterator[Outcome[Any]])
    assert_type(llmring.bulk.journal_outcomes("job.db", City), Iterator[Outcome[City]])
    assert_type(llmring.bulk.RequestTemplate("{text}", model="summarizer").request({"text": "x"}), LLMRequest)
    assert_type(llmring.bulk.Template("{text}").render({"text": "x"}), str)
    assert_type(llmring.bulk.retry_failed(Path("job.db"), ["StructuredOutputError"]), int)


def on_clusters() -> None:
    chat = llmring.ray.Chat("summarizer", prompt="{text}", schema=list[str], policy=Policy(), max_tokens=50)
    assert_type(chat, type[llmring.ray.BlockChat])
    llmring.ray.Chat("summarizer", prompt="{text}", ring=LLMRing.sync, journals=Path("journals"))
    llmring.ray.Chat("summarizer", ring=LLMRing)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def kept(ring: LLMRing) -> None:
    llmring.serve.app(ring, cache=llmring.CachePolicy(ttl_s=60))
    llmring.Policy(cache=60)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


class City(Struct):
    name: str


@dataclass
class Town:
    name: str


class Village(TypedDict):
    name: str


class Hamlet(BaseModel):
    name: str


async def parsed(ring: LLMRing) -> None:
    """A type as ``response_format`` is the type of ``parsed``, whatever way the request takes."""
    question = [Message.user("Where?")]
    city = LLMRequest(question, response_format=City)
    assert_type(city, LLMRequest[City])
    assert_type((await ring.chat(city)).parsed, City)
    assert_type((await ring.chat(LLMRequest(question, response_format=Town))).parsed, Town)
    assert_type((await ring.chat(LLMRequest(question, response_format=Village), "dev")).parsed, Village)
    assert_type((await ring.chat(LLMRequest(question, response_format=Hamlet))).parsed, Hamlet)
    assert_type((await ring.chat(LLMRequest(question, response_format=list[City]))).parsed, list[City])
    either = LLMRequest[City | Town](question, response_format=City | Town)
    assert_type((await ring.chat(either)).parsed, City | Town)
    assert_type((await ring.chat(LLMRequest(question))).parsed, Any)
    assert_type((await ring.chat(LLMRequest(question, response_format={"type": "json_object"}))).parsed, Any)
    assert_type(ring.chat_stream(city).response, LLMResponse[City] | None)
    assert_type((await ring.run(city, tools=[len])).response.parsed, City)
    assert_type(ring.run_stream(city).trace, Run[City])
    async for outcome in ring.map([city], via="auto"):
        assert_type(outcome.unwrap().parsed, City)
    async for outcome in ring.map(Row(request=city, key=str(place)) for place in range(3)):
        assert_type(outcome, Outcome[City])
    async for outcome in ring.batch_results(await ring.submit_batch([city]), [city]):
        assert_type(outcome, Outcome[City])
    talk = Conversation(ring)
    assert_type((await talk.send("Where?", response_format=City, temperature=0)).parsed, City)
    assert_type(talk.stream("Where?", response_format=City).response, LLMResponse[City] | None)
    assert_type(talk.stream("Where?").response, LLMResponse | None)


def parsed_without_async(city: LLMRequest[City]) -> None:
    with LLMRing.sync() as ring:
        assert_type(ring.chat(city).parsed, City)
        assert_type(ring.chat_stream(city).response, LLMResponse[City] | None)
        assert_type(ring.run(city).response.parsed, City)
        assert_type(ring.run_stream(city).trace.response.parsed, City)
        for outcome in ring.map([city]):
            assert_type(outcome, Outcome[City])


def untyped(requests: list[LLMRequest], response: LLMResponse) -> list[LLMRequest]:
    """Whoever never writes the parameter need not know of it."""
    requests.append(LLMRequest([Message.user("Where?")], response_format=City))
    response.parsed["name"].upper()
    return requests


async def of_any_type(ring: LLMRing, wanted: type[Parsed]) -> Parsed:
    """A generic function of the application's own."""
    return (await ring.chat(LLMRequest([Message.user("Where?")], response_format=wanted))).parsed
