"""Our side of an exchange."""

import json
from typing import Any, NamedTuple

import msgspec
from llmring import LLMRing, Policy, RetryPolicy
from llmring_providers import Adapter, ChatCall, ProviderSettings, find_factory
from llmring_providers.anthropic import AnthropicAdapter
from llmring_providers.google import GoogleAdapter
from llmring_providers.ollama import OllamaAdapter
from llmring_providers.openai import OpenAIAdapter
from llmring_types import LLMRequest, LLMResponse, Message, ModelRef
from llmring_types.exceptions import LLMRingError
from validators.holding import RECORDED_REFUSAL

from interop.recordings import Protocol, Recording
from interop.transport import RecordingTransport
from interop.whole import Document

ADAPTERS: dict[str, Adapter] = {
    "anthropic": AnthropicAdapter(),
    "google": GoogleAdapter(),
    "ollama": OllamaAdapter(),
    "openai": OpenAIAdapter(),
}
PROTOCOLS: tuple[Protocol, ...] = ("openai chat", "openai responses", "anthropic", "google", "ollama")


class Exchange(NamedTuple):
    """The request on the wire and the result: either ``response`` or ``error`` is set."""

    sent: Any
    response: LLMResponse | None = None
    error: LLMRingError | None = None


def api_params(protocol: Protocol) -> dict[str, Any]:
    """The ``extra_params`` that choose the protocol where a provider has two."""
    return {"api": protocol.removeprefix("openai ")} if protocol.startswith("openai ") else {}


def call_of(protocol: Protocol, request: LLMRequest, model: str) -> ChatCall:
    """A call of an adapter by itself."""
    return ChatCall(request, ModelRef(protocol.partition(" ")[0], model))


def plain_call(protocol: Protocol, model: str = "m") -> ChatCall:
    """A call that asks nothing in particular."""
    request = LLMRequest(messages=[Message(role="user", content="Hi")], extra_params=api_params(protocol))
    return call_of(protocol, request, model)


def spoken(protocol: Protocol, document: Document) -> Message:
    """The assistant message that ``to_message()`` makes of an answer, after a round trip through JSON."""
    call = plain_call(protocol)
    adapter = ADAPTERS[call.ref.provider]
    response = adapter.decode(json.dumps(document).encode(), call, adapter.encode(call, stream=False))
    return msgspec.json.decode(msgspec.json.encode(response.to_message()), type=Message)


async def exchange(recording: Recording, request: LLMRequest) -> Exchange:
    """Send the request through the whole facade, and answer it with the recorded bytes."""
    transport = RecordingTransport(recording.status, recording.headers, recording.body)
    if recording.failed:
        request = msgspec.structs.replace(request, metadata={RECORDED_REFUSAL: True})
    settings = ProviderSettings(name=recording.provider, transport=transport, api_key="sk-made-up-0123456789")
    async with LLMRing(policy=Policy(retry=RetryPolicy(attempts=1))) as ring:
        ring.register_provider(recording.provider, find_factory(recording.provider)(settings))
        try:
            response = await ask(ring, request, stream=recording.stream)
        except LLMRingError as error:
            return Exchange(transport.bodies()[0], error=error)
    (sent,) = transport.bodies()
    return Exchange(sent, response)


async def ask(ring: LLMRing, request: LLMRequest, *, stream: bool) -> LLMResponse:
    """Return the answer, streamed or not."""
    if not stream:
        return await ring.chat(request)
    chunks = ring.chat_stream(request)
    text = [chunk.delta async for chunk in chunks]
    assert chunks.response is not None
    assert "".join(text) == chunks.response.content
    return chunks.response
