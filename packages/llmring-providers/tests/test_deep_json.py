"""JSON of a hundred thousand levels, from every host and in every place, is one of our errors and never a bare one."""

from collections.abc import Awaitable, Callable, Mapping

import pytest
from llmring_providers import ChatCall, HttpProvider, ProviderSettings, find_factory
from llmring_providers.transport import ByteStream, HttpRequest, HttpResponse
from llmring_types import LLMRequest, Message, ModelRef
from llmring_types.exceptions import LLMRingError

LEVELS = 100_000
DEEP = {"lists": b"[" * LEVELS + b"]" * LEVELS, "objects": b'{"a":' * LEVELS + b"1" + b"}" * LEVELS}
PLACES = {
    "openai": [
        b"@",
        b'{"choices": @}',
        b'{"choices": [{"message": {"content": "x", "reasoning_details": @}}]}',
        b'{"output": @}',
        b'{"error": {"message": @}}',
    ],
    "anthropic": [
        b"@",
        b'{"content": [{"type": "tool_use", "id": "1", "name": "f", "input": @}]}',
        b'{"type": "error", "error": {"message": "x", "details": @}}',
    ],
    "google": [
        b"@",
        b'{"candidates": [{"content": {"parts": [{"functionCall": {"name": "f", "args": @}}]}}]}',
        b'{"error": {"message": "x", "details": [@]}}',
    ],
    "ollama": [
        b"@",
        b'{"message": {"tool_calls": [{"function": {"name": "f", "arguments": @}}]}, "done": true}',
        b'{"error": @}',
    ],
}


class Answering:
    """A transport and its answer."""

    def __init__(self, status: int, body: bytes) -> None:
        self.status = status
        self.headers: Mapping[str, str] = {}
        self._body = body

    async def send(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse(self.status, self.headers, self._body)

    async def open(self, request: HttpRequest) -> ByteStream:
        return self

    async def aclose(self) -> None:
        """Nothing is held."""

    async def read(self) -> bytes:
        body, self._body = self._body, b""
        return body

    async def finish(self) -> None:
        """There is no connection."""

    def close(self) -> None:
        """There is no connection."""


async def chat(provider: HttpProvider, call: ChatCall) -> None:
    await provider.chat(call)


async def stream(provider: HttpProvider, call: ChatCall) -> None:
    chunks = await provider.stream(call)
    while await chunks.receive():
        pass


async def models(provider: HttpProvider, _: ChatCall) -> None:
    await provider.models()


@pytest.mark.parametrize("deep", DEEP)
@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize("ask", [chat, stream, models])
@pytest.mark.parametrize(
    ("name", "place"), [(name, place) for name, places in PLACES.items() for place in places]
)
async def test_it_is_one_typed_error(
    name: str, place: bytes, ask: Callable[[HttpProvider, ChatCall], Awaitable[None]], status: int, deep: str
) -> None:
    body = place.replace(b"@", DEEP[deep])
    if ask is stream and status == 200:
        body = b"data: " * (name != "ollama") + body + b"\n\n"
    settings = ProviderSettings(name=name, transport=Answering(status, body), api_key="made-up")
    provider = find_factory(name)(settings)
    assert isinstance(provider, HttpProvider)
    call = ChatCall(LLMRequest(messages=[Message(role="user", content="Hi")]), ModelRef(name, "gpt-4o"))
    with pytest.raises(LLMRingError) as caught:
        await ask(provider, call)
    assert len(str(caught.value)) < 3000
