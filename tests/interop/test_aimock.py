"""All protocols against aimock, a server by others: it must understand us, and we it.

Where aimock differs from the provider that it stands for, the test that meets it says so. Above all it counts
tokens only for chat completions, and is as strict as the providers are about almost nothing that it is sent.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import llmring_lockfile
import msgspec
import pytest
from aimock import FOLDER, Aimock
from interop.ours import PROTOCOLS, api_params, ask
from interop.recordings import Protocol
from llmring import (
    LLMRequest,
    LLMResponse,
    LLMRing,
    LLMRingError,
    Message,
    Policy,
    ProviderAuthenticationError,
    ProviderRateLimitError,
    RetryPolicy,
    StreamInterruptedError,
    StructuredOutputError,
)
from llmring.exceptions import ProviderOverloadedError, ProviderServerError

MODELS: dict[Protocol, str] = {
    "openai chat": "openai:gpt-4o",
    "openai responses": "openai:gpt-4o",
    "anthropic": "anthropic:claude-sonnet-4-6",
    "google": "google:gemini-2.5-flash",
    "ollama": "ollama:llama3",
}
TOOLS = [
    {"name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}},
    {"name": "now", "description": "The time.", "parameters": {"type": "object", "properties": {}}},
    {"name": "search", "parameters": {"type": "object", "properties": {"query": {"type": "string"}}}},
]
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city", "days"],
    "additionalProperties": False,
}
ONCE = Policy(retry=RetryPolicy(attempts=1))
both_ways = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
all_protocols = pytest.mark.parametrize("protocol", PROTOCOLS)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aimock]:
    with Aimock(FOLDER / "fixtures.json", tmp_path_factory.mktemp("aimock")) as aimock:
        yield aimock


@pytest.fixture
def aimock(running: Aimock, monkeypatch: pytest.MonkeyPatch) -> Aimock:
    for name, value in running.environment.items():
        monkeypatch.setenv(name, value)
    return running


def request_of(protocol: Protocol, *messages: Message | str, **fields: Any) -> LLMRequest:
    conversation = [Message(role="user", content=m) if isinstance(m, str) else m for m in messages]
    return LLMRequest(
        conversation, **({"model": MODELS[protocol]} | fields), extra_params=api_params(protocol)
    )


async def answer(request: LLMRequest, *, stream: bool) -> LLMResponse:
    async with LLMRing(policy=ONCE) as ring:
        return await ask(ring, request, stream=stream)


@both_ways
@all_protocols
async def test_text_is_read(aimock: Aimock, protocol: Protocol, stream: bool) -> None:
    response = await answer(request_of(protocol, "hello"), stream=stream)
    assert response.content == (
        "Hi there, this is a longer text — with 日本語 and 🎈 — so that it comes in pieces."
    )
    assert (response.finish_reason, response.tool_calls, response.warnings) == ("stop", None, [])
    assert response.model == MODELS[protocol]
    assert response.request_id is not None
    assert response.usage is not None
    counted = [response.usage[name] for name in ("prompt_tokens", "completion_tokens", "total_tokens")]
    assert counted == ([2, 20, 22] if protocol == "openai chat" else [0, 0, 0])


@all_protocols
async def test_a_stream_comes_in_pieces(aimock: Aimock, protocol: Protocol) -> None:
    async with LLMRing() as ring:
        deltas = [chunk.delta async for chunk in ring.chat_stream(request_of(protocol, "hello"))]
    assert len([delta for delta in deltas if delta]) > 3


@both_ways
@all_protocols
async def test_tool_calls_are_made_and_their_results_understood(
    aimock: Aimock, protocol: Protocol, stream: bool
) -> None:
    question = Message(role="user", content="What is the weather?")
    first = await answer(request_of(protocol, question, tools=TOOLS), stream=stream)
    assert [(call["type"], call["function"]) for call in first.tool_calls or ()] == [
        ("function", {"name": "get_weather", "arguments": '{"city":"Paris","days":2}'}),
        ("function", {"name": "get_weather", "arguments": '{"city":"Rome — \\"la città\\""}'}),
    ]
    # Gemini ends such a turn with STOP, and its enumeration has no FUNCTION_CALL, which aimock sends.
    assert first.finish_reason == ("other" if protocol == "google" else "tool_calls")

    paris, rome = (call["id"] for call in first.tool_calls or ())
    results = [
        Message(role="tool", tool_call_id=paris, content="no such city", metadata={"is_error": True}),
        Message(role="tool", tool_call_id=rome, content="18 °C"),
    ]
    request = request_of(protocol, question, first.to_message(), *results, tools=TOOLS)
    second = await answer(request, stream=stream)
    assert second.content == "It is 18 °C in Rome."
    heard = aimock.asked()[-1]["messages"]
    assert heard[0]["content"] == "What is the weather?"
    calls = [call for message in heard for call in message.get("tool_calls") or ()]
    assert [call["function"] for call in calls] == [call["function"] for call in first.tool_calls or ()]
    told = [message["content"] for message in heard if message["role"] == "tool"]
    assert ["no such city" in told[0], "18 °C" in told[1]] == [True, True]


@both_ways
@all_protocols
async def test_a_call_without_arguments_has_an_empty_object(
    aimock: Aimock, protocol: Protocol, stream: bool
) -> None:
    response = await answer(request_of(protocol, "What is the time?", tools=TOOLS), stream=stream)
    assert [call["function"] for call in response.tool_calls or ()] == [{"name": "now", "arguments": "{}"}]


@both_ways
@all_protocols
async def test_text_before_a_call_is_kept(aimock: Aimock, protocol: Protocol, stream: bool) -> None:
    response = await answer(request_of(protocol, "look it up", tools=TOOLS), stream=stream)
    assert response.content == "Let me look. "
    assert [call["function"]["name"] for call in response.tool_calls or ()] == ["search"]


@both_ways
@pytest.mark.parametrize("protocol", [protocol for protocol in PROTOCOLS if protocol != "ollama"])
async def test_reasoning_is_read_apart_from_the_answer(
    aimock: Aimock, protocol: Protocol, stream: bool
) -> None:
    # Not for Ollama, whose reasoning is in `thinking`: aimock sends `reasoning_content`, which Ollama does not.
    model = "openai:gpt-5" if protocol.startswith("openai") else MODELS[protocol]
    request = request_of(protocol, "think", model=model, reasoning_effort="low")
    response = await answer(request, stream=stream)
    assert (response.content, response.reasoning) == ("42", "Let me think: six times seven.")


@both_ways
async def test_signed_and_redacted_reasoning_is_kept_on_the_message(aimock: Aimock, stream: bool) -> None:
    request = request_of("anthropic", "sign", tools=TOOLS, reasoning_tokens=2000)
    first = await answer(request, stream=stream)
    spoken = msgspec.json.decode(msgspec.json.encode(first.to_message()), type=Message)
    assert first.reasoning == "I need the time."
    assert spoken.metadata is not None
    thought = [block for block in spoken.metadata["native"]["replay"] if block["type"] != "tool_use"]
    assert thought == [
        {"type": "redacted_thinking", "data": "cmVkYWN0ZWQ="},
        {"type": "thinking", "thinking": "I need the time.", "signature": "c2lnbmF0dXJl"},
    ]
    assert first.tool_calls is not None
    result = Message(role="tool", tool_call_id=first.tool_calls[0]["id"], content="noon")
    request = request_of("anthropic", "sign", spoken, result, tools=TOOLS, reasoning_tokens=2000)
    assert (await answer(request, stream=stream)).content == "Signed."


@both_ways
@all_protocols
async def test_an_answer_by_a_schema_is_parsed(aimock: Aimock, protocol: Protocol, stream: bool) -> None:
    response = await answer(request_of(protocol, "extract", response_format=schema_format()), stream=stream)
    assert response.parsed == {"city": "Paris", "days": 2}


@both_ways
@all_protocols
async def test_an_answer_that_breaks_its_schema_is_an_error_with_the_text(
    aimock: Aimock, protocol: Protocol, stream: bool
) -> None:
    request = request_of(protocol, "break the schema", response_format=schema_format())
    with pytest.raises(StructuredOutputError) as caught:
        await answer(request, stream=stream)
    assert caught.value.raw_text == '{"city":7}'


def schema_format() -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "trip", "schema": SCHEMA, "strict": True}}


@both_ways
@pytest.mark.parametrize("protocol", ["openai chat", "anthropic", "google"])
async def test_an_answer_that_is_cut_at_the_limit_says_so(
    aimock: Aimock, protocol: Protocol, stream: bool
) -> None:
    # Of the others, aimock sends `incomplete` without the reason that OpenAI gives, and always `stop` for Ollama.
    response = await answer(request_of(protocol, "long"), stream=stream)
    assert (response.content, response.finish_reason) == ("cut here", "length")


@both_ways
@pytest.mark.parametrize("protocol", ["openai chat", "google"])
async def test_a_blocked_answer_says_so(aimock: Aimock, protocol: Protocol, stream: bool) -> None:
    # aimock hands the word `content_filter` to Anthropic, which says `refusal`, and fails a response of OpenAI.
    response = await answer(request_of(protocol, "unsafe"), stream=stream)
    assert response.finish_reason == "content_filter"


@both_ways
@all_protocols
@pytest.mark.parametrize(
    ("text", "status", "expected"),
    [
        ("limit", 429, ProviderRateLimitError),
        ("overload", 529, ProviderOverloadedError),
        ("boom", 500, ProviderServerError),
        ("forbidden", 401, ProviderAuthenticationError),
    ],
)
async def test_a_refusal_is_the_error_of_its_kind(
    aimock: Aimock, protocol: Protocol, stream: bool, text: str, status: int, expected: type[LLMRingError]
) -> None:
    with pytest.raises(expected) as caught:
        await answer(request_of(protocol, text), stream=stream)
    assert type(caught.value) is expected
    assert [attempt.status_code for attempt in caught.value.attempts] == [status]
    assert vars(caught.value)["status_code"] == status
    assert vars(caught.value)["request_id"]
    if isinstance(caught.value, ProviderRateLimitError):
        assert caught.value.retry_after == 7


@all_protocols
async def test_a_stream_that_is_cut_is_an_error_with_what_came(aimock: Aimock, protocol: Protocol) -> None:
    whole = "one two three four five six seven eight nine ten"
    with pytest.raises(StreamInterruptedError) as caught:
        await answer(request_of(protocol, "cut"), stream=True)
    assert caught.value.partial is not None
    assert caught.value.partial.content
    assert whole.startswith(caught.value.partial.content)
    assert caught.value.partial.content != whole


@both_ways
async def test_a_pool_moves_on_to_the_provider_that_answers(
    aimock: Aimock, stream: bool, tmp_path: Path
) -> None:
    lockfile = tmp_path / "llmring.lock"
    pool = [MODELS[protocol] for protocol in ("openai chat", "anthropic", "google", "ollama")]
    llmring_lockfile.bind(lockfile, "pool", ",".join(pool), create=True)
    request = LLMRequest([Message(role="user", content="pool")], model="pool")
    async with LLMRing(lockfile_path=lockfile, policy=ONCE) as ring:
        response = await ask(ring, request, stream=stream)
    assert response.content == "The last one answers."
    assert [(attempt.model, attempt.status_code) for attempt in response.attempts] == list(
        zip(pool, [529, 429, 500, None], strict=True)
    )
