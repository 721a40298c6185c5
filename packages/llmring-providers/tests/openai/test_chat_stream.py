"""Streams of chat completions: recorded ones whole, in pieces and cut, and what other hosts make of them."""

import json
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llmring_providers import ChatCall
from llmring_providers.openai.chat.stream import ChatStreamDecoder
from llmring_types import LLMRequest, LLMResponse, Message, ModelRef, StreamChunk, collect, tool_call
from llmring_types.exceptions import (
    LLMRingError,
    MalformedResponseError,
    ProviderBadRequestError,
    ProviderOverloadedError,
    ProviderRateLimitError,
    ProviderServerError,
    StreamInterruptedError,
)

Recorded = Callable[[str], bytes]
CALL = ChatCall(LLMRequest([Message(role="user", content="Hi")]), ModelRef("openai", "gpt-4o"))
STREAMS = [
    "chat-a2fe8364f761",
    "chat-ad72f565a21a",
    "chat-719bb4845c78",
    "chat-fe4062d8c818",
    "chat-1f514f7ec1de",
]
DONE = b"data: [DONE]\n\n"


def chunks_of(pieces: Iterable[bytes]) -> list[StreamChunk]:
    """Decode a whole body; raises as reading it over HTTP would."""
    decoder = ChatStreamDecoder(CALL)
    chunks = [chunk for piece in pieces for chunk in decoder.feed(piece)]
    return chunks if decoder.done else chunks + decoder.close()


def event(document: Any) -> bytes:
    return b"data: " + json.dumps(document).encode() + b"\n\n"


def delta(finish: str | None = None, **fields: Any) -> bytes:
    return event(
        {"id": "c", "model": "m", "choices": [{"index": 0, "delta": fields, "finish_reason": finish}]}
    )


def calls_of(*pieces: list[dict[str, Any]]) -> list[Any] | None:
    return collect(
        chunks_of([*(delta(tool_calls=piece) for piece in pieces), delta("tool_calls"), DONE])
    ).tool_calls


def test_text_comes_as_it_is_said_and_the_rest_on_the_last_chunk(recorded: Recorded) -> None:
    chunks = chunks_of([recorded("chat-a2fe8364f761")])
    assert [chunk.delta for chunk in chunks] == ["OK", ""]
    assert all(chunk.model == "openai:gpt-4o" for chunk in chunks)
    assert chunks[0].finish_reason is None
    last = chunks[-1]
    assert (last.finish_reason, last.provider_finish_reason) == ("stop", "stop")
    assert last.provider_model == "gpt-5-nano-2025-08-07"
    assert last.response_id == "chatcmpl-REDACTED_1"
    assert last.usage == {
        "prompt_tokens": 13,
        "completion_tokens": 10,
        "total_tokens": 23,
        "cache_read_input_tokens": 0,
        "reasoning_tokens": 0,
    }


def test_parallel_calls_without_arguments_are_whole(recorded: Recorded) -> None:
    response = collect(chunks_of([recorded("chat-ad72f565a21a")]))
    assert response.finish_reason == "tool_calls"
    assert response.tool_calls == [
        tool_call("call_REDACTED_1", "lookup_harbor_label", "{}"),
        tool_call("call_REDACTED_2", "lookup_orchard_label", "{}"),
    ]


def test_a_refusal_is_text_and_refusal(recorded: Recorded) -> None:
    chunks = chunks_of([recorded("chat-fe4062d8c818")])
    assert all(chunk.refusal == chunk.delta for chunk in chunks[:-1])
    response = collect(chunks)
    assert response.content == response.refusal == "I'm very sorry, but I can't assist with that."
    assert (response.finish_reason, response.provider_finish_reason) == ("content_filter", "stop")


def test_logprobs_are_joined(recorded: Recorded) -> None:
    response = collect(chunks_of([recorded("chat-719bb4845c78")]))
    assert [entry["token"] for entry in (response.native or {})["logprobs"]["content"]] == ["42"]


def test_comments_and_an_empty_finish_reason_of_openrouter_are_understood(recorded: Recorded) -> None:
    response = collect(chunks_of([b": OPENROUTER PROCESSING\n\n", recorded("chat-1f514f7ec1de")]))
    assert response.tool_calls == [tool_call("0", "llm_version", "{}")]
    assert (response.finish_reason, response.provider_finish_reason) == ("tool_calls", None)


@pytest.mark.parametrize("name", STREAMS)
@pytest.mark.parametrize("size", [1, 2, 7])
def test_where_the_bytes_are_split_changes_nothing(name: str, size: int, recorded: Recorded) -> None:
    body = recorded(name)
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    assert chunks_of(pieces) == chunks_of([body])


@pytest.mark.parametrize("name", STREAMS)
def test_a_cut_stream_never_looks_finished(name: str, recorded: Recorded) -> None:
    events = [piece + b"\n\n" for piece in recorded(name).split(b"\n\n") if piece]
    ends = next(
        place for place, piece in enumerate(events) if b'"finish_reason":"' in piece or b"[DONE]" in piece
    )
    for kept in range(ends):
        with pytest.raises(StreamInterruptedError):
            chunks_of(events[:kept])
        with pytest.raises(StreamInterruptedError):
            chunks_of([*events[:kept], events[kept][: len(events[kept]) // 2]])


def test_what_came_before_a_cut_is_told() -> None:
    decoder = ChatStreamDecoder(CALL)
    decoder.feed(
        delta(content="Hel")
        + delta(tool_calls=[{"index": 0, "id": "c", "function": {"name": "f", "arguments": '{"a'}}])
    )
    with pytest.raises(StreamInterruptedError):
        decoder.close()
    partial = decoder.partial()
    assert partial.tool_calls == [tool_call("c", "f", '{"a')]
    assert (partial.finish_reason, partial.provider_model, partial.response_id) == (None, "m", "c")


ENDS = [
    pytest.param([delta(content="A"), delta("stop")], ("stop", "stop"), id="no [DONE]"),
    pytest.param([delta(content="A"), DONE], ("stop", None), id="no finish reason"),
    pytest.param([delta(content="A"), delta(""), DONE], ("stop", None), id="an empty finish reason"),
    pytest.param([delta(content="A"), delta("stop"), b"data: [DONE]"], ("stop", "stop"), id="no last blank line"),
    pytest.param([delta(content="A"), delta("stop"), b"data:[DONE]\r\n\r\n"], ("stop", "stop"), id="no space"),
    pytest.param([delta(content="A"), delta("length"), DONE, b"data: broken\n\n"], ("length", "length"), id="more after the end"),
    pytest.param([b'{"choices":[{"message":{"content":"A"},"finish_reason":"stop"}]}'], ("stop", "stop"), id="no stream at all"),
]  # fmt: skip


@pytest.mark.parametrize(("pieces", "words"), ENDS)
def test_how_a_stream_may_end(pieces: list[bytes], words: tuple[str, str | None]) -> None:
    response = collect(chunks_of(pieces))
    assert response.content == "A"
    assert (response.finish_reason, response.provider_finish_reason) == words


def test_usage_may_come_in_every_chunk_and_the_last_one_holds() -> None:
    def counted(tokens: int) -> bytes:
        return event({"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": tokens}})

    response = collect(chunks_of([delta(content="A"), counted(1), delta("stop"), counted(2), DONE]))
    assert response.usage == {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}
    in_choice = event(
        {"choices": [{"delta": {}, "finish_reason": "stop", "usage": {"completion_tokens": 3}}]}
    )
    assert collect(chunks_of([delta(content="A"), in_choice, DONE])).usage == {"completion_tokens": 3}


def test_the_usage_that_groq_puts_in_a_place_of_its_own_is_found() -> None:
    said = {"id": "req_1", "usage": {"queue_time": 0.4, "prompt_tokens": 20, "completion_tokens": 585}}
    last = event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "x_groq": said})
    response = collect(
        chunks_of([event({"choices": [], "x_groq": {"id": "req_1"}}), delta(content="A"), last, DONE])
    )
    assert response.usage == {"prompt_tokens": 20, "completion_tokens": 585, "total_tokens": 605}
    native = response.native or {}
    assert (native["x_groq"], native["usage"]) == (said, {"queue_time": 0.4})


HARMLESS = [
    pytest.param(delta(role="assistant"), id="role only"),
    pytest.param(delta(role="assistant", content="", refusal=None), id="empty text"),
    pytest.param(
        event({"choices": [], "prompt_filter_results": [{"prompt_index": 0}]}), id="Azure's first chunk"
    ),
    pytest.param(event({"choices": [{"index": 0, "delta": None}]}), id="no delta"),
    pytest.param(b"data:\n\n", id="empty data"),
    pytest.param(b": ping\n\n", id="comment"),
    pytest.param(event({"choices": [{"index": 1, "delta": {"content": "other"}}]}), id="another answer"),
    pytest.param(event({"choices": None}), id="no choices"),
    pytest.param(event({"message": "queued"}), id="a message"),
]


@pytest.mark.parametrize("piece", HARMLESS)
def test_chunks_that_say_nothing(piece: bytes) -> None:
    assert collect(chunks_of([piece, delta(content="A"), piece, delta("stop"), DONE])).content == "A"


def test_extras_of_several_chunks_are_put_together() -> None:
    def choice(**fields: Any) -> bytes:
        return event({"choices": [{"index": 0, "delta": {}, **fields}]})

    pieces = [
        event({"choices": [], "prompt_filter_results": [{"prompt_index": 0}], "system_fingerprint": "fp"}),
        delta(annotations=[{"url": "a"}]),
        delta(annotations=[{"url": "b"}]),
        choice(content_filter_results={"hate": {"filtered": False}}),
        choice(content_filter_results={"hate": {"filtered": True}, "violence": {"filtered": False}}),
        event({"choices": [], "citations": ["https://a"]}),
        event({"choices": [], "citations": ["https://a"]}),
        event({"choices": [], "moderation": {"flagged": False}}),
        delta(executed_tools=[{"index": 0, "type": "python", "arguments": "{}"}]),
        delta(executed_tools=[{"index": 0, "output": "1"}]),
        delta(context={"citations": [{"title": "mine"}]}),
        choice(stop_reason="END"),
        choice(finish_reason="stop", native_finish_reason="STOP"),
        DONE,
    ]
    assert collect(chunks_of(pieces)).native == {
        "provider": "openai",
        "api": "chat",
        "system_fingerprint": "fp",
        "prompt_filter_results": [{"prompt_index": 0}],
        "annotations": [{"url": "a"}, {"url": "b"}],
        "content_filter_results": {"hate": {"filtered": True}, "violence": {"filtered": False}},
        "citations": ["https://a"],
        "moderation": {"flagged": False},
        "executed_tools": [
            {"index": 0, "type": "python", "arguments": "{}"},
            {"index": 0, "output": "1"},
        ],
        "context": {"citations": [{"title": "mine"}]},
        "stop_reason": "END",
        "native_finish_reason": "STOP",
    }


def test_a_spoken_answer_is_its_transcript_and_its_sound() -> None:
    pieces = [
        delta(audio={"id": "audio_1", "transcript": "Hel"}),
        delta(audio={"transcript": "lo", "data": "QUJD"}),
        delta(audio={"data": "REVG", "expires_at": 9}),
        delta("stop"),
        DONE,
    ]
    response = collect(chunks_of(pieces))
    assert response.content == "Hello"
    native = response.native or {}
    assert native["audio"] == {"id": "audio_1", "transcript": "Hello", "data": "QUJDREVG", "expires_at": 9}
    assert native["replay"] == [{"audio": {"id": "audio_1", "transcript": "Hello"}}]


def test_reasoning_comes_as_it_is_said() -> None:
    pieces = [
        delta(reasoning="I "),
        delta(reasoning_content="think"),
        delta(content="A"),
        delta("stop"),
        DONE,
    ]
    chunks = chunks_of(pieces)
    assert [(chunk.reasoning, chunk.delta) for chunk in chunks] == [
        ("I ", ""),
        ("think", ""),
        (None, "A"),
        (None, ""),
    ]
    native = collect(chunks).native
    assert native is not None
    assert native["replay"] == [{"reasoning": "I ", "reasoning_content": "think"}]


def test_reasoning_that_the_host_wants_again_is_kept() -> None:
    call = {"index": 0, "id": "c", "function": {"name": "f", "arguments": "{}"}}
    pieces = [
        delta(reasoning_content="Thin", reasoning_details=[detail(text="Thin")]),
        delta(reasoning_content="king", reasoning_details=[detail(text="king")]),
        delta(reasoning_details=[detail(signature="s", text=None)]),
        delta(tool_calls=[call]),
        delta("tool_calls"),
        DONE,
    ]
    assert (collect(chunks_of(pieces)).native or {})["replay"] == [
        {"reasoning_details": [detail(text="Thinking", signature="s")], "reasoning_content": "Thinking"}
    ]


def thought(text: str, **fields: Any) -> dict[str, Any]:
    return {"type": "thinking", "thinking": [{"type": "text", "text": text}], **fields}


def test_thoughts_that_come_in_parts_are_one_again_and_travel_back() -> None:
    """https://docs.mistral.ai/capabilities/reasoning/"""
    pieces = [
        delta(content=""),
        delta(content=[thought("Okay, ")]),
        delta(content=[thought("17 * 23", closed=True)]),
        delta(content=[thought(" = 391", closed=True), {"type": "text", "text": "3"}]),
        delta(content="91"),
        delta("stop", content=""),
        DONE,
    ]
    response = collect(chunks_of(pieces))
    assert (response.content, response.reasoning) == ("391", "Okay, 17 * 23 = 391")
    assert (response.native or {})["replay"] == [
        {"content": [thought("Okay, 17 * 23 = 391", closed=True), {"type": "text", "text": "391"}]}
    ]


def test_parts_of_other_kinds_stay_apart() -> None:
    reference = {"type": "reference", "reference_ids": [1]}
    pieces = [delta(content=[piece]) for piece in ({"type": "text", "text": "A"}, reference, reference)]
    odd = delta(content=["odd", {"type": "thinking", "thinking": "T"}, {"type": "thinking", "thinking": "U"}])
    response = collect(chunks_of([*pieces, delta("stop"), DONE]))
    assert (response.native or {})["replay"] == [
        {"content": [{"type": "text", "text": "A"}, reference, reference]}
    ]
    assert collect(chunks_of([odd, delta(content="A"), delta("stop"), DONE])).native is None


def detail(kind: str = "reasoning.text", index: int = 0, **fields: Any) -> dict[str, Any]:
    return {"type": kind, "format": "f", "index": index, **fields}


DETAILS = [
    pytest.param([detail(text="a", signature="s"), detail(text="b")], id="a signature ends its block"),
    pytest.param([detail(text="a"), detail(text="b", index=1)], id="another index"),
    pytest.param([detail(text="a", id="1"), detail(text="b", id="2")], id="another id"),
    pytest.param([detail(text="a"), detail("reasoning.summary", summary="b")], id="another type"),
    pytest.param([detail("reasoning.encrypted", data="a"), detail("reasoning.encrypted", data="b")], id="encrypted"),
    pytest.param(["odd", detail(text="a"), "odd", detail(text="b"), {"text": "c"}], id="odd"),
]  # fmt: skip


@pytest.mark.parametrize("details", DETAILS)
def test_blocks_of_reasoning_stay_apart(details: list[Any]) -> None:
    pieces = [
        delta(content="A"),
        *(delta(reasoning_details=[piece]) for piece in details),
        delta("stop"),
        DONE,
    ]
    assert (collect(chunks_of(pieces)).native or {})["reasoning_details"] == details


def test_a_summary_that_comes_word_by_word_is_one_block() -> None:
    pieces = [
        delta(reasoning_details=[detail("reasoning.summary", summary=word)]) for word in ("I ", "think", "")
    ]
    response = collect(chunks_of([*pieces, delta("stop"), DONE]))
    assert (response.native or {})["reasoning_details"] == [detail("reasoning.summary", summary="I think")]


def piece(
    index: int | None = 0, call_id: str | int | None = None, name: str | None = None, arguments: Any = None
) -> dict[str, Any]:
    function = {key: value for key, value in (("name", name), ("arguments", arguments)) if value is not None}
    given = {"index": index, "id": call_id, "function": function}
    return {key: value for key, value in given.items() if value is not None}


TWO = [tool_call("a", "f", '{"x":1}'), tool_call("b", "g", "{}")]
CALLS = [
    pytest.param([[piece(0, "a", "f", "")], [piece(0, arguments='{"x"')], [piece(0, arguments=":1}")], [piece(1, "b", "g")]],
                 TWO, id="as OpenAI does"),
    pytest.param([[piece(0, "a", "f"), piece(1, "b", "g")], [piece(1, arguments="{}")], [piece(0, arguments='{"x":1}')]],
                 TWO, id="interleaved"),
    pytest.param([[piece(1, "b", "g", "{}")], [piece(0, "a", "f", '{"x":1}')]], TWO, id="in another order"),
    pytest.param([[piece(0, "a", "f", '{"x":1}')], [piece(0, "b", "g", "{}")]], TWO, id="all with index 0"),
    pytest.param([[piece(None, "a", "f", '{"x"')], [piece(None, arguments=":1}")], [piece(None, "b", "g", "{}")]],
                 TWO, id="no index"),
    pytest.param([[piece(None, "a", "f", '{"x":1}'), piece(None, "b", "g", "{}")]], TWO, id="no index, whole calls"),
    pytest.param([[piece(None, None, "f", '{"x":1}'), piece(None, None, "g", "{}")]],
                 [tool_call("call_0", "f", '{"x":1}'), tool_call("call_1", "g", "{}")], id="neither index nor id"),
    pytest.param([[piece(0, "a", "f", '{"x"')], [piece(0, "a", "f", ":1}")], [piece(1, "b", "g")]],
                 TWO, id="id and name in every piece"),
    pytest.param([[piece(0, "", "f", '{"x":1}'), piece(0, "", "g", "{}")]],
                 [tool_call("call_0", "f", '{"x":1}'), tool_call("call_1", "g", "{}")], id="index 0 and no id"),
    pytest.param([[piece(0, None, "f", '{"x":1}')], [piece(0, None, "f", '{"x":2}')]],
                 [tool_call("call_0", "f", '{"x":1}'), tool_call("call_1", "f", '{"x":2}')],
                 id="the same function again, index 0 and no id"),
    pytest.param([[piece(0, None, "f", '{"x"')], [piece(0, None, "f", ':{"')], [piece(0, None, "f", '{y":1}}')], [piece(0, None, "f", "")]],
                 [tool_call("call_0", "f", '{"x":{"{y":1}}')], id="only the name in every piece"),
    pytest.param([[piece(0, "a", "f", '{"x"')], [piece(0, "other", arguments=":1}")], [piece(1, "b", "g")]],
                 TWO, id="a new id in every piece"),
    pytest.param([[piece(0, "a", "f", {"x": 1})], [piece(1, "b", "g", {})]], TWO, id="arguments as objects"),
    pytest.param([[piece(0, "a", "f", "{}")], [piece(0, arguments='{"x"')], [piece(0, arguments=":1}")], [piece(1, "b", "g", "{}")]],
                 TWO, id="an empty object first"),
    pytest.param([[piece(0, "a", "f", {})], [piece(0, "a", "f", {"x": 1})], [piece(1, "b", "g", {})]],
                 TWO, id="an empty object first, as an object"),
    pytest.param([[piece(0, "a", "f", '{"x"')], [{"index": 0}], [{"index": 0, "id": "a"}], [piece(0, arguments=":1}")], [piece(1, "b", "g")]],
                 TWO, id="pieces that say nothing"),
    pytest.param([[piece(0, None, "f", '{"x"')], [piece(0, "a", "f", ":1}")], [piece(1, "b", "g")]], TWO, id="the id later"),
    pytest.param([[{"id": "a", "custom": {"name": "f", "input": "1"}}], [{"id": "b", "custom": {"name": "f", "input": "2"}}]],
                 [tool_call("a", "f", '{"input":"1"}'), tool_call("b", "f", '{"input":"2"}')], id="custom calls without index"),
    pytest.param([[{"index": 0, "custom": {"name": "f", "input": "{}"}}], [{"index": 0, "custom": {"name": "f", "input": "x"}}]],
                 [tool_call("call_0", "f", '{"input":"{}x"}')], id="a custom call's text that looks like an object"),
    pytest.param([[piece(0, None, "f", {"x": 1})], [piece(0, None, "f", {"x": 2})]],
                 [tool_call("call_0", "f", '{"x":1}'), tool_call("call_1", "f", '{"x":2}')],
                 id="the same function again, arguments as objects, no id"),
    pytest.param([[piece(0, 7, "f", [1])], [piece(1, 8, "g", True)], [piece(2, 9, "h", {"x": "ü"})]],
                 [tool_call("7", "f", "[1]"), tool_call("8", "g", "true"), tool_call("9", "h", '{"x":"ü"}')],
                 id="ids that are numbers, arguments of any kind"),
    pytest.param([[piece(0, "a", "f", '{"x":1}')], [{"index": 1, "id": "b", "function": None}], [piece(1, name="g")]],
                 TWO, id="id first, name later"),
]  # fmt: skip


@pytest.mark.parametrize(("pieces", "expected"), CALLS)
def test_calls_are_put_together(pieces: list[list[dict[str, Any]]], expected: list[Any]) -> None:
    assert calls_of(*pieces) == expected


def test_the_call_of_a_custom_tool_keeps_its_own_form_for_the_way_back() -> None:
    pieces: list[list[dict[str, Any]]] = [
        [{"index": 0, "id": "c", "type": "custom", "custom": {"name": "exp", "input": "4 "}}],
        [{"index": 0, "custom": {"input": "+ 4"}}],
    ]
    response = collect(chunks_of([*(delta(tool_calls=part) for part in pieces), delta("tool_calls"), DONE]))
    assert response.tool_calls == [tool_call("c", "exp", '{"input":"4 + 4"}')]
    raw = {"id": "c", "type": "custom", "custom": {"name": "exp", "input": "4 + 4"}}
    assert (response.native or {})["replay"] == [{"tool_calls": [raw]}]


def test_the_signature_of_a_call_comes_with_any_of_its_pieces() -> None:
    signed = {"google": {"thought_signature": "s=="}}
    pieces = [
        [piece(0, "a", "f", "")],
        [{**piece(0, arguments='{"x":1}'), "extra_content": signed}],
        [piece(0, arguments="")],
    ]
    response = collect(chunks_of([*(delta(tool_calls=part) for part in pieces), delta("tool_calls"), DONE]))
    assert (response.native or {})["replay"] == [{"tool_calls": [{**TWO[0], "extra_content": signed}]}]


def test_the_legacy_function_call_is_put_together() -> None:
    pieces = [delta(function_call={"name": "f", "arguments": '{"a"'}), delta(function_call={"arguments": ":1}"}),
              delta("function_call"), DONE]  # fmt: skip
    response = collect(chunks_of(pieces))
    assert response.tool_calls == [tool_call("call_0", "f", '{"a":1}')]
    assert response.finish_reason == "tool_calls"


FAILURES: list[Any] = [
    pytest.param(event({"error": {"message": "Sorry", "type": "server_error"}}), ProviderServerError, "Sorry", id="OpenAI"),
    pytest.param(event({"error": {"message": "Lost", "code": 502}, "choices": [{"delta": {}, "finish_reason": "error"}]}),
                 ProviderServerError, "Lost", id="OpenRouter"),
    pytest.param(event({"choices": [{"error": {"message": "Lost", "code": 503}}]}), ProviderOverloadedError, "Lost", id="in the choice"),
    pytest.param(event({"error": "out of memory"}), ProviderServerError, "out of memory", id="a mere text"),
    pytest.param(event({"object": "error", "message": "Bad", "code": 400}), ProviderBadRequestError, "Bad", id="vLLM"),
    pytest.param(b'event: error\ndata: {"message": "Bad"}\n\n', ProviderServerError, "Bad", id="by the event's name"),
    pytest.param(b"data: {nonsense\n\n", MalformedResponseError, "not what the protocol says", id="malformed"),
    pytest.param(b"data: []\n\n", MalformedResponseError, "not what the protocol says", id="of another shape"),
    pytest.param(b'{"error": {"message": "Busy", "code": 503}}', ProviderOverloadedError, "Busy", id="no stream at all"),
    pytest.param(event({"choices": [], "x_groq": {"error": "over capacity"}}), ProviderServerError, "over capacity", id="Groq"),
    pytest.param(event({"detail": "Not Found"}), ProviderServerError, "Not Found", id="bare, in a proxy's words"),
    pytest.param(event({"message": "Slow down", "code": 429}) + DONE, ProviderRateLimitError, "Slow down", id="bare, then [DONE]"),
    pytest.param(event({"choices": None}), StreamInterruptedError, "before the model had finished", id="a cut before the answer"),
    pytest.param(b'data: {"x": "\xff", "detail": "Not Found"}\n\n', StreamInterruptedError, "before", id="bare, and no UTF-8"),
    pytest.param(event({"choices": None}) + DONE, MalformedResponseError, "without an answer", id="no choices and an end"),
    pytest.param(DONE, MalformedResponseError, "without an answer", id="an end without an answer"),
]  # fmt: skip


@pytest.mark.parametrize(("piece", "kind", "text"), FAILURES)
def test_failures_in_the_stream(piece: bytes, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text):
        chunks_of([piece])


def test_nothing_after_a_failure_is_read_and_what_came_before_is_delivered() -> None:
    decoder = ChatStreamDecoder(CALL)
    chunks = decoder.feed(
        delta(content="A") + event({"error": {"message": "Sorry"}}) + delta(content="B") + DONE
    )
    assert [chunk.delta for chunk in chunks] == ["A"]
    assert isinstance(decoder.failure, ProviderServerError)
    assert decoder.feed(delta(content="C")) == []
    with pytest.raises(ProviderServerError):
        decoder.close()


def swallow(pieces: list[bytes]) -> LLMResponse | None:
    decoder = ChatStreamDecoder(CALL)
    try:
        chunks = [chunk for data in pieces for chunk in decoder.feed(data)]
        chunks += decoder.close()
    except LLMRingError:
        decoder.partial()
        return None
    return collect(chunks)


@given(
    st.lists(st.binary(max_size=30) | st.sampled_from([b"data: ", b"\n\n", b"{", b'"choices"', b"[DONE]"]))
)
def test_random_bytes_raise_nothing_but_our_errors(pieces: list[bytes]) -> None:
    swallow(pieces)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
_DELTA = [
    "content",
    "refusal",
    "reasoning",
    "reasoning_content",
    "reasoning_details",
    "tool_calls",
    "audio",
    "annotations",
    "executed_tools",
    "context",
]
_CHOICE = ["finish_reason", "logprobs", "content_filter_results", "stop_reason", "usage", "error"]


@given(
    st.lists(
        st.tuples(
            st.dictionaries(st.sampled_from(_DELTA), _JSON), st.dictionaries(st.sampled_from(_CHOICE), _JSON)
        ),
        max_size=4,
    )
)
def test_fields_of_any_shape_raise_nothing_but_our_errors(parts: list[tuple[Any, Any]]) -> None:
    response = swallow(
        [*(event({"choices": [{"delta": fields, **choice}]}) for fields, choice in parts), DONE]
    )
    if response is not None:
        json.dumps([response.native, response.tool_calls])
