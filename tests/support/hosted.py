"""Both sides of every protocol: a codec, and the adapter that it is the inverse of."""

import json
from collections.abc import Iterable
from typing import Any, NamedTuple

from llmring_providers import Adapter, ChatCall, WireRequest
from llmring_providers.anthropic import AnthropicAdapter
from llmring_providers.bedrock import BedrockAdapter
from llmring_providers.google import GoogleAdapter
from llmring_providers.hosting import CODECS, Codec, HostedRequest, ProtocolName, Stamp, find_route
from llmring_providers.ollama import OllamaAdapter
from llmring_providers.openai import OpenAIAdapter
from llmring_types import LLMRequest, LLMResponse, Message, ModelFacts, ModelRef, StreamChunk, collect
from llmring_types.exceptions import LLMRingError

STAMP = Stamp(seed="0123456789abcdef" * 2, created=1_767_225_600)


class Sides(NamedTuple):
    """One protocol.

    Attributes:
        codec: the host's side.
        adapter: the client's side.
        provider: the name in model references.
        base: what the adapter's paths are below of.
        api: which of a provider's APIs is to be used, in the facts of a model.
    """

    codec: Codec
    adapter: Adapter
    provider: str
    base: str = ""
    api: str | None = None

    def call(self, request: LLMRequest, model: str = "m") -> ChatCall:
        """Return a call for the adapter."""
        facts = None
        if self.api is not None:
            facts = ModelFacts(provider=self.provider, model=model, api=self.api)
        return ChatCall(request, ModelRef(self.provider, model), facts)

    def encode(self, request: LLMRequest, model: str = "m", *, stream: bool = False) -> WireRequest:
        """Write a request as the client does."""
        return self.adapter.encode(self.call(request, model), stream=stream)

    def read(self, wire: WireRequest) -> HostedRequest:
        """Read a request as the host does."""
        headers = {**self.adapter.auth_headers("key"), **wire.headers}
        headers = {name.lower(): value for name, value in headers.items()}
        route = find_route("POST", self.base + wire.path, headers)
        assert route is not None, wire.path
        return CODECS[route.protocol].read(route, headers, wire.body)

    def asked(self, *, stream: bool = False) -> HostedRequest:
        """Return a plain request, read."""
        return self.read(self.encode(hello(), stream=stream))

    def decode(self, body: bytes) -> LLMResponse:
        """Read a whole answer as the client does."""
        return self.adapter.decode(body, self.call(hello()), self.encode(hello()))

    def collect(self, pieces: Iterable[bytes]) -> LLMResponse:
        """Read a stream as the client does, piece by piece to its end."""
        decoder = self.adapter.stream_decoder(self.call(hello()), self.encode(hello(), stream=True))
        chunks = [chunk for piece in pieces for chunk in decoder.feed(piece)]
        return collect(chunks + decoder.close())

    def error(self, error: LLMRingError) -> LLMRingError:
        """Write an error as the host does and read it as the client does."""
        written = self.codec.error(error)
        return self.adapter.error(written.status, written.headers, written.body, self.call(hello()))


SIDES: dict[ProtocolName, Sides] = {
    "openai_chat": Sides(CODECS["openai_chat"], OpenAIAdapter(), "openai", "/v1", "chat"),
    "anthropic": Sides(CODECS["anthropic"], AnthropicAdapter(), "anthropic"),
    "openai_responses": Sides(CODECS["openai_responses"], OpenAIAdapter(), "openai", "/v1", "responses"),
    "ollama": Sides(CODECS["ollama"], OllamaAdapter(), "ollama"),
    "gemini": Sides(CODECS["gemini"], GoogleAdapter(), "google"),
    "bedrock": Sides(CODECS["bedrock"], BedrockAdapter(), "bedrock"),
}


def hello() -> LLMRequest:
    """Return a request of one word."""
    return LLMRequest([Message(role="user", content="Hello")], max_tokens=1000)


def chunks_of(response: LLMResponse, size: int = 5) -> list[StreamChunk]:
    """Return an answer as the chunks of a stream: thoughts, then text, then all the rest."""
    model, refusal = response.model, response.refusal or ""
    text = response.content.removesuffix(refusal)
    pieces = [StreamChunk(model=model, reasoning=piece) for piece in _cut(response.reasoning or "", size)]
    pieces += [StreamChunk(model=model, delta=piece) for piece in _cut(text, size)]
    if refusal and response.content.endswith(refusal):
        pieces += [StreamChunk(model=model, delta=piece, refusal=piece) for piece in _cut(refusal, size)]
    told = {
        name: getattr(response, name)
        for name in StreamChunk.__struct_fields__
        if name not in ("delta", "reasoning", "refusal", "attempts", "warnings")
    }
    return [*pieces, StreamChunk(**told)]


def events_of(sides: Sides, response: LLMResponse) -> list[bytes]:
    """Return the events of a whole stream."""
    writer = sides.codec.stream_writer(sides.asked(stream=True), STAMP)
    events = [event for chunk in chunks_of(response) for event in writer.write(chunk)]
    assert writer.close() == []
    return events


def body_of(wire: WireRequest) -> Any:
    """Return the JSON of a request."""
    return json.loads(wire.body)


def _cut(text: str, size: int) -> list[str]:
    return [text[start : start + size] for start in range(0, len(text), size)]
