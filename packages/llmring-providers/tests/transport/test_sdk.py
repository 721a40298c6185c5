"""Calls carried through the user's own SDK client: its address, keys, paths and signatures, our bytes."""

import base64
import binascii
import gzip
import json
import struct
import tracemalloc
from collections.abc import AsyncIterator, Callable
from typing import Any, NamedTuple

import anthropic
import httpx
import httpx2
import ollama
import openai
import pytest
from google import genai
from google.oauth2.credentials import Credentials
from llmring_providers import ChatCall, HttpProvider, ProviderSettings, find_factory
from llmring_providers.transport import ByteStream, HttpRequest, HttpResponse
from llmring_types import LLMRequest, LLMResponse, Message, ModelRef, StreamChunk, collect
from llmring_types.exceptions import (
    ConfigurationError,
    ProviderConnectionError,
    ProviderError,
    ProviderRateLimitError,
    ProviderTimeoutError,
    StreamInterruptedError,
)

KEY = "sk-hunter2"
AWS = {"aws_access_key": "AKIA", "aws_secret_key": KEY, "aws_region": "us-east-1"}


class Unused:
    """A transport that nobody must use."""

    async def send(self, request: HttpRequest) -> HttpResponse:
        raise AssertionError(request)

    async def open(self, request: HttpRequest) -> ByteStream:
        raise AssertionError(request)

    async def aclose(self) -> None:
        raise AssertionError


# ------------------------------------------------------------------ what the providers answer


def sse(*events: dict[str, Any], named: bool = False) -> bytes:
    return b"".join(
        (f"event: {event['type']}\n" if named else "").encode()
        + b"data: "
        + json.dumps(event).encode()
        + b"\n\n"
        for event in events
    )


def aws_event(event: dict[str, Any]) -> bytes:
    """One message of Amazon's event stream.

    https://docs.aws.amazon.com/transcribe/latest/dg/streaming-setting-up.html
    """
    names = {":event-type": "chunk", ":content-type": "application/json", ":message-type": "event"}
    head = b"".join(
        struct.pack("!B", len(name)) + name.encode() + struct.pack("!BH", 7, len(value)) + value.encode()
        for name, value in names.items()
    )
    payload = json.dumps({"bytes": base64.b64encode(json.dumps(event).encode()).decode()}).encode()
    prelude = struct.pack("!II", 16 + len(head) + len(payload), len(head))
    message = prelude + struct.pack("!I", binascii.crc32(prelude)) + head + payload
    return message + struct.pack("!I", binascii.crc32(message))


CHAT = {"id": "c1", "model": "m", "choices": [{"message": {"content": "Hello"}, "finish_reason": "stop"}]}
CHAT_STREAM = (
    sse({"choices": [{"delta": {"content": "Hel"}}]})
    + sse({"choices": [{"delta": {"content": "lo"}, "finish_reason": "stop"}]})
    + b"data: [DONE]\n\n"
)
CLAUDE = {
    "type": "message",
    "content": [{"type": "text", "text": "Hello"}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 1, "output_tokens": 2},
}
CLAUDE_EVENTS: tuple[dict[str, Any], ...] = (
    {"type": "message_start", "message": {"type": "message", "content": [], "usage": {"input_tokens": 1}}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hello"}},
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}},
    {"type": "message_stop"},
)
GEMINI = {"candidates": [{"content": {"parts": [{"text": "Hello"}]}, "finishReason": "STOP"}]}
OLLAMA = {"message": {"role": "assistant", "content": "Hello"}, "done": True, "done_reason": "stop"}


# ------------------------------------------------------------------ the clients


Handler = Callable[[httpx2.Request], httpx2.Response]
MakeClient = Callable[[Handler], Any]


def http2(handler: Handler) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(transport=httpx2.MockTransport(handler))


def http1(handler: Handler) -> httpx.MockTransport:
    """The same for httpx, which Ollama's SDK and older clients speak."""

    def handle(request: httpx.Request) -> httpx.Response:
        answer = handler(
            httpx2.Request(
                request.method, str(request.url), headers=dict(request.headers), content=request.content
            )
        )
        return httpx.Response(answer.status_code, headers=dict(answer.headers), content=answer.content)

    return httpx.MockTransport(handle)


class Case(NamedTuple):
    provider: str
    make: MakeClient
    url: str
    header: tuple[str, str]
    whole: dict[str, Any]
    stream: bytes
    stream_url: str | None = None
    stream_type: str = "text/event-stream"
    body: dict[str, Any] = {}  # noqa: RUF012 - never changed; what must be in the body besides the messages


def google(handler: Handler, **settings: Any) -> genai.Client:
    return genai.Client(
        http_options=genai.types.HttpOptions(
            httpx_async_client=http2(handler),
        ),
        **settings,
    )


CASES = {
    "openai": Case(
        "openai",
        lambda handler: openai.AsyncOpenAI(api_key=KEY, http_client=http2(handler)),
        "https://api.openai.com/v1/chat/completions",
        ("authorization", f"Bearer {KEY}"),
        CHAT,
        CHAT_STREAM,
        body={"model": "m"},
    ),
    "openai over httpx": Case(
        "openai",
        lambda handler: openai.AsyncOpenAI(
            api_key=KEY,
            base_url="https://proxy.test/openai/v1",
            http_client=httpx.AsyncClient(transport=http1(handler)),  # type: ignore[arg-type]
        ),
        "https://proxy.test/openai/v1/chat/completions",
        ("authorization", f"Bearer {KEY}"),
        CHAT,
        CHAT_STREAM,
    ),
    "azure": Case(
        "openai",
        lambda handler: openai.AsyncAzureOpenAI(
            api_key=KEY, azure_endpoint="https://a.test", api_version="2026-01-01", http_client=http2(handler)
        ),
        "https://a.test/openai/deployments/m/chat/completions?api-version=2026-01-01",
        ("api-key", KEY),
        CHAT,
        CHAT_STREAM,
        body={"model": "m"},
    ),
    "azure with a deployment and a token": Case(
        "openai",
        lambda handler: openai.AsyncAzureOpenAI(
            azure_ad_token_provider=lambda: KEY,
            azure_endpoint="https://a.test",
            azure_deployment="d",
            api_version="2026-01-01",
            http_client=http2(handler),
        ),
        "https://a.test/openai/deployments/d/chat/completions?api-version=2026-01-01",
        ("authorization", f"Bearer {KEY}"),
        CHAT,
        CHAT_STREAM,
    ),
    "anthropic": Case(
        "anthropic",
        lambda handler: anthropic.AsyncAnthropic(api_key=KEY, http_client=http2(handler)),
        "https://api.anthropic.com/v1/messages",
        ("anthropic-version", "2023-06-01"),
        CLAUDE,
        sse(*CLAUDE_EVENTS, named=True),
        body={"model": "m"},
    ),
    "bedrock": Case(
        "anthropic",
        lambda handler: anthropic.AsyncAnthropicBedrock(**AWS, http_client=http2(handler)),  # type: ignore[arg-type]
        "https://bedrock-runtime.us-east-1.amazonaws.com/model/m/invoke",
        ("authorization", "AWS4-HMAC-SHA256 Credential=AKIA/"),
        CLAUDE,
        b"".join(aws_event(event) for event in CLAUDE_EVENTS),
        "https://bedrock-runtime.us-east-1.amazonaws.com/model/m/invoke-with-response-stream",
        "application/vnd.amazon.eventstream",
        {"anthropic_version": "bedrock-2023-05-31"},
    ),
    "claude on vertex": Case(
        "anthropic",
        lambda handler: anthropic.AsyncAnthropicVertex(
            region="us-east5", project_id="p", access_token=KEY, http_client=http2(handler)
        ),
        "https://us-east5-aiplatform.googleapis.com/v1/projects/p/locations/us-east5/publishers/anthropic"
        "/models/m:rawPredict",
        ("authorization", f"Bearer {KEY}"),
        CLAUDE,
        sse(*CLAUDE_EVENTS, named=True),
        "https://us-east5-aiplatform.googleapis.com/v1/projects/p/locations/us-east5/publishers/anthropic"
        "/models/m:streamRawPredict",
        body={"anthropic_version": "vertex-2023-10-16"},
    ),
    "google": Case(
        "google",
        lambda handler: google(handler, api_key=KEY),
        "https://generativelanguage.googleapis.com/v1/models/m:generateContent",
        ("x-goog-api-key", KEY),
        GEMINI,
        sse(GEMINI),
        "https://generativelanguage.googleapis.com/v1/models/m:streamGenerateContent?alt=sse",
    ),
    "gemini on vertex": Case(
        "google",
        lambda handler: google(
            handler,
            vertexai=True,
            project="p",
            location="us-east1",
            credentials=Credentials(KEY),  # type: ignore[no-untyped-call]
        ),
        "https://us-east1-aiplatform.googleapis.com/v1beta1/projects/p/locations/us-east1/publishers/google"
        "/models/m:generateContent",
        ("authorization", f"Bearer {KEY}"),
        GEMINI,
        sse(GEMINI),
        "https://us-east1-aiplatform.googleapis.com/v1beta1/projects/p/locations/us-east1/publishers/google"
        "/models/m:streamGenerateContent?alt=sse",
    ),
    "ollama": Case(
        "ollama",
        lambda handler: ollama.AsyncClient(
            "https://o.test/base", headers={"authorization": f"Bearer {KEY}"}, transport=http1(handler)
        ),
        "https://o.test/base/api/chat",
        ("authorization", f"Bearer {KEY}"),
        OLLAMA,
        json.dumps(OLLAMA).encode() + b"\n",
        stream_type="application/x-ndjson",
        body={"model": "m"},
    ),
}


@pytest.fixture(params=CASES.values(), ids=list(CASES))
def case(request: pytest.FixtureRequest) -> Case:
    found: Case = request.param
    return found


def around(case: Case, handler: Handler) -> tuple[HttpProvider, Any]:
    client = case.make(handler)
    settings = ProviderSettings(
        name=case.provider, transport=Unused(), client=client, api_key="of-the-environment"
    )
    provider = find_factory(case.provider)(settings)
    assert isinstance(provider, HttpProvider)
    return provider, client


def question(provider: str) -> ChatCall:
    return ChatCall(
        LLMRequest(messages=[Message(role="user", content="Hi")], max_tokens=100), ModelRef(provider, "m")
    )


async def streamed(provider: HttpProvider, call: ChatCall) -> LLMResponse:
    stream = await provider.stream(call)
    chunks: list[StreamChunk] = []
    while got := await stream.receive():
        chunks += got
    await stream.finish()
    return collect(chunks)


async def asked(case: Case, stream: bool, answer: httpx2.Response) -> tuple[httpx2.Request, LLMResponse]:
    seen: list[httpx2.Request] = []

    def handler(request: httpx2.Request) -> httpx2.Response:
        request.read()
        seen.append(request)
        return answer

    provider, _ = around(case, handler)
    response = await (
        streamed(provider, question(case.provider)) if stream else provider.chat(question(case.provider))
    )
    [request] = seen
    return request, response


async def test_a_call_goes_where_and_as_the_client_says(case: Case) -> None:
    request, response = await asked(case, False, httpx2.Response(200, json=case.whole))
    assert str(request.url) == case.url
    name, value = case.header
    assert request.headers[name].startswith(value)
    assert request.headers["content-type"] == "application/json"
    assert "of-the-environment" not in str(request.headers.raw)
    body = json.loads(request.content)
    assert {**body, **case.body} == body
    assert ("model" in body) == ("model" in case.body or case.provider == "openai")
    assert (response.content, response.finish_reason) == ("Hello", "stop")


async def test_a_stream_goes_where_the_client_says(case: Case) -> None:
    answer = httpx2.Response(200, content=case.stream, headers={"content-type": case.stream_type})
    request, response = await asked(case, True, answer)
    assert str(request.url) == (case.stream_url or case.url)
    assert (response.content, response.finish_reason) == ("Hello", "stop")


async def test_a_client_is_given_back_and_never_closed(case: Case) -> None:
    provider, client = around(case, lambda _: httpx2.Response(200, json=case.whole))
    assert provider.client is client
    await provider.chat(question(case.provider))
    await provider.aclose()
    await provider.aclose()
    assert provider.client is client
    assert (await provider.chat(question(case.provider))).content == "Hello"


@pytest.mark.parametrize("stream", [False, True])
async def test_an_error_status_is_typed_and_not_retried(case: Case, stream: bool) -> None:
    seen: list[str] = []

    def handler(request: httpx2.Request) -> httpx2.Response:
        seen.append(request.method)
        said = {"error": {"message": f"slow down, {KEY}", "type": "rate_limit_error"}}
        return httpx2.Response(429, json=said, headers={"retry-after": "7"})

    provider, client = around(case, handler)
    with pytest.raises(ProviderRateLimitError) as caught:
        await (provider.stream if stream else provider.chat)(question(case.provider))
    assert (caught.value.status_code, caught.value.retry_after) == (429, 7.0)
    assert seen == ["POST"]
    if getattr(client, "api_key", None) == KEY:
        assert KEY not in str(caught.value)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (httpx2.ConnectError, ProviderConnectionError),
        (httpx2.ReadTimeout, ProviderTimeoutError),
        (httpx2.RemoteProtocolError, ProviderConnectionError),
    ],
)
async def test_no_answer_is_a_connection_error_or_a_timeout(
    case: Case, stream: bool, kind: type[httpx2.TransportError], expected: type[ProviderError]
) -> None:
    seen: list[str] = []

    def handler(request: httpx2.Request) -> httpx2.Response:
        seen.append(request.method)
        raise kind(f"illegal header value {KEY}")

    provider, _ = around(case, handler)
    with pytest.raises(expected) as caught:
        await (provider.stream if stream else provider.chat)(question(case.provider))
    assert KEY not in str(caught.value)
    assert httpx2.URL(case.url).host in str(caught.value)
    assert seen == ["POST"]


@pytest.mark.parametrize("provider", ["openai", "anthropic", "google"])
async def test_a_hook_of_the_client_that_raises_for_the_status_leaves_the_error_what_it_is(
    provider: str,
) -> None:
    async def hook(response: httpx2.Response) -> None:
        response.raise_for_status()

    handler = httpx2.MockTransport(lambda _: httpx2.Response(429, json={"error": {"message": "slow down"}}))
    http = httpx2.AsyncClient(transport=handler, event_hooks={"response": [hook]})
    clients: dict[str, Callable[[], Any]] = {
        "openai": lambda: openai.AsyncOpenAI(api_key=KEY, http_client=http),
        "anthropic": lambda: anthropic.AsyncAnthropic(api_key=KEY, http_client=http),
        "google": lambda: genai.Client(
            api_key=KEY, http_options=genai.types.HttpOptions(httpx_async_client=http)
        ),
    }
    settings = ProviderSettings(name=provider, transport=Unused(), client=clients[provider]())
    with pytest.raises(ProviderRateLimitError):
        await find_factory(provider)(settings).chat(question(provider))


async def test_a_cut_stream_is_interrupted(case: Case) -> None:
    cut = case.stream[: len(case.stream) * 3 // 5]
    with pytest.raises(StreamInterruptedError):
        await asked(case, True, httpx2.Response(200, content=cut, headers={"content-type": case.stream_type}))


async def test_a_bomb_in_amazons_stream_is_not_opened() -> None:
    """It comes compressed, which the SDK would leave to its HTTP client."""
    limit, bomb = 3 * 2**20, gzip.compress(bytes(24 * 2**20))
    case = CASES["bedrock"]

    async def pieces() -> AsyncIterator[bytes]:
        yield bomb

    provider, _ = around(
        case,
        lambda _: httpx2.Response(
            200, content=pieces(), headers={"content-type": case.stream_type, "content-encoding": "gzip"}
        ),
    )
    call = question(case.provider)
    call.request.max_response_bytes = limit
    for _ in range(2):  # the first time loads what is loaded late
        stream = await provider.stream(call)
        tracemalloc.start()
        try:
            with pytest.raises(StreamInterruptedError):
                await stream.receive()
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < 2 * limit


async def test_damage_in_amazons_stream_is_typed() -> None:
    case = CASES["bedrock"]
    damaged = bytearray(case.stream)
    damaged[200] ^= 1
    with pytest.raises(StreamInterruptedError):
        await asked(
            case,
            True,
            httpx2.Response(200, content=bytes(damaged), headers={"content-type": case.stream_type}),
        )


@pytest.mark.parametrize("provider", ["openai", "anthropic", "google", "ollama"])
@pytest.mark.parametrize("client", [object(), openai.OpenAI(api_key=KEY), anthropic.Anthropic(api_key=KEY)])
def test_something_else_is_refused(provider: str, client: object) -> None:
    with pytest.raises(ConfigurationError, match=r"client must be an? ") as caught:
        find_factory(provider)(ProviderSettings(name=provider, transport=Unused(), client=client))
    assert KEY not in str(caught.value)


async def no_key() -> str:
    raise openai.OpenAIError("the vault is sealed")


async def refuse(*_: object) -> Any:
    raise anthropic.AnthropicError("the vault is sealed")


@pytest.mark.parametrize(
    ("provider", "client", "said"),
    [
        ("openai", lambda: openai.AsyncOpenAI(api_key=no_key), "the vault is sealed"),
        (
            "anthropic",
            lambda: anthropic.AsyncAnthropic(api_key=KEY, middleware=[refuse]),
            "the vault is sealed",
        ),
        (
            "google",
            lambda: google(
                lambda _: httpx2.Response(200),
                vertexai=True,
                project="p",
                location="us-east1",
                credentials=Credentials(None),  # type: ignore[no-untyped-call]
            ),
            "did not send",
        ),
    ],
)
async def test_a_client_that_refuses_says_why(provider: str, client: Callable[[], Any], said: str) -> None:
    built = find_factory(provider)(ProviderSettings(name=provider, transport=Unused(), client=client()))
    with pytest.raises(ConfigurationError, match=said):
        await built.chat(question(provider))
