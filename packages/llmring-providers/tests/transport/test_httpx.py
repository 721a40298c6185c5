"""The transport over an HTTP client of the user's own, met by the same servers."""

import gzip
import tracemalloc
from collections.abc import Callable
from typing import Any, NamedTuple

import httpx
import httpx2
import pytest
from llmring_providers.transport import HttpRequest, ProxyRefusalError, ResponseTooLargeError, TransportError
from llmring_providers.transport.httpx import HttpxTransport
from loopback import Connection, Script, StartServer
from transport_kinds import run_on

LIMIT = 3 * 2**20
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Library(NamedTuple):
    make: Callable[..., Any]
    backend: str


@pytest.fixture(
    params=[
        Library(library.AsyncClient, backend)
        for library in (httpx, httpx2)
        for backend in ("asyncio", "trio")
    ],
    ids=["httpx-asyncio", "httpx-trio", "httpx2-asyncio", "httpx2-trio"],
)
def library(request: pytest.FixtureRequest) -> Library:
    found: Library = request.param
    return found


def answering(*answers: bytes) -> Script:
    left = list(answers)

    def script(connection: Connection) -> None:
        while connection.receive() is not None:
            connection.send(left.pop(0) if len(left) > 1 else left[0])

    return script


def with_client(library: Library, asked: HttpRequest, times: int = 1, **settings: Any) -> list[bytes]:
    async def main() -> list[bytes]:
        async with library.make(trust_env=False, **settings) as client, HttpxTransport(client) as transport:
            return [(await transport.send(asked)).body for _ in range(times)]

    bodies: list[bytes] = run_on(library.backend, main)
    return bodies


def test_connections_are_reused(library: Library, serve: StartServer) -> None:
    server = serve(answering(OK))
    assert with_client(library, HttpRequest("POST", server.url, {}, b"{}"), times=3) == [b"ok"] * 3
    assert server.connections == 1


def test_a_bomb_is_not_opened(library: Library, serve: StartServer) -> None:
    body = gzip.compress(bytes(24 * 2**20))
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    server = serve(answering(head + body))
    tracemalloc.start()
    try:
        with pytest.raises(ResponseTooLargeError):
            with_client(library, HttpRequest("POST", server.url, {}, b"{}", max_response_bytes=LIMIT))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2 * LIMIT
    server.wait_gone(1)


def test_a_redirect_is_not_followed(library: Library, serve: StartServer) -> None:
    elsewhere = serve(answering(OK))
    moved = f"HTTP/1.1 307 Moved\r\nLocation: {elsewhere.url}\r\nContent-Length: 5\r\n\r\nmoved".encode()
    server = serve(answering(moved))
    asked = HttpRequest("POST", server.url, {"x-api-key": "k"}, b"{}")
    assert with_client(library, asked, follow_redirects=True) == [b"moved"]
    assert elsewhere.connections == 0


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_refuses_is_an_error_of_its_own(
    library: Library, serve: StartServer, scheme: str
) -> None:
    proxy = serve(answering(b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n"))
    with pytest.raises(ProxyRefusalError, match="407"):
        with_client(library, HttpRequest("POST", f"{scheme}://api.test", {}, b"{}"), proxy=proxy.url)


# httpcore 1.0 drops the generator of the request's body half-way, of which trio warns.
@pytest.mark.filterwarnings("ignore:.*ByteStream:pytest.PytestUnraisableExceptionWarning")
def test_a_lost_connection_is_a_transport_error(library: Library, serve: StartServer) -> None:
    server = serve(lambda connection: connection.reset())
    with pytest.raises(TransportError):
        with_client(library, HttpRequest("POST", server.url, {}, b"{}"))
