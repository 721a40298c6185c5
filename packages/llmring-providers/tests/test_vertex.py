"""Vertex AI: Gemini and Claude, held against the SDKs of their vendors over loopback."""

import asyncio
import json
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from llmring_providers import ChatCall, HttpProvider, ProviderSettings, find_factory
from llmring_providers._settings import KeySource
from llmring_providers._vertex import DefaultCredentials, vertex_address, with_credentials
from llmring_providers.transport import AutoTransport, HttpRequest, HttpResponse, refuse_network
from llmring_types import LLMRequest, Message, ModelRef
from llmring_types.exceptions import (
    ConfigurationError,
    LLMRingError,
    MissingSDKError,
    ModelNotFoundError,
    ProviderPermissionError,
    ProviderRateLimitError,
    ProviderResponseError,
    StreamInterruptedError,
)
from llmring_types.hosts import HOSTS

TOKEN = "ya29.hunter2"
MODELS = {"vertex": "gemini-2.5-flash", "vertex-anthropic": "claude-sonnet-4@20250514"}
ROWS = list(MODELS)
GEMINI: dict[str, Any] = {
    "candidates": [{"content": {"role": "model", "parts": [{"text": "Hello"}]}, "finishReason": "STOP"}],
    "usageMetadata": {"promptTokenCount": 2, "candidatesTokenCount": 1, "trafficType": "ON_DEMAND"},
}
CLAUDE: dict[str, Any] = {
    "id": "msg_vrtx_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-sonnet-4-20250514",
    "content": [{"type": "text", "text": "Hello"}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 2, "output_tokens": 1},
}
CLAUDE_EVENTS: list[dict[str, Any]] = [
    {"type": "message_start", "message": {**CLAUDE, "content": [], "stop_reason": None}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hello"}},
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 1}},
    {"type": "message_stop"},
]
GEMINI_EVENTS: list[dict[str, Any]] = [
    {"candidates": [{"content": {"role": "model", "parts": [{"text": "Hel"}]}}]},
    {**GEMINI, "candidates": [{"content": {"parts": [{"text": "lo"}]}, "finishReason": "STOP"}]},
]
LISTED: dict[str, dict[str, Any]] = {
    "": {
        "publisherModels": [
            {"name": "publishers/google/models/gemini-2.5-flash", "versionId": "default"},
            {"name": "publishers/google/models/gemini-embedding-001", "versionId": "default"},
            {"name": "publishers/google/models/imagen-3", "versionId": "001"},
        ],
        "nextPageToken": "next",
    },
    "next": {
        "publisherModels": [
            {"name": "publishers/anthropic/models/claude-sonnet-4", "versionId": "20250514"},
            {"name": "publishers/anthropic/models/claude-opus-4-6", "versionId": "default"},
        ]
    },
}


class Vertex:
    """Records what arrives, and takes one token."""

    def __init__(self, *, status: int = 200, cut: bool = False) -> None:
        self.seen: list[dict[str, Any]] = []
        self._status = status
        self._cut = cut

    async def answer(self, request: web.Request) -> web.Response:
        key = request.headers.get("authorization")
        body = json.loads(await request.read() or b"null")
        self.seen.append({"path": request.raw_path, "key": key, "body": body})
        status = self._status if key == f"Bearer {TOKEN}" else 401
        if status != 200:
            error = {"code": status, "message": f"Refused: {key}", "status": "UNKNOWN"}
            return web.json_response({"error": error}, status=status)
        if request.method == "GET":
            return web.json_response(LISTED[request.query.get("pageToken", "")])
        if "count" in request.path:
            return web.json_response({"totalTokens": 7, "input_tokens": 7})
        gemini = "/publishers/google/" in request.path
        if "stream" not in request.path:
            return web.json_response(GEMINI if gemini else CLAUDE)
        events = GEMINI_EVENTS if gemini else CLAUDE_EVENTS
        text = "".join(
            ("" if gemini else f"event: {event['type']}\n") + f"data: {json.dumps(event)}\n\n"
            for event in events[: -1 if self._cut else None]
        )
        return web.Response(text=text, content_type="text/event-stream")


class Room:
    """A host on loopback, and the provider of a row that speaks to it."""

    def __init__(self, row: str, vertex: Vertex, key: str | KeySource = TOKEN) -> None:
        self._row, self._vertex, self._key = row, vertex, key

    async def __aenter__(self) -> HttpProvider:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._vertex.answer)
        self._server = TestServer(app)
        await self._server.start_server()
        self._transport = AutoTransport()
        origin = str(self._server.make_url("")).rstrip("/")
        version = "v1beta1" if self._row == "vertex" else "v1"
        base_url = f"{origin}/{version}/projects/acme/locations/europe-west1"
        settings = ProviderSettings(
            name=self._row, transport=self._transport, api_key=self._key, base_url=base_url
        )
        provider = find_factory(self._row)(settings)
        assert isinstance(provider, HttpProvider)
        self._provider = provider
        return provider

    async def __aexit__(self, *_: object) -> None:
        await self._provider.aclose()
        await self._transport.aclose()
        await self._server.close()


def call(row: str) -> ChatCall:
    messages = [Message(role="system", content="Be brief."), Message(role="user", content="Hi")]
    return ChatCall(LLMRequest(messages, max_tokens=50), ModelRef(row, MODELS[row]))


async def read(provider: HttpProvider, row: str) -> str:
    stream = await provider.stream(call(row))
    text = ""
    while chunks := await stream.receive():
        text += "".join(chunk.delta for chunk in chunks)
    await stream.finish()
    return text


async def gemini_by_sdk(client: Any, *, stream: bool) -> None:
    config = {"system_instruction": "Be brief.", "max_output_tokens": 50}
    arguments = {"model": MODELS["vertex"], "contents": "Hi", "config": config}
    if not stream:
        await client.aio.models.generate_content(**arguments)
        return
    async for _ in await client.aio.models.generate_content_stream(**arguments):
        pass


async def claude_by_sdk(client: Any, *, stream: bool) -> None:
    messages = [{"role": "user", "content": "Hi"}]
    answer = await client.messages.create(
        model=MODELS["vertex-anthropic"], max_tokens=50, system="Be brief.", messages=messages, stream=stream
    )
    if stream:
        async for _ in answer:
            pass


BY_SDK = {"vertex": gemini_by_sdk, "vertex-anthropic": claude_by_sdk}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("row", ROWS)
def test_the_sdk_puts_the_same_request_on_the_wire(row: str, stream: bool) -> None:
    pytest.importorskip("google.genai" if row == "vertex" else "anthropic")
    vertex = Vertex()

    async def both() -> str:
        async with Room(row, vertex) as provider:
            text = await read(provider, row) if stream else (await provider.chat(call(row))).content
            await BY_SDK[row](provider.client, stream=stream)
        return text

    assert asyncio.run(both()) == "Hello"
    ours, theirs = vertex.seen
    assert ours["path"] == theirs["path"]
    assert ours["key"] == theirs["key"]
    if row == "vertex-anthropic":  # the SDK's refuses the sampling parameters that older models take
        assert ours["body"].pop("anthropic_version") == "vertex-2023-10-16"
        del theirs["body"]["anthropic_version"]
    assert plain(ours["body"]) == plain(theirs["body"])


def plain(body: dict[str, Any]) -> dict[str, Any]:
    """Leave out what says nothing: the role of system texts, the false of a stream that is none."""
    body = {name: value for name, value in body.items() if value is not False}
    if isinstance(body.get("systemInstruction"), dict):
        body["systemInstruction"] = body["systemInstruction"]["parts"]
    return body


@pytest.mark.parametrize("row", ROWS)
def test_tokens_are_counted(row: str) -> None:
    vertex = Vertex()

    async def counted() -> int:
        async with Room(row, vertex) as provider:
            return await provider.count_tokens(call(row))

    assert asyncio.run(counted()) == 7
    expected = {
        "vertex": "google/models/gemini-2.5-flash:countTokens",
        "vertex-anthropic": "anthropic/models/count-tokens:rawPredict",
    }
    assert vertex.seen[0]["path"].endswith(f"/locations/europe-west1/publishers/{expected[row]}")


@pytest.mark.parametrize(
    ("row", "names"),
    [
        ("vertex", ["gemini-2.5-flash"]),
        ("vertex-anthropic", ["claude-sonnet-4@20250514", "claude-opus-4-6"]),
    ],
)
def test_the_models_of_the_publisher_are_listed(row: str, names: list[str]) -> None:
    vertex = Vertex()

    async def listed() -> list[tuple[str, str]]:
        async with Room(row, vertex) as provider:
            return [(facts.provider, facts.model) for facts in await provider.models()]

    assert asyncio.run(listed()) == [(row, name) for name in names]
    publisher = {"vertex": "google", "vertex-anthropic": "anthropic"}[row]
    path = f"/v1beta1/publishers/{publisher}/models?pageSize=100"
    assert [each["path"] for each in vertex.seen] == [path, f"{path}&pageToken=next"]


@pytest.mark.parametrize("row", ROWS)
def test_an_address_of_another_form_is_not_asked_for_a_list(row: str) -> None:
    settings = ProviderSettings(
        name=row, transport=AutoTransport(), api_key=TOKEN, base_url="https://proxy.example/vertex"
    )
    provider = find_factory(row)(settings)
    assert isinstance(provider, HttpProvider)
    with pytest.raises(ProviderResponseError, match="does not list"):
        asyncio.run(provider.models())


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("row", ROWS)
def test_a_token_that_has_expired_is_renewed_once(row: str, stream: bool) -> None:
    vertex = Vertex()
    tokens = iter(["stale", TOKEN])

    async def asked() -> str:
        async with Room(row, vertex, lambda: next(tokens)) as provider:
            return await read(provider, row) if stream else (await provider.chat(call(row))).content

    assert asyncio.run(asked()) == "Hello"
    assert [each["key"] for each in vertex.seen] == ["Bearer stale", f"Bearer {TOKEN}"]


@pytest.mark.parametrize("row", ROWS)
def test_a_cut_stream_never_looks_finished(row: str) -> None:
    async def cut() -> None:
        async with Room(row, Vertex(cut=True)) as provider:
            await read(provider, row)

    with pytest.raises(StreamInterruptedError):
        asyncio.run(cut())


@pytest.mark.parametrize(
    ("status", "error"),
    [(403, ProviderPermissionError), (404, ModelNotFoundError), (429, ProviderRateLimitError)],
)
@pytest.mark.parametrize("row", ROWS)
def test_refusals_are_typed_and_show_no_token(row: str, status: int, error: type[LLMRingError]) -> None:
    async def asked() -> None:
        async with Room(row, Vertex(status=status)) as provider:
            await provider.chat(call(row))

    with pytest.raises(error, match="Refused") as caught:
        asyncio.run(asked())
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize(
    ("location", "host"),
    [
        ("europe-west1", "europe-west1-aiplatform.googleapis.com"),
        ("global", "aiplatform.googleapis.com"),
        ("eu", "aiplatform.eu.rep.googleapis.com"),
    ],
)
@pytest.mark.parametrize("row", ROWS)
def test_a_location_leads_to_its_host(row: str, location: str, host: str) -> None:
    values = {"GOOGLE_CLOUD_PROJECT": "acme", "GOOGLE_CLOUD_LOCATION": location}
    base_url = HOSTS[row].url_with(values) or ""
    version = "v1beta1" if row == "vertex" else "v1"
    assert vertex_address(base_url) == f"https://{host}/{version}/projects/acme/locations/{location}"


def test_credentials_of_the_person_go_to_no_other_host_than_googles() -> None:
    async def asked() -> list[dict[str, Any]]:
        async with Room("vertex", vertex, key="") as provider:
            with pytest.raises(LLMRingError):
                await provider.chat(call("vertex"))
        return vertex.seen

    vertex = Vertex()
    assert [each["key"] for each in asyncio.run(asked())] == [None]


@pytest.mark.parametrize(
    "url",
    [
        "http://eu-aiplatform.googleapis.com/v1",
        "https://storage.googleapis.com/v1",
        "https://aiplatform.googleapis.com.thief.test/v1",
        "https://thief.test/aiplatform.googleapis.com",
    ],
)
@pytest.mark.parametrize("row", ROWS)
def test_credentials_of_the_person_go_to_vertex_alone_and_under_tls(row: str, url: str) -> None:
    settings = ProviderSettings(name=row, transport=AutoTransport(), base_url=url)
    assert with_credentials(settings) == ""


@pytest.mark.parametrize("row", ROWS)
def test_without_a_key_there_are_the_default_credentials(row: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llmring_providers._vertex.find_spec", lambda name: None if "." in name else name)
    base_url = HOSTS[row].url_with({"GOOGLE_CLOUD_PROJECT": "acme", "GOOGLE_CLOUD_LOCATION": "global"})
    with pytest.raises(MissingSDKError, match=r"llmring\[vertex\]"):
        find_factory(row)(ProviderSettings(name=row, transport=AutoTransport(), base_url=base_url))


class Person:
    """The credentials that ``gcloud auth application-default login`` leaves."""

    quota_project_id = "payer"
    token: str | None = None

    def refresh(self, request: object) -> None:
        del request
        self.token = TOKEN


@pytest.mark.parametrize("row", ROWS)
def test_the_project_that_pays_is_named(row: str, monkeypatch: pytest.MonkeyPatch) -> None:
    auth = pytest.importorskip("google.auth")
    monkeypatch.setattr(auth, "default", lambda **_: (Person(), "acme"))
    seen: list[HttpRequest] = []

    class Recording:
        async def send(self, request: HttpRequest) -> HttpResponse:
            seen.append(request)
            body = GEMINI if row == "vertex" else CLAUDE
            return HttpResponse(
                200, {}, b'{"publisherModels": []}' if request.method == "GET" else json.dumps(body).encode()
            )

        async def open(self, request: HttpRequest) -> Any:
            raise NotImplementedError

        async def aclose(self) -> None:
            return

    base_url = HOSTS[row].url_with({"GOOGLE_CLOUD_PROJECT": "acme", "GOOGLE_CLOUD_LOCATION": "global"})
    provider = find_factory(row)(ProviderSettings(name=row, transport=Recording(), base_url=base_url))
    assert isinstance(provider, HttpProvider)

    async def asked() -> None:
        await provider.chat(call(row))
        await provider.models()

    asyncio.run(asked())
    assert [request.headers["x-goog-user-project"] for request in seen] == ["payer", "payer"]


def test_where_the_network_is_refused_no_token_is_fetched() -> None:
    with refuse_network(), pytest.raises(ConfigurationError, match="refused"):
        DefaultCredentials()()
