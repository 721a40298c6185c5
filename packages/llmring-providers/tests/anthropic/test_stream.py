"""Streams become chunks, however their bytes are split, and a cut never looks like an end."""

import json
import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from llmring_providers import ChatCall
from llmring_providers.anthropic.response import decode
from llmring_providers.anthropic.stream import MessageStreamDecoder
from llmring_types import LLMRequest, Message, ModelRef, StreamChunk, collect
from llmring_types.exceptions import (
    LLMRingError,
    MalformedResponseError,
    ModelNotFoundError,
    ProviderAuthenticationError,
    ProviderError,
    ProviderOverloadedError,
    ProviderPermissionError,
    ProviderQuotaError,
    ProviderRateLimitError,
    ProviderRequestTooLargeError,
    ProviderServerError,
    StreamInterruptedError,
)

CALL = ChatCall(
    LLMRequest(messages=[Message(role="user", content="hi")]), ModelRef("anthropic", "claude-opus-5")
)
STREAMS = ["b549eef2d796", "5263aadad89e", "df18adb02e56", "1ff9c9c84aac", "69e0a70291be", "fd5cdd7f2db7", "c491d26222b0"]  # fmt: skip


def chunks_of(pieces: list[bytes]) -> list[StreamChunk]:
    decoder = MessageStreamDecoder(CALL)
    chunks = [chunk for piece in pieces for chunk in decoder.feed(piece)]
    if decoder.failure is not None:
        raise decoder.failure
    return chunks if decoder.done else chunks + decoder.close()


def event(kind: str, **fields: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()


START = event(
    "message_start",
    message={"id": "msg_1", "model": "claude-opus-5", "content": [], "usage": {"input_tokens": 5, "output_tokens": 1}},
)  # fmt: skip
STOP = event("message_stop")


def block_start(index: int, **block: Any) -> bytes:
    return event("content_block_start", index=index, content_block=block)


def delta(index: int, **fields: Any) -> bytes:
    return event("content_block_delta", index=index, delta=fields)


def message_delta(word: str = "end_turn", **fields: Any) -> bytes:
    return event("message_delta", delta={"stop_reason": word}, **fields)


RECORDED = [
    pytest.param("b549eef2d796", {"content": "alpha ", "provider_finish_reason": "stop_sequence"}, id="text"),
    pytest.param(
        "5263aadad89e",
        {
            "content": "",
            "finish_reason": "tool_calls",
            "tool_calls": [
                {
                    "id": call_id,
                    "type": "function",
                    "function": {"name": "pelican_name_generator", "arguments": "{}"},
                }
                for call_id in ("toolu_01LtHJmixrs9NcWQkK8hu8hj", "toolu_01N8a4jWyf116qKTMqKKmjyt")
            ],
            "native": None,
        },
        id="parallel calls without arguments",
    ),
    pytest.param("df18adb02e56", {"content": "391", "reasoning": "391"}, id="thinking"),
    pytest.param("1ff9c9c84aac", {"content": "OK", "reasoning": None}, id="redacted thinking"),
    pytest.param(
        "c491d26222b0",
        {
            "usage": {
                "prompt_tokens": 4565,
                "completion_tokens": 7,
                "total_tokens": 4572,
                "cache_read_input_tokens": 0,
                "cache_creation_input_tokens": 4562,
                "cache_creation_5m_tokens": 4562,
                "cache_creation_1h_tokens": 0,
            }
        },
        id="cache writes",
    ),
]


@pytest.mark.parametrize(("ending", "expected"), RECORDED)
def test_a_recorded_stream_is_read(
    ending: str, expected: dict[str, Any], recording: Callable[[str], dict[str, Any]]
) -> None:
    response = collect(chunks_of([recording(ending)["response"]["body_text"].encode()]))
    assert {name: getattr(response, name) for name in expected} == expected
    assert response.response_id is not None
    assert response.provider_model is not None


@pytest.mark.parametrize("ending", STREAMS)
@pytest.mark.parametrize("size", [1, 7])
def test_pieces_of_any_size_give_the_same_chunks(
    ending: str, size: int, recording: Callable[[str], dict[str, Any]]
) -> None:
    body = recording(ending)["response"]["body_text"].encode()
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    assert chunks_of(pieces) == chunks_of([body])
    assert chunks_of([body.replace(b"\n", b"\r\n")]) == chunks_of([body])


@pytest.mark.parametrize("ending", STREAMS)
def test_a_stream_cut_after_any_event_is_an_error(
    ending: str, recording: Callable[[str], dict[str, Any]]
) -> None:
    body = recording(ending)["response"]["body_text"].encode()
    frames = re.findall(rb".*?\n\n", body, re.DOTALL)
    assert len(frames) > 5
    for kept in range(len(frames)):
        with pytest.raises(StreamInterruptedError):
            chunks_of(frames[:kept])
    with pytest.raises(StreamInterruptedError):
        chunks_of([body[: body.rindex(b"message_stop") - 3]])


@pytest.mark.parametrize("ending", STREAMS)
def test_the_last_blank_lines_and_the_event_lines_may_be_missing(
    ending: str, recording: Callable[[str], dict[str, Any]]
) -> None:
    body = recording(ending)["response"]["body_text"].encode()
    assert chunks_of([body.rstrip(b"\n")]) == chunks_of([body])
    assert chunks_of([re.sub(rb"(?m)^event: .*\n", b"", body)]) == chunks_of([body])


def test_the_type_may_be_only_in_the_event_line() -> None:
    body = b"".join(
        (START, block_start(0, type="text", text=""), delta(0, type="text_delta", text="a"), STOP)
    )
    bare = re.sub(
        rb'"type": "(message_start|content_block_start|content_block_delta|message_stop)",? ?', b"", body
    )
    assert bare != body
    assert chunks_of([bare]) == chunks_of([body])


@pytest.mark.parametrize("ending", ["34ffd22aa5d4", "2de8feb62c0c", "1a7f110b418b", "c675777f56a9"])
def test_a_host_that_does_not_stream_is_read_all_the_same(
    ending: str, recording: Callable[[str], dict[str, Any]]
) -> None:
    body = recording(ending)["response"]["body_text"].encode()
    assert collect(chunks_of([b"\n", body[:9], body[9:]])) == decode(body, CALL)
    with pytest.raises(StreamInterruptedError):
        chunks_of([body[:-5]])


def test_pieces_of_a_block_make_what_the_whole_would_be() -> None:
    citation = {"type": "char_location", "cited_text": "sky"}
    body = b"".join(
        (
            START,
            event("ping"),
            block_start(0, type="thinking", thinking="", signature=""),
            delta(0, type="thinking_delta", thinking="hm"),
            delta(0, type="thinking_delta", thinking=" hm"),
            delta(0, type="signature_delta", signature="sig=="),
            event("content_block_stop", index=0),
            block_start(1, type="server_tool_use", id="s", name="web_search", input={}),
            delta(1, type="input_json_delta", partial_json='{"query":'),
            delta(1, type="input_json_delta", partial_json=' "sky"}'),
            block_start(2, type="text", text="", citations="odd"),
            delta(2, type="text_delta", text="Blue"),
            delta(2, type="citations_delta", citation=citation),
            delta(2, type="text_delta", text="."),
            block_start(3, type="compaction", content=None),
            delta(3, type="compaction_delta", content="summary", encrypted_content="e=="),
            block_start(4, type="tool_use", id="t", name="f", input={}),
            delta(4, type="input_json_delta", partial_json=""),
            delta(4, type="input_json_delta", partial_json='{"a": 1}'),
            delta(4, type="a_delta_of_tomorrow", news="x"),
            message_delta("tool_use", usage={"output_tokens": 9}),
            STOP,
        )
    )
    chunks = chunks_of([body])
    response = collect(chunks)
    assert [chunk.reasoning or chunk.delta for chunk in chunks[:-1]] == ["hm", " hm", "Blue", "."]
    assert response.native == {
        "provider": "anthropic",
        "replay": [
            {"type": "thinking", "thinking": "hm hm", "signature": "sig=="},
            {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "sky"}},
            {"type": "text", "text": "Blue.", "citations": [citation]},
            {"type": "compaction", "content": "summary", "encrypted_content": "e=="},
            {"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}},
        ],
    }
    assert response.tool_calls == [
        {"id": "t", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
    ]
    assert msgspec.json.decode(msgspec.json.encode(response), type=type(response)) == response


def test_counts_of_the_message_delta_replace_those_of_the_start() -> None:
    end = message_delta(usage={"input_tokens": 50, "output_tokens": 9, "cache_read_input_tokens": 4})
    assert collect(chunks_of([START, end, STOP])).usage == {
        "prompt_tokens": 54,
        "completion_tokens": 9,
        "total_tokens": 59 + 4,
        "cache_read_input_tokens": 4,
    }
    for usage in ({"output_tokens": 9}, {"output_tokens": 9, "input_tokens": 0}):  # the zero is not a count
        assert collect(chunks_of([START, message_delta(usage=usage), STOP])).usage == {
            "prompt_tokens": 5,
            "completion_tokens": 9,
            "total_tokens": 14,
        }
    nothing = message_delta(usage={"output_tokens": 0, "cache_read_input_tokens": 0})
    (last,) = chunks_of([event("message_start", message={"usage": {"input_tokens": 5}}), nothing, STOP])
    assert (
        (last.usage or {}).get("cache_read_input_tokens") == (last.usage or {}).get("completion_tokens") == 0
    )


def test_the_compactions_that_the_end_tells_of_are_counted() -> None:
    spent = [{"type": "compaction", "input_tokens": 180, "output_tokens": 3}]
    end = message_delta(usage={"output_tokens": 9, "iterations": spent})
    usage = collect(chunks_of([START, end, STOP])).usage or {}
    assert usage.get("compaction") == {"prompt_tokens": 180, "completion_tokens": 3, "total_tokens": 183}
    assert usage.get("total_tokens") == 14


def test_a_call_of_a_toolset_and_what_the_cache_missed_are_kept() -> None:
    missed = {"cache_miss_reason": {"type": "tools_changed"}}
    start = event("message_start", message={"content": [], "diagnostics": missed})
    block = {"type": "tool_use", "id": "t", "name": "zoom", "input": {}, "toolset_name": "computer"}
    (last,) = chunks_of([start, block_start(0, **block), STOP])
    assert last.native == {"provider": "anthropic", "diagnostics": missed, "replay": [block]}


def test_an_event_or_block_of_tomorrow_is_passed_by_whatever_its_shape() -> None:
    news = event("an_event_of_tomorrow", index="first", delta="x", usage=[1], message=5)
    block = {"type": "a_block_of_tomorrow", "id": 5, "text": {"odd": 1}}
    body = [START, news, block_start(0, **block), delta(0, type="a_delta_of_tomorrow", content=[1]),
            block_start(1, type="text", text=""), delta(1, type="text_delta", text="A"), news, STOP]  # fmt: skip
    response = collect(chunks_of(body))
    assert (response.content, response.finish_reason) == ("A", "stop")
    assert response.native == {"provider": "anthropic", "replay": [block, {"type": "text", "text": "A"}]}


def test_what_the_end_says_of_the_request_replaces_what_the_start_said() -> None:
    start = event("message_start", message={"content": [], "input_transformations": [{"path": "a"}], "usage": {"service_tier": "batch"}})  # fmt: skip
    end = message_delta(input_transformations=[{"path": "b"}], usage={"speed": "fast"})
    said = {"provider": "anthropic", "service_tier": "batch"}
    last = chunks_of([start, end, STOP])[-1]
    assert last.native == {**said, "speed": "fast", "input_transformations": [{"path": "b"}]}
    assert chunks_of([start, STOP])[-1].native == {**said, "input_transformations": [{"path": "a"}]}


def test_text_in_the_start_of_a_block_is_text() -> None:
    body = [START, block_start(0, type="text", text="a"), delta(0, type="text_delta", text="b"), STOP]
    assert collect(chunks_of(body)).content == "ab"


def test_input_in_the_start_of_a_block_is_the_input() -> None:
    body = [START, block_start(0, type="tool_use", id="t", name="f", input={"a": 1}), STOP]
    calls = collect(chunks_of(body)).tool_calls
    assert calls is not None
    assert json.loads(calls[0]["function"]["arguments"]) == {"a": 1}


def test_a_call_without_an_id_has_one_of_its_own() -> None:
    body = [START, block_start(0, type="text"), block_start(1, type="tool_use", name="f", input={}), STOP]
    calls = collect(chunks_of(body)).tool_calls
    assert [call["id"] for call in calls or ()] == ["call_0"]


def test_the_model_that_takes_over_after_a_refusal_is_named() -> None:
    takeover = block_start(
        0, type="fallback", **{"from": {"model": "claude-opus-5"}, "to": {"model": "claude-opus-4-8"}}
    )
    assert collect(chunks_of([START, takeover, STOP])).provider_model == "claude-opus-4-8"


def test_a_refusal_tells_why_on_the_last_chunk() -> None:
    end = event("message_delta", delta={"stop_reason": "refusal", "stop_details": {"explanation": "no"}})
    last = chunks_of([START, end, STOP])[-1]
    assert (last.finish_reason, last.refusal) == ("content_filter", "no")


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ({"type": "overloaded_error", "message": "Overloaded"}, ProviderOverloadedError),
        ({"type": "rate_limit_error", "message": "slow down"}, ProviderRateLimitError),
        ({"type": "api_error", "message": "Internal server error"}, ProviderServerError),
        ({"type": "timeout_error", "message": "late"}, ProviderServerError),
        ({"type": "billing_error", "message": "no credit"}, ProviderQuotaError),
        ({"type": "authentication_error", "message": "no key"}, ProviderAuthenticationError),
        ({"type": "permission_error", "message": "not yours"}, ProviderPermissionError),
        ({"type": "not_found_error", "message": "no model"}, ModelNotFoundError),
        ({"type": "request_too_large", "message": "too large"}, ProviderRequestTooLargeError),
        ({"type": "an_error_of_tomorrow"}, ProviderServerError),
        ("plain words", ProviderServerError),
    ],
)
def test_an_error_event_is_that_error(said: Any, kind: type[LLMRingError]) -> None:
    decoder = MessageStreamDecoder(CALL)
    decoder.feed(START + event("error", error=said, request_id="req_7") + STOP)
    assert type(decoder.failure) is kind
    assert isinstance(decoder.failure, ProviderError)
    assert (decoder.failure.status_code, decoder.failure.request_id) == (None, "req_7")
    assert not decoder.done


def test_an_error_event_needs_no_event_line() -> None:
    with pytest.raises(ProviderOverloadedError):
        chunks_of([START, b'data: {"error": {"type": "overloaded_error", "message": "x"}}\n\n'])


@pytest.mark.parametrize(
    "broken",
    [
        b"data: {\n\n",
        b"data: []\n\n",
        b"event: ping\ndata: \xff\n\n",
        delta(0, type="text_delta", text=5),
        delta(7, type="input_json_delta", partial_json="of no block"),
        event("content_block_start", index=0),
        block_start(0, type=None),
    ],
)
def test_an_event_against_the_protocol_is_malformed(broken: bytes) -> None:
    with pytest.raises(MalformedResponseError) as caught:
        chunks_of([START, broken, STOP])
    assert not isinstance(caught.value, StreamInterruptedError)


def test_what_came_before_the_cut_can_be_had() -> None:
    decoder = MessageStreamDecoder(CALL)
    decoder.feed(
        START
        + block_start(0, type="thinking", thinking="")
        + delta(0, type="thinking_delta", thinking="half of a tho")
        + block_start(1, type="tool_use", id="t", name="f", input={})
        + delta(1, type="input_json_delta", partial_json='{"a":')
    )
    partial = decoder.partial()
    assert partial.usage == {"prompt_tokens": 5, "completion_tokens": 1, "total_tokens": 6}
    assert partial.tool_calls is not None
    assert partial.tool_calls[0]["function"]["arguments"] == '{"a":'
    assert partial.native is None  # half of a signed block must never be sent back
    assert partial.finish_reason is None


def test_arguments_cut_by_the_token_limit_do_not_break_the_end() -> None:
    body = [
        START,
        block_start(0, type="thinking", thinking="x", signature="s"),
        block_start(1, type="tool_use", id="t", name="f", input={}),
        delta(1, type="input_json_delta", partial_json='{"a": "unfin'),
        message_delta("max_tokens"),
        STOP,
    ]
    response = collect(chunks_of(body))
    assert response.finish_reason == "length"
    assert response.tool_calls is not None
    assert response.tool_calls[0]["function"]["arguments"] == '{"a": "unfin'


def test_nothing_after_the_end_is_read() -> None:
    assert chunks_of([START, STOP + event("error", error={"type": "api_error"})])[-1].response_id == "msg_1"


_FRAMES = st.sampled_from(
    [
        START,
        STOP,
        event("ping"),
        block_start(0, type="text", text="a"),
        block_start(1, type="tool_use", id="t", name="f", input={}),
        delta(0, type="text_delta", text="b"),
        delta(1, type="input_json_delta", partial_json='{"a'),
        delta(0, type="signature_delta", signature="s"),
        message_delta(),
        event("message_start", message=None),
        b"data: null\n\n",
        b"event: error\ndata: {}\n\n",
    ]
)


@given(st.lists(st.binary(max_size=12) | _FRAMES, max_size=10))
def test_no_bytes_raise_anything_but_our_errors(pieces: list[bytes]) -> None:
    decoder = MessageStreamDecoder(CALL)
    for piece in pieces:
        decoder.feed(piece)
    decoder.partial()
    with suppress(LLMRingError):
        decoder.close()


_CALL = ChatCall(LLMRequest([Message(role="user", content="x")]), ModelRef("anthropic", "m"))


def test_a_text_on_the_block_of_a_call_is_no_part_of_its_arguments() -> None:
    for odd in (
        {"type": "text_delta", "text": "Calling."},
        {"type": "input_json_delta", "partial_json": "", "text": "Calling."},
    ):
        pieces = [
            event("message_start", message={"id": "m", "content": []}),
            block_start(0, type="tool_use", id="t", name="f", input={}),
            delta(0, type="input_json_delta", partial_json='{"a": 1}', text=""),
            delta(0, **odd),
            event("message_stop"),
        ]
        decoder = MessageStreamDecoder(_CALL)
        response = collect([*decoder.feed(b"".join(pieces)), *decoder.close()])
        assert response.tool_calls is not None
        assert response.tool_calls[0]["function"]["arguments"] == '{"a": 1}'
        assert response.content == "Calling."


@pytest.mark.parametrize("kind", ["text", "thinking"])
def test_a_block_whose_beginning_is_missing_is_read(kind: str) -> None:
    decoder = MessageStreamDecoder(_CALL)
    pieces = [
        event("message_start", message={"content": []}),
        delta(0, **{"type": f"{kind}_delta", kind: "ok"}),
        event("message_stop"),
    ]
    response = collect([*decoder.feed(b"".join(pieces)), *decoder.close()])
    assert (response.content, response.reasoning) == (("ok", None) if kind == "text" else ("", "ok"))


def test_another_answer_within_a_stream_is_a_cut_with_its_partial() -> None:
    decoder = MessageStreamDecoder(_CALL)
    begun = [event("message_start", message={"id": name, "content": []}) for name in "ab"]
    chunks = decoder.feed(begun[0] + block_start(0, type="text", text="half") + begun[1])
    assert collect(chunks).content == "half"
    assert isinstance(decoder.failure, StreamInterruptedError)


@pytest.mark.parametrize("count", ["8", 8.0])
def test_counts_of_the_end_that_a_host_writes_in_another_form_are_read(count: object) -> None:
    pieces = [START, block_start(0, type="text", text=""), delta(0, type="text_delta", text="Hi")]
    response = collect(
        chunks_of([*pieces, message_delta("max_tokens", usage={"output_tokens": count}), STOP])
    )
    assert (response.content, response.finish_reason) == ("Hi", "length")
    assert response.usage is not None
    assert response.usage["completion_tokens"] == 8


def test_a_count_that_falls_to_nought_does_so() -> None:
    start = {"input_tokens": 100, "cache_read_input_tokens": 55096, "output_tokens": 7}
    for end, read in (
        ({"input_tokens": 181, "cache_read_input_tokens": 0, "output_tokens": 8}, 0),
        ({"input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": 8}, 55096),
    ):
        decoder = MessageStreamDecoder(_CALL)
        pieces = [
            event("message_start", message={"content": [], "usage": start}),
            event("message_delta", delta={}, usage=end),
            event("message_stop"),
        ]
        usage = collect([*decoder.feed(b"".join(pieces)), *decoder.close()]).usage
        assert usage is not None
        assert usage["cache_read_input_tokens"] == read


@pytest.mark.parametrize("place", [b'"x"', b"1e999"])
@pytest.mark.parametrize("kind", ["content_block_start", "content_block_delta"])
def test_a_block_whose_place_is_no_number_is_malformed(kind: str, place: bytes) -> None:
    body = event(kind, index=0, content_block={"type": "text", "text": ""}, delta={"type": "text_delta"})
    with pytest.raises(MalformedResponseError):
        chunks_of([START, body.replace(b'"index": 0', b'"index": ' + place)])
