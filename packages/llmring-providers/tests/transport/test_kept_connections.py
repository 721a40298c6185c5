"""Connections that are kept, and die before they serve another request."""

import asyncio
import threading

import pytest
from llmring_providers.transport import HttpRequest, TransportError
from llmring_providers.transport.aiohttp import AiohttpTransport
from loopback import Connection, Script, StartServer
from transport_kinds import Kind, Tls

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def closing_after_one(
    heard: list[bytes], read: threading.Semaphore, closed: threading.Semaphore, *, reset: bool
) -> Script:
    """Answer one request a connection, and close it without a word."""

    def script(connection: Connection) -> None:
        request = connection.receive()
        assert request is not None
        heard.append(request.body)
        connection.send(OK)
        assert read.acquire(timeout=10)
        if reset:
            connection.reset()
        else:
            connection.shut()
        closed.release()

    return script


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize("secure", [False, True])
def test_one_that_its_server_has_closed_is_not_used_again(
    kind: Kind, serve: StartServer, tls: Tls, secure: bool, reset: bool
) -> None:
    """The event loop has not heard of it yet, since nothing of it runs between the two requests."""
    heard: list[bytes] = []
    read, closed = threading.Semaphore(0), threading.Semaphore(0)
    server = serve(closing_after_one(heard, read, closed, reset=reset), tls.server if secure else None)

    async def main() -> list[bytes]:
        async with kind.make(ssl_context=tls.client) as transport:
            bodies = []
            for turn in (b"1", b"2", b"3"):
                bodies.append((await transport.send(HttpRequest("POST", server.url, {}, turn))).body)
                read.release()
                assert closed.acquire(timeout=10)  # blocks the loop
            return bodies

    assert kind.run(main) == [b"ok"] * 3
    assert heard == [b"1", b"2", b"3"]


def dying_on_the_second(heard: list[bytes]) -> Script:
    """Read a second request on the same connection, and close without an answer."""

    def script(connection: Connection) -> None:
        for answer in (OK, b""):
            request = connection.receive()
            if request is None:
                return
            heard.append(request.body)
            connection.send(answer)

    return script


def test_one_that_dies_with_a_request_in_its_hands_is_told_as_that(kind: Kind, serve: StartServer) -> None:
    """It may have been processed, and be billed: sending it again is for those to decide who know what it costs."""
    heard: list[bytes] = []
    server = serve(dying_on_the_second(heard))

    async def main() -> None:
        async with kind.make() as transport:
            await transport.send(HttpRequest("POST", server.url, {}, b"1"))
            await transport.send(HttpRequest("POST", server.url, {}, b"2"))

    with pytest.raises(TransportError) as caught:
        kind.run(main)
    assert caught.value.sent
    assert heard == [b"1", b"2"]
    assert "kept from an earlier call" in str(caught.value)


def test_a_get_is_sent_again(serve: StartServer) -> None:
    heard: list[bytes] = []
    server = serve(dying_on_the_second(heard))

    async def main(below_session: bool) -> bytes:
        async with AiohttpTransport(below_session=below_session) as transport:
            for _ in range(2):
                answer = await transport.send(HttpRequest("GET", server.url, {}))
            return answer.body

    assert [asyncio.run(main(below)) for below in (False, True)] == [b"ok", b"ok"]
    assert server.connections == 4
