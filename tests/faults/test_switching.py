"""When a pool moves on and when not, and what the answer says about it."""

import ssl
from pathlib import Path

import pytest
from fault_ring import BACKENDS, PROTOCOLS, PROVIDERS, ask, provider_of, read, ring_on, run
from llmring import Attempt, BreakerPolicy, LLMResponse, LLMRing, Message, Policy, RetryPolicy
from llmring.exceptions import (
    CircuitBreakerError,
    LLMRingError,
    ProviderAuthenticationError,
    ProviderConnectionError,
    ProviderOverloadedError,
    ProviderRateLimitError,
    ProviderServerError,
    StreamInterruptedError,
)
from llmring.testing import Answer, Rule, Script, Simulator, faults
from llmring_lockfile import Binding, Lockfile, Profile
from llmring_providers.sim import SimTransport
from llmring_types import ModelRef
from loopback import nobody

HELLO = Message(role="user", content="Hello")
THINKS = Answer(text="Because.", reasoning="Why would that be?")


def pool(*models: str) -> Lockfile:
    binding = Binding("pool", tuple(map(ModelRef.parse, models)))
    return Lockfile(profiles={"default": Profile("default", (binding,))})


def ring_in_memory(script: Script, *models: str, policy: Policy | None = None) -> LLMRing:
    ring = LLMRing(transport=SimTransport(script), lockfile=pool(*models), policy=policy)
    for provider in ("openai", "anthropic", "google"):
        ring.register_provider(provider, api_key="k")
    return ring


def failing(**models: int) -> Script:
    """Models that always answer with a status; the others answer as they should."""
    rules = [Rule(model=model, fault=faults.Status(status=status)) for model, status in models.items()]
    return Script(rules=(*rules, Rule(answer=THINKS)))


def outcomes(attempts: list[Attempt]) -> list[tuple[str, str]]:
    return [(one.model, one.error or one.outcome) for one in attempts]


async def streamed(ring: LLMRing, name: str) -> LLMResponse:
    stream = ring.chat_stream(ask(name))
    async for chunk in stream:
        last = chunk
    assert stream.response is not None
    assert (last.attempts, last.warnings or []) == (stream.response.attempts, stream.response.warnings)
    return stream.response


async def test_a_direct_reference_never_moves_on() -> None:
    async with ring_in_memory(failing(down=503), "openai:down", "openai:good") as ring:
        with pytest.raises(ProviderOverloadedError) as caught:
            await ring.chat(ask("openai:down"))
        assert outcomes(list(caught.value.attempts)) == [("openai:down", "ProviderOverloadedError")] * 2
        assert (await ring.chat(ask("pool"))).model == "openai:good"


async def test_an_alias_of_a_package_moves_on_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "text_tools"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "llmring.lock").write_text(
        'version = "1.0"\ndefault_profile = "default"\n[[profiles.default.bindings]]\n'
        'alias = "brief"\nmodels = ["openai:down", "anthropic:good"]\n'
    )
    monkeypatch.syspath_prepend(tmp_path)
    for stream in (False, True):
        ring = LLMRing(transport=SimTransport(failing(down=429)), lockfile=Lockfile(extends=("text_tools",)))
        for provider in ("openai", "anthropic"):
            ring.register_provider(provider, api_key="k")
        name = "text_tools:brief"
        response = await streamed(ring, name) if stream else await ring.chat(ask(name))
        await ring.close()
        assert response.model == "anthropic:good"
        assert outcomes(response.attempts) == [
            ("openai:down", "ProviderRateLimitError"),
            ("anthropic:good", "ok"),
        ]


ALL_FAIL = [
    ({"one": 429, "two": 500}, ProviderServerError),
    ({"one": 500, "two": 401}, ProviderAuthenticationError),
    ({"one": 503, "two": 429}, ProviderRateLimitError),
]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(("statuses", "kind"), ALL_FAIL)
async def test_when_all_fail_the_error_is_the_last_ones_and_carries_every_attempt(
    statuses: dict[str, int], kind: type[LLMRingError], stream: bool
) -> None:
    policy = Policy(retry=RetryPolicy(attempts=1))
    async with ring_in_memory(failing(**statuses), "openai:one", "anthropic:two", policy=policy) as ring:
        with pytest.raises(kind) as caught:
            await read(ring, ask("pool"), stream=stream)
    assert type(caught.value) is kind
    assert [(one.model, one.status_code) for one in caught.value.attempts] == [
        ("openai:one", statuses["one"]),
        ("anthropic:two", statuses["two"]),
    ]
    assert all(one.message and one.seconds > 0 and one.billed is False for one in caught.value.attempts)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_a_refused_key_moves_on_only_when_told_and_the_trace_says_so(stream: bool) -> None:
    models = ("openai:down", "openai:other", "anthropic:good")
    async with ring_in_memory(failing(down=401), *models) as ring:
        with pytest.raises(ProviderAuthenticationError) as caught:
            await read(ring, ask("pool"), stream=stream)
        assert len(caught.value.attempts) == 1
    policy = Policy(fail_over_on_authentication=True)
    async with ring_in_memory(failing(down=401), *models, policy=policy) as ring:
        response = await (streamed(ring, "pool") if stream else ring.chat(ask("pool")))
    assert [(one.model, one.outcome, one.status_code) for one in response.attempts] == [
        ("openai:down", "error", 401),
        ("openai:other", "skipped", None),
        ("anthropic:good", "ok", None),
    ]
    assert "the key was refused" in (response.attempts[0].message or "")
    assert "key of openai was refused" in (response.attempts[1].message or "")


@pytest.mark.parametrize(("wish", "requests"), [(0.001, 2), (31, 1), (3600, 1)])
async def test_retry_after_is_waited_for_up_to_a_cap(wish: float, requests: int) -> None:
    script = Script(rules=(Rule(until=1, fault=faults.Status(status=429, retry_after=wish)),))
    async with ring_in_memory(script, "anthropic:m") as ring:
        if requests == 2:
            response = await ring.chat(ask("pool"))
            assert len(response.attempts) == 2
        else:
            with pytest.raises(ProviderRateLimitError) as caught:
                await ring.chat(ask("pool"))
            assert (len(caught.value.attempts), caught.value.retry_after) == (1, wish)


async def test_an_open_breaker_is_passed_over_without_a_request_and_alone_is_an_error(
    simulator: Simulator, tls: ssl.SSLContext
) -> None:
    simulator.script = failing(down=500)
    policy = Policy(breaker=BreakerPolicy(failures=3, open_s=60), retry=RetryPolicy(attempts=1))
    pools = {"pool": ["openai:down", "anthropic:good"]}
    async with ring_on(simulator, tls, policy=policy, pools=pools) as ring:
        for _ in range(5):
            response = await ring.chat(ask("pool"))
        with pytest.raises(CircuitBreakerError) as caught:
            await ring.chat(ask("openai:down"))
    asked = [request.prompt.model for request in simulator.requests if request.prompt is not None]
    assert (asked.count("down"), asked.count("good")) == (3, 5)
    assert [one.outcome for one in response.attempts] == ["skipped", "ok"]
    assert "left alone" in (response.attempts[0].message or "")
    assert (caught.value.failure_count, caught.value.attempts[0].outcome) == (3, "skipped")


async def test_streams_that_break_off_open_the_breaker_unless_whole_ones_come_between() -> None:
    script = Script(
        rules=(
            Rule(model="down", answer=Answer(text="x" * 99), fault=faults.Cut(after=4)),
            Rule(model="odd", every=2, answer=Answer(text="x" * 99), fault=faults.Cut(after=4)),
        )
    )
    policy = Policy(breaker=BreakerPolicy(failures=2, open_s=60))
    async with ring_in_memory(script, "openai:down", "anthropic:good", policy=policy) as ring:
        for _ in range(2):
            with pytest.raises(StreamInterruptedError):
                await streamed(ring, "pool")
        response = await streamed(ring, "pool")
        assert outcomes(response.attempts) == [("openai:down", "skipped"), ("anthropic:good", "ok")]
        for _ in range(4):
            assert (await streamed(ring, "openai:odd")).content
            with pytest.raises(StreamInterruptedError):
                await streamed(ring, "openai:odd")
        for _ in range(4):
            async with ring.chat_stream(ask("openai:odd")) as left_early:
                await anext(left_early)
            with pytest.raises(StreamInterruptedError):
                await streamed(ring, "openai:odd")


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_where_nobody_listens_the_pool_moves_on(
    simulator: Simulator, tls: ssl.SSLContext, stream: bool, backend: str
) -> None:
    simulator.script = Script()

    async def main() -> None:
        pools = {provider: [f"{provider}:m", "sim:good"] for provider in PROVIDERS}
        policy = Policy(retry=RetryPolicy(attempts=2, base_s=0), breaker=None)
        async with ring_on(simulator, tls, pools=pools, policy=policy) as ring:
            for provider in PROVIDERS:
                ring.register_provider(provider, api_key="k", base_url=f"http://{host}")
                with pytest.raises(ProviderConnectionError, match="Connection refused") as caught:
                    await read(ring, ask(f"{provider}:m"), stream=stream)
                assert len(caught.value.attempts) == 2
                await read(ring, ask(provider), stream=stream)

    with nobody() as host:
        run(backend, main)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("target", PROTOCOLS)
@pytest.mark.parametrize("source", ["responses", "anthropic", "ollama"])
async def test_the_answer_tells_what_a_switch_has_lost(source: str, target: str, stream: bool) -> None:
    """The reasoning of the turns before can be read only by who wrote it."""
    here, there = provider_of(source), provider_of(target)
    async with ring_in_memory(failing(down=503), f"{here}:down", f"{there}:good") as ring:
        before = await ring.chat(ask(f"{here}:good", source, reasoning_effort="high"))
        assert before.warnings == []
        request = ask("pool", target)
        request.messages = [HELLO, before.to_message(), HELLO]
        if stream:
            last = [chunk async for chunk in ring.chat_stream(request)][-1]
            model, warnings = last.model, last.warnings or []
        else:
            response = await ring.chat(request)
            model, warnings = response.model, response.warnings
    assert model == f"{there}:good"
    lost = [sentence for sentence in warnings if "private reasoning" in sentence]
    assert len(lost) == (0 if source == target else 1)
    assert all(here in sentence and f"{there}:good" in sentence for sentence in lost)


async def test_the_answer_tells_what_the_next_member_does_not_take() -> None:
    async with ring_in_memory(failing(down=503), "anthropic:down", "google:good") as ring:
        response = await ring.chat(ask("pool", cache={"type": "ephemeral"}))
    assert response.model == "google:good"
    assert [sentence for sentence in response.warnings if "cache" in sentence]
