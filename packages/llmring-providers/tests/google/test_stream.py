"""Streams: recorded ones whole, in pieces and cut, and what may go wrong in one."""

import json
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from llmring_providers import ChatCall, WireRequest
from llmring_providers.google.response import decode
from llmring_providers.google.stream import GenerateStreamDecoder, ObjectSplitter, StreamSplitter
from llmring_types import LLMRequest, LLMResponse, Message, ModelRef, StreamChunk, collect, tool_call
from llmring_types.exceptions import (
    LLMRingError,
    MalformedResponseError,
    ModelNotFoundError,
    ProviderOverloadedError,
    ProviderRateLimitError,
    StreamInterruptedError,
)

EVENT_STREAMS = ["eb3fa012a0db", "6fc6a1f90f3c", "77a30b660c62"]
STREAMS = [*EVENT_STREAMS, "9cee86a9c925"]
WIRE = WireRequest(path="", body=b"")


def chunks_of(pieces: Iterable[bytes], call: ChatCall) -> list[StreamChunk]:
    """Decode a whole body; raises as reading it over HTTP would."""
    decoder = GenerateStreamDecoder(call, WIRE)
    chunks = [chunk for piece in pieces for chunk in decoder.feed(piece)]
    return chunks + decoder.close()


def event(*parts: dict[str, Any], usage: dict[str, Any] | None = None, **candidate: Any) -> bytes:
    said: dict[str, Any] = {"candidates": [{"content": {"parts": list(parts)}, **candidate}]}
    if usage is not None:
        said["usageMetadata"] = usage
    return b"data: " + json.dumps(said).encode() + b"\n\n"


def say(text: str, **more: Any) -> bytes:
    return event({"text": text}, **more)


def error(code: int, status: str) -> bytes:
    return (
        b"data: " + json.dumps({"error": {"code": code, "message": "x", "status": status}}).encode() + b"\n\n"
    )


END = say(
    "", finishReason="STOP", usage={"promptTokenCount": 3, "candidatesTokenCount": 2, "totalTokenCount": 5}
)


def test_text_comes_as_it_is_said_and_the_rest_on_the_last_chunk(
    recorded: Callable[[str], bytes], call: ChatCall
) -> None:
    chunks = chunks_of([recorded("77a30b660c62")], call)
    assert [chunk.delta for chunk in chunks] == [
        "According to the page, it was directed by **George Lucas**",
        ".",
        "",
    ]
    assert all(chunk.model == "google:gemini-2.5-flash" for chunk in chunks)
    assert all(chunk.finish_reason is None and chunk.usage is None for chunk in chunks[:-1])
    last = chunks[-1]
    assert (last.finish_reason, last.provider_finish_reason) == ("stop", "STOP")
    assert (last.provider_model, last.response_id) == ("gemini-3.5-flash", "a4FfaoS0DsW8sOIPxon_iAc")
    assert last.usage == {
        "prompt_tokens": 1737,
        "completion_tokens": 294,
        "total_tokens": 2031,
        "reasoning_tokens": 250,
    }
    assert last.native is not None
    assert last.native.keys() == {
        "provider",
        "replay",
        "groundingMetadata",
        "urlContextMetadata",
        "usageMetadata",
    }
    assert [part["text"] for part in last.native["replay"]] == [
        "According to the page, it was directed by **George Lucas**.",
        "",
    ]
    assert "thoughtSignature" in last.native["replay"][1]


def test_thoughts_and_calls_are_whole(recorded: Callable[[str], bytes], call: ChatCall) -> None:
    chunks = chunks_of([recorded("eb3fa012a0db")], call)
    assert chunks[0].reasoning is not None
    assert chunks[0].reasoning.startswith("**Calculating Divisibility**")
    response = collect(chunks)
    assert response.content == ""
    assert response.tool_calls == [tool_call("call_966934", "lookup_harbor_label", "{}")]
    assert response.finish_reason == "tool_calls"
    assert response.native is not None
    assert response.native["replay"] == [
        {"text": response.reasoning, "thought": True},
        {
            "functionCall": {"args": {}, "id": "call_966934", "name": "lookup_harbor_label"},
            "thoughtSignature": "signature_REDACTED_1",
        },
    ]


def test_a_json_array_is_a_stream_too(recorded: Callable[[str], bytes], call: ChatCall) -> None:
    response = collect(chunks_of([recorded("9cee86a9c925")], call))
    assert (response.content, response.finish_reason) == ("Scoop", "stop")
    assert response.provider_model == "gemini-3.6-flash"
    assert response.usage == {
        "prompt_tokens": 11,
        "completion_tokens": 361,
        "total_tokens": 372,
        "reasoning_tokens": 359,
    }


def test_a_stream_says_what_the_whole_answer_says(recorded: Callable[[str], bytes], call: ChatCall) -> None:
    body = recorded("6fc6a1f90f3c")
    response = collect(chunks_of([body], call))
    assert response == decode(body.removeprefix(b"data: ").strip(), call, WIRE)
    assert response.tool_calls == [
        tool_call("call_XQCzaYWvIqfRz7IPupTlyAk_1_0", "add", {"b": 3, "a": 2}),
        tool_call("call_XQCzaYWvIqfRz7IPupTlyAk_1_1", "multiply", {"a": 2, "b": 3}),
    ]


@pytest.mark.parametrize("name", STREAMS)
@pytest.mark.parametrize("size", [1, 2, 7, 100])
def test_a_stream_in_pieces_gives_the_same_chunks(
    name: str, size: int, recorded: Callable[[str], bytes], call: ChatCall
) -> None:
    body = recorded(name)
    pieces = (body[at : at + size] for at in range(0, len(body), size))
    assert chunks_of(pieces, call) == chunks_of([body], call)


@pytest.mark.parametrize("name", EVENT_STREAMS)
def test_crlf_and_comments_change_nothing(
    name: str, recorded: Callable[[str], bytes], call: ChatCall
) -> None:
    body = recorded(name).replace(b"\r\n", b"\n")
    same = chunks_of([body], call)
    assert chunks_of([body.replace(b"\n", b"\r\n")], call) == same
    assert chunks_of([b": hello\n\n", body.replace(b"data:", b": x\ndata:")], call) == same
    assert chunks_of([b"\xef\xbb\xbf" + body.rstrip()], call) == same


@pytest.mark.parametrize("name", EVENT_STREAMS)
def test_a_stream_cut_after_any_event_never_looks_finished(
    name: str, recorded: Callable[[str], bytes], call: ChatCall
) -> None:
    events = recorded(name).replace(b"\r\n", b"\n").split(b"\n\n")
    events = [each + b"\n\n" for each in events if each.strip()]
    for kept in range(len(events)):
        with pytest.raises(StreamInterruptedError):
            chunks_of(events[:kept], call)


def test_a_stream_cut_at_any_byte_never_looks_finished(call: ChatCall) -> None:
    body = say("Hi") + END
    whole = chunks_of([body], call)
    for kept in range(len(body) - 2):  # without the last blank line the event is whole
        with pytest.raises(StreamInterruptedError):
            chunks_of([body[:kept]], call)
    assert chunks_of([body[:-2]], call) == whole


def test_a_json_array_cut_at_any_byte_never_looks_finished(call: ChatCall) -> None:
    body = b"[" + b",\r\n".join((say("}\\{").strip()[6:], END.strip()[6:])) + b"\n]\n"
    assert collect(chunks_of([body], call)).content == "}\\{"
    for kept in range(len(body) - 4):
        with pytest.raises(StreamInterruptedError):
            chunks_of([body[:kept]], call)


def test_what_had_come_of_a_cut_stream_can_be_had(call: ChatCall) -> None:
    decoder = GenerateStreamDecoder(call, WIRE)
    decoder.feed(event({"functionCall": {"name": "f", "id": "x"}}, usage={"promptTokenCount": 3}))
    chunk = decoder.partial()
    assert chunk.tool_calls == [tool_call("x", "f", "{}")]
    decoder.feed(event({"functionCall": {"name": "g", "id": "y", "willContinue": True}}))
    decoder.feed(
        event(
            {"functionCall": {"partialArgs": [{"jsonPath": "$.a", "stringValue": "b"}], "willContinue": True}}
        )
    )
    assert decoder.partial().tool_calls == [tool_call("x", "f", "{}"), tool_call("y", "g", '{"a":"b"}')]
    assert chunk.usage == {"prompt_tokens": 3}
    assert chunk.finish_reason is None


def test_events_after_the_finish_reason_still_count(call: ChatCall) -> None:
    pieces = [
        say("a", finishReason="STOP", usage={"promptTokenCount": 1, "totalTokenCount": 1}),
        say("b", finishReason="STOP", usage={"candidatesTokenCount": 2, "totalTokenCount": 3}),
        b'data: {"usageMetadata":{"promptTokenCount":null,"thoughtsTokenCount":4,"totalTokenCount":7}}\n\n',
    ]
    response = collect(chunks_of(pieces, call))
    assert response.content == "ab"
    assert response.usage == {
        "prompt_tokens": 1,
        "completion_tokens": 6,
        "total_tokens": 7,
        "reasoning_tokens": 4,
    }


def test_a_blocked_prompt_ends_the_stream(call: ChatCall) -> None:
    body = b'data: {"promptFeedback":{"blockReason":"SAFETY"},"usageMetadata":{"promptTokenCount":4}}\n\n'
    (last,) = chunks_of([body], call)
    assert (last.finish_reason, last.provider_finish_reason) == ("content_filter", "SAFETY")
    assert last.usage == {"prompt_tokens": 4}


def test_citations_and_log_probabilities_of_all_events_are_kept(call: ChatCall) -> None:
    first, second = {"startIndex": 0}, {"startIndex": 9}
    pieces = [
        say(
            "a",
            citationMetadata={"citationSources": [first]},
            logprobsResult={"chosenCandidates": [{"token": "a"}]},
            groundingMetadata={"webSearchQueries": ["q"]},
        ),
        say(
            "a",
            citationMetadata={"citationSources": [first, second]},
            logprobsResult={"chosenCandidates": [{"token": "a"}]},
            groundingMetadata={},
        ),
        END,
    ]
    assert collect(chunks_of(pieces, call)).native == {
        "provider": "google",
        "citationMetadata": {"citationSources": [first, second]},
        "logprobsResult": {"chosenCandidates": [{"token": "a"}, {"token": "a"}]},
        "groundingMetadata": {"webSearchQueries": ["q"]},
    }


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        (error(503, "UNAVAILABLE"), ProviderOverloadedError),
        (error(429, "RESOURCE_EXHAUSTED"), ProviderRateLimitError),
        (b'data: {"error":{"message":"no number","status":"NOT_FOUND"}}\n\n', ModelNotFoundError),
    ],
)
def test_an_error_event_ends_the_stream_with_its_type(
    event: bytes, kind: type[LLMRingError], call: ChatCall
) -> None:
    decoder = GenerateStreamDecoder(call, WIRE)
    assert [chunk.delta for chunk in decoder.feed(say("Hi") + event + END)] == ["Hi"]
    assert type(decoder.failure) is kind
    assert not decoder.done
    with pytest.raises(kind):
        decoder.close()


@pytest.mark.parametrize(
    "body", [b'{\n "error": {\n  "code": 503,\n "message": "x"}\n}\n', b'[{"error":{"code":503}}]']
)
def test_an_error_that_is_no_event_is_typed_too(body: bytes, call: ChatCall) -> None:
    with pytest.raises(ProviderOverloadedError):
        chunks_of([body[at : at + 1] for at in range(len(body))], call)


def test_a_malformed_event_ends_the_stream(call: ChatCall) -> None:
    decoder = GenerateStreamDecoder(call, WIRE)
    decoder.feed(say("Hi") + b'data: {"candidates": [{"con\n\n' + END)
    assert isinstance(decoder.failure, MalformedResponseError)
    assert not isinstance(decoder.failure, StreamInterruptedError)


@pytest.mark.parametrize("body", [b"", b"\n\n", b"[]", b"[\n", b"data:\n\n"])
def test_a_body_without_an_answer_is_a_cut_or_malformed(body: bytes, call: ChatCall) -> None:
    with pytest.raises(MalformedResponseError):
        chunks_of([body], call)


def test_streamed_arguments_become_one_call(call: ChatCall) -> None:
    """https://cloud.google.com/vertex-ai/generative-ai/docs/multimodal/function-calling#streaming-fc"""

    def piece(*partial: dict[str, Any], **function: Any) -> bytes:
        return event({"functionCall": {"partialArgs": list(partial), "willContinue": True, **function}})

    pieces = [
        event({"functionCall": {"name": "f", "id": "x", "willContinue": True}, "thoughtSignature": "s"}),
        piece({"jsonPath": "$.city", "stringValue": "New ", "willContinue": True}),
        piece({"jsonPath": "$.city", "stringValue": "Delhi"}, {"jsonPath": "$.days", "numberValue": 2}),
        piece(
            {"jsonPath": "$.at[0].name", "stringValue": "a"},
            {"jsonPath": "$.at[1]['x y']", "boolValue": True},
        ),
        piece(
            {"jsonPath": "$.none", "nullValue": "NULL_VALUE"},
            {"jsonPath": "$.at[0].more", "numberValue": 0.5},
        ),
        event({"functionCall": {}}),
        event({"functionCall": {"name": "g", "args": {"a": 1}}}),
        END,
    ]
    arguments = {
        "city": "New Delhi",
        "days": 2,
        "at": [{"name": "a", "more": 0.5}, {"x y": True}],
        "none": None,
    }
    response = collect(chunks_of(pieces, call))
    assert response.tool_calls == [
        tool_call("x", "f", arguments),
        tool_call("call_1_1", "g", {"a": 1}),
    ]
    assert response.native is not None
    assert response.native["replay"][0] == {
        "functionCall": {"name": "f", "args": arguments, "id": "x"},
        "thoughtSignature": "s",
    }


@pytest.mark.parametrize(
    "after", [[], [event({"functionCall": {"name": "g"}})]], ids=["the end", "another call"]
)
def test_a_call_whose_last_piece_is_missing_is_not_lost(after: list[bytes], call: ChatCall) -> None:
    pieces = [
        event({"functionCall": {"name": "f", "willContinue": True}}),
        event({"functionCall": {"partialArgs": [{"jsonPath": "$.a", "numberValue": 1}], "willContinue": True},
               "thoughtSignature": "s"}),
        *after,
        END,
    ]  # fmt: skip
    response = collect(chunks_of(pieces, call))
    assert [made["function"] for made in response.tool_calls or ()] == [
        {"name": "f", "arguments": '{"a":1}'},
        *({"name": "g", "arguments": "{}"} for _ in after),
    ]
    assert response.finish_reason == "tool_calls"
    signed = {"functionCall": {"name": "f", "args": {"a": 1}}, "thoughtSignature": "s"}
    assert (response.native or {})["replay"][0] == signed


def test_a_call_without_arguments_may_be_one_piece_and_an_empty_one(call: ChatCall) -> None:
    pieces = [event({"functionCall": {"name": "f"}}), event({"functionCall": {}}), END]
    assert collect(chunks_of(pieces, call)).tool_calls == [tool_call("call_1_0", "f", "{}")]
    with pytest.raises(MalformedResponseError):
        chunks_of([event({"functionCall": {"willContinue": True}}), END], call)


@pytest.mark.parametrize("path", ["$", "", "$[0]", "$.a[7]", "$.a.b"])
def test_a_piece_of_arguments_that_fits_nowhere_is_malformed(path: str, call: ChatCall) -> None:
    pieces = [{"jsonPath": "$.a", "stringValue": "x"}, {"jsonPath": path, "stringValue": "y"}]
    with pytest.raises(MalformedResponseError):
        chunks_of([event({"functionCall": {"name": "f", "partialArgs": pieces}}), END], call)


@given(
    st.lists(
        st.binary()
        | st.sampled_from(
            [say("Hi"), END, error(500, "INTERNAL"), b"\n", b"[{", b'"}', b",", b"]", b'{"candidates":[{}]}']
        )
    )
)
def test_any_bytes_give_chunks_or_one_of_our_errors(pieces: list[bytes]) -> None:
    call = ChatCall(LLMRequest([Message(role="user", content="Hi")]), ModelRef("google", "m"))
    try:
        chunks = chunks_of(pieces, call)
    except LLMRingError:
        return
    assert chunks[-1].provider_finish_reason == "STOP"


def test_a_json_answer_that_came_as_a_call_is_text(call: ChatCall) -> None:
    wire = WireRequest(path="", body=b"", notes={"answer_schema": {"type": "object"}})
    decoder = GenerateStreamDecoder(call, wire)
    chunks = decoder.feed(
        event(
            {"functionCall": {"name": "respond_with_structure", "args": {"a": 1}}, "thoughtSignature": "s"},
            finishReason="STOP",
        )
    )
    assert collect([*chunks, *decoder.close()]) == LLMResponse(
        content='{"a":1}',
        model="google:gemini-2.5-flash",
        finish_reason="stop",
        provider_finish_reason="STOP",
    )


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=50)
@given(st.lists(st.dictionaries(st.text(), VALUES)), st.booleans(), st.lists(st.integers(1, 9), min_size=1))
def test_the_objects_of_an_array_are_found_however_its_bytes_are_split(
    objects: list[dict[str, object]], ascii_only: bool, sizes: list[int]
) -> None:
    body = json.dumps(objects, ensure_ascii=ascii_only, indent=1).encode()
    splitter, found, at, turn = StreamSplitter(), [], 0, 0
    while at < len(body):
        size = sizes[turn % len(sizes)]
        found += splitter.feed(body[at : at + size])
        at, turn = at + size, turn + 1
    assert [json.loads(event.data) for event in found] == json.loads(body)
    assert splitter.rest() is None


def test_what_was_looked_at_is_forgotten() -> None:
    splitter = ObjectSplitter()
    for _ in range(1000):
        assert len(splitter.feed(b'{"a": "}"},')) == 1
    assert len(splitter._buffer) == 0


def test_white_space_before_the_first_byte_decides_nothing() -> None:
    splitter = StreamSplitter()
    assert splitter.feed(b" \r\n") == []
    assert [event.data for event in splitter.feed(b'{"a":1}')] == [b'{"a":1}']
