"""SDK clients that really connect: what reaches the server when a call is left."""

import gzip
import json
import threading
import tracemalloc
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import anthropic
import anyio
import httpx2
import ollama
import openai
import pytest
from google import genai
from llmring_providers import ChatCall, Provider, ProviderSettings, find_factory
from llmring_providers.transport import AutoTransport
from llmring_providers.transport.sdk import private
from llmring_types import LLMRequest, Message, ModelRef
from llmring_types.exceptions import (
    ConfigurationError,
    ProviderConnectionError,
    ProviderRateLimitError,
    ProviderResponseTooLargeError,
)
from loopback import Connection, StartServer, nobody
from transport_kinds import run_on

KEY = "sk-hunter2"
CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
TOO_MANY = (
    b"HTTP/1.1 429 No\r\nRetry-After: 7\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
)


class Socket(NamedTuple):
    """A vendor's client, the first event of its stream, and the loops that it runs on."""

    provider: str
    make: Callable[[str], Any]
    first_event: bytes
    backends: tuple[str, ...] = ("asyncio", "trio")


def event(**content: Any) -> bytes:
    return b"data: " + json.dumps(content).encode() + b"\n\n"


def gemini(url: str) -> genai.Client:
    """It speaks aiohttp, since that is installed."""
    return genai.Client(api_key=KEY, http_options=genai.types.HttpOptions(base_url=url))


def gemini_over_httpx2(url: str) -> genai.Client:
    options = genai.types.HttpOptions(base_url=url, httpx_async_client=httpx2.AsyncClient(trust_env=False))
    return genai.Client(api_key=KEY, http_options=options)


SOCKETS = {
    "openai": Socket(
        "openai",
        lambda url: openai.AsyncOpenAI(api_key=KEY, base_url=url),
        event(choices=[{"delta": {"content": "Hel"}}]),
    ),
    "anthropic": Socket(
        "anthropic",
        lambda url: anthropic.AsyncAnthropic(api_key=KEY, base_url=url),
        event(type="message_start", message={"type": "message", "content": []})
        + event(type="content_block_start", index=0, content_block={"type": "text", "text": ""})
        + event(type="content_block_delta", index=0, delta={"type": "text_delta", "text": "Hel"}),
    ),
    "google": Socket(
        "google", gemini, event(candidates=[{"content": {"parts": [{"text": "Hel"}]}}]), ("asyncio",)
    ),
    "google over httpx2": Socket(
        "google",
        gemini_over_httpx2,
        event(candidates=[{"content": {"parts": [{"text": "Hel"}]}}]),
    ),
    "ollama": Socket(
        "ollama",
        ollama.AsyncClient,
        json.dumps({"message": {"content": "Hel"}, "done": False}).encode() + b"\n",
    ),
}


def question(socket: Socket) -> ChatCall:
    request = LLMRequest(messages=[Message(role="user", content="Hi")], max_tokens=100)
    return ChatCall(request, ModelRef(socket.provider, "m"))


async def close(client: Any) -> None:
    if not isinstance(client, genai.Client):
        await client.close()
        return
    await client.aio.aclose()
    given = client._api_client._http_options.httpx_async_client
    if given is not None:
        await given.aclose()


def run(socket: Socket, backend: str, url: str, test: Callable[[Provider], Awaitable[None]]) -> None:
    """Run the test with a provider around a client for this address, and close both in their own ways."""

    async def main() -> None:
        client = socket.make(url)
        settings = ProviderSettings(name=socket.provider, transport=AutoTransport(), client=client)
        provider = find_factory(socket.provider)(settings)
        await test(provider)
        await provider.aclose()
        await close(client)

    run_on(backend, main)


@pytest.mark.parametrize(
    ("socket", "backend"),
    [(socket, backend) for socket in SOCKETS.values() for backend in socket.backends],
    ids=[f"{name}-{backend}" for name, socket in SOCKETS.items() for backend in socket.backends],
)
class TestSockets:
    def test_leaving_a_stream_reaches_the_server_at_once(
        self, socket: Socket, backend: str, serve: StartServer
    ) -> None:
        def script(connection: Connection) -> None:
            connection.receive()
            connection.send(CHUNKED + b"%x\r\n%s\r\n" % (len(socket.first_event), socket.first_event))
            connection.wait_until_gone()

        server = serve(script)

        async def main(provider: Provider) -> None:
            stream = await provider.stream(question(socket))
            [chunk] = await stream.receive()
            assert chunk.delta == "Hel"
            stream.close()
            await anyio.to_thread.run_sync(server.wait_gone, 1)

        run(socket, backend, server.url, main)

    def test_a_cancelled_call_reaches_the_server_at_once(
        self, socket: Socket, backend: str, serve: StartServer
    ) -> None:
        waiting = threading.Event()

        def script(connection: Connection) -> None:
            connection.receive()
            waiting.set()
            connection.wait_until_gone()

        server = serve(script)

        async def main(provider: Provider) -> None:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(provider.chat, question(socket))
                assert await anyio.to_thread.run_sync(waiting.wait, 10)
                tasks.cancel_scope.cancel()
            await anyio.to_thread.run_sync(server.wait_gone, 1)

        run(socket, backend, server.url, main)

    @pytest.mark.parametrize("stream", [False, True])
    def test_an_error_status_is_typed(
        self, socket: Socket, backend: str, stream: bool, serve: StartServer
    ) -> None:
        said = b'{"error": {"message": "slow down"}}'

        def script(connection: Connection) -> None:
            while connection.receive():
                connection.send(TOO_MANY % (len(said), said))

        async def main(provider: Provider) -> None:
            with pytest.raises(ProviderRateLimitError, match="slow down") as caught:
                await (provider.stream if stream else provider.chat)(question(socket))
            assert caught.value.retry_after == 7

        run(socket, backend, serve(script).url, main)

    def test_nobody_listens(self, socket: Socket, backend: str) -> None:
        async def main(provider: Provider) -> None:
            with pytest.raises(ProviderConnectionError, match=f"{host}: Connection refused"):
                await provider.chat(question(socket))

        with nobody() as host:
            run(socket, backend, f"http://{host}", main)


LIMIT = 3 * 2**20
BOMB = gzip.compress(bytes(24 * 2**20))


async def drain(provider: Provider, call: ChatCall) -> None:
    stream = await provider.stream(call)
    while await stream.receive():
        pass


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(
    ("status", "expected"), [(200, ProviderResponseTooLargeError), (429, ProviderRateLimitError)]
)
@pytest.mark.parametrize("name", SOCKETS)
def test_a_bomb_is_not_opened(
    serve: StartServer, name: str, status: int, expected: type[Exception], streamed: bool
) -> None:
    def script(connection: Connection) -> None:
        connection.receive()
        head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\n"
        connection.send(f"{head}Content-Length: {len(BOMB)}\r\n\r\n".encode() + BOMB)
        connection.wait_until_gone()

    async def test(provider: Provider) -> None:
        call = question(SOCKETS[name])
        call.request.max_response_bytes = LIMIT
        with pytest.raises(expected):
            await (drain(provider, call) if streamed else provider.chat(call))

    server = serve(script)
    run(SOCKETS[name], "asyncio", server.url, test)  # loads what the SDK loads late
    tracemalloc.start()
    try:
        run(SOCKETS[name], "asyncio", server.url, test)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2 * LIMIT


def test_other_calls_through_the_client_are_decompressed_as_ever(serve: StartServer) -> None:
    said = {"candidates": [{"content": {"parts": [{"text": "Hello"}]}}]}
    body = gzip.compress(json.dumps(said).encode())

    def script(connection: Connection) -> None:
        while connection.receive():
            head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\n"
            connection.send(b"%sContent-Length: %d\r\n\r\n%s" % (head, len(body), body))

    async def test(provider: Provider) -> None:
        client: genai.Client = provider.client  # type: ignore[attr-defined]
        for _ in range(2):
            ours = await provider.chat(question(SOCKETS["google"]))
            theirs = await client.aio.models.generate_content(model="m", contents="Hi")
            assert ours.content == theirs.text == "Hello"

    run(SOCKETS["google"], "asyncio", serve(script).url, test)


@pytest.mark.parametrize("name", ["openai", "google", "google over httpx2"])
def test_an_error_of_usual_size_is_read_as_ever(name: str, serve: StartServer) -> None:
    body = gzip.compress(b'{"error": {"message": "slow down", "code": "c"}}')

    def script(connection: Connection) -> None:
        connection.receive()
        connection.send(
            b"HTTP/1.1 429 No\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
        )

    async def test(provider: Provider) -> None:
        with pytest.raises(ProviderRateLimitError, match="slow down") as caught:
            await provider.chat(question(SOCKETS[name]))
        assert caught.value.code == "c" or name.startswith("google")

    run(SOCKETS[name], "asyncio", serve(script).url, test)


def test_an_sdk_that_is_built_in_another_way_is_told_by_its_name() -> None:
    with pytest.raises(ConfigurationError, match=r"ollama .*object has no _client"):
        private(object(), "_client", ollama)
