"""Azure OpenAI, v1 and dated versions, held against the vendor's SDK over loopback."""

import asyncio
import json
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from llmring_providers import ChatCall, HttpProvider, ProviderSettings, find_factory
from llmring_providers._settings import KeySource
from llmring_providers.embeddings import EmbeddingCall
from llmring_providers.transport import AutoTransport
from llmring_types import LLMRequest, Message, ModelRef
from llmring_types.exceptions import (
    LLMRingError,
    ModelNotFoundError,
    ProviderAuthenticationError,
    ProviderRateLimitError,
    StreamInterruptedError,
)

KEY = "azure-hunter2"
ANSWER = {
    "id": "1",
    "model": "gpt-4o",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}],
    "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": {}}],
}
CHUNKS = [
    {"choices": [], "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": {}}]},
    {"id": "1", "model": "gpt-4o", "choices": [{"index": 0, "delta": {"content": "Hel"}}]},
    {"id": "1", "choices": [{"index": 0, "delta": {"content": "lo"}, "finish_reason": "stop"}]},
]


class Azure:
    """Records what arrives, and takes one key."""

    def __init__(self, *, bearer: str | None = None, status: int = 200, cut: bool = False) -> None:
        self.seen: list[dict[str, Any]] = []
        self._accepted = {"api-key": KEY} if bearer is None else {"authorization": f"Bearer {bearer}"}
        self._status = status
        self._chunks = CHUNKS[:-1] if cut else CHUNKS
        self._done = not cut

    async def answer(self, request: web.Request) -> web.Response:
        keys = {
            name: request.headers[name] for name in ("api-key", "authorization") if name in request.headers
        }
        body = json.loads(await request.read())
        self.seen.append({"path": request.raw_path, "keys": keys, "body": body})
        if not self._accepted.items() <= keys.items():
            return web.json_response(
                {"error": {"code": "401", "message": f"Access denied: {keys}"}}, status=401
            )
        if self._status != 200:
            error = {"code": "DeploymentNotFound", "message": "The API deployment does not exist."}
            return web.json_response({"error": error}, status=self._status)
        if "input" in body:
            return web.json_response({"data": [{"index": 0, "embedding": [1.0]}], "model": "m"})
        if not body.get("stream"):
            return web.json_response(ANSWER)
        events = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in self._chunks)
        text = events + ("data: [DONE]\n\n" if self._done else "")
        return web.Response(text=text, content_type="text/event-stream")


class Room:
    """A host on loopback, and the provider of a row that speaks to it."""

    def __init__(self, row: str, azure: Azure, key: str | KeySource = KEY) -> None:
        self._row, self._azure, self._key = row, azure, key

    async def __aenter__(self) -> tuple[HttpProvider, str]:
        app = web.Application()
        app.router.add_post("/{path:.*}", self._azure.answer)
        self._server = TestServer(app)
        await self._server.start_server()
        self._transport = AutoTransport()
        origin = str(self._server.make_url("")).rstrip("/")
        settings = ProviderSettings(
            name=self._row, transport=self._transport, api_key=self._key, base_url=self._address(origin)
        )
        self.provider = find_factory(self._row)(settings)
        assert isinstance(self.provider, HttpProvider)
        return self.provider, origin

    async def __aexit__(self, *_: object) -> None:
        await self.provider.aclose()
        await self._transport.aclose()
        await self._server.close()

    def _address(self, origin: str) -> str:
        return origin if self._row == "azure" else f"{origin}/openai?api-version=2025-01-01-preview"


async def read(provider: HttpProvider, row: str) -> str:
    stream = await provider.stream(call(row))
    text = ""
    while chunks := await stream.receive():
        text += "".join(chunk.delta for chunk in chunks)
    await stream.finish()
    return text


def call(row: str) -> ChatCall:
    return ChatCall(LLMRequest([Message(role="user", content="Hi")]), ModelRef(row, "our-gpt.4"))


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("row", ["azure", "azure-deployments"])
def test_the_sdk_puts_the_same_request_on_the_wire(row: str, stream: bool) -> None:
    openai = pytest.importorskip("openai")
    azure = Azure()

    async def both() -> str:
        async with Room(row, azure) as (provider, origin):
            if stream:
                text = await read(provider, row)
            else:
                text = (await provider.chat(call(row))).content
            if row == "azure":
                client = openai.AsyncOpenAI(
                    base_url=f"{origin}/openai/v1", api_key="none", default_headers={"api-key": KEY}
                )
            else:
                client = openai.AsyncAzureOpenAI(
                    azure_endpoint=origin, api_version="2025-01-01-preview", api_key=KEY
                )
            body = azure.seen[0]["body"]
            async with client:
                await client.chat.completions.create(**body)
        return text

    assert asyncio.run(both()) == "Hello"
    ours, theirs = azure.seen
    theirs["keys"].pop("authorization", None)  # OpenAI's own client sends both, and Azure reads either
    assert ours == theirs


@pytest.mark.parametrize("row", ["azure", "azure-deployments"])
def test_a_token_is_a_bearer_and_is_renewed_once(row: str) -> None:
    azure = Azure(bearer="fresh")
    tokens = iter(["stale", "fresh"])

    async def asked() -> str:
        async with Room(row, azure, lambda: next(tokens)) as (provider, _):
            return (await provider.chat(call(row))).content

    assert asyncio.run(asked()) == "Hello"
    assert [each["keys"] for each in azure.seen] == [
        {"authorization": "Bearer stale"},
        {"authorization": "Bearer fresh"},
    ]


@pytest.mark.parametrize("row", ["azure", "azure-deployments"])
def test_a_cut_stream_never_looks_finished(row: str) -> None:
    async def cut() -> None:
        async with Room(row, Azure(cut=True)) as (provider, _):
            await read(provider, row)

    with pytest.raises(StreamInterruptedError):
        asyncio.run(cut())


@pytest.mark.parametrize(
    ("status", "error"),
    [(404, ModelNotFoundError), (429, ProviderRateLimitError), (401, ProviderAuthenticationError)],
)
def test_refusals_are_typed_and_show_no_key(status: int, error: type[LLMRingError]) -> None:
    async def asked() -> None:
        async with Room("azure-deployments", Azure(status=status, bearer="x" if status == 401 else None)) as (
            provider,
            _,
        ):
            await provider.chat(call("azure-deployments"))

    with pytest.raises(error) as caught:
        asyncio.run(asked())
    assert KEY not in str(caught.value)


def test_the_raw_client_of_a_deployment_has_its_version_and_address() -> None:
    pytest.importorskip("openai")

    async def asked() -> None:
        async with Room("azure-deployments", azure) as (provider, _):
            await provider.client.chat.completions.create(
                model="m", messages=[{"role": "user", "content": "Hi"}]
            )

    azure = Azure()
    asyncio.run(asked())
    assert azure.seen[0]["path"] == "/openai/deployments/m/chat/completions?api-version=2025-01-01-preview"


def test_embeddings_of_a_deployment_are_below_it() -> None:
    azure = Azure()

    async def asked() -> None:
        async with Room("azure-deployments", azure) as (provider, _):
            await provider.embed(EmbeddingCall(("Hi",), ModelRef("azure-deployments", "vectors")))

    asyncio.run(asked())
    assert azure.seen[0]["path"] == "/openai/deployments/vectors/embeddings?api-version=2025-01-01-preview"
