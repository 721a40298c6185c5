"""The facade over real HTTP on loopback, and over the simulated model."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import llmring_lockfile
import msgspec
import pytest
from canned import Answer, Server, Stalling
from llmring import LLMRequest, LLMRing, Message, Policy, RetryPolicy
from llmring.exceptions import (
    AliasNotFoundError,
    ConfigurationError,
    CostTrackingError,
    LLMRingError,
    LockfileNotFoundError,
    LockfileParseError,
    LockfileWriteError,
    MalformedResponseError,
    MessageValidationError,
    ModelNotFoundError,
    ModelReferenceError,
    ProviderAuthenticationError,
    ProviderBadRequestError,
    ProviderConnectionError,
    ProviderNotFoundError,
    ProviderOverloadedError,
    ProviderPermissionError,
    ProviderRateLimitError,
    ProviderRequestTooLargeError,
    ProviderServerError,
    ProviderTimeoutError,
    StructuredOutputError,
)
from llmring_providers.sim import Answer as SimAnswer
from llmring_providers.sim import Rule, Script, SimTransport
from llmring_providers.testing import FakeProvider
from llmring_types import ModelRef
from openai import AsyncOpenAI

HELLO = [Message(role="user", content="Hello")]
ONCE = Policy(retry=RetryPolicy(attempts=1))


def ask(model: str | None = "openai:gpt-4o-mini", **fields: Any) -> LLMRequest:
    return LLMRequest(messages=HELLO, model=model, **fields)


def answer(text: str = "Hi", **more: object) -> Answer:
    body = {
        "id": "c1",
        "model": "gpt-4o-mini-2024-07-18",
        "choices": [{"message": {"content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100},
        **more,
    }
    return Answer(msgspec.json.encode(body), headers={"x-request-id": "req_1"})


def failure(status: int, code: str = "x", **headers: str) -> Answer:
    body = msgspec.json.encode({"error": {"message": f"status {status}", "code": code}})
    return Answer(body, status, {name.replace("_", "-"): value for name, value in headers.items()})


def ring_on(server: Server, policy: Policy = ONCE) -> LLMRing:
    ring = LLMRing(policy=policy)
    ring.register_provider("openai", api_key="sk-secret", base_url=server.url)
    return ring


async def test_an_answer_has_text_usage_cost_and_trace(server: Server) -> None:
    server.answers = [answer()]
    async with ring_on(server) as ring:
        response = await ring.chat(ask(temperature=0.5, max_tokens=50))
    assert (response.content, response.model) == ("Hi", "openai:gpt-4o-mini")
    assert (response.finish_reason, response.total_tokens, response.request_id) == ("stop", 1100, "req_1")
    assert response.usage is not None
    assert response.usage["cost"] == pytest.approx((1000 * 0.15 + 100 * 0.60) / 1e6)
    assert response.usage["cost_status"] == "priced"
    assert [(attempt.model, attempt.outcome) for attempt in response.attempts] == [
        ("openai:gpt-4o-mini", "ok")
    ]
    assert server.asked == [
        {
            "model": "gpt-4o-mini",
            "messages": [{"role": "user", "content": "Hello"}],
            "temperature": 0.5,
            "max_tokens": 50,
        }
    ]


FAILURES: list[tuple[Answer, type[LLMRingError]]] = [
    (failure(400), ProviderBadRequestError),
    (failure(401), ProviderAuthenticationError),
    (failure(403), ProviderPermissionError),
    (failure(404), ModelNotFoundError),
    (failure(400, "model_not_found"), ModelNotFoundError),
    (failure(413), ProviderRequestTooLargeError),
    (failure(429), ProviderRateLimitError),
    (failure(500), ProviderServerError),
    (failure(503), ProviderOverloadedError),
    (Answer(b"<html>", 502), ProviderServerError),
    (Answer(b"no json"), MalformedResponseError),
    (Answer(b"{}"), MalformedResponseError),
]


@pytest.mark.parametrize(
    ("said", "kind"), FAILURES, ids=[f"{row[0].status}-{row[1].__name__}" for row in FAILURES]
)
async def test_a_failure_is_of_its_type_and_says_whose_it_is(
    server: Server, said: Answer, kind: type[LLMRingError]
) -> None:
    server.answers = [said]
    async with ring_on(server) as ring:
        with pytest.raises(kind) as caught:
            await ring.chat(ask())
    assert type(caught.value) is kind
    assert "openai" in str(caught.value)
    assert "sk-secret" not in str(caught.value)
    assert len(server.asked) == len(caught.value.attempts) == 1


async def test_a_key_that_a_host_repeats_is_not_shown(server: Server) -> None:
    server.answers = [Answer(b'{"error": {"message": "bad key sk-secret"}}', 401)]
    async with ring_on(server) as ring:
        with pytest.raises(ProviderAuthenticationError, match=r"bad key \*\*\*"):
            await ring.chat(ask())


async def test_retry_after_is_told_and_honoured(server: Server) -> None:
    server.answers = [failure(429, retry_after="0"), answer()]
    async with ring_on(server, Policy()) as ring:
        response = await ring.chat(ask())
    assert [attempt.outcome for attempt in response.attempts] == ["error", "ok"]
    server.answers = [failure(429, retry_after="120")]
    async with ring_on(server, Policy()) as ring:
        with pytest.raises(ProviderRateLimitError) as caught:
            await ring.chat(ask())
    assert caught.value.retry_after == 120


async def test_a_pool_fails_over_and_a_direct_model_does_not(server: Server, lockfile: Path) -> None:
    llmring_lockfile.bind(lockfile, "safe", "openai:gpt-4o-mini,sim:demo")
    server.answers = [failure(503)]
    async with ring_on(server) as ring:
        response = await ring.chat(ask("safe"))
        with pytest.raises(ProviderOverloadedError):
            await ring.chat(ask())
    assert response.model == "sim:demo"
    assert [attempt.outcome for attempt in response.attempts] == ["error", "ok"]


async def test_nobody_listening_is_a_connection_error_that_names_the_address() -> None:
    async with LLMRing(policy=ONCE) as ring:
        ring.register_provider("openai", api_key="k", base_url="http://127.0.0.1:1")
        with pytest.raises(ProviderConnectionError, match=r"127\.0\.0\.1:1"):
            await ring.chat(ask())


async def test_an_answer_that_does_not_come_is_a_timeout_and_closes_the_connection() -> None:
    async with Stalling(None) as silent, LLMRing(policy=ONCE, timeout=60) as ring:
        ring.register_provider("openai", api_key="k", base_url=silent.url)
        with pytest.raises(ProviderTimeoutError) as caught:
            await ring.chat(ask(timeout=0.05))
        assert caught.value.timeout == 0.05
        async with asyncio.timeout(5):
            await silent.gone.wait()


async def test_the_request_is_never_changed(server: Server) -> None:
    server.answers = [answer()]
    request = ask(temperature=0.1, tools=[{"name": "f", "parameters": {}}], extra_params={"seed": 1})
    before = msgspec.json.encode(request)
    async with ring_on(server) as ring:
        await ring.chat(request)
    assert msgspec.json.encode(request) == before


async def test_a_model_that_only_the_responses_api_serves_is_asked_there(server: Server) -> None:
    """Though the registry says that it is for chat completions."""
    item = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hi"}]}
    body = {"object": "response", "status": "completed", "output": [item]}
    server.answers = [Answer(msgspec.json.encode(body))]
    async with ring_on(server) as ring:
        assert (await ring.chat(ask("openai:o1-pro", temperature=0.5))).content == "Hi"
    assert "input" in server.asked[0]
    assert "temperature" not in server.asked[0]


async def test_strict_cost_refuses_before_anything_is_sent(server: Server) -> None:
    server.answers = [answer()]
    async with LLMRing(strict_cost=True, policy=ONCE) as ring:
        assert (ring.strict_cost, LLMRing().strict_cost) == (True, False)
        ring.register_provider("openai", api_key="k", base_url=server.url)
        with pytest.raises(CostTrackingError) as caught:
            await ring.chat(ask("openai:gpt-unheard-of"))
    assert caught.value.cost_status == "model_not_in_registry"
    assert [attempt.outcome for attempt in caught.value.attempts] == ["skipped"]
    assert server.asked == []


async def test_strict_cost_passes_over_a_member_of_the_pool_without_a_price(
    server: Server, lockfile: Path
) -> None:
    llmring_lockfile.bind(lockfile, "pool", "openai:gpt-unheard-of,openai:gpt-4o-mini")
    server.answers = [answer()]
    async with LLMRing(strict_cost=True, policy=ONCE) as ring:
        ring.register_provider("openai", api_key="k", base_url=server.url)
        response = await ring.chat(ask("pool"))
    assert response.model == "openai:gpt-4o-mini"
    assert [attempt.outcome for attempt in response.attempts] == ["skipped", "ok"]
    assert len(server.asked) == 1


async def test_a_price_that_is_not_known_is_none_with_a_reason(server: Server) -> None:
    server.answers = [answer(model="gpt-unheard-of")]
    async with ring_on(server) as ring:
        response = await ring.chat(ask("openai:gpt-unheard-of"))
    assert response.usage is not None
    assert (response.usage["cost"], response.usage["cost_status"]) == (None, "model_not_in_registry")


async def test_one_ring_serves_several_event_loops() -> None:
    ring = LLMRing()

    async def once() -> str:
        return (await ring.chat(ask("sim:demo"))).content

    assert await asyncio.to_thread(lambda: asyncio.run(once())) == await once()
    await ring.close()


async def test_a_ring_that_was_closed_can_be_used_again_with_what_was_registered(server: Server) -> None:
    server.answers = [answer(), answer()]
    ring = LLMRing()
    ring.register_provider("openai", api_key="k", base_url=server.url)
    ring.register_provider("mine", FakeProvider("Hello"))
    for _ in range(2):
        assert (await ring.chat(ask())).content == "Hi"
        assert (await ring.chat(ask("mine:model"))).content == "Hello"
        await ring.close()


async def test_a_ring_keeps_its_lockfile_where_the_process_goes_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "away").mkdir()
    monkeypatch.chdir(tmp_path / "home")
    llmring_lockfile.create_lockfile("mine.lock", bindings={"fast": "sim:demo"})
    ring = LLMRing(lockfile_path="mine.lock")
    monkeypatch.chdir(tmp_path / "away")
    ring.bind_alias("deep", "sim:other")
    assert ring.list_aliases() == {"fast": "sim:demo", "deep": "sim:other"}
    assert list((tmp_path / "away").iterdir()) == []


async def test_a_provider_that_fails_to_close_leaves_no_other_open() -> None:
    class Failing(FakeProvider):
        async def aclose(self) -> None:
            raise RuntimeError("mine")

    class Kept(SimTransport):
        closed = False

        async def aclose(self) -> None:
            self.closed = True

    other, transport = FakeProvider(), Kept(Script())
    ring = LLMRing(transport=transport)
    ring.register_provider("failing", Failing())
    ring.register_provider("other", other)
    with pytest.raises(RuntimeError, match="mine"):
        await ring.close()
    assert (other.closed, transport.closed) == (True, True)


WRONG: list[tuple[Callable[[], LLMRequest], type[LLMRingError], str]] = [
    (lambda: ask("nobody"), AliasNotFoundError, "llmring bind nobody"),
    (lambda: ask(None), AliasNotFoundError, "names no model"),
    (lambda: ask("openai:"), ModelReferenceError, "provider:model"),
    (lambda: ask("openai:gpt-4o"), ProviderNotFoundError, "OPENAI_API_KEY"),
    (lambda: LLMRequest(messages=[], model="summarizer"), MessageValidationError, "no messages"),
]


@pytest.mark.usefixtures("lockfile")
@pytest.mark.parametrize(
    ("request_of", "kind", "text"), WRONG, ids=[row[1].__name__ + row[2] for row in WRONG]
)
async def test_a_mistake_has_its_own_error_that_says_what_to_do(
    request_of: Callable[[], LLMRequest], kind: type[LLMRingError], text: str
) -> None:
    async with LLMRing() as ring:
        with pytest.raises(kind, match=text):
            await ring.chat(request_of())
        with pytest.raises(kind, match=text):
            await anext(ring.chat_stream(request_of()))


def test_a_lockfile_that_is_named_must_be_there_and_be_one(tmp_path: Path) -> None:
    with pytest.raises(LockfileNotFoundError, match="lock init"):
        LLMRing(lockfile_path=tmp_path / "none.lock")
    broken = tmp_path / "broken.lock"
    broken.write_text("version = [")
    with pytest.raises(LockfileParseError, match=r"broken\.lock"):
        LLMRing(lockfile_path=str(broken))


async def test_without_a_lockfile_an_alias_says_how_to_get_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with LLMRing() as ring:
        with pytest.raises(AliasNotFoundError, match="llmring lock init"):
            await ring.chat(ask("summarizer"))


def test_aliases_are_listed_bound_and_removed(lockfile: Path) -> None:
    ring = LLMRing()
    assert ring.list_aliases() == {"summarizer": "sim:demo"}
    ring.bind_alias("draft", "openai:gpt-4o, sim:demo")
    assert ring.resolve_alias("draft") == "sim:demo"
    assert ring.pool("draft") == (ModelRef("openai", "gpt-4o"), ModelRef("sim", "demo"))
    ring.bind_alias("draft", ["sim:other"])
    assert ring.resolve_alias("draft") == "sim:other"
    assert ring.has_alias("draft")
    ring.unbind_alias("draft")
    assert not ring.has_alias("draft")
    assert ring.list_aliases("nosuch") == {}
    assert "draft" not in lockfile.read_text()


def test_binding_without_a_lockfile_makes_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ring = LLMRing()
    with pytest.raises(LockfileNotFoundError):
        ring.unbind_alias("draft")
    ring.bind_alias("draft", "sim:demo")
    assert ring.resolve_alias("draft") == "sim:demo"
    assert (tmp_path / "llmring.lock").exists()


def test_a_lockfile_in_memory_is_used_and_never_written() -> None:
    ring = LLMRing(lockfile=llmring_lockfile.Lockfile())
    assert ring.list_aliases() == {}
    with pytest.raises(LockfileWriteError):
        ring.bind_alias("draft", "sim:demo")


def test_required_aliases_are_told_all_at_once(lockfile: Path) -> None:
    ring = LLMRing(lockfile_path=lockfile)
    ring.require_aliases(["summarizer"], context="mylib")
    with pytest.raises(AliasNotFoundError, match=r"mylib needs .*: one, two"):
        ring.require_aliases(["one", "summarizer", "two"], context="mylib")


async def test_profiles_choose_among_bindings(lockfile: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    llmring_lockfile.bind(lockfile, "summarizer", "sim:dev-model", profile="dev")
    async with LLMRing() as ring:
        assert (await ring.chat(ask("summarizer"), profile="dev")).model == "sim:dev-model"
        assert (await ring.chat(ask("summarizer"))).model == "sim:demo"
        monkeypatch.setenv("LLMRING_PROFILE", "dev")
        assert (await ring.chat(ask("summarizer"))).model == "sim:dev-model"


def test_a_provider_without_its_key_is_not_among_the_providers(monkeypatch: pytest.MonkeyPatch) -> None:
    keyless = set(LLMRing().providers)
    assert keyless >= {"ollama", "sim"}
    assert not keyless & {"openai", "anthropic", "google"}
    with pytest.raises(ProviderNotFoundError, match="ANTHROPIC_API_KEY"):
        LLMRing().get_provider("anthropic")
    with pytest.raises(ProviderNotFoundError, match="there is no provider 'nobody'"):
        LLMRing().get_provider("nobody")
    with pytest.raises(KeyError, match="anthropic"):
        LLMRing().providers["anthropic"]
    with pytest.raises(ProviderAuthenticationError, match="pass api_key=, set ANTHROPIC_API_KEY"):
        LLMRing().register_provider("anthropic")
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    assert LLMRing().get_provider("openai").name == "openai"
    assert set(LLMRing().providers) == keyless | {"openai"}


def test_the_facts_of_an_alias_are_those_of_its_first_model(lockfile: Path) -> None:
    llmring_lockfile.bind(lockfile, "pool", "openai:gpt-4o-mini,openai:gpt-4")
    facts = LLMRing().facts("pool")
    assert facts is not None
    assert facts.model == "gpt-4o-mini"
    assert LLMRing().facts("openai:gpt-unheard-of") is None


def test_nothing_that_is_printed_shows_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    ring = LLMRing(server_url="http://127.0.0.1:1", api_key="sk-server")
    shown = repr([ring, vars(ring), ring.get_provider("openai"), ring.providers, dict(ring.providers)])
    assert "sk-secret" not in shown
    assert "sk-server" not in shown.replace("'_server_key': 'sk-server'", "")


class City(msgspec.Struct):
    name: str
    population: int


async def test_a_type_as_response_format_gives_an_instance_streamed_or_not(server: Server) -> None:
    request = ask(response_format=City)
    text = '{"name": "Bern", "population": 134000}'
    event = {"choices": [{"delta": {"content": text}, "finish_reason": "stop"}]}
    stream = b"data: " + msgspec.json.encode(event) + b"\n\ndata: [DONE]\n\n"
    server.answers = [answer(text), Answer(stream)]
    async with ring_on(server) as ring:
        response = await ring.chat(request)
        last = [chunk async for chunk in ring.chat_stream(request)][-1]
    assert response.parsed == last.parsed == City("Bern", 134000)
    assert server.asked[0]["response_format"]["type"] == "json_schema"
    assert request.response_format is City


async def test_an_answer_that_breaks_a_strict_schema_is_an_error_with_the_answer(server: Server) -> None:
    server.answers = [answer('{"name": "Bern"}')]
    async with ring_on(server) as ring:
        with pytest.raises(StructuredOutputError) as caught:
            await ring.chat(ask(response_format=City))
    assert caught.value.raw_text == '{"name": "Bern"}'
    assert caught.value.response is not None
    assert caught.value.response.usage is not None
    assert caught.value.response.usage["cost"] is not None
    assert [(attempt.error, attempt.billed) for attempt in caught.value.attempts] == [
        ("StructuredOutputError", True)
    ]


async def test_the_bytes_may_go_through_a_transport_of_ones_own() -> None:
    transport = SimTransport(Script(rules=(Rule(answer=SimAnswer(text="Hi")),)))
    ring = LLMRing(transport=transport)
    ring.register_provider("openai", api_key="k")
    assert (await ring.chat(ask())).content == "Hi"
    await ring.close()


@pytest.mark.parametrize(("value", "allowed"), [("0", False), ("off", False), ("1", True), ("", True)])
async def test_the_environment_may_refuse_the_network(
    server: Server, monkeypatch: pytest.MonkeyPatch, value: str, allowed: bool
) -> None:
    monkeypatch.setenv("LLMRING_ALLOW_NETWORK", value)
    server.answers = [answer()]
    async with ring_on(server) as ring:
        ring.register_provider("anthropic", api_key="k", base_url="http://192.0.2.1")
        assert (await ring.chat(ask())).content == "Hi"
        with pytest.raises(ProviderConnectionError if allowed else ConfigurationError) as caught:
            await ring.chat(ask("anthropic:claude-sonnet-5", timeout=5))
    assert ("the network is refused" in str(caught.value)) is not allowed
    assert len(caught.value.attempts) == 1


async def test_a_refused_network_belongs_to_the_ring_that_read_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLMRING_ALLOW_NETWORK", "0")
    confined = LLMRing(policy=ONCE)
    monkeypatch.delenv("LLMRING_ALLOW_NETWORK")
    for ring, error in ((confined, ConfigurationError), (LLMRing(policy=ONCE), ProviderConnectionError)):
        async with ring:
            ring.register_provider("anthropic", api_key="k", base_url="http://192.0.2.1")
            with pytest.raises(error):
                await ring.chat(ask("anthropic:claude-sonnet-5", timeout=5))


async def test_a_refused_network_holds_for_the_usage_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLMRING_ALLOW_NETWORK", "0")
    async with LLMRing(server_url="http://192.0.2.1", api_key="llmr_pk_k") as ring:
        assert ring.server_client is not None
        with pytest.raises(ConfigurationError, match="the network is refused"):
            await ring.server_client.stats()


async def test_a_refused_network_holds_for_a_client_of_an_sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLMRING_ALLOW_NETWORK", "0")
    async with LLMRing(policy=ONCE) as ring, AsyncOpenAI(api_key="k", base_url="http://192.0.2.1") as client:
        ring.register_provider("openai", client=client)
        with pytest.raises(ConfigurationError, match="the network is refused"):
            await ring.chat(ask())


def test_a_ring_begins_an_empty_lockfile_and_uses_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ring = LLMRing()
    assert ring.lockfile.path == llmring_lockfile.BUNDLED
    ring.init_lockfile()
    assert ring.lockfile_path == tmp_path / "llmring.lock"
    assert ring.lockfile.profile().aliases == ()
    ring.bind_alias("fast", "sim:demo")
    with pytest.raises(FileExistsError):
        ring.init_lockfile()
    ring.init_lockfile(force=True)
    assert not ring.has_alias("fast")


def test_a_ring_with_a_lockfile_in_memory_has_no_file(tmp_path: Path) -> None:
    lockfile = llmring_lockfile.parse('[[profiles.default.bindings]]\nalias = "a"\nmodels = ["sim:demo"]\n')
    ring = LLMRing(lockfile=lockfile)
    assert (ring.lockfile, ring.lockfile_path) == (lockfile, None)
    with pytest.raises(LockfileWriteError):
        ring.init_lockfile()


def test_what_was_edited_elsewhere_counts_at_once_without_the_cache(tmp_path: Path) -> None:
    path = tmp_path / "llmring.lock"
    llmring_lockfile.bind(path, "fast", "sim:demo", create=True)
    ring = LLMRing(lockfile_path=path)
    assert ring.resolve_alias("fast") == "sim:demo"
    llmring_lockfile.bind(path, "fast", "sim:other")
    ring.clear_alias_cache()
    assert ring.resolve_alias("fast") == "sim:other"


def test_arguments_of_the_original_have_their_names_too(tmp_path: Path) -> None:
    ring = LLMRing(lockfile=llmring_lockfile.Lockfile())
    provider = FakeProvider()
    ring.register_provider(provider_type="mine", provider=provider)
    assert ring.get_provider(provider_type="mine") is ring.get_provider("mine")
    ring.require_aliases(required=[])
    for call in (
        ring.get_provider,
        lambda: ring.get_provider("mine", provider_type="mine"),
        lambda: ring.require_aliases([], required=[]),
    ):
        with pytest.raises(TypeError, match="give either"):
            call()


def test_an_unbound_alias_and_an_unknown_provider_are_caught_as_the_documents_of_the_original_do() -> None:
    ring = LLMRing(lockfile=llmring_lockfile.parse("[profiles.default]"))
    with pytest.raises(ModelNotFoundError):
        ring.resolve_alias("fast")
    for one in (ring, LLMRing()):  # with a lockfile, and without
        with pytest.raises(ProviderNotFoundError, match="did you mean openai:gpt-5") as caught:
            one.resolve_alias("openi:gpt-5")
        assert isinstance(caught.value, AliasNotFoundError)
        with pytest.raises(ProviderNotFoundError, match="'openi'; did you mean openai"):
            one.get_provider("openi")
