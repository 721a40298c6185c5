"""Answers that are meant to hurt: rows of the fault matrix that no simulated host can send."""

import gzip
import ssl
import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack

import pytest
from fault_ring import BACKENDS, PROTOCOLS, ask, call, provider_of, run
from llmring import LLMRing, Policy, RetryPolicy
from llmring.exceptions import LLMRingError, MalformedResponseError, ProviderResponseTooLargeError
from llmring_providers.transport.aiohttp import AiohttpTransport
from llmring_providers.transport.httpx2 import Httpx2Transport
from loopback import Connection, StartServer

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


def deep(events: bool) -> Iterable[bytes]:
    body = b"data: %b\n\n" % DEEP if events else DEEP + b"\n"
    yield b"Content-Length: %d\r\n\r\n" % len(body)
    yield body


ROWS: dict[str, tuple[Callable[[bool], Iterable[bytes]], type[LLMRingError]]] = {
    "bomb": (bomb, ProviderResponseTooLargeError),
    "endless line": (endless_line, ProviderResponseTooLargeError),
    "deep JSON": (deep, MalformedResponseError),
}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(("answer", "expected"), ROWS.values(), ids=list(ROWS))
def test_an_answer_that_is_meant_to_hurt_is_one_typed_error_within_bounded_memory(
    serve: StartServer,
    tls: ssl.SSLContext,
    answer: Callable[[bool], Iterable[bytes]],
    expected: type[LLMRingError],
    protocol: str,
    stream: bool,
    backend: str,
) -> None:
    events = stream and protocol != "ollama"

    def script(connection: Connection) -> None:
        connection.receive()
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n")
        for piece in answer(events):
            connection.send(piece)
        connection.wait_until_gone()

    server = serve(script)

    async def main() -> None:
        transport = Httpx2Transport(ssl_context=tls) if backend == "trio" else AiohttpTransport()
        async with LLMRing(policy=ONCE, transport=transport, max_response_bytes=LIMIT) as ring:
            provider = provider_of(protocol)
            ring.register_provider(provider, api_key="sk-a-key", base_url=server.url)
            met = await call(ring, ask(f"{provider}:m", protocol), stream=stream)
            assert type(met.error) is expected

    with ExitStack() as measuring:
        tracemalloc.start()
        measuring.callback(tracemalloc.stop)
        run(backend, main)
        _, peak = tracemalloc.get_traced_memory()
    assert peak < 3 * LIMIT
    server.wait_gone(1)
