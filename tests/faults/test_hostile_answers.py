"""Answers that are meant to hurt: rows of the fault matrix that no simulated host can send."""

import gzip
import ssl
import tracemalloc
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from contextlib import ExitStack, asynccontextmanager
from functools import partial
from typing import Any, NamedTuple

import anthropic
import httpx
import ollama
import openai
import pytest
from fault_ring import PROTOCOLS, ask, call, provider_of, run
from google import genai
from llmring import LLMRing, Policy, RetryPolicy
from llmring.exceptions import LLMRingError, MalformedResponseError, ProviderResponseTooLargeError
from llmring_providers.transport.aiohttp import AiohttpTransport
from llmring_providers.transport.httpx2 import Httpx2Transport
from loopback import Connection, StartServer

KEY = "sk-a-key"
LIMIT = 3 * 2**20
BOMB = gzip.compress(bytes(24 * 2**20))
PIECE = b"x" * 2**16
DEEP = b'{"a":' * 100_000
ONCE = Policy(retry=RetryPolicy(attempts=1), breaker=None)


def bomb(_: bool) -> Iterable[bytes]:
    yield b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(BOMB)
    yield BOMB


def endless_line(events: bool) -> Iterator[bytes]:
    yield b"Connection: close\r\n\r\n" + (b"data: " if events else b"")
    while True:
        yield PIECE


def long_line(events: bool) -> Iterator[bytes]:
    """As long as is allowed, and no answer."""
    begin, end = (b"data: {", b"\n\n") if events else (b"{", b"\n")
    yield b"Content-Length: %d\r\n\r\n" % LIMIT
    yield begin
    yield from [PIECE] * (LIMIT // len(PIECE) - 1)
    yield PIECE[len(begin + end) :] + end


def deep(events: bool) -> Iterable[bytes]:
    body = b"data: %b\n\n" % DEEP if events else DEEP + b"\n"
    yield b"Content-Length: %d\r\n\r\n" % len(body)
    yield body


class Row(NamedTuple):
    """An answer, the error that it becomes, and how many times the limit its memory may be."""

    answer: Callable[[bool], Iterable[bytes]]
    expected: type[LLMRingError]
    most: float


ROWS = {
    "bomb": Row(bomb, ProviderResponseTooLargeError, 1.5),
    "endless line": Row(endless_line, ProviderResponseTooLargeError, 1.5),
    "long line": Row(long_line, MalformedResponseError, 2.3),  # twice, and what a ring takes by itself
    "deep JSON": Row(deep, MalformedResponseError, 1.5),
}


SDKS: dict[str, Callable[[str], Any]] = {
    "openai": lambda url: openai.AsyncOpenAI(api_key=KEY, base_url=url),
    "anthropic": lambda url: anthropic.AsyncAnthropic(api_key=KEY, base_url=url),
    "google": lambda url: genai.Client(api_key=KEY, http_options=genai.types.HttpOptions(base_url=url)),
    "ollama": ollama.AsyncClient,
}
bounded_ring = partial(LLMRing, policy=ONCE, max_response_bytes=LIMIT)


@asynccontextmanager
async def over_aiohttp(provider: str, url: str, _: ssl.SSLContext) -> AsyncGenerator[LLMRing, None]:
    async with bounded_ring(transport=AiohttpTransport()) as ring:
        ring.register_provider(provider, api_key=KEY, base_url=url)
        yield ring


@asynccontextmanager
async def over_httpx2(provider: str, url: str, tls: ssl.SSLContext) -> AsyncGenerator[LLMRing, None]:
    async with bounded_ring(transport=Httpx2Transport(ssl_context=tls)) as ring:
        ring.register_provider(provider, api_key=KEY, base_url=url)
        yield ring


@asynccontextmanager
async def over_a_client(provider: str, url: str, tls: ssl.SSLContext) -> AsyncGenerator[LLMRing, None]:
    async with (
        httpx.AsyncClient(trust_env=False, verify=tls) as client,
        bounded_ring(http_client=client) as ring,
    ):
        ring.register_provider(provider, api_key=KEY, base_url=url)
        yield ring


@asynccontextmanager
async def over_an_sdk(provider: str, url: str, _: ssl.SSLContext) -> AsyncGenerator[LLMRing, None]:
    client = SDKS[provider](url)
    async with bounded_ring() as ring:
        ring.register_provider(provider, client=client)
        yield ring
    await (client.aio.aclose() if provider == "google" else client.close())


CARRIERS = {
    "aiohttp": (over_aiohttp, "asyncio"),
    "httpx2": (over_httpx2, "trio"),
    "http_client": (over_a_client, "trio"),
    "sdk": (over_an_sdk, "asyncio"),
}
"""The ways of bytes to a ring, and the event loop that each is tried on."""


def answering(answer: Callable[[bool], Iterable[bytes]], *, events: bool) -> Callable[[Connection], None]:
    def script(connection: Connection) -> None:
        connection.receive()
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n")
        for piece in answer(events):
            connection.send(piece)
        connection.wait_until_gone()

    return script


@pytest.mark.parametrize("carrier", CARRIERS)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("row", ROWS.values(), ids=list(ROWS))
def test_an_answer_that_is_meant_to_hurt_is_one_typed_error_within_bounded_memory(
    serve: StartServer,
    tls: ssl.SSLContext,
    row: Row,
    protocol: str,
    stream: bool,
    carrier: str,
) -> None:
    server = serve(answering(row.answer, events=stream and protocol != "ollama"))
    (over, backend), provider = CARRIERS[carrier], provider_of(protocol)

    async def main() -> None:
        async with over(provider, server.url, tls) as ring:
            met = await call(ring, ask(f"{provider}:m", protocol), stream=stream)
            assert type(met.error) is row.expected

    run(backend, main)  # loads what is loaded late
    with ExitStack() as measuring:
        tracemalloc.start()
        measuring.callback(tracemalloc.stop)
        run(backend, main)
        _, peak = tracemalloc.get_traced_memory()
    assert peak < row.most * LIMIT, f"{peak / LIMIT:.2f} times the limit"
    server.wait_gone(2)
