"""Answers in every protocol, read by the vendors' own types and by our adapters."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from llmring_providers import Adapter, ChatCall, HttpProvider
from llmring_providers.anthropic import AnthropicAdapter
from llmring_providers.google import GoogleAdapter
from llmring_providers.ollama import OllamaAdapter
from llmring_providers.openai import OpenAIAdapter
from llmring_providers.sim import Answer, Call, Rule, Script, SimTransport, Simulation, Tokens, faults
from llmring_providers.transport import HttpRequest
from llmring_types import FinishReason, LLMRequest, LLMResponse, Message, ModelRef, StreamChunk, collect
from llmring_types.exceptions import (
    MalformedResponseError,
    ProviderAuthenticationError,
    ProviderBadRequestError,
    ProviderError,
    ProviderOverloadedError,
    ProviderRateLimitError,
    ProviderServerError,
    StreamInterruptedError,
)
from pydantic import BaseModel, TypeAdapter

TEXT = "It is 17 degrees in Rome, says the “thermometer”.\n"
ANSWERS = {
    "text": Answer(text=TEXT),
    "nothing": Answer(text=""),
    "reasoning": Answer(text=TEXT, reasoning="Rome is in Italy, so …"),
    "calls": Answer(tool_calls=(Call("get_weather", {"city": "Rome"}), Call("now"))),
    "everything": Answer(
        text=TEXT,
        reasoning="Let me look.",
        tool_calls=(Call("get_weather", {"city": "Roma “caput”"}),),
        usage=Tokens(prompt_tokens=100, completion_tokens=30, cache_read_input_tokens=60, reasoning_tokens=9),
    ),
    "cut": Answer(text=TEXT, finish="length"),
}


_HELLO = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}
ENDPOINTS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "openai": ("/v1/chat/completions", "/v1/chat/completions", _HELLO),
    "responses": ("/v1/responses", "/v1/responses", {"model": "m", "input": "Hello"}),
    "anthropic": ("/v1/messages", "/v1/messages", {"max_tokens": 1000, **_HELLO}),
    "google": (
        "/v1beta/models/m:generateContent",
        "/v1beta/models/m:streamGenerateContent?alt=sse",
        {"contents": [{"parts": [{"text": "Hello"}]}]},
    ),
    "ollama": ("/api/chat", "/api/chat", _HELLO),
}
"""Where each protocol answers, whole and streamed, and a request."""


def body_of(protocol: str, answer: Answer, *, stream: bool, path: str | None = None) -> bytes:
    whole, streamed, body = ENDPOINTS[protocol]
    body = body if protocol == "google" else {**body, "stream": stream}
    request = HttpRequest("POST", path or (streamed if stream else whole), {}, json.dumps(body).encode())
    found, _ = Simulation(Script(rules=(Rule(answer=answer),))).plan(request)
    assert found.status == 200
    return b"".join(step for step in found.steps if isinstance(step, bytes))


def events_of(protocol: str, body: bytes) -> Iterator[Any]:
    """Take a stream apart with nothing of ours."""
    if protocol == "ollama":
        yield from map(json.loads, body.splitlines())
        return
    for block in body.replace(b"\r\n", b"\n").split(b"\n\n"):
        data = block.rpartition(b"data: ")[2]
        if data and data != b"[DONE]":
            yield json.loads(data)


def _openai() -> tuple[type[BaseModel], Any]:
    from openai.types.chat import ChatCompletion, ChatCompletionChunk

    return ChatCompletion, ChatCompletionChunk


def _responses() -> tuple[type[BaseModel], Any]:
    from openai.types.responses import Response, ResponseStreamEvent

    return Response, ResponseStreamEvent


def _anthropic() -> tuple[type[BaseModel], Any]:
    from anthropic.types import Message as WireMessage
    from anthropic.types import RawMessageStreamEvent

    return WireMessage, RawMessageStreamEvent


def _google() -> tuple[type[BaseModel], Any]:
    from google.genai.types import GenerateContentResponse

    return GenerateContentResponse, GenerateContentResponse


def _ollama() -> tuple[type[BaseModel], Any]:
    from ollama import ChatResponse

    return ChatResponse, ChatResponse


VENDORS: list[tuple[str, Callable[[], tuple[type[BaseModel], Any]]]] = [
    ("openai", _openai),
    ("responses", _responses),
    ("anthropic", _anthropic),
    ("google", _google),
    ("ollama", _ollama),
]


@pytest.mark.parametrize(("protocol", "types"), VENDORS, ids=ENDPOINTS)
@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_the_vendors_types_take_every_answer(
    protocol: str, types: Callable[[], tuple[type[BaseModel], Any]], answer: Answer
) -> None:
    """Pydantic misses no required field. The ping of Anthropic's streams has no type in its SDK."""
    whole, event = types()

    whole.model_validate_json(body_of(protocol, answer, stream=False))
    events = list(events_of(protocol, body_of(protocol, answer, stream=True)))
    for one in events:
        if one.get("type") != "ping":
            TypeAdapter(event).validate_python(one)
    assert len(events) >= 1


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_a_gemini_stream_without_sse_is_one_array(answer: Answer) -> None:
    path = "/v1beta/models/m:streamGenerateContent"
    array = body_of("google", answer, stream=True, path=path)

    assert json.loads(array) == list(events_of("google", body_of("google", answer, stream=True)))


ADAPTERS: list[tuple[str, Adapter, str]] = [
    ("openai", OpenAIAdapter(), "/v1"),
    ("anthropic", AnthropicAdapter(), ""),
    ("google", GoogleAdapter(), ""),
    ("ollama", OllamaAdapter(), ""),
]
_REQUEST = LLMRequest(messages=[Message(role="user", content="Hello")], max_tokens=1000)


@pytest.fixture(params=ADAPTERS, ids=lambda row: row[0])
def adapter(request: pytest.FixtureRequest) -> tuple[str, Adapter, str]:
    found: tuple[str, Adapter, str] = request.param
    return found


async def ask(adapter: tuple[str, Adapter, str], rule: Rule, *, stream: bool) -> LLMResponse:
    name, its, path = adapter
    provider = HttpProvider(
        name, adapter=its, transport=SimTransport(Script(rules=(rule,))), base_url=f"http://sim.invalid{path}"
    )
    call = ChatCall(_REQUEST, ModelRef(name, "m"))
    if not stream:
        return await provider.chat(call)
    opened = await provider.stream(call)
    chunks: list[StreamChunk] = []
    while more := await opened.receive():
        chunks.extend(more)
    return collect(chunks)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
async def test_our_adapters_read_what_the_script_says(
    adapter: tuple[str, Adapter, str], answer: Answer, stream: bool
) -> None:
    response = await ask(adapter, Rule(answer=answer), stream=stream)

    assert response.content == answer.text or (not response.content and not answer.text)
    assert (response.reasoning or "") == answer.reasoning
    functions = [call["function"] for call in response.tool_calls or ()]
    assert [function["name"] for function in functions] == [call.name for call in answer.tool_calls]
    assert [json.loads(function["arguments"]) for function in functions] == [
        call.arguments for call in answer.tool_calls
    ]
    expected = answer.finish or ("tool_calls" if answer.tool_calls else "stop")
    assert response.finish_reason == expected
    ids = [call["id"] for call in response.tool_calls or ()]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("stream", [False, True])
async def test_our_adapters_read_the_counts_of_the_script(
    adapter: tuple[str, Adapter, str], stream: bool
) -> None:
    usage = (await ask(adapter, Rule(answer=ANSWERS["everything"]), stream=stream)).usage

    assert usage is not None
    assert (usage["prompt_tokens"], usage["completion_tokens"], usage["total_tokens"]) == (100, 30, 130)
    if adapter[0] != "ollama":  # whose protocol has no place for them
        assert (usage["cache_read_input_tokens"], usage["reasoning_tokens"]) == (60, 9)


FINISH: list[FinishReason] = ["stop", "length", "content_filter", "error", "other"]
WORDLESS = {("ollama", "content_filter"), ("ollama", "error"), ("anthropic", "error")}
"""Ends for which a protocol has no word."""


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("finish", FINISH)
async def test_our_adapters_read_every_end(
    adapter: tuple[str, Adapter, str], finish: FinishReason, stream: bool
) -> None:
    response = await ask(adapter, Rule(answer=Answer(text=TEXT, finish=finish)), stream=stream)

    assert response.finish_reason == ("other" if (adapter[0], finish) in WORDLESS else finish)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (faults.Status(status=400), ProviderBadRequestError),
        (faults.Status(status=401), ProviderAuthenticationError),
        (faults.Status(status=429, retry_after=3), ProviderRateLimitError),
        (faults.Status(status=500), ProviderServerError),
        (faults.Status(status=503), ProviderOverloadedError),
        (faults.Status(status=529), ProviderOverloadedError),
        (faults.Cut(after=1), MalformedResponseError),
        (faults.Malformed(), MalformedResponseError),
    ],
)
async def test_our_adapters_name_what_goes_wrong(
    adapter: tuple[str, Adapter, str], fault: faults.Fault, error: type[ProviderError], stream: bool
) -> None:
    with pytest.raises(error) as caught:
        await ask(adapter, Rule(answer=Answer(text=TEXT), fault=fault), stream=stream)

    if isinstance(fault, faults.Status):
        assert caught.value.status_code == fault.status
    if isinstance(caught.value, ProviderRateLimitError):
        assert caught.value.retry_after == 3


@pytest.mark.parametrize("how", ["ended", "torn", "lost"])
async def test_a_cut_stream_is_an_interruption(adapter: tuple[str, Adapter, str], how: Any) -> None:
    rule = Rule(answer=Answer(text=TEXT), fault=faults.Cut(after=2, how=how))

    with pytest.raises(StreamInterruptedError):
        await ask(adapter, rule, stream=True)


async def test_an_error_within_a_stream_is_told(adapter: tuple[str, Adapter, str]) -> None:
    rule = Rule(answer=Answer(text=TEXT), fault=faults.ErrorEvent(after=2, message="Out of luck."))

    with pytest.raises(ProviderError, match=r"Out of luck\."):
        await ask(adapter, rule, stream=True)
