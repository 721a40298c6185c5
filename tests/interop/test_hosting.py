"""Recorded exchanges, read and written again by the host's side of their protocols."""

import json
from typing import Any

from hosted import SIDES, STAMP, Sides, chunks_of
from interop.recordings import Protocol, Recording, recordings
from interop.wire import normalised
from llmring_providers import ChatCall, WireRequest
from llmring_providers.hosting import CODECS, HostedRequest, ProtocolName, find_route
from llmring_types import LLMResponse, collect

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
ANSWERED = [recording for recording in recordings() if not recording.failed]


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
        writer = self.sides.codec.stream_writer(self.asked, STAMP)
        chunks = chunks_of(response)
        chunks[0].response_id = response.response_id  # a host that knows the id at the start
        return self._streamed(b"".join(event for chunk in chunks for event in writer.write(chunk)))


def told(value: Any) -> Any:
    """Leave out what is null, or an empty list of calls."""
    if isinstance(value, dict):
        return {
            name: told(inner)
            for name, inner in value.items()
            if inner is not None and (name, inner) != ("tool_calls", [])
        }
    return [told(inner) for inner in value] if isinstance(value, list) else value


def encoded(recording: Recording) -> Any:
    one = Read(recording)
    return normalised(recording.protocol, json.loads(one.wire.body))
