"""The provider as it is built, over a transport in memory."""

import json
import sys
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from llmring_providers import ChatCall, HttpProvider, ProviderSettings, find_factory
from llmring_providers.anthropic import AnthropicAdapter
from llmring_providers.transport import HttpRequest, HttpResponse
from llmring_types import StreamChunk
from llmring_types.exceptions import MissingSDKError, ProviderRateLimitError


class Pieces:
    """A streamed answer in memory."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status, self.headers = status, headers
        self._pieces = [body[at : at + 50] for at in range(0, len(body), 50)]

    async def read(self) -> bytes:
        return self._pieces.pop(0) if self._pieces else b""

    async def finish(self) -> None:
        return None

    def close(self) -> None:
        self._pieces.clear()


class OneAnswer:
    """A transport that gives one answer and keeps what was sent."""

    def __init__(self, status: int, headers: Mapping[str, str], body: str) -> None:
        self._answer = HttpResponse(status, headers, body.encode())
        self.sent: list[HttpRequest] = []

    async def send(self, request: HttpRequest) -> HttpResponse:
        self.sent.append(request)
        return self._answer

    async def open(self, request: HttpRequest) -> Pieces:
        self.sent.append(request)
        return Pieces(*self._answer)

    async def aclose(self) -> None:
        return None


def provider_with(transport: OneAnswer, **settings: Any) -> HttpProvider:
    built = find_factory("anthropic")(
        ProviderSettings(name="anthropic", transport=transport, **{"api_key": "sk-ant-1", **settings})
    )
    assert isinstance(built, HttpProvider)
    return built


async def test_a_call_carries_key_and_version_and_gives_the_answer(
    recording: Callable[[str], dict[str, Any]], call_with: Callable[..., ChatCall]
) -> None:
    reply = recording("c675777f56a9")["response"]
    transport = OneAnswer(200, {"request-id": "req_1"}, reply["body_text"])
    response = await provider_with(transport).chat(call_with(cache={"key": "k"}))
    (sent,) = transport.sent
    assert (sent.method, sent.url) == ("POST", "https://api.anthropic.com/v1/messages")
    assert sent.headers == {
        "content-type": "application/json",
        "x-api-key": "sk-ant-1",
        "anthropic-version": "2023-06-01",
    }
    assert response.content == "Hello! 👋 How can I help you today?"
    assert response.request_id == "req_1"
    assert response.warnings == ["cache['key'] has no effect on Anthropic, which takes 'type' and 'ttl'"]


async def test_a_stream_ends_with_what_the_whole_answer_says(
    recording: Callable[[str], dict[str, Any]], call_with: Callable[..., ChatCall]
) -> None:
    transport = OneAnswer(200, {"request-id": "req_2"}, recording("df18adb02e56")["response"]["body_text"])
    stream = await provider_with(transport, base_url="http://proxy.example/anthropic/").stream(call_with())
    chunks: list[StreamChunk] = []
    while received := await stream.receive():
        chunks.extend(received)
    assert transport.sent[0].url == "http://proxy.example/anthropic/v1/messages"
    assert json.loads(transport.sent[0].body)["stream"] is True
    assert (chunks[-1].finish_reason, chunks[-1].request_id) == ("stop", "req_2")


async def test_a_rejected_stream_is_the_typed_error(call_with: Callable[..., ChatCall]) -> None:
    body = '{"type":"error","error":{"type":"rate_limit_error","message":"sk-ant-1 is too fast"}}'
    provider = provider_with(OneAnswer(429, {"retry-after": "2", "request-id": "req_3"}, body))
    with pytest.raises(ProviderRateLimitError) as caught:
        await provider.stream(call_with())
    assert (caught.value.retry_after, caught.value.request_id) == (2, "req_3")
    assert "sk-ant-1" not in str(caught.value)


def test_without_a_key_none_is_sent() -> None:
    assert AnthropicAdapter().auth_headers("") == {"anthropic-version": "2023-06-01"}


def test_a_missing_sdk_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "anthropic", None)
    provider = provider_with(OneAnswer(200, {}, ""))
    with pytest.raises(MissingSDKError, match=r"llmring\[anthropic\]"):
        _ = provider.client
