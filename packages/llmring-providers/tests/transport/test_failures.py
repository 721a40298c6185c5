"""Whatever goes wrong is a TransportError that tells host and reason, and no secret."""

import gzip
import socket
import threading
import time
import traceback
from typing import Any

import anyio
import anyio.to_thread
import pytest
from llmring_providers.transport import HttpRequest, TransportError
from loopback import Connection, StartServer, nobody
from transport_kinds import Kind, Tls

SECRET = "sk-hunter2"
GZIPPED = gzip.compress(b"hello" * 100)
HEAD = b"HTTP/1.1 200 OK\r\n"
BAD_ANSWERS = {
    "nothing": b"",
    "garbage": b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
    "half a head": HEAD + b"Content-Le",
    "a header without end": HEAD + b"X: " + b"x" * 300_000,
    "a body cut short": HEAD + b"Content-Length: 10\r\n\r\nhello",
    "a chunk cut short": HEAD + b"Transfer-Encoding: chunked\r\n\r\na\r\nhello",
    "no last chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    "a bad chunk size": HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n",
    "bad gzip": HEAD + b"Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello",
    "gzip cut short": HEAD + b"Content-Encoding: gzip\r\nContent-Length: 99\r\n\r\n" + GZIPPED[:20],
}
BAD_URLS = [
    "",
    "nonsense",
    "http://",
    "http:///v1",
    "ftp://127.0.0.1/",
    "http://[::1",
    "http://127.0.0.1:99999/",
]


def request(url: str, **headers: str) -> HttpRequest:
    return HttpRequest("POST", url, {"authorization": f"Bearer {SECRET}", **headers}, b"{}")


def failure(kind: Kind, method: str, asked: HttpRequest, **settings: Any) -> TransportError:
    """The error of a call, streamed or not."""

    async def main() -> None:
        async with kind.make(**settings) as transport:
            if method == "send":
                await transport.send(asked)
                return
            stream = await transport.open(asked)
            try:
                while await stream.read():
                    pass
            finally:
                stream.close()

    with pytest.raises(TransportError) as caught:
        kind.run(main)
    said = "".join(traceback.format_exception(caught.value))
    assert SECRET not in said
    return caught.value


@pytest.fixture(params=["send", "open"])
def method(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


# httpx2 2.16 drops a generator half-way when it cannot decompress, of which trio warns.
@pytest.mark.filterwarnings("ignore:.*PoolByteStream:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("answer", BAD_ANSWERS.values(), ids=list(BAD_ANSWERS))
def test_an_answer_that_is_cut_or_no_http(kind: Kind, serve: StartServer, method: str, answer: bytes) -> None:
    def script(connection: Connection) -> None:
        connection.receive()
        connection.send(answer)

    server = serve(script)
    assert str(failure(kind, method, request(server.url))).startswith(f"{server.host}: ")


@pytest.mark.parametrize("broken", [b"zz\r\nhello\r\n", b"5\r\nhello, you\r\n"])
def test_framing_that_breaks_once_the_body_has_begun(
    kind: Kind, serve: StartServer, method: str, broken: bytes
) -> None:
    """And the server then leaves the connection open: only the client can tell that nothing will follow."""

    def script(connection: Connection) -> None:
        connection.receive()
        connection.send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
        time.sleep(0.02)
        connection.send(broken)
        connection.wait_until_gone()

    failure(kind, method, request(serve(script).url))


@pytest.mark.parametrize("begun", [b"", HEAD + b"Content-Length: 10\r\n\r\nhello"])
def test_a_connection_that_is_reset(kind: Kind, serve: StartServer, method: str, begun: bytes) -> None:
    def script(connection: Connection) -> None:
        connection.receive()
        connection.send(begun)
        connection.reset()

    failure(kind, method, request(serve(script).url))


def test_nobody_listens(kind: Kind, method: str) -> None:
    with nobody() as host:
        error = failure(kind, method, request(f"http://{host}/v1"))
    assert str(error) == f"{host}: Connection refused"


def test_a_host_that_does_not_exist(kind: Kind, method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    error = failure(kind, method, request("http://nowhere.test/v1"))
    assert str(error) == "nowhere.test: the host name does not resolve"


def test_a_server_without_tls(kind: Kind, serve: StartServer, method: str) -> None:
    def script(connection: Connection) -> None:
        connection.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        connection.wait_until_gone()

    server = serve(script)
    error = failure(kind, method, request(server.url.replace("http:", "https:")))
    assert str(error) == f"{server.host}: the TLS handshake failed"


def test_a_certificate_that_nobody_vouches_for(kind: Kind, serve: StartServer, method: str, tls: Tls) -> None:
    server = serve(Connection.wait_until_gone, tls.server)
    assert "certificate is not trusted" in str(failure(kind, method, request(server.url)))


@pytest.mark.parametrize("url", BAD_URLS)
def test_a_url_that_is_none(kind: Kind, method: str, url: str) -> None:
    failure(kind, method, request(url))


@pytest.mark.parametrize("value", [f"{SECRET}\n", f"{SECRET}\r\nx: y", f"{SECRET}\0"])
def test_a_header_that_http_does_not_allow(kind: Kind, serve: StartServer, method: str, value: str) -> None:
    server = serve(Connection.wait_until_gone)
    error = failure(kind, method, request(server.url, authorization=value))
    assert "stray characters" in str(error)


def test_a_key_with_letters_that_no_header_has(kind: Kind, serve: StartServer, method: str) -> None:
    """A pasted key may contain a typographic dash; whether it is sent is the client's affair, not how it fails."""
    server = serve(lambda connection: connection.reset())
    failure(kind, method, request(server.url, authorization=f"Bearer {SECRET}—"))


@pytest.mark.parametrize("where", ["//me:{}@", "//{}@", "query"])
@pytest.mark.parametrize("answer", [b"", b"nonsense\r\n\r\n", HEAD + b"Content-Length: 10\r\n\r\n"])
def test_a_url_with_a_secret_is_not_repeated(
    kind: Kind, serve: StartServer, method: str, where: str, answer: bytes
) -> None:
    def script(connection: Connection) -> None:
        connection.receive()
        connection.send(answer)

    url = serve(script).url
    url = f"{url}/?key={SECRET}" if where == "query" else url.replace("//", where.format(SECRET))
    failure(kind, method, HttpRequest("POST", url, {}, b"{}"))


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_hangs_up(kind: Kind, serve: StartServer, method: str, scheme: str) -> None:
    def script(connection: Connection) -> None:
        connection.receive()

    proxy = serve(script).url.replace("//", f"//me:{SECRET}@")
    failure(kind, method, request(f"{scheme}://example.test/v1"), proxy=proxy)


def test_a_proxy_that_nobody_runs(kind: Kind, method: str) -> None:
    with nobody() as host:
        failure(kind, method, request("http://example.test/v1"), proxy=f"http://me:{SECRET}@{host}")


CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
BREAKS = {
    "closed": (CHUNKED, b"", False),
    "closed within a length": (HEAD + b"Content-Length: 10\r\n\r\nhello", b"", False),
    "reset": (CHUNKED, b"", True),
    "a bad chunk size": (CHUNKED, b"zz\r\n", False),
}


@pytest.mark.parametrize(("first", "then", "reset"), BREAKS.values(), ids=list(BREAKS))
def test_what_came_before_the_connection_broke_is_read_first(
    kind: Kind, serve: StartServer, first: bytes, then: bytes, reset: bool
) -> None:
    """However late its reader comes: the whole answer may be among it."""
    opened = threading.Event()

    def script(connection: Connection) -> None:
        connection.receive()
        connection.send(first)
        opened.wait(10)
        connection.send(then)
        if reset:
            connection.reset()

    server = serve(script)

    async def main() -> bytes:
        async with kind.make() as transport:
            stream = await transport.open(request(server.url))
            opened.set()
            await anyio.to_thread.run_sync(server.wait_gone, 1)
            for _ in range(5):
                await anyio.sleep(0.01)
            try:
                read = await stream.read()
                with pytest.raises(TransportError):
                    await stream.read()
            finally:
                stream.close()
            return read

    assert kind.run(main) == b"hello"
