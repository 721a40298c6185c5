"""Whatever comes back, decoding ends in an answer or in one of our own errors, for every protocol."""

import json
from collections.abc import Iterator

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from interop.damage import answers, damaged
from interop.ours import ADAPTERS, PROTOCOLS, plain_call
from interop.recordings import Protocol, Recording, recordings
from llmring_providers import ChatCall
from llmring_types import LLMRequest, LLMResponse, Message, StreamChunk, collect
from llmring_types.exceptions import LLMRingError

enough = settings(max_examples=200, deadline=None)


def decode(call: ChatCall, body: bytes, sizes: list[int] | None) -> LLMResponse:
    """Read a whole answer, or a stream whose bytes come in pieces of these sizes, the last one again and again."""
    adapter = ADAPTERS[call.ref.provider]
    wire = adapter.encode(call, stream=sizes is not None)
    if sizes is None:
        return adapter.decode(body, call, wire)
    decoder = adapter.stream_decoder(call, wire)
    chunks: list[StreamChunk] = []
    for piece in pieces(body, sizes):
        chunks += decoder.feed(piece)
        assert isinstance(decoder.partial(), StreamChunk)
        if decoder.failure is not None:
            raise decoder.failure
        if decoder.done:
            return collect(chunks)
    return collect([*chunks, *decoder.close()])


def pieces(body: bytes, sizes: list[int]) -> Iterator[bytes]:
    at = 0
    for place in range(len(body)):
        size = sizes[min(place, len(sizes) - 1)]
        if at >= len(body):
            return
        yield body[at : at + size]
        at += size


def check_outcome(call: ChatCall, body: bytes, sizes: list[int] | None) -> None:
    """Assert that reading ends in a sound answer or in an error of ours that says something."""
    try:
        response = decode(call, body, sizes)
    except LLMRingError as error:
        said = str(error)
    else:
        check_sound(response, call)
        said = "an answer"
    assert said


def check_sound(response: LLMResponse, call: ChatCall) -> None:
    """Assert that every field is of its type, and that the answer can go on travelling."""
    built = msgspec.to_builtins(response)
    assert msgspec.convert(built, LLMResponse, strict=True) == response
    assert json.loads(msgspec.json.encode(response)) == built
    for made in response.tool_calls or ():
        assert made["id"]
        assert isinstance(made["function"]["arguments"], str)
    follow_up = [Message(role="user", content="Hi"), response.to_message(), Message(role="user", content="?")]
    request = LLMRequest(messages=follow_up, extra_params=call.request.extra_params)
    ADAPTERS[call.ref.provider].encode(call._replace(request=request), stream=False)


sizes = st.lists(st.integers(1, 400), min_size=1, max_size=5)


@enough
@given(data=st.data(), recording=answers(), sizes=sizes)
def test_a_damaged_answer_is_an_answer_or_an_error_of_ours(
    data: st.DataObject, recording: Recording, sizes: list[int]
) -> None:
    body = data.draw(damaged(recording))
    check_outcome(plain_call(recording.protocol, recording.model), body, sizes if recording.stream else None)


WORDS = [
    "candidates", "choices", "code", "content", "content_block", "delta", "details", "done", "error", "function",
    "functionCall", "index", "message", "output", "parts", "promptFeedback", "response", "retryDelay", "status", "text",
    "tool_calls", "type", "usage", "usageMetadata",
]  # fmt: skip
json_documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5) | st.sampled_from(WORDS), inner, max_size=4)
    ),
).map(lambda value: json.dumps(value).encode())
bodies = st.one_of(
    st.binary(max_size=200),
    json_documents,
    st.lists(json_documents, max_size=4).map(b"\n".join),
    st.lists(json_documents, max_size=4).map(
        lambda events: b"".join(b"data: %s\n\n" % event for event in events)
    ),
)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@enough
@given(body=bodies, sizes=st.none() | sizes)
def test_any_bytes_are_an_answer_or_an_error_of_ours(
    protocol: Protocol, body: bytes, sizes: list[int] | None
) -> None:
    check_outcome(plain_call(protocol), body, sizes)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@enough
@given(
    status=st.integers(100, 999),
    headers=st.dictionaries(
        st.sampled_from(["retry-after", "retry-after-ms", "x-request-id"]), st.text(max_size=9)
    ),
    body=bodies,
)
def test_any_refusal_is_an_error_of_ours(
    protocol: Protocol, status: int, headers: dict[str, str], body: bytes
) -> None:
    call = plain_call(protocol)
    error = ADAPTERS[call.ref.provider].error(status, headers, body, call)
    assert str(error)
    wait = getattr(error, "retry_after", None)
    assert wait is None or 0 <= wait < float("inf")


STREAMED = [recording for recording in recordings() if recording.stream and not recording.failed]


@pytest.mark.parametrize("recording", STREAMED, ids=lambda recording: recording.id)
@settings(max_examples=10, deadline=None)
@given(sizes=sizes)
def test_bytes_may_be_split_anywhere(recording: Recording, sizes: list[int]) -> None:
    call = plain_call(recording.protocol, recording.model)
    assert decode(call, recording.body, sizes) == decode(call, recording.body, [len(recording.body)])


@pytest.mark.parametrize("recording", STREAMED, ids=lambda recording: recording.id)
@settings(max_examples=20, deadline=None)
@given(kept=st.floats(0, 1, exclude_max=True))
def test_a_cut_stream_is_the_whole_answer_or_an_error(recording: Recording, kept: float) -> None:
    call = plain_call(recording.protocol, recording.model)
    body = recording.body[: int(kept * len(recording.body))]
    try:
        response = decode(call, body, [len(body) or 1])
    except LLMRingError:
        return
    whole = decode(call, recording.body, [len(recording.body)])
    assert (response.content, response.tool_calls, response.finish_reason) == (
        whole.content,
        whole.tool_calls,
        whole.finish_reason,
    )
