"""Every row of the table passes the suite for providers, against a simulator that deviates as the row says."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, nullcontext
from functools import partial
from typing import Any

import msgspec
import pytest
from dressed import COST, DressedTransport
from dressed_clouds import DressedHost
from llmring_providers import ChatCall, Provider, ProviderSettings, find_factory
from llmring_providers.sim import Answer, Call, Rule, Script, SimTransport, Tokens, faults
from llmring_providers.testing import ProviderConformance, Scenario
from llmring_providers.transport import Transport
from llmring_types import LLMRequest, Message, ModelRef, StreamChunk, tool_call
from llmring_types.exceptions import LLMRingError, ProviderRateLimitError
from llmring_types.hosts import HOSTS, Host, Quirks, register, unregister

SECRET = "key-hunter2"
PROTOCOLS = ("openai", "responses", "anthropic", "gemini")
ROWS = [host for host in HOSTS.values() if not host.is_vendor and host.protocol in PROTOCOLS]
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "strict": True,
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}
SCHEMA = {"type": "json_schema", "json_schema": {"name": "city", "schema": WEATHER["function"]["parameters"]}}  # type: ignore[index]
TOKENS = Tokens(prompt_tokens=40, completion_tokens=20, cache_read_input_tokens=8, reasoning_tokens=5)
TEXT = Rule(answer=Answer(text="Hello there", reasoning="They greet me.", chunk_size=5, usage=TOKENS))
TOOL = Rule(answer=Answer(tool_calls=(Call("get_weather", {"city": "Oslo"}),), usage=TOKENS))
RULES: Mapping[Scenario, Rule] = {
    Scenario.TEXT: TEXT,
    Scenario.TOOL_CALL: TOOL,
    Scenario.UNAUTHORIZED: Rule(fault=faults.Status(status=401, message=f"Incorrect API key: {SECRET}")),
    Scenario.UNKNOWN_MODEL: Rule(fault=faults.Status(status=404)),
    Scenario.BAD_REQUEST: Rule(fault=faults.Status(status=400)),
    Scenario.RATE_LIMITED: Rule(fault=faults.Status(status=429)),
    Scenario.SERVER_ERROR: Rule(fault=faults.Status(status=500)),
    Scenario.UNREACHABLE: Rule(fault=faults.Reset()),
    Scenario.CUT_STREAM: msgspec.structs.replace(TEXT, fault=faults.Cut(after=3)),
    Scenario.SILENT: msgspec.structs.replace(TEXT, fault=faults.Stall()),
}
EVERYTHING: dict[str, Any] = {
    "audio": {},
    "frequency_penalty": 0.1,
    "logit_bias": {"1": 1},
    "logprobs": True,
    "metadata": {"a": "b"},
    "modalities": ["text"],
    "n": 1,
    "parallel_tool_calls": False,
    "prediction": {"type": "content", "content": "Hello"},
    "presence_penalty": 0.1,
    "seed": 1,
    "service_tier": "auto",
    "stop": [f"stop {number}" for number in range(20)],
    "store": False,
    "top_logprobs": 1,
    "user": "u",
}
CALL = tool_call("call_0123456789", "get_weather", {"city": "Oslo"})
AGAIN = tool_call("call_1123456789", "get_weather", {"city": "Oslo"})
ASKED = Message(role="user", content="Weather?", name="Ada")
CONVERSATION = [
    Message(role="system", content="Be brief."),
    ASKED,
    Message(role="user", content=[{"type": "text", "text": "In"}, {"type": "text", "text": "Oslo"}]),
    Message(role="assistant", content="", tool_calls=[CALL]),
    Message(role="tool", content="sunny", tool_call_id="call_0123456789"),
    Message(role="assistant", content="Sunny."),
    Message(role="user", content="Thanks."),
    Message(role="user", content="And now?"),
    Message(role="assistant", content="", tool_calls=[AGAIN]),
    Message(role="tool", content="cloudy", tool_call_id="call_1123456789"),
    Message(role="user", content="Well?"),
]


class Dressed(ProviderConformance):
    """One row, over the simulator in some dress."""

    secret = SECRET

    def __init__(self, host: Host, dress: Quirks | None, far_end: Host | None = None) -> None:
        self.ref = ModelRef(host.name, "some/model:free")
        self._dress = dress
        self._far_end = far_end or host

    @asynccontextmanager
    async def serving(self, scenario: Scenario) -> AsyncIterator[Provider]:
        provider = built(self.ref.provider, self._dress, RULES[scenario], self._far_end)
        yield provider
        await provider.aclose()

    def test_everything_that_can_be_asked_for_is_taken_or_left_out(self) -> None:
        self.check(Scenario.TEXT, asks_for_everything)

    def test_a_tool_can_be_demanded(self) -> None:
        self.check(Scenario.TOOL_CALL, demands_tools)

    def test_counts_reasoning_and_price_are_found_in_their_places(self) -> None:
        self.check(Scenario.TEXT, partial(finds_places, quirks=self._dress))


def built(name: str, dress: Quirks | None, rule: Rule, far_end: Host | None = None) -> Provider:
    script, host = Script((rule,)), far_end or HOSTS[name]
    if host.protocol == "openai":
        transport: Transport = SimTransport(script) if dress is None else DressedTransport(dress, script)
    elif host.protocol == "responses":
        transport = SimTransport(script)
    else:
        transport = DressedHost(host, dress or Quirks(), script)
    place = "/projects/acme/locations/europe-west1" if host.cloud == "vertex" else ""
    url = None if host.default_url else f"https://account.test/v1{place}"
    settings = ProviderSettings(name=name, transport=transport, api_key=SECRET, base_url=url)
    return find_factory(name)(settings)


def run_suite(host: Host, dress: Quirks | None, far_end: Host | None = None) -> None:
    """Run all tests of the suite; an AssertionError is a failure of the row."""
    suite = Dressed(host, dress, far_end)
    for name in dir(suite):
        if name.startswith("test_"):
            try:
                getattr(suite, name)()
            except LLMRingError as error:
                raise AssertionError(f"{name}: {error}") from error


async def asks_for_everything(provider: Provider, ref: ModelRef) -> None:
    request = LLMRequest(
        CONVERSATION, max_tokens=100, tools=[WEATHER], response_format=SCHEMA, extra_params=EVERYTHING
    )
    answer = await provider.chat(ChatCall(request, ref))
    assert answer.content == "Hello there"
    begun = [*CONVERSATION, Message(role="assistant", content="It is")]
    for messages in (begun, [*CONVERSATION, answer.to_message(), ASKED]):
        await provider.chat(ChatCall(LLMRequest(messages, response_format={"type": "json_object"}), ref))


async def demands_tools(provider: Provider, ref: ModelRef) -> None:
    for choice in ("required", "get_weather", "auto"):
        request = LLMRequest([ASKED], tools=[WEATHER], tool_choice=choice)
        assert (await provider.chat(ChatCall(request, ref))).tool_calls


async def finds_places(provider: Provider, ref: ModelRef, quirks: Quirks | None) -> None:
    call = ChatCall(LLMRequest([Message(role="user", content="Hello")]), ref)
    whole = await provider.chat(call)
    stream = await provider.stream(call)
    chunks: list[StreamChunk] = []
    while got := await stream.receive():
        chunks += got
    assert whole.reasoning == "".join(chunk.reasoning or "" for chunk in chunks) == "They greet me."
    for usage in (whole.usage, chunks[-1].usage):
        assert usage is not None
        assert usage.get("cache_read_input_tokens") == TOKENS.cache_read_input_tokens
        assert usage.get("reported_cost") == (COST if quirks is not None and quirks.cost else None)


@pytest.mark.parametrize("host", ROWS, ids=lambda host: host.name)
def test_a_row_passes_the_suite_for_providers(host: Host) -> None:
    run_suite(host, host.quirks or (Quirks() if host.protocol == "openai" else None))


@pytest.fixture
def fresh() -> Iterator[Host]:
    """A row that nobody has seen, with every deviation that there is."""
    row = Host(
        name="fresh",
        protocol="openai",
        default_url="https://fresh.test/v1",
        key_variables=("FRESH_KEY",),
        quirks=Quirks(**DEVIATIONS),
    )
    register(row)
    yield row
    unregister("fresh")


DEVIATIONS: dict[str, Any] = {
    "chat_path": "/talk",
    "token_limit": "max_completion_tokens",
    "stream_options": False,
    "strict": False,
    "required_word": "any",
    "named_choice": False,
    "parallel_calls": False,
    "call_ids": "nine",
    "alternating": True,
    "answered_results": True,
    "begun_answer": "prefix",
    "speakers": False,
    "text_only": ("system", "user", "assistant", "tool"),
    "formats": ("json_object",),
    "refused": ("logit_bias", "user"),
    "renamed": {"seed": "random_seed"},
    "most_stops": 2,
    "replays_reasoning": "never",
    "cached_tokens": "cache.read",
    "cost": "price.ticks",
    "cost_unit": 1e-10,
}
"""One other value for each field that changes a request or names a place of a host's own."""


def test_a_fresh_row_needs_no_code_and_no_change_of_a_test(fresh: Host) -> None:
    run_suite(fresh, fresh.quirks)


@pytest.mark.parametrize("field", sorted(DEVIATIONS.keys() - {"cost_unit"}))
def test_a_row_without_one_of_its_deviations_fails_the_suite(field: str) -> None:
    right = Quirks(**{name: DEVIATIONS[name] for name in (field, "cost_unit") if field in ("cost", name)})
    row = Host(
        name="wrong", protocol="openai", default_url="https://wrong.test/v1", keyless=True, quirks=Quirks()
    )
    register(row)
    try:
        with pytest.raises(AssertionError):
            run_suite(row, right)
    finally:
        unregister("wrong")


MESSAGES_DEVIATIONS: dict[str, Any] = {
    "key_header": "authorization",
    "refused": ("metadata",),
    "renamed": {"metadata": "about"},
    "most_stops": 2,
}
"""The fields that count over Anthropic's protocol."""


@pytest.mark.parametrize("field", sorted(MESSAGES_DEVIATIONS))
def test_a_row_of_anthropics_protocol_without_one_of_its_deviations_fails_the_suite(field: str) -> None:
    right = Quirks(**{field: MESSAGES_DEVIATIONS[field]})
    for quirks in (right, Quirks()):
        row = Host(
            name="wrong", protocol="anthropic", default_url="https://wrong.test", keyless=True, quirks=quirks
        )
        register(row)
        try:
            with nullcontext() if quirks is right else pytest.raises(AssertionError):
                run_suite(row, right)
        finally:
            unregister("wrong")


@pytest.mark.parametrize("name", ["vertex", "vertex-anthropic"])
def test_a_row_of_a_cloud_without_its_form_fails_the_suite(name: str) -> None:
    right = HOSTS[name]
    row = msgspec.structs.replace(right, name="wrong", cloud=None)
    register(row)
    try:
        with pytest.raises(AssertionError):
            run_suite(row, Quirks(), far_end=right)
    finally:
        unregister("wrong")


@pytest.mark.parametrize("form", ["object", "text", "list", "flat", "detail", "base_resp"])
def test_the_words_of_an_error_are_found_in_every_form(form: Any) -> None:
    async def refused() -> str:
        quirks = Quirks(error=form, refused=("seed",))
        transport = DressedTransport(quirks, Script((TEXT,)))
        provider = find_factory("groq")(ProviderSettings(name="groq", transport=transport))
        request = LLMRequest([ASKED], extra_params={"seed": 1})
        with pytest.raises(LLMRingError) as raised:
            await provider.chat(ChatCall(request, ModelRef("groq", "m")))
        return str(raised.value)

    assert "seed is not permitted" in asyncio.run(refused())


def test_a_wait_that_a_host_states_in_a_header_of_its_own_is_read() -> None:
    async def limited() -> None:
        rule = RULES[Scenario.RATE_LIMITED]
        provider = built("together", HOSTS["together"].quirks, rule)
        with pytest.raises(ProviderRateLimitError) as raised:
            await provider.chat(ChatCall(LLMRequest([ASKED]), ModelRef("together", "m")))
        assert raised.value.retry_after == 7

    asyncio.run(limited())


def test_whatever_is_lost_is_in_the_warnings(fresh: Host) -> None:
    async def answered() -> list[str]:
        assert fresh.quirks is not None
        provider = built("fresh", fresh.quirks, TEXT)
        request = LLMRequest(
            CONVERSATION,
            tools=[WEATHER],
            tool_choice="get_weather",
            response_format=SCHEMA,
            extra_params=EVERYTHING,
        )
        return (await provider.chat(ChatCall(request, ModelRef("fresh", "m")))).warnings

    told = "\n".join(asyncio.run(answered()))
    for lost in (
        "logit_bias",
        "user",
        "stop",
        "parallel_tool_calls",
        "strict",
        "tool_choice",
        "speakers",
        "joined",
    ):
        assert lost in told
    assert "no structured output" in told
