"""Streams of the responses API: recorded ones whole, in pieces and cut, and what may go wrong in one."""

import json
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llmring_providers import ChatCall
from llmring_providers.openai.responses.response import decode
from llmring_providers.openai.responses.stream import ResponsesStreamDecoder
from llmring_types import LLMRequest, LLMResponse, Message, ModelRef, StreamChunk, collect, tool_call
from llmring_types.exceptions import (
    LLMRingError,
    MalformedResponseError,
    ProviderOverloadedError,
    ProviderRequestTooLargeError,
    ProviderServerError,
    StreamInterruptedError,
)

Recorded = Callable[[str], bytes]
CALL = ChatCall(LLMRequest([Message(role="user", content="Hi")]), ModelRef("openai", "gpt-5"))
STREAMS = ["responses-56f1be5526de", "responses-e775855fd308", "responses-39bb7f2064ef"]
TEXT = {
    "type": "message",
    "id": "m",
    "role": "assistant",
    "content": [{"type": "output_text", "text": "Hello"}],
}
FUNCTION = {"type": "function_call", "call_id": "c", "name": "f", "arguments": '{"a":1}'}


def chunks_of(pieces: Iterable[bytes]) -> list[StreamChunk]:
    """Decode a whole body; raises as reading it over HTTP would."""
    decoder = ResponsesStreamDecoder(CALL)
    chunks = [chunk for piece in pieces for chunk in decoder.feed(piece)]
    return chunks if decoder.done else chunks + decoder.close()


def event(kind: str, **fields: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()


def completed(*output: dict[str, Any], **fields: Any) -> bytes:
    return event(
        "response.completed", response={"id": "r", "status": "completed", "output": list(output), **fields}
    )


def said(text: str) -> bytes:
    return event("response.output_text.delta", delta=text, output_index=0)


def events_of(body: bytes) -> list[bytes]:
    return [piece + b"\n\n" for piece in body.split(b"\n\n") if piece]


def test_text_comes_as_it_is_said_and_the_rest_on_the_last_chunk(recorded: Recorded) -> None:
    chunks = chunks_of([recorded("responses-56f1be5526de")])
    assert [chunk.delta for chunk in chunks] == ["Paris", ""]
    assert all(chunk.model == "openai:gpt-5" for chunk in chunks)
    last = chunks[-1]
    assert (last.finish_reason, last.provider_finish_reason) == ("stop", "completed")
    assert last.provider_model == "gpt-4.1-nano-2025-04-14"
    assert last.response_id == "resp_08ff32452c7e1f50006970e17d26108198a6fbd8acbee87f5c"
    assert last.usage == {
        "prompt_tokens": 25,
        "completion_tokens": 2,
        "total_tokens": 27,
        "cache_read_input_tokens": 0,
        "reasoning_tokens": 0,
    }


def test_calls_and_encrypted_reasoning_are_whole(recorded: Recorded) -> None:
    response = collect(chunks_of([recorded("responses-e775855fd308")]))
    assert response.tool_calls == [
        tool_call("call_REDACTED_1", "get_weather", '{"city":"Tokyo"}'),
        tool_call("call_REDACTED_2", "get_weather", '{"city":"Paris"}'),
    ]
    assert response.finish_reason == "tool_calls"
    replay = (response.native or {})["replay"]
    assert [item["type"] for item in replay] == ["reasoning", "function_call", "function_call"]
    assert replay[0]["encrypted_content"]


def test_a_refusal_is_text_and_refusal(recorded: Recorded) -> None:
    chunks = chunks_of([recorded("responses-39bb7f2064ef")])
    assert all(chunk.refusal == chunk.delta for chunk in chunks[:-1])
    response = collect(chunks)
    assert response.content == response.refusal == "I'm sorry, I can't assist with that."
    assert response.finish_reason == "content_filter"


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_says_what_its_final_response_says_as_a_whole_answer(name: str, recorded: Recorded) -> None:
    last = next(
        json.loads(piece.split(b"data: ")[1])
        for piece in events_of(recorded(name))
        if b'"response.completed"' in piece
    )
    assert collect(chunks_of([recorded(name)])) == decode(json.dumps(last["response"]).encode(), CALL)


@pytest.mark.parametrize("name", STREAMS)
@pytest.mark.parametrize("size", [1, 2, 7])
def test_where_the_bytes_are_split_changes_nothing(name: str, size: int, recorded: Recorded) -> None:
    body = recorded(name)
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    assert chunks_of(pieces) == chunks_of([body])


@pytest.mark.parametrize("name", STREAMS)
def test_a_cut_stream_never_looks_finished(name: str, recorded: Recorded) -> None:
    events = events_of(recorded(name))
    ends = next(place for place, piece in enumerate(events) if b'"type":"response.completed"' in piece)
    for kept in range(ends + 1):
        with pytest.raises(StreamInterruptedError):
            chunks_of(events[:kept])
        with pytest.raises(StreamInterruptedError):
            chunks_of([*events[:kept], events[kept][: len(events[kept]) // 2]])


def test_what_came_before_a_cut_is_told() -> None:
    decoder = ResponsesStreamDecoder(CALL)
    decoder.feed(event("response.created", response={"id": "r", "model": "gpt-5-2025"}))
    decoder.feed(event("response.output_item.done", output_index=0, item=FUNCTION))
    decoder.feed(
        event(
            "response.output_item.added", output_index=1, item={**FUNCTION, "call_id": "d", "arguments": ""}
        )
    )
    decoder.feed(event("response.function_call_arguments.delta", output_index=1, delta='{"a'))
    with pytest.raises(StreamInterruptedError):
        decoder.close()
    partial = decoder.partial()
    assert partial.tool_calls == [tool_call("c", "f", '{"a":1}'), tool_call("d", "f", '{"a')]
    assert (partial.finish_reason, partial.response_id, partial.provider_model) == (None, "r", "gpt-5-2025")


def test_the_pieces_of_a_custom_call_are_told_after_a_cut() -> None:
    call = ChatCall(
        LLMRequest([Message(role="user", content="Hi")], tools=[{"type": "custom", "name": "exp"}]), CALL.ref
    )
    decoder = ResponsesStreamDecoder(call)
    item = {"type": "custom_tool_call", "id": "i", "call_id": "c", "name": "exp", "input": ""}
    decoder.feed(event("response.created", response={"id": 5}))
    decoder.feed(event("response.output_item.added", output_index=0, item=item))
    decoder.feed(event("response.custom_tool_call_input.delta", output_index=0, delta="4 + 4"))
    with pytest.raises(StreamInterruptedError):
        decoder.close()
    assert decoder.partial().tool_calls == [tool_call("c", "exp", '{"input":"4 + 4"}')]
    assert decoder.partial().response_id == "5"


def test_an_id_that_is_a_number_is_an_id() -> None:
    whole = {"id": 5, "status": "completed", "output": [TEXT]}
    assert collect(chunks_of([event("response.completed", response=whole)])).response_id == "5"


def test_items_that_only_came_before_an_empty_output_count() -> None:
    pieces = [said("Hello"), event("response.output_item.done", output_index=0, item=TEXT),
              event("response.output_item.done", output_index=1, item=FUNCTION), completed()]  # fmt: skip
    response = collect(chunks_of(pieces))
    assert (response.content, response.tool_calls) == ("Hello", [tool_call("c", "f", '{"a":1}')])


def test_a_call_whose_item_was_never_done_is_put_together_from_its_pieces() -> None:
    pieces = [
        event("response.output_item.added", output_index=0, item={**FUNCTION, "arguments": ""}),
        event("response.function_call_arguments.delta", output_index=0, delta='{"a"'),
        event("response.function_call_arguments.delta", output_index=0, delta=":1}"),
        completed(output=None),
    ]
    assert collect(chunks_of(pieces)).tool_calls == [tool_call("c", "f", '{"a":1}')]


def test_items_of_a_host_that_does_not_count_are_told_apart_by_their_ids() -> None:
    item = {**FUNCTION, "id": "fc", "arguments": ""}
    pieces = [
        event("response.output_item.added", item=item),
        event("response.function_call_arguments.delta", item_id="fc", delta='{"a":1}'),
        event("response.output_item.done", item={**item, "arguments": '{"a":1}'}),
        event("response.output_item.done", item={**FUNCTION, "call_id": "d"}),
        completed(),
    ]
    assert collect(chunks_of(pieces)).tool_calls == [
        tool_call("c", "f", '{"a":1}'),
        tool_call("d", "f", '{"a":1}'),
    ]


def test_text_that_was_never_streamed_is_not_lost() -> None:
    reasoning = {"type": "reasoning", "summary": [{"type": "summary_text", "text": "R"}]}
    refusal = {"type": "message", "content": [{"type": "refusal", "refusal": "No."}]}
    chunks = chunks_of([completed(reasoning, TEXT, refusal)])
    assert [(chunk.reasoning, chunk.delta, chunk.refusal) for chunk in chunks] == [
        ("R", "", None),
        (None, "Hello", None),
        (None, "No.", "No."),
        (None, "", None),
    ]


def test_reasoning_comes_as_it_is_said() -> None:
    pieces = [event("response.reasoning_summary_text.delta", delta="Think"),
              event("response.reasoning_text.delta", delta="ing"), said("Hello"), completed(TEXT)]  # fmt: skip
    chunks = chunks_of(pieces)
    assert [chunk.reasoning for chunk in chunks] == ["Think", "ing", None, None]
    assert collect(chunks).reasoning == "Thinking"


def test_the_limit_is_told() -> None:
    whole = {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}, "output": [TEXT]}
    response = collect(chunks_of([said("Hello"), event("response.incomplete", response=whole)]))
    assert (response.finish_reason, response.provider_finish_reason) == ("length", "max_output_tokens")


HARMLESS = [
    pytest.param(event("keepalive", sequence_number=1), id="keepalive"),
    pytest.param(event("response.in_progress", response=None), id="progress"),
    pytest.param(event("response.created", response=None), id="created without a response"),
    pytest.param(event("response.web_search_call.searching", item_id="x"), id="a hosted tool's progress"),
    pytest.param(event("response.something.new", delta={"odd": 1}), id="an event nobody knows"),
    pytest.param(event("response.output_text.delta", delta=None), id="a delta of nothing"),
    pytest.param(event("response.function_call_arguments.delta", delta=None), id="arguments of nothing"),
    pytest.param(event("response.output_item.added", item=None), id="no item"),
    pytest.param(b"data:\n\n", id="empty data"),
    pytest.param(b"data: [DONE]\n\n", id="the other protocol's end"),
]


@pytest.mark.parametrize("piece", HARMLESS)
def test_events_that_say_nothing(piece: bytes) -> None:
    assert collect(chunks_of([piece, said("Hello"), piece, completed(TEXT)])).content == "Hello"


def test_a_type_that_only_the_events_name_tells_is_understood() -> None:
    unnamed = b'event: response.output_text.delta\ndata: {"delta": "Hello"}\n\n'
    assert collect(chunks_of([unnamed, completed(TEXT)])).content == "Hello"


def test_a_host_that_does_not_stream_is_understood() -> None:
    body = json.dumps({"object": "response", "status": "completed", "output": [TEXT]}).encode()
    assert collect(chunks_of([body])).content == "Hello"


FAILED = {
    "status": "failed",
    "error": {"code": "server_error", "message": "Sorry"},
    "usage": {"input_tokens": 5},
}
FAILURES: list[Any] = [
    pytest.param(event("error", code="server_error", message="Sorry"), ProviderServerError, "Sorry", id="error event"),
    pytest.param(event("error", error={"type": "service_unavailable_error", "code": "server_is_overloaded", "message": "Busy"}),
                 ProviderOverloadedError, "Busy", id="nested error event"),
    pytest.param(event("error", code="context_length_exceeded", message="Long"), ProviderRequestTooLargeError, "Long", id="too long"),
    pytest.param(event("response.failed", response=FAILED), ProviderServerError, "Sorry", id="failed"),
    pytest.param(b'data: {"error": {"message": "Sorry"}}\n\n', ProviderServerError, "Sorry", id="another host"),
    pytest.param(b"data: {nonsense\n\n", MalformedResponseError, "not what the protocol says", id="malformed"),
    pytest.param(b'data: {"type": "response.completed"}\n\n', MalformedResponseError, "not what", id="an end without a response"),
    pytest.param(event("response.completed", response={}), MalformedResponseError, "no output", id="an empty response"),
]  # fmt: skip


@pytest.mark.parametrize(("piece", "kind", "text"), FAILURES)
def test_failures_in_the_stream(piece: bytes, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text):
        chunks_of([said("Hel"), piece])


def test_what_a_failed_response_cost_is_told() -> None:
    decoder = ResponsesStreamDecoder(CALL)
    decoder.feed(event("response.failed", response=FAILED))
    assert isinstance(decoder.failure, ProviderServerError)
    assert decoder.partial().usage == {"prompt_tokens": 5}


def test_an_item_of_another_shape_does_not_hide_what_else_is_known() -> None:
    decoder = ResponsesStreamDecoder(CALL)
    decoder.feed(event("response.created", response={"id": "r"}))
    decoder.feed(event("response.output_item.done", item={"type": "message", "content": "odd"}))
    assert decoder.partial().response_id == "r"


def swallow(pieces: list[bytes]) -> LLMResponse | None:
    decoder = ResponsesStreamDecoder(CALL)
    try:
        chunks = [chunk for data in pieces for chunk in decoder.feed(data)]
        chunks += decoder.close()
    except LLMRingError:
        decoder.partial()
        return None
    return collect(chunks)


@given(st.lists(st.binary(max_size=30) | st.sampled_from([b"data: ", b"\n\n", b"{", b'"type"', b"event: "])))
def test_random_bytes_raise_nothing_but_our_errors(pieces: list[bytes]) -> None:
    swallow(pieces)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
_KINDS = [
    "response.created",
    "response.output_item.added",
    "response.output_item.done",
    "response.output_text.delta",
    "response.refusal.delta",
    "response.function_call_arguments.delta",
    "response.completed",
    "error",
]
_ITEMS = st.dictionaries(st.sampled_from(["content", "summary", "name", "arguments"]), _JSON)
_FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "delta": _JSON,
        "output_index": st.integers(0, 2),
        "item": _ITEMS.map(lambda item: {"type": "message", **item}) | _JSON,
        "response": _JSON,
        "error": _JSON,
    },
)


@given(st.lists(st.tuples(st.sampled_from(_KINDS), _FIELDS), max_size=5))
def test_events_of_any_shape_raise_nothing_but_our_errors(parts: list[tuple[str, dict[str, Any]]]) -> None:
    response = swallow([event(kind, **fields) for kind, fields in parts])
    if response is not None:
        json.dumps([response.native, response.tool_calls])
