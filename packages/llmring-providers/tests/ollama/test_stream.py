"""Streams: recorded ones whole, in pieces and cut, and what may go wrong in one."""

import json
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llmring_providers import ChatCall
from llmring_providers.ollama.response import decode
from llmring_providers.ollama.stream import ChatStreamDecoder
from llmring_types import LLMRequest, LLMResponse, Message, ModelRef, StreamChunk, collect, tool_call
from llmring_types.exceptions import (
    LLMRingError,
    MalformedResponseError,
    ProviderServerError,
    StreamInterruptedError,
)

STREAMS = ["6e0632c2626e", "f110196649db", "efe68c22b9d2"]


def chunks_of(pieces: Iterable[bytes], call: ChatCall) -> list[StreamChunk]:
    """Decode a whole body; raises as reading it over HTTP would."""
    decoder = ChatStreamDecoder(call)
    chunks = [chunk for piece in pieces for chunk in decoder.feed(piece)]
    return chunks + decoder.close()


def line(**fields: Any) -> bytes:
    return json.dumps(fields).encode() + b"\n"


def say(text: str, **fields: Any) -> bytes:
    return line(model="m", message={"role": "assistant", "content": text}, **{"done": False, **fields})


END = say("", done=True, done_reason="stop", prompt_eval_count=3, eval_count=2)


def test_text_comes_as_it_is_said_and_the_rest_on_the_last_chunk(
    recorded: Callable[[str], bytes], call: ChatCall
) -> None:
    chunks = chunks_of([recorded("6e0632c2626e")], call)
    assert [chunk.delta for chunk in chunks] == [
        "Hello", " there", "!", " How", " can", " I", " help", " you", " today", "?", " 😊", "",
    ]  # fmt: skip
    assert all(chunk.model == "ollama:qwen3:4b" for chunk in chunks)
    assert all(chunk.finish_reason is None and chunk.usage is None for chunk in chunks[:-1])
    last = chunks[-1]
    assert (last.finish_reason, last.provider_finish_reason) == ("stop", "stop")
    assert last.usage == {"prompt_tokens": 11, "completion_tokens": 12, "total_tokens": 23}
    assert last.provider_model == "gemma3:1b"


def test_counts_of_a_stream_may_be_texts(call: ChatCall) -> None:
    end = say("", done=True, done_reason="stop", prompt_eval_count="3", eval_count="2")
    response = collect(chunks_of([say("a"), end], call))
    assert response.usage == {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}


def test_a_stream_that_reached_its_limit_says_so(recorded: Callable[[str], bytes], call: ChatCall) -> None:
    response = collect(chunks_of([recorded("f110196649db")], call))
    assert response.finish_reason == "length"
    assert response.usage == {"prompt_tokens": 18, "completion_tokens": 64, "total_tokens": 82}


def test_thinking_and_tool_calls_are_whole(recorded: Callable[[str], bytes], call: ChatCall) -> None:
    response = collect(chunks_of([recorded("efe68c22b9d2")], call))
    assert response.content == ""
    assert response.reasoning is not None
    assert len(response.reasoning) == 2142
    assert response.tool_calls == [tool_call("call_REDACTED_1", "get_weather", '{"city":"Tokyo"}')]
    assert (response.finish_reason, response.provider_finish_reason) == ("tool_calls", "stop")
    assert response.native is not None
    assert response.native["replay"] == [{"thinking": response.reasoning}]


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_says_what_the_same_lines_say_as_a_whole_answer(
    name: str, recorded: Callable[[str], bytes], call: ChatCall
) -> None:
    body = recorded(name)
    assert collect(chunks_of([body], call)) == decode(body, call)


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_byte_by_byte_gives_the_same_chunks(
    name: str, recorded: Callable[[str], bytes], call: ChatCall
) -> None:
    body = recorded(name)
    assert chunks_of((body[at : at + 1] for at in range(len(body))), call) == chunks_of([body], call)


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_cut_after_any_line_never_looks_finished(
    name: str, recorded: Callable[[str], bytes], call: ChatCall
) -> None:
    lines = recorded(name).splitlines(keepends=True)
    whole = collect(chunks_of(lines, call))
    for kept in range(len(lines)):
        decoder = ChatStreamDecoder(call)
        chunks = [chunk for each in lines[:kept] for chunk in decoder.feed(each)]
        assert not decoder.done
        assert whole.content.startswith("".join(chunk.delta for chunk in chunks))
        with pytest.raises(StreamInterruptedError):
            decoder.close()


@pytest.mark.parametrize("kept", range(1, len(END) - 1))
def test_a_stream_cut_within_its_last_line_is_a_cut(kept: int, call: ChatCall) -> None:
    with pytest.raises(StreamInterruptedError):
        chunks_of([say("Hi"), END[:kept]], call)


def test_what_had_come_of_a_cut_stream_can_be_had(call: ChatCall) -> None:
    decoder = ChatStreamDecoder(call)
    decoder.feed(line(message={"thinking": "Hm.", "tool_calls": [{"function": {"name": "f"}}]}))
    chunk = decoder.partial()
    assert chunk.tool_calls == [tool_call("call_1", "f", "{}")]
    assert chunk.finish_reason is None
    assert chunk.usage is None


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(say("Hi") + END.rstrip(), id="last line end missing"),
        pytest.param((say("Hi") + END).replace(b"\n", b"\r\n"), id="CRLF"),
        pytest.param(b"\n" + say("Hi") + b"\n\n" + END, id="blank lines"),
        pytest.param(say("Hi") + END + say("more"), id="lines after the end"),
        pytest.param(say("Hi", done=True, done_reason="stop", prompt_eval_count=3, eval_count=2), id="one line"),
    ],
)  # fmt: skip
def test_other_forms_of_the_same_stream_give_the_same(body: bytes, call: ChatCall) -> None:
    assert collect(chunks_of([body], call)) == LLMResponse(
        content="Hi",
        model="ollama:qwen3:4b",
        usage={"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
        finish_reason="stop",
        provider_finish_reason="stop",
        provider_model="m",
    )


def test_calls_in_several_lines_have_different_ids(call: ChatCall) -> None:
    calls = [line(message={"tool_calls": [{"function": {"name": name, "arguments": {}}}]}) for name in "fgh"]
    response = collect(chunks_of([*calls, END], call))
    assert [(one["id"], one["function"]["name"]) for one in response.tool_calls or []] == [
        ("call_1", "f"),
        ("call_2", "g"),
        ("call_3", "h"),
    ]


def test_logprobs_are_joined(call: ChatCall) -> None:
    pieces = [say("a", logprobs=[{"token": "a"}]), say("b", logprobs=[{"token": "b"}]), END]
    response = collect(chunks_of(pieces, call))
    assert response.native == {"provider": "ollama", "logprobs": [{"token": "a"}, {"token": "b"}]}


def test_an_error_line_ends_the_stream_with_its_words(call: ChatCall) -> None:
    decoder = ChatStreamDecoder(call)
    chunks = decoder.feed(say("Hi") + line(error="an error was encountered while running the model") + END)
    assert [chunk.delta for chunk in chunks] == ["Hi"]
    assert not decoder.done
    assert isinstance(decoder.failure, ProviderServerError)
    assert "an error was encountered" in str(decoder.failure)
    with pytest.raises(ProviderServerError):
        decoder.close()


def test_a_malformed_line_ends_the_stream(call: ChatCall) -> None:
    decoder = ChatStreamDecoder(call)
    decoder.feed(say("Hi") + b'{"message":{"content":"th\n' + END)
    assert isinstance(decoder.failure, MalformedResponseError)
    assert not decoder.done


def test_an_empty_body_is_a_cut(call: ChatCall) -> None:
    with pytest.raises(StreamInterruptedError):
        chunks_of([], call)


@given(st.lists(st.binary() | st.sampled_from([say("Hi"), END, line(error="x"), b"\n"])))
def test_any_bytes_give_chunks_or_one_of_our_errors(pieces: list[bytes]) -> None:
    call = ChatCall(LLMRequest([Message(role="user", content="Hi")]), ModelRef("ollama", "m"))
    try:
        chunks = chunks_of(pieces, call)
    except LLMRingError:
        return
    assert chunks[-1].provider_finish_reason == "stop"
