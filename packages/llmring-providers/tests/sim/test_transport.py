"""The transport whose other end is the simulator, in the same process."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
from llmring_providers import ChatCall, HttpProvider, ProviderSettings
from llmring_providers.sim import Answer, Rule, Script, SimTransport, create, faults
from llmring_providers.transport import HttpRequest, TransportError
from llmring_types import LLMRequest, LLMResponse, Message, ModelRef, StreamChunk, collect

BODY = b'{"model": "m", "stream": true, "messages": [{"role": "user", "content": "Hello"}]}'
REQUEST = HttpRequest("POST", "http://anywhere.invalid/v1/chat/completions", {}, BODY)
WHOLE = REQUEST._replace(body=BODY.replace(b"true", b"false"))


def transport(*rules: Rule) -> SimTransport:
    return SimTransport(Script(rules=rules))


@asynccontextmanager
async def pieces(sim: SimTransport) -> AsyncIterator[list[bytes]]:
    """Read a stream into a list that can be looked at whatever happens."""
    found: list[bytes] = []
    stream = await sim.open(REQUEST)
    try:
        while piece := await stream.read():
            found.append(piece)
    except TransportError as error:
        found.append(str(error).encode())
    yield found


async def test_it_answers_whole_and_streamed() -> None:
    reply = await transport().send(WHOLE)
    async with pieces(transport()) as found:
        assert len(found) > 5

    assert reply.status == 200
    assert reply.headers["content-type"] == "application/json"
    assert b"simulated" in reply.body


@pytest.mark.parametrize("path", ["/v1/elsewhere", "/", "/v1/models/m:predict"])
async def test_an_unknown_path_is_not_found(path: str) -> None:
    assert (await transport().send(REQUEST._replace(url=path))).status == 404


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b'{"model": 1}',
        b'{"model": "m", "messages": []}',
        b'{"messages": [{"role": "user"}]}',
    ],
)
async def test_a_request_that_cannot_be_read_is_refused_as_the_provider_would(body: bytes) -> None:
    reply = await transport().send(REQUEST._replace(body=body))

    assert reply.status == 400
    assert b"invalid_request_error" in reply.body


@pytest.mark.parametrize(
    "fault",
    [faults.Reset(), faults.Refused(), faults.Reset(after=0), faults.Cut(how="lost"), faults.BadChunk()],
)
async def test_a_broken_connection_is_an_error_of_the_transport(fault: faults.Fault) -> None:
    with pytest.raises(TransportError):
        await transport(Rule(fault=fault)).send(WHOLE)


async def test_what_came_before_the_break_is_read_first() -> None:
    async with pieces(transport(Rule(fault=faults.Reset(after=2)))) as found:
        assert len(found) == 3
        assert b"reset" in found[-1]


async def test_a_closed_stream_ends() -> None:
    stream = await transport().open(REQUEST)
    await stream.read()
    stream.close()

    assert await stream.read() == b""


async def test_calls_are_numbered_for_each_model() -> None:
    sim = transport(Rule(call=2, fault=faults.Status(status=503)))
    other = WHOLE._replace(body=WHOLE.body.replace(b'"m"', b'"other"'))

    assert [(await sim.send(request)).status for request in (WHOLE, other, WHOLE, WHOLE)] == [
        200,
        200,
        503,
        200,
    ]


SLOW = Rule(answer=Answer(text="Hello", latency=0.001, pace=0.001))
STALLED = Rule(answer=Answer(text="Hello"), fault=faults.Stall(after=1))


async def _stalls() -> bytes:
    stream = await transport(STALLED).open(REQUEST)
    first = await stream.read()
    await stream.read()
    return first


async def test_pauses_are_kept_on_asyncio() -> None:
    async with pieces(transport(SLOW)) as found:
        assert b"Hello" in b"".join(found)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(_stalls(), 0.01)


def test_pauses_are_kept_on_trio() -> None:
    async def main() -> None:
        async with pieces(transport(SLOW)) as found:
            assert b"Hello" in b"".join(found)
        with trio.move_on_after(0.01) as scope:
            await _stalls()
        assert scope.cancelled_caught

    trio.run(main)


WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 1}},
            "required": ["city", "days"],
        },
    },
}
CLOCK = {"name": "now", "parameters": {"type": "object", "properties": {}}}


def provider() -> HttpProvider:
    return create(ProviderSettings(name="sim", transport=SimTransport()))


def call(text: str = "Hello there", **more: Any) -> ChatCall:
    request = LLMRequest(messages=[Message(role="user", content=text)], **more)
    return ChatCall(request, ModelRef("sim", "demo"))


async def chunks_of(asked: ChatCall) -> list[StreamChunk]:
    stream = await provider().stream(asked)
    chunks: list[StreamChunk] = []
    while more := await stream.receive():
        chunks.extend(more)
    await stream.finish()
    return chunks


async def answer(asked: ChatCall) -> LLMResponse:
    return await provider().chat(asked)


async def test_it_says_that_it_is_simulated_what_was_asked_and_how_to_get_a_real_answer() -> None:
    response = await answer(call("Which way is north?"))

    assert "simulated" in response.content
    assert "Which way is north?" in response.content
    for words in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GOOGLE_GEMINI_API_KEY", "Ollama", "llmring bind"):
        assert words in response.content
    assert response.model == "sim:demo"
    assert response.finish_reason == "stop"


async def test_usage_is_reported_and_adds_up() -> None:
    usage = (await answer(call())).usage

    assert usage is not None
    assert usage["prompt_tokens"] > 0
    assert usage["completion_tokens"] > 0
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]


@pytest.mark.parametrize(
    "more", [{}, {"tools": [WEATHER], "tool_choice": "required"}, {"json_response": True}, {"max_tokens": 3}]
)
async def test_a_stream_says_the_same_as_a_whole_answer(more: dict[str, Any]) -> None:
    whole = await answer(call(**more))
    streamed = collect(await chunks_of(call(**more)))

    assert streamed.content == whole.content
    assert streamed.finish_reason == whole.finish_reason
    assert streamed.usage == whole.usage
    names = [one["function"] for one in streamed.tool_calls or ()]
    assert names == [one["function"] for one in whole.tool_calls or ()]


async def test_a_stream_comes_in_several_chunks() -> None:
    assert len(await chunks_of(call())) > 5


async def test_the_same_request_gets_the_same_answer() -> None:
    assert await answer(call()) == await answer(call())


async def test_max_tokens_cuts_the_answer_and_says_so() -> None:
    response = await answer(call(max_tokens=5))

    assert response.finish_reason == "length"
    assert response.usage is not None
    assert response.usage["completion_tokens"] == 5


async def test_a_stop_word_ends_the_answer_before_it() -> None:
    response = await answer(call(extra_params={"stop": ["answer"]}))

    assert response.content == "This is a simulated "
    assert response.finish_reason == "stop"


@pytest.mark.parametrize(
    ("text", "choice", "called"),
    [
        ("What is the weather?", "required", ["get_weather"]),
        ("What time is it?", "now", ["now"]),
        ("Use get_weather for Paris", None, ["get_weather"]),
        ("Use get_weather and now", "auto", ["get_weather", "now"]),
        ("What is the weather?", None, []),
        ("What do you know of snow?", None, []),
        ("Use get_weather", "none", []),
    ],
)
async def test_it_calls_the_tools_that_it_must_or_that_the_user_names(
    text: str, choice: str | None, called: list[str]
) -> None:
    response = await answer(call(text, tools=[WEATHER, CLOCK], tool_choice=choice))

    assert [one["function"]["name"] for one in response.tool_calls or ()] == called
    assert response.finish_reason == ("tool_calls" if called else "stop")


async def test_arguments_are_made_from_the_tools_schema() -> None:
    response = await answer(call(tools=[WEATHER], tool_choice="required"))

    assert response.tool_calls is not None
    assert json.loads(response.tool_calls[0]["function"]["arguments"]) == {"city": "city", "days": 1}


async def test_the_result_of_a_tool_is_in_the_answer_even_if_a_call_is_required() -> None:
    asked = call(tools=[WEATHER], tool_choice="required")
    first = await answer(asked)
    assert first.tool_calls is not None
    result = Message(role="tool", content="17 degrees", tool_call_id=first.tool_calls[0]["id"])
    asked.request.messages += [first.to_message(), result]

    second = await answer(asked)

    assert second.tool_calls is None
    assert "get_weather answered: 17 degrees" in second.content


async def test_a_schema_gets_a_valid_instance_and_json_mode_an_object() -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 3}}, "required": ["n"]}
    formed = await answer(call(response_format={"type": "json_schema", "json_schema": {"schema": schema}}))
    free = await answer(call(json_response=True))

    assert json.loads(formed.content) == {"n": 3}
    assert json.loads(free.content)["simulated"] is True


async def test_reasoning_comes_when_asked_for() -> None:
    assert (await answer(call())).reasoning is None
    assert (await answer(call(reasoning_effort="low"))).reasoning
