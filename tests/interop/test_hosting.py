"""Recorded exchanges, read and written again by the host's side of their protocols."""

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hosted import SIDES, STAMP, Sides, chunks_of
from hosted_losses import levelled, told
from interop.recordings import Protocol, Recording, read_recording, recordings
from interop.wire import normalised
from llmring_providers import ChatCall, WireRequest
from llmring_providers.hosting import CODECS, HostedRequest, ProtocolName, find_route
from llmring_types import LLMResponse, Message, collect
from llmring_types.exceptions import LLMRingError

NAMES: dict[Protocol, ProtocolName] = {
    "openai chat": "openai_chat",
    "openai responses": "openai_responses",
    "anthropic": "anthropic",
    "google": "gemini",
    "ollama": "ollama",
}
PATHS: dict[Protocol, str] = {
    "openai chat": "/v1/chat/completions",
    "openai responses": "/v1/responses",
    "anthropic": "/v1/messages",
    "ollama": "/api/chat",
}
FOLDER = Path(__file__).resolve().parents[2].parent / "shared" / "recordings"
ANSWERED = pytest.mark.parametrize(
    "recording",
    [recording for recording in recordings() if not recording.failed],
    ids=lambda recording: recording.id,
)
ASKED = re.compile(
    r'"endpoint": "(?:chat|responses|messages|generateContent|streamGenerateContent)".*"(?:messages|input|contents)": [\[{"]',
    re.DOTALL,
)
"""Recordings of chats with the body of the request."""
ENOUGH = 0.95
"""Share of all recordings; the rest are requests that the vendor refused, or answers that only it can put into one."""


def read(recording: Recording) -> HostedRequest:
    action = "streamGenerateContent?alt=sse" if recording.stream else "generateContent"
    path = PATHS.get(recording.protocol, f"/v1beta/models/{recording.model}:{action}")
    route = find_route("POST", path, {})
    assert route is not None
    assert route.protocol == NAMES[recording.protocol]
    return CODECS[route.protocol].read(route, {}, json.dumps(recording.request).encode())


class Read:
    """One recording between its two sides."""

    def __init__(self, recording: Recording) -> None:
        self.sides: Sides = SIDES[NAMES[recording.protocol]]
        self.asked = read(recording)
        self.call: ChatCall = self.sides.call(self.asked.request, recording.model)
        self.wire: WireRequest = self.sides.adapter.encode(self.call, stream=recording.stream)
        self._recording = recording

    def answer(self) -> LLMResponse:
        """The recorded answer, as our adapter reads it."""
        body = self._recording.body
        return self._streamed(body) if self._recording.stream else self.whole(body)

    def whole(self, body: bytes) -> LLMResponse:
        return self.sides.adapter.decode(body, self.call, self.wire)

    def _streamed(self, body: bytes) -> LLMResponse:
        decoder = self.sides.adapter.stream_decoder(self.call, self.wire)
        return collect(decoder.feed(body) + decoder.close())

    def written_as_stream(self, response: LLMResponse) -> LLMResponse:
        """The answer written as a stream and read again."""
        asked = msgspec.structs.replace(self.asked, usage_in_stream=True)
        writer = self.sides.codec.stream_writer(asked, STAMP)
        chunks = chunks_of(response)
        chunks[0].response_id = response.response_id  # a host that knows the id at the start
        return self._streamed(b"".join(event for chunk in chunks for event in writer.write(chunk)))


def body_of(recording: Recording) -> Any:
    """The recorded request, with a text as the list of one message that it is."""
    body = recording.request
    if recording.protocol == "openai responses" and isinstance(body.get("input"), str):
        return body | {"input": [{"role": "user", "content": body["input"]}]}
    return body


def both(recording: Recording) -> tuple[Any, Any]:
    """Return the request that is written again and the recorded one, in one spelling."""
    written = json.loads(Read(recording).wire.body)
    return spelled(recording, written), spelled(recording, body_of(recording))


def spelled(recording: Recording, body: Any) -> Any:
    return levelled(recording.protocol, normalised(recording.protocol, told(body)))


@ANSWERED
def test_a_recorded_request_is_written_again_once_it_was_read(recording: Recording) -> None:
    written, sent = both(recording)

    assert written == sent


def said(response: LLMResponse) -> LLMResponse:
    """Leave out noughts, which some hosts count and others do not, and blanks between the arguments of calls."""
    read = msgspec.structs.replace(response, warnings=[])
    if read.usage:
        read.usage = {name: value for name, value in read.usage.items() if value}  # type: ignore[assignment]
    for call in read.tool_calls or ():
        call["function"]["arguments"] = json.dumps(json.loads(call["function"]["arguments"]))
    return read


@ANSWERED
def test_a_recorded_answer_is_read_again_once_it_was_written(recording: Recording) -> None:
    one = Read(recording)
    body = one.sides.codec.write(one.answer(), one.asked, STAMP)

    assert said(one.whole(body)) == said(one.answer())


@ANSWERED
def test_a_recorded_answer_is_read_again_once_it_was_streamed(recording: Recording) -> None:
    one = Read(recording)
    again, answer = said(one.written_as_stream(one.answer())), said(one.answer())

    for name in ("content", "reasoning", "refusal", "tool_calls", "finish_reason", "usage", "response_id"):
        assert getattr(again, name) == getattr(answer, name), name


@ANSWERED
def test_a_recorded_answer_goes_back_as_the_adapter_sends_it(recording: Recording) -> None:
    """The message of an answer, signatures and all, survives the way from the client to the host and on."""
    one = Read(recording)
    answer = one.answer()
    results = [
        Message(role="tool", content="done", tool_call_id=call["id"], name=call["function"]["name"])
        for call in answer.tool_calls or ()
    ]
    asked = [*one.asked.request.messages, answer.to_message(), *results, Message(role="user", content="And?")]
    request = msgspec.structs.replace(one.asked.request, messages=asked)
    sent = one.sides.encode(request, recording.model)
    again = one.sides.encode(one.sides.read(sent).request, recording.model)

    first, second = (levelled(recording.protocol, json.loads(wire.body)) for wire in (sent, again))
    assert second == first


@pytest.mark.shared
@pytest.mark.skipif(not FOLDER.is_dir(), reason="no ../shared beside the repository")
def test_nearly_all_recorded_requests_are_written_again_once_they_were_read() -> None:
    same: dict[str, list[bool]] = {}
    for path in sorted(FOLDER.glob("*/*-*-*.json")):
        recording = read_recording(path) if ASKED.search(path.read_text("utf-8")) else None
        if recording is None or recording.failed:
            continue
        try:
            written, sent = both(recording)
        except (LLMRingError, LookupError, AttributeError):
            written, sent = None, recording
        same.setdefault(recording.protocol, []).append(written == sent)

    assert len(same) == len(NAMES)
    assert {name: each.count(False) for name, each in same.items() if sum(each) < ENOUGH * len(each)} == {}
