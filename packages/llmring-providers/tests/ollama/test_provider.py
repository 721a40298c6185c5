"""The provider as a whole, with a transport that has no network."""

import json
import sys
from collections.abc import Mapping

import pytest
from llmring_providers import ChatCall, HttpProvider, ProviderSettings
from llmring_providers.ollama import create
from llmring_providers.transport import ByteStream, HttpRequest, HttpResponse
from llmring_types import StreamChunk, collect
from llmring_types.exceptions import MissingSDKError, ModelNotFoundError

ANSWER = b'{"model":"m","message":{"role":"assistant","content":"Hi"},"done":true,"done_reason":"stop"}\n'


class Body:
    """A streamed answer in pieces of one byte."""

    def __init__(self, status: int, body: bytes) -> None:
        self.status = status
        self.headers: Mapping[str, str] = {}
        self._pieces = [body[at : at + 1] for at in range(len(body))]

    async def read(self) -> bytes:
        return self._pieces.pop(0) if self._pieces else b""

    async def finish(self) -> None:
        pass

    def close(self) -> None:
        self._pieces.clear()


class Server:
    """A transport that answers every request alike."""

    def __init__(self, body: bytes = ANSWER, status: int = 200) -> None:
        self.requests: list[HttpRequest] = []
        self._status, self._body = status, body

    async def send(self, request: HttpRequest) -> HttpResponse:
        self.requests.append(request)
        return HttpResponse(self._status, {}, self._body)

    async def open(self, request: HttpRequest) -> ByteStream:
        self.requests.append(request)
        return Body(self._status, self._body)

    async def aclose(self) -> None:
        pass


def provider(server: Server, *, api_key: str = "", base_url: str | None = None) -> HttpProvider:
    return create(ProviderSettings(name="ollama", transport=server, api_key=api_key, base_url=base_url))


async def test_a_question_is_answered(call: ChatCall) -> None:
    server = Server()
    response = await provider(server).chat(call)
    assert (response.content, response.finish_reason) == ("Hi", "stop")
    (request,) = server.requests
    assert (request.method, request.url) == ("POST", "http://localhost:11434/api/chat")
    assert request.headers == {"content-type": "application/json"}
    assert json.loads(request.body)["stream"] is False


async def test_a_question_is_answered_in_chunks(call: ChatCall) -> None:
    server = Server()
    stream = await provider(server, base_url="0.0.0.0:1").stream(call)
    chunks: list[StreamChunk] = []
    while got := await stream.receive():
        chunks += got
    assert collect(chunks).content == "Hi"
    (request,) = server.requests
    assert request.url == "http://127.0.0.1:1/api/chat"
    assert json.loads(request.body)["stream"] is True


async def test_the_cloud_gets_the_key(call: ChatCall) -> None:
    server = Server()
    await provider(server, api_key="k", base_url="https://ollama.com").chat(call)
    assert server.requests[0].headers["authorization"] == "Bearer k"


@pytest.mark.parametrize("streamed", [False, True])
async def test_an_unknown_model_is_typed(streamed: bool, call: ChatCall) -> None:
    ollama = provider(Server(b'{"error":"model \'qwen3:4b\' not found"}', 404))
    with pytest.raises(ModelNotFoundError, match="ollama pull qwen3:4b"):
        await (ollama.stream(call) if streamed else ollama.chat(call))


async def test_raw_access_is_the_sdk_with_the_same_address_and_key() -> None:
    ollama = pytest.importorskip("ollama")
    raw = provider(Server(), api_key="k", base_url="https://example.com")
    client = raw.client
    assert isinstance(client, ollama.AsyncClient)
    assert str(client._client.base_url) == "https://example.com"
    assert client._client.headers["authorization"] == "Bearer k"
    assert raw.client is client
    await raw.aclose()


def test_without_the_sdk_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ollama", None)
    with pytest.raises(MissingSDKError, match=r"llmring\[ollama\]"):
        _ = provider(Server()).client
