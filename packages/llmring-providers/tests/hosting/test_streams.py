"""Streams that a host writes, as our own adapters read them."""

import json

import msgspec
import pytest
from hosted import SIDES, STAMP, Sides, chunks_of, events_of
from llmring_types import LLMResponse, StreamChunk, tool_call
from llmring_types.exceptions import (
    LLMRingError,
    ProviderError,
    ProviderOverloadedError,
    ProviderServerError,
    StreamInterruptedError,
)

PROTOCOLS = pytest.mark.parametrize("sides", SIDES.values(), ids=SIDES)


def answer(sides: Sides) -> LLMResponse:
    return LLMResponse(
        content="It is 17 degrees in Rome.",
        model=f"{sides.provider}:m",
        usage={"prompt_tokens": 20, "completion_tokens": 9, "total_tokens": 29},
        finish_reason="tool_calls",
        tool_calls=[tool_call("call_1", "get_weather", {"city": "Rome"})],
        reasoning="Rome is in Italy.",
    )


@PROTOCOLS
def test_a_stream_says_what_the_chunks_said(sides: Sides) -> None:
    said = answer(sides)
    read = sides.collect(events_of(sides, said))

    assert (read.content, read.reasoning, read.finish_reason) == (
        said.content,
        said.reasoning,
        said.finish_reason,
    )
    assert read.tool_calls == said.tool_calls
    assert read.usage is not None
    assert {name: value for name, value in read.usage.items() if value} == said.usage


@PROTOCOLS
def test_a_stream_cut_anywhere_is_whole_or_an_error(sides: Sides) -> None:
    """Chat completions and Gemini have said all but the counts before the very end."""
    body = b"".join(events_of(sides, answer(sides)))
    whole = sides.collect([body])
    for end in range(len(body) - 1):
        try:
            read = sides.collect([body[:end]])
        except LLMRingError:
            continue
        assert (read.content, read.reasoning, read.tool_calls, read.finish_reason) == (
            whole.content,
            whole.reasoning,
            whole.tool_calls,
            whole.finish_reason,
        )


@PROTOCOLS
def test_a_stream_is_the_same_however_its_bytes_are_split(sides: Sides) -> None:
    body = b"".join(events_of(sides, answer(sides)))
    whole = sides.collect([body])

    for size in (1, 7, 100):
        assert sides.collect(body[start : start + size] for start in range(0, len(body), size)) == whole


@PROTOCOLS
@pytest.mark.parametrize("after", range(4))
def test_an_upstream_error_is_an_error_event_and_no_end_follows(sides: Sides, after: int) -> None:
    writer = sides.codec.stream_writer(sides.asked(stream=True), STAMP)
    chunks = chunks_of(answer(sides))
    events = [event for chunk in chunks[:after] for event in writer.write(chunk)]
    events += writer.fail(ProviderOverloadedError("Too many people ask."))

    assert writer.write(chunks[-1]) == []
    assert writer.close() == []
    with pytest.raises((ProviderOverloadedError, ProviderServerError), match="Too many people ask"):
        sides.collect(events)


@PROTOCOLS
def test_chunks_that_stop_coming_are_an_error_event(sides: Sides) -> None:
    writer = sides.codec.stream_writer(sides.asked(stream=True), STAMP)
    events = writer.write(StreamChunk(delta="It is"))
    events += writer.close()

    with pytest.raises(ProviderError, match="before the model had finished") as caught:
        sides.collect(events)
    assert not isinstance(caught.value, StreamInterruptedError)  # the host said so itself


def test_a_call_of_the_legacy_functions_keeps_its_form() -> None:
    sides = SIDES["openai_chat"]
    said = msgspec.structs.replace(answer(sides), reasoning=None, provider_finish_reason="function_call")
    whole = json.loads(sides.codec.write(said, sides.asked(), STAMP))["choices"][0]
    streamed = b"".join(events_of(sides, said)).decode()
    function = {"name": "get_weather", "arguments": '{"city":"Rome"}'}

    assert (whole["finish_reason"], whole["message"]["function_call"]) == ("function_call", function)
    assert "tool_calls" not in whole["message"]
    assert '"delta":{"function_call":{"name":"get_weather","arguments":""}}' in streamed
    assert "tool_calls" not in streamed
    assert (
        sides.collect([streamed.encode()]).tool_calls
        == sides.decode(json.dumps({"choices": [whole]}).encode()).tool_calls
    )
