"""Rate limits in headers: of OpenAI, of Anthropic, and of hosts with names and periods of their own."""

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from llmring_providers import ChatCall, ProviderSettings, find_factory
from llmring_providers._http.limits import stated_limits
from llmring_providers.sim import Answer, Rule, Script, SimTransport
from llmring_providers.transport import ByteStream, HttpRequest, HttpResponse
from llmring_types import LLMRequest, Message, ModelRef, RateLimit, RateLimits, StreamChunk, collect
from llmring_types.hosts import Quirks, host_of

NOW = datetime(2026, 11, 29, 12, 0, 0, tzinfo=UTC)


def read(headers: Mapping[str, str], quirks: Quirks | None = None) -> RateLimits | None:
    return stated_limits(headers, quirks, now=lambda: NOW)


OPENAI = {
    "x-ratelimit-limit-requests": "5000",
    "x-ratelimit-remaining-requests": "4999",
    "x-ratelimit-reset-requests": "12ms",
    "x-ratelimit-limit-tokens": "160000",
    "x-ratelimit-remaining-tokens": "159000",
    "x-ratelimit-reset-tokens": "6m0s",
}
ANTHROPIC = {
    "anthropic-ratelimit-requests-limit": "50",
    "anthropic-ratelimit-requests-remaining": "49",
    "anthropic-ratelimit-requests-reset": "2026-11-29T12:00:01Z",
    "anthropic-ratelimit-input-tokens-limit": "40000",
    "anthropic-ratelimit-input-tokens-remaining": "30000",
    "anthropic-ratelimit-input-tokens-reset": "2026-11-29T12:00:15Z",
    "anthropic-ratelimit-output-tokens-limit": "8000",
    "retry-after": "7",
}


@pytest.mark.parametrize(
    ("headers", "host", "expected"),
    [
        ({}, "openai", None),
        ({"content-type": "application/json"}, "openai", None),
        (
            OPENAI,
            "openai",
            RateLimits(
                requests=RateLimit(limit=5000, remaining=4999, reset_s=0.012),
                tokens=RateLimit(limit=160_000, remaining=159_000, reset_s=360),
            ),
        ),
        (
            ANTHROPIC,
            "anthropic",
            RateLimits(
                requests=RateLimit(limit=50, remaining=49, reset_s=1),
                input_tokens=RateLimit(limit=40_000, remaining=30_000, reset_s=15),
                output_tokens=RateLimit(limit=8000),
                retry_after=7,
            ),
        ),
        (
            {"x-ratelimit-limit": "10", "x-ratelimit-remaining": "9", "x-ratelimit-reset": "0.1"},
            "together",
            RateLimits(requests=RateLimit(limit=10, remaining=9, reset_s=0.1, period_s=1)),
        ),
        (
            {"x-ratelimit-limit-requests": "14400", "x-ratelimit-limit-tokens": "6000"},
            "groq",
            RateLimits(requests=RateLimit(limit=14_400, period_s=86_400), tokens=RateLimit(limit=6000)),
        ),
        ({"retry-after-ms": "500", "retry-after": "1"}, "openai", RateLimits(retry_after=0.5)),
        ({"x-ratelimit-limit-requests": "many", "x-ratelimit-reset-requests": "soon"}, "openai", None),
        (
            {"x-ratelimit-limit-requests": "inf", "x-ratelimit-remaining-requests": "3"},
            "openai",
            RateLimits(requests=RateLimit(remaining=3)),
        ),
        (
            {"x-ratelimit-limit-requests": "5", "x-ratelimit-reset-requests": "tomorrow at 5s"},
            "openai",
            RateLimits(requests=RateLimit(limit=5)),
        ),
    ],
)
def test_headers_state_limits(headers: Mapping[str, str], host: str, expected: RateLimits | None) -> None:
    assert read(headers, host_of(host).quirks) == expected


@pytest.mark.parametrize(
    ("limit", "per_minute"),
    [
        (RateLimit(), None),
        (RateLimit(limit=60), 60),
        (RateLimit(limit=10, period_s=1), 600),
        (RateLimit(limit=14_400, period_s=86_400), 10),
        (RateLimit(limit=60, remaining=10, reset_s=50), 60),
        (RateLimit(limit=200, remaining=190, reset_s=4320), 10 * 60 / 4320),  # a day's, though nobody says so
        (RateLimit(limit=200, remaining=200, reset_s=4320), 200),
    ],
)
def test_a_limit_is_known_per_minute(limit: RateLimit, per_minute: float | None) -> None:
    assert limit.per_minute == per_minute


class Stating:
    """A transport whose answers state the limits of the key."""

    def __init__(self, transport: SimTransport, headers: Mapping[str, str]) -> None:
        self._transport = transport
        self._stated = headers

    async def send(self, request: HttpRequest) -> HttpResponse:
        reply = await self._transport.send(request)
        return reply._replace(headers={**reply.headers, **self._stated})

    async def open(self, request: HttpRequest) -> ByteStream:
        reply = await self._transport.open(request)
        reply.headers = {**reply.headers, **self._stated}
        return reply

    async def aclose(self) -> None:
        await self._transport.aclose()


DAILY = {"x-ratelimit-limit-requests": "14400", "x-ratelimit-limit-tokens": "6000"}


@pytest.mark.parametrize(
    ("model", "headers", "requests_per_minute"),
    [
        ("openai:gpt-4o-mini", OPENAI, 5000),
        ("openai:gpt-5-pro", OPENAI, 5000),  # by the Responses API
        ("anthropic:claude-sonnet-4-5", ANTHROPIC, 50),
        ("google:gemini-2.5-flash", OPENAI, 5000),
        ("ollama:llama3", OPENAI, 5000),
        ("bedrock:us.amazon.nova-lite-v1:0", OPENAI, 5000),
        ("groq:llama-3.1-8b-instant", DAILY, 10),
    ],
)
async def test_a_stream_states_limits_at_its_start(
    model: str, headers: Mapping[str, str], requests_per_minute: float
) -> None:
    ref = ModelRef.parse(model)
    script = Script((Rule(answer=Answer(text="Hello there", chunk_size=3)),))
    transport = Stating(SimTransport(script), headers)
    base_url = "https://bedrock-runtime.us-east-1.amazonaws.com" if ref.provider == "bedrock" else None
    settings = ProviderSettings(name=ref.provider, transport=transport, api_key="k", base_url=base_url)
    provider = find_factory(ref.provider)(settings)
    call = ChatCall(LLMRequest([Message(role="user", content="Hello")]), ref)
    whole = (await provider.chat(call)).rate_limits
    assert whole is not None
    assert whole.requests is not None
    assert whole.requests.per_minute == requests_per_minute
    stream = await provider.stream(call)
    chunks: list[StreamChunk] = []
    while got := await stream.receive():
        chunks += got
    assert [chunk.rate_limits is not None for chunk in chunks] == [True, *[False] * (len(chunks) - 1)]
    streamed = collect(chunks).rate_limits
    assert streamed is not None
    assert streamed.requests is not None
    assert streamed.requests.per_minute == requests_per_minute
    await provider.aclose()
