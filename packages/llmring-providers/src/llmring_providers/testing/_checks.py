"""Checks that every provider passes, as functions of one in a given situation. A failure is an AssertionError."""

import asyncio
import traceback
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, get_args

import msgspec
from llmring_types import (
    FinishReason,
    LLMRequest,
    LLMResponse,
    Message,
    ModelRef,
    StreamChunk,
    ToolCall,
    Usage,
    collect,
)
from llmring_types.exceptions import (
    LLMRingError,
    ProviderError,
    StreamInterruptedError,
    UnsupportedContentError,
)

from llmring_providers._protocol import ChatCall, Provider, ProviderStream

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}
_CONCURRENT = 20
_A_MOMENT_S = 0.05
"""Long enough for a call to be under way."""


def question(**options: Any) -> LLMRequest:
    """A request that any model can answer."""
    messages = [Message(role="system", content="Be brief."), Message(role="user", content="Say hello.")]
    return LLMRequest(messages=messages, max_tokens=100, **options)


async def answers(provider: Provider, ref: ModelRef) -> None:
    """A whole answer has the neutral form, and the request is not changed."""
    _require(provider.name == ref.provider, f"name is {provider.name!r}, references say {ref.provider!r}")
    request = question(temperature=0.5)
    before = msgspec.json.encode(request)
    response = await provider.chat(ChatCall(request, ref))
    _require(msgspec.json.encode(request) == before, "chat changed the caller's request")
    _verify(response, ref)
    _require(response.content, "the answer has no text")
    _require(response.finish_reason == "stop", f"finish_reason is {response.finish_reason!r}")
    _require(not response.tool_calls, "the answer calls tools that nobody offered")


async def streams(provider: Provider, ref: ModelRef) -> None:
    """A stream gives the same answer in chunks, of which only the last one says how it ended."""
    request = question()
    before = msgspec.json.encode(request)
    whole = await provider.chat(ChatCall(request, ref))
    stream = await provider.stream(ChatCall(request, ref))
    chunks = await received(stream)
    _require(not await stream.receive(), "a stream that has ended goes on")
    await stream.finish()
    stream.close()
    stream.close()
    _require(msgspec.json.encode(request) == before, "stream changed the caller's request")
    _verify_chunks(chunks, ref)
    _require(any(chunk.delta for chunk in chunks[:-1]) or len(chunks) == 1, "all the text came at the end")
    _verify_same(collect(chunks), whole)


async def calls_tools(provider: Provider, ref: ModelRef) -> None:
    """Tool calls have OpenAI's form, are the same in a stream, and can be answered."""
    request = question(tools=[WEATHER])
    response = await provider.chat(ChatCall(request, ref))
    _verify(response, ref)
    calls = response.tool_calls or []
    _require(calls, "there is no tool call")
    _require(response.finish_reason == "tool_calls", f"finish_reason is {response.finish_reason!r}")
    for call in calls:
        _verify_tool_call(call)
    stream = await provider.stream(ChatCall(request, ref))
    chunks = await received(stream)
    await stream.finish()
    _verify_chunks(chunks, ref)
    _require(all(chunk.tool_calls is None for chunk in chunks[:-1]), "a chunk before the last has tool calls")
    _verify_same(collect(chunks), response)
    results = [Message(role="tool", content="sunny", tool_call_id=call["id"]) for call in calls]
    turn = msgspec.structs.replace(request, messages=[*request.messages, response.to_message(), *results])
    _verify(await provider.chat(ChatCall(turn, ref)), ref)


async def goes_on(provider: Provider, ref: ModelRef) -> None:
    """An answer can be sent back as the next turn, also after a journey through JSON."""
    request = question()
    response = await provider.chat(ChatCall(request, ref))
    said = msgspec.json.decode(msgspec.json.encode(response.to_message()), type=Message)
    messages = [*request.messages, said, Message(role="user", content="And again.")]
    turn = msgspec.structs.replace(request, messages=messages)
    _verify(await provider.chat(ChatCall(turn, ref)), ref)


async def refuses_unknown_content(provider: Provider, ref: ModelRef) -> None:
    """A part that the provider has no place for is a typed error, never a placeholder."""
    message = Message(role="user", content=[{"type": "x-hologram", "data": "…"}])
    for ask in (provider.chat, provider.stream):
        error = await failure(ask, ChatCall(LLMRequest(messages=[message]), ref))
        _require(isinstance(error, UnsupportedContentError), f"an unknown part is {error!r}")


async def fails(
    provider: Provider, ref: ModelRef, expected: type[LLMRingError], secret: str | None = None
) -> None:
    """A failure is of its type, says where it happened, and holds no secret; streamed or not."""
    for ask in (provider.chat, _whole_stream(provider)):
        error = await failure(ask, ChatCall(question(), ref))
        _require(isinstance(error, expected), f"the failure should be {expected.__name__}, and is {error!r}")
        _require(str(error), "the failure has no text")
        if isinstance(error, ProviderError):
            _require(error.provider == provider.name, f"the failure names the provider {error.provider!r}")
        if secret:
            said = "".join(traceback.format_exception(error)) + repr(vars(error))
            _require(secret not in said, "the failure holds the secret")


async def notices_a_cut(provider: Provider, ref: ModelRef) -> None:
    """A stream that stops early never looks finished."""
    stream = await provider.stream(ChatCall(question(), ref))
    chunks: list[StreamChunk] = []
    try:
        while got := await stream.receive():
            chunks += got
    except StreamInterruptedError:
        _require(
            all(chunk.finish_reason is None for chunk in chunks), "a cut stream said that it had finished"
        )
        _require(isinstance(stream.partial(), StreamChunk), "partial() returned no chunk")
        stream.close()
        return
    raise AssertionError("a cut stream ended as if it were whole")


async def can_be_cancelled(provider: Provider, ref: ModelRef) -> None:
    """A call that waits ends at once when it is cancelled, and leaves no task behind."""
    others = asyncio.all_tasks()
    for ask in (provider.chat, _whole_stream(provider)):
        task = asyncio.ensure_future(ask(ChatCall(question(), ref)))
        await asyncio.sleep(_A_MOMENT_S)
        _require(not task.done(), f"a call that nobody answers has ended: {task!r}")
        task.cancel()
        done, _ = await asyncio.wait([task], timeout=1)
        _require(done, "a cancelled call goes on")
        _require(task.cancelled(), "a cancelled call ended otherwise")
    await asyncio.sleep(0)
    _require(asyncio.all_tasks() <= others, f"tasks are left: {asyncio.all_tasks() - others}")


async def can_be_left(provider: Provider, ref: ModelRef) -> None:
    """A stream may be left at any time, without waiting; the provider goes on."""
    others = asyncio.all_tasks()
    stream = await provider.stream(ChatCall(question(), ref))
    _require(await stream.receive(), "the stream ended before it began")
    stream.close()
    stream.close()
    _verify(await provider.chat(ChatCall(question(), ref)), ref)
    await asyncio.sleep(0)
    _require(asyncio.all_tasks() <= others, f"tasks are left: {asyncio.all_tasks() - others}")


async def serves_many(provider: Provider, ref: ModelRef) -> None:
    """Calls run side by side."""
    call = ChatCall(question(), ref)
    for response in await asyncio.gather(*(provider.chat(call) for _ in range(_CONCURRENT))):
        _verify(response, ref)


async def closes_twice(provider: Provider, _: ModelRef) -> None:
    """Closing again does no harm, nor does closing what was never used."""
    await provider.aclose()
    await provider.aclose()


async def received(stream: ProviderStream) -> list[StreamChunk]:
    """Read a stream to its end."""
    chunks: list[StreamChunk] = []
    while got := await stream.receive():
        chunks += got
    return chunks


async def failure(ask: Callable[[ChatCall], Awaitable[object]], call: ChatCall) -> LLMRingError:
    """Return the error that a call ends in."""
    try:
        await ask(call)
    except LLMRingError as error:
        return error
    raise AssertionError("the call did not fail")


def _whole_stream(provider: Provider) -> Callable[[ChatCall], Awaitable[object]]:
    async def ask(call: ChatCall) -> object:
        stream = await provider.stream(call)
        try:
            return await received(stream)
        finally:
            stream.close()

    return ask


def _require(held: object, otherwise: str) -> None:
    if not held:
        raise AssertionError(otherwise)


def _verify(response: LLMResponse, ref: ModelRef) -> None:
    _require(isinstance(response, LLMResponse), f"chat returned {response!r}")
    _require(response.model == str(ref), f"model is {response.model!r} instead of {str(ref)!r}")
    _require(response.finish_reason in get_args(FinishReason), f"finish_reason is {response.finish_reason!r}")
    _verify_usage(response.usage)
    again = msgspec.json.decode(msgspec.json.encode(response), type=LLMResponse)
    _require(again == response, "the response does not survive JSON")


def _verify_usage(usage: Usage | None) -> None:
    for key, value in (usage or {}).items():
        _require(key in Usage.__annotations__, f"usage has an unknown key {key!r}")
        kind = float if key == "reported_cost" else str if key == "service_tier" else int
        _require(isinstance(value, kind), f"usage[{key!r}] is {value!r}")
        _require(not isinstance(value, int | float) or value >= 0, f"usage[{key!r}] is {value!r}")


def _verify_chunks(chunks: Sequence[StreamChunk], ref: ModelRef) -> None:
    _require(chunks, "the stream is empty")
    _require(all(chunk.model == str(ref) for chunk in chunks), "a chunk names no model, or another")
    ends = [place for place, chunk in enumerate(chunks) if chunk.finish_reason is not None]
    _require(
        ends == [len(chunks) - 1], f"finish_reason is on chunks {ends} of {len(chunks)}, not on the last one"
    )
    _require(
        chunks[-1].finish_reason in get_args(FinishReason), f"finish_reason is {chunks[-1].finish_reason!r}"
    )
    _verify_usage(chunks[-1].usage)


def _verify_same(streamed: LLMResponse, whole: LLMResponse) -> None:
    _require(streamed.content == whole.content, f"streamed {streamed.content!r}, else {whole.content!r}")
    _require(
        streamed.finish_reason == whole.finish_reason,
        f"streamed {streamed.finish_reason!r}, else {whole.finish_reason!r}",
    )
    _require((streamed.usage is None) == (whole.usage is None), "usage comes only one way")
    functions = [[call["function"] for call in one.tool_calls or ()] for one in (streamed, whole)]
    _require(functions[0] == functions[1], f"streamed calls {functions[0]}, else {functions[1]}")


def _verify_tool_call(call: ToolCall) -> None:
    _require(call["id"], "a tool call has no id")
    _require(call["type"] == "function", "a tool call is not a function")
    _require(call["function"]["name"] == "get_weather", f"the call is for {call['function']['name']!r}")
    arguments = call["function"]["arguments"]
    _require(isinstance(arguments, str), f"arguments are {arguments!r} instead of JSON text")
    try:
        msgspec.json.decode(arguments, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise AssertionError(f"arguments are not an object: {arguments!r}") from error
