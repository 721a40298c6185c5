"""The provider as a whole, with a transport that has no network."""

import json
import sys
from collections.abc import Mapping
from typing import Any

import pytest
from llmring_providers import ChatCall, HttpProvider, ProviderSettings
from llmring_providers.google import create
from llmring_providers.transport import ByteStream, HttpRequest, HttpResponse
from llmring_types import StreamChunk, collect
from llmring_types.exceptions import MissingSDKError, ModelNotFoundError

ANSWER = {"candidates": [{"content": {"parts": [{"text": "Hi"}]}, "finishReason": "STOP"}]}
WHOLE = json.dumps(ANSWER).encode()
STREAM = b"data: " + WHOLE + b"\r\n\r\n"
NOT_FOUND = (
    b'{"error":{"code":404,"message":"models/x is not found for API version v1beta","status":"NOT_FOUND"}}'
)


class Body:
    """A streamed answer in pieces of one byte."""

    def __init__(self, status: int, body: bytes) -> None:
        self.status = status
        self.headers: Mapping[str, str] = {"x-goog-request-id": "r"}
        self._pieces = [body[at : at + 1] for at in range(len(body))]

    async def read(self) -> bytes:
        return self._pieces.pop(0) if self._pieces else b""

    async def finish(self) -> None:
        pass

    def close(self) -> None:
        self._pieces.clear()


class Server:
    """A transport that answers every request alike."""

    def __init__(self, body: bytes = WHOLE, status: int = 200) -> None:
        self.requests: list[HttpRequest] = []
        self._status, self._body = status, body

    async def send(self, request: HttpRequest) -> HttpResponse:
        self.requests.append(request)
        return HttpResponse(self._status, {"x-goog-request-id": "r"}, self._body)

    async def open(self, request: HttpRequest) -> ByteStream:
        self.requests.append(request)
        return Body(self._status, self._body)

    async def aclose(self) -> None:
        pass


def provider(server: Server, *, api_key: str = "k", base_url: str | None = None) -> HttpProvider:
    return create(ProviderSettings(name="google", transport=server, api_key=api_key, base_url=base_url))


async def test_a_question_is_answered(call: ChatCall) -> None:
    server = Server()
    response = await provider(server).chat(call)
    assert (response.content, response.finish_reason, response.request_id) == ("Hi", "stop", "r")
    (request,) = server.requests
    assert request.method == "POST"
    assert request.url == (
        "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:generateContent"
    )
    assert request.headers == {"content-type": "application/json", "x-goog-api-key": "k"}


async def test_a_question_is_answered_in_chunks(call: ChatCall) -> None:
    server = Server(STREAM)
    stream = await provider(server, base_url="http://localhost:1/").stream(call)
    chunks: list[StreamChunk] = []
    while got := await stream.receive():
        chunks += got
    response = collect(chunks)
    assert (response.content, response.finish_reason, response.request_id) == ("Hi", "stop", "r")
    (request,) = server.requests
    assert request.url == "http://localhost:1/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse"


@pytest.mark.parametrize(
    ("given", "used"),
    [
        (None, "https://generativelanguage.googleapis.com/v1beta"),
        ("http://h", "http://h/v1beta"),
        ("http://h/", "http://h/v1beta"),
        ("http://h/v1", "http://h/v1"),
        ("http://h/v1beta/", "http://h/v1beta"),
        ("http://h/v1alpha", "http://h/v1alpha"),
        ("https://us-central1-aiplatform.googleapis.com/v1beta1", "https://us-central1-aiplatform.googleapis.com/v1beta1"),
        ("http://h/gateway/v2x", "http://h/gateway/v2x/v1beta"),
    ],
)  # fmt: skip
def test_a_base_url_may_name_the_version_of_the_api(given: str | None, used: str) -> None:
    assert provider(Server(), base_url=given).base_url == used


async def test_without_a_key_no_header_is_sent(call: ChatCall) -> None:
    server = Server()
    await provider(server, api_key="").chat(call)
    assert server.requests[0].headers == {"content-type": "application/json"}


@pytest.mark.parametrize("streamed", [False, True])
async def test_an_unknown_model_is_typed(streamed: bool, call: ChatCall) -> None:
    google = provider(Server(NOT_FOUND, 404))
    with pytest.raises(ModelNotFoundError, match=r"model 'gemini-2\.5-flash' is not available"):
        await (google.stream(call) if streamed else google.chat(call))


@pytest.mark.parametrize(
    ("base_url", "host", "version"),
    [
        (None, "https://generativelanguage.googleapis.com", "v1beta"),
        ("https://example.com/v1", "https://example.com", "v1"),
    ],
)
async def test_raw_access_is_the_sdk_with_the_same_address_and_key(
    base_url: str | None, host: str, version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    genai = pytest.importorskip("google.genai")
    monkeypatch.setenv("GOOGLE_GENAI_USE_VERTEXAI", "true")
    raw = provider(Server(), base_url=base_url)
    client: Any = raw.client
    assert isinstance(client, genai.Client)
    assert not client.vertexai
    options = client._api_client._http_options
    assert (options.base_url.rstrip("/"), options.api_version) == (host, version)
    assert options.headers["x-goog-api-key"] == "k"
    assert raw.client is client
    await raw.aclose()
    await raw.aclose()


def test_without_the_sdk_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "google", None)
    monkeypatch.setitem(sys.modules, "google.genai", None)
    with pytest.raises(MissingSDKError, match=r"llmring\[google\]"):
        _ = provider(Server()).client
