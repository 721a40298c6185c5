"""What every transport does, on every event loop that it runs on."""

import gzip
import threading
import zlib
from collections.abc import Callable, Coroutine
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from llmring_providers.transport import ByteStream, HttpRequest, HttpResponse, Transport, TransportError
from loopback import Connection, Heard, Script, StartServer
from transport_kinds import Kind, Tls

Call = Callable[[HttpRequest], Coroutine[Any, Any, object]]

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nX-Request-Id: r1\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


def whole(body: bytes, status: str = "200 OK") -> bytes:
    return b"HTTP/1.1 %s\r\nX-Request-Id: r1\r\nContent-Length: %d\r\n\r\n%s" % (
        status.encode(),
        len(body),
        body,
    )


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


END = chunk(b"")


def answering(*answers: bytes, heard: list[Heard] | None = None) -> Script:
    """Answer every request of a connection with the next of these, the last one for ever."""
    left = list(answers)

    def script(connection: Connection) -> None:
        while (request := connection.receive()) is not None:
            if heard is not None:
                heard.append(request)
            connection.send(left.pop(0) if len(left) > 1 else left[0])

    return script


def post(url: str, body: bytes = b"{}", **headers: str) -> HttpRequest:
    return HttpRequest("POST", url, {"content-type": "application/json", **headers}, body)


async def read_all(stream: ByteStream) -> bytes:
    pieces = []
    while piece := await stream.read():
        pieces.append(piece)
    return b"".join(pieces)


def with_transport(kind: Kind, *requests: HttpRequest, **settings: object) -> list[HttpResponse]:
    async def main() -> list[HttpResponse]:
        async with kind.make(**settings) as transport:
            return [await transport.send(request) for request in requests]

    answers: list[HttpResponse] = kind.run(main)
    return answers


class TestSend:
    def test_the_request_reaches_the_server_as_it_was_given(self, kind: Kind, serve: StartServer) -> None:
        heard: list[Heard] = []
        server = serve(answering(whole(b"hi"), heard=heard))
        with_transport(kind, post(server.url + "/v1/chat?alt=sse", b'{"a": 1}', authorization="Bearer k"))
        [request] = heard
        assert request.line == "POST /v1/chat?alt=sse HTTP/1.1"
        assert request.body == b'{"a": 1}'
        assert request.headers["host"] == server.host
        assert request.headers["content-type"] == "application/json"
        assert request.headers["authorization"] == "Bearer k"

    @pytest.mark.parametrize("status", [200, 201, 400, 404, 429, 500, 529])
    def test_any_status_is_an_answer(self, kind: Kind, serve: StartServer, status: int) -> None:
        server = serve(answering(whole(b"body", f"{status} Whatever")))
        [answer] = with_transport(kind, post(server.url))
        assert (answer.status, answer.body) == (status, b"body")

    def test_header_names_are_found_in_lower_case(self, kind: Kind, serve: StartServer) -> None:
        [answer] = with_transport(kind, post(serve(answering(whole(b""))).url))
        assert answer.headers.get("x-request-id") == "r1"
        assert answer.headers.get("absent") is None

    def test_a_get_has_no_body(self, kind: Kind, serve: StartServer) -> None:
        heard: list[Heard] = []
        server = serve(answering(whole(b"[]"), heard=heard))
        with_transport(kind, HttpRequest("GET", server.url + "/models", {}))
        assert heard[0].line == "GET /models HTTP/1.1"
        assert heard[0].body == b""

    def test_a_redirect_is_an_answer_and_not_followed(self, kind: Kind, serve: StartServer) -> None:
        heard: list[Heard] = []
        elsewhere = serve(answering(whole(b"stolen"), heard=heard))
        moved = f"HTTP/1.1 307 Moved\r\nLocation: {elsewhere.url}\r\nContent-Length: 0\r\n\r\n".encode()
        [answer] = with_transport(kind, post(serve(answering(moved)).url))
        assert answer.status == 307
        assert not heard

    @pytest.mark.parametrize(
        ("encoding", "encoded"),
        [("gzip", gzip.compress(b"hello", mtime=0)), ("deflate", zlib.compress(b"hello"))],
        ids=["gzip", "deflate"],
    )
    def test_a_compressed_answer_is_opened(
        self, kind: Kind, serve: StartServer, encoding: str, encoded: bytes
    ) -> None:
        head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {encoding}\r\nContent-Length: {len(encoded)}\r\n\r\n"
        [answer] = with_transport(kind, post(serve(answering(head.encode() + encoded)).url))
        assert answer.body == b"hello"

    def test_a_large_body_arrives_whole(self, kind: Kind, serve: StartServer) -> None:
        heard: list[Heard] = []
        body = b"0123456789abcdef" * 200_000
        with_transport(kind, post(serve(answering(whole(b"ok"), heard=heard)).url, body))
        assert heard[0].body == body
        assert "transfer-encoding" not in heard[0].headers

    def test_long_headers_of_the_answer_are_read(self, kind: Kind, serve: StartServer) -> None:
        answer = b"HTTP/1.1 200 OK\r\nX-Long: %s\r\nContent-Length: 0\r\n\r\n" % (b"x" * 60_000)
        [got] = with_transport(kind, post(serve(answering(answer)).url))
        assert len(got.headers["x-long"]) == 60_000


class TestStream:
    def test_pieces_come_before_the_end(self, kind: Kind, serve: StartServer) -> None:
        read = threading.Event()

        def script(connection: Connection) -> None:
            connection.receive()
            connection.send(CHUNKED + chunk(b"one"))
            assert read.wait(10)
            connection.send(chunk(b"two") + END)

        server = serve(script)

        async def main() -> tuple[bytes, bytes]:
            async with kind.make() as transport:
                stream = await transport.open(post(server.url))
                assert (stream.status, stream.headers.get("x-request-id")) == (200, "r1")
                first = await stream.read()
                read.set()
                rest = await read_all(stream)
                await stream.finish()
                return first, rest

        assert kind.run(main) == (b"one", b"two")

    def test_a_compressed_stream_is_opened_as_it_comes(self, kind: Kind, serve: StartServer) -> None:
        read = threading.Event()

        def script(connection: Connection) -> None:
            connection.receive()
            packer = zlib.compressobj(wbits=31)
            first = packer.compress(b"one") + packer.flush(zlib.Z_SYNC_FLUSH)
            connection.send(
                HEAD + b"Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk(first)
            )
            assert read.wait(10)
            connection.send(chunk(packer.compress(b"two") + packer.flush()) + END)

        server = serve(script)

        async def main() -> tuple[bytes, bytes]:
            async with kind.make() as transport:
                stream = await transport.open(post(server.url))
                first = await stream.read()
                read.set()
                rest = await read_all(stream)
                await stream.finish()
                return first, rest

        assert kind.run(main) == (b"one", b"two")

    def test_an_answer_with_an_error_status_can_be_read(self, kind: Kind, serve: StartServer) -> None:
        server = serve(answering(whole(b"slow down", "429 Too Many Requests")))

        async def main() -> tuple[int, bytes]:
            async with kind.make() as transport:
                stream = await transport.open(post(server.url))
                body = await read_all(stream)
                await stream.finish()
                stream.close()
                return stream.status, body

        assert kind.run(main) == (429, b"slow down")


class TestReuse:
    def test_calls_one_after_another_share_a_connection(self, kind: Kind, serve: StartServer) -> None:
        server = serve(answering(whole(b"1"), whole(b"2", "500 Oops"), CHUNKED + chunk(b"3") + END))
        answers = with_transport(kind, *[post(server.url)] * 3)
        assert [answer.body for answer in answers] == [b"1", b"2", b"3"]
        assert server.connections == 1

    @pytest.mark.parametrize("read_to_the_end", [True, False])
    def test_a_stream_that_has_ended_gives_its_connection_back(
        self, kind: Kind, serve: StartServer, read_to_the_end: bool
    ) -> None:
        server = serve(answering(CHUNKED + chunk(b"data: [DONE]") + END))

        async def main() -> None:
            async with kind.make() as transport:
                for _ in range(3):
                    stream = await transport.open(post(server.url))
                    while b"[DONE]" not in await stream.read():
                        pass
                    if read_to_the_end:
                        assert await stream.read() == b""
                    await stream.finish()
                    stream.close()

        kind.run(main)
        assert server.connections == 1

    def test_a_stream_read_to_its_end_may_be_closed_instead(self, kind: Kind, serve: StartServer) -> None:
        server = serve(answering(CHUNKED + chunk(b"one") + END))

        async def main() -> None:
            async with kind.make() as transport:
                for _ in range(3):
                    stream = await transport.open(post(server.url))
                    assert await read_all(stream) == b"one"
                    stream.close()

        kind.run(main)
        assert server.connections == 1

    def test_finish_does_not_wait_for_a_stream_that_goes_on(self, kind: Kind, serve: StartServer) -> None:
        def script(connection: Connection) -> None:
            connection.receive()
            connection.send(CHUNKED + chunk(b"data: [DONE]"))
            connection.wait_until_gone()

        server = serve(script)

        async def main() -> None:
            async with kind.make() as transport:
                stream = await transport.open(post(server.url))
                await stream.read()
                await stream.finish()
                await anyio.to_thread.run_sync(server.wait_gone, 1)

        kind.run(main)


class TestClose:
    def test_closing_a_stream_reaches_the_server_at_once(self, kind: Kind, serve: StartServer) -> None:
        server = serve(streaming_for_ever)

        async def main() -> None:
            async with kind.make() as transport:
                stream = await transport.open(post(server.url))
                await stream.read()
                stream.close()
                stream.close()
                await anyio.to_thread.run_sync(server.wait_gone, 1)

        kind.run(main)

    def test_a_call_after_a_closed_stream_works(self, kind: Kind, serve: StartServer) -> None:
        def script(connection: Connection) -> None:
            while request := connection.receive():
                connection.send(whole(b"ok") if request.body == b"whole" else CHUNKED + chunk(b"one"))

        server = serve(script)

        async def main() -> bytes:
            async with kind.make() as transport:
                stream = await transport.open(post(server.url))
                await stream.read()
                stream.close()
                return (await transport.send(post(server.url, b"whole"))).body

        assert kind.run(main) == b"ok"
        assert server.connections == 2

    def test_leaving_the_transport_open_closes_its_connections_with_the_loop(
        self, kind: Kind, serve: StartServer
    ) -> None:
        server = serve(answering(whole(b"ok")))
        transport: Transport = kind.make()
        kind.run(transport.send, post(server.url))
        server.wait_gone(1)

    def test_leaving_a_stream_and_the_transport_open_closes_both_with_the_loop(
        self, kind: Kind, serve: StartServer
    ) -> None:
        server = serve(streaming_for_ever)
        transport: Transport = kind.make()

        async def main() -> None:
            stream = await transport.open(post(server.url))
            await stream.read()
            stream.close()

        kind.run(main)
        server.wait_gone(1)

    def test_closing_twice_is_allowed(self, kind: Kind, serve: StartServer) -> None:
        server = serve(answering(whole(b"ok")))

        async def main() -> None:
            transport = kind.make()
            await transport.aclose()
            await transport.send(post(server.url))
            await transport.aclose()
            await transport.aclose()

        kind.run(main)
        server.wait_gone(1)


class TestCancellation:
    @pytest.mark.parametrize("secure", [False, True])
    @pytest.mark.parametrize(
        ("method", "answer"),
        [
            ("send", b""),
            ("send", HEAD),
            ("send", HEAD + b"Content-Length: 10\r\n\r\nhello"),
            ("open", b""),
            ("open", HEAD),
        ],
    )
    def test_a_cancelled_call_closes_its_connection(
        self, kind: Kind, serve: StartServer, tls: Tls, method: str, answer: bytes, secure: bool
    ) -> None:
        waiting = threading.Event()

        def script(connection: Connection) -> None:
            connection.receive()
            connection.send(answer)
            waiting.set()
            connection.wait_until_gone()

        server = serve(script, tls.server if secure else None)

        async def main() -> None:
            async with kind.make(ssl_context=tls.client) as transport:
                await cancel_when(waiting, getattr(transport, method), post(server.url))
                await anyio.to_thread.run_sync(server.wait_gone, 1)

        kind.run(main)

    def test_a_cancelled_call_does_not_wait_for_a_goodbye(
        self, kind: Kind, serve: StartServer, tls: Tls
    ) -> None:
        waiting, over = threading.Event(), threading.Event()

        def script(connection: Connection) -> None:
            connection.receive()
            waiting.set()
            assert over.wait(
                10
            )  # never answers TLS's goodbye, so a connection closed in good order would linger

        server = serve(script, tls.server)

        async def main() -> None:
            async with kind.make(ssl_context=tls.client) as transport:
                await cancel_when(waiting, transport.send, post(server.url))

        kind.run(main)
        over.set()

    @pytest.mark.parametrize("secure", [False, True])
    def test_a_call_cancelled_while_it_sends_sends_no_more(
        self, kind: Kind, serve: StartServer, tls: Tls, secure: bool
    ) -> None:
        connected, cancelled = threading.Event(), threading.Event()
        received: list[int] = []
        body = b"x" * 20_000_000

        def script(connection: Connection) -> None:
            connected.set()
            assert cancelled.wait(10)
            received.append(connection.wait_until_gone())

        server = serve(script, tls.server if secure else None)

        async def main() -> None:
            async with kind.make(ssl_context=tls.client) as transport:
                await cancel_when(connected, transport.send, post(server.url, body))
                cancelled.set()
                await anyio.to_thread.run_sync(server.wait_gone, 1)

        kind.run(main)
        assert received[0] < len(body)

    def test_a_cancelled_read_leaves_a_stream_that_can_be_closed(
        self, kind: Kind, serve: StartServer
    ) -> None:
        server = serve(streaming_for_ever)

        async def main() -> None:
            async with kind.make() as transport:
                stream = await transport.open(post(server.url))
                await stream.read()
                with anyio.move_on_after(0.01) as scope:
                    await stream.read()
                assert scope.cancelled_caught
                stream.close()
                await anyio.to_thread.run_sync(server.wait_gone, 1)

        kind.run(main)

    def test_closing_a_stream_wakes_its_reader(self, kind: Kind, serve: StartServer) -> None:
        def script(connection: Connection) -> None:
            while request := connection.receive():
                connection.send(whole(b"ok") if request.body == b"whole" else CHUNKED + chunk(b"one"))

        server = serve(script)

        async def main() -> None:
            async with kind.make() as transport:
                stream = await transport.open(post(server.url))
                await stream.read()
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(close_and_go_on, transport, stream)
                    with pytest.raises(TransportError):
                        await stream.read()

        async def close_and_go_on(transport: Transport, stream: ByteStream) -> None:
            await anyio.lowlevel.checkpoint()
            stream.close()
            assert (await transport.send(post(server.url, b"whole"))).body == b"ok"

        kind.run(main)


def streaming_for_ever(connection: Connection) -> None:
    connection.receive()
    connection.send(CHUNKED + chunk(b"one"))
    connection.wait_until_gone()


async def cancel_when(moment: threading.Event, call: Call, request: HttpRequest) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(call, request)
        assert await anyio.to_thread.run_sync(moment.wait, 10)
        tasks.cancel_scope.cancel()


class TestLoops:
    def test_one_transport_serves_one_loop_after_another(self, kind: Kind, serve: StartServer) -> None:
        server = serve(answering(whole(b"ok")))
        transport: Transport = kind.make()
        for turn in (1, 2, 3):
            assert kind.run(transport.send, post(server.url)).body == b"ok"
            server.wait_gone(turn)
        kind.run(transport.aclose)
        assert server.connections == 3

    def test_one_transport_serves_several_threads_at_once(self, kind: Kind, serve: StartServer) -> None:
        server = serve(answering(whole(b"ok")))
        transport: Transport = kind.make()
        together = threading.Barrier(4)
        bodies: list[bytes] = []

        async def main() -> None:
            for _ in range(5):
                together.wait(10)
                bodies.append((await transport.send(post(server.url))).body)

        threads = [threading.Thread(target=kind.run, args=(main,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        assert bodies == [b"ok"] * 20
        server.wait_gone(4)
        assert server.connections == 4

    def test_any_number_of_calls_is_open_at_once(self, kind: Kind, serve: StartServer) -> None:
        together = threading.Barrier(200)

        def script(connection: Connection) -> None:
            connection.receive()
            together.wait(10)
            connection.send(whole(b"ok"))
            connection.receive()

        server = serve(script)
        bodies: list[bytes] = []

        async def main() -> None:
            async with kind.make() as transport, anyio.create_task_group() as tasks:
                for _ in range(together.parties):
                    tasks.start_soon(call, transport)

        async def call(transport: Transport) -> None:
            bodies.append((await transport.send(post(server.url))).body)

        kind.run(main)
        assert bodies == [b"ok"] * together.parties


class TestProxies:
    @pytest.mark.parametrize(
        ("settings", "environment", "expected"),
        [
            ({}, {"HTTP_PROXY": "proxy"}, "straight"),
            ({"trust_env": True}, {"HTTP_PROXY": "proxy"}, "proxied"),
            ({"trust_env": True}, {"http_proxy": "proxy"}, "proxied"),
            ({"trust_env": True}, {"ALL_PROXY": "proxy"}, "proxied"),
            ({"trust_env": True}, {"HTTPS_PROXY": "proxy"}, "straight"),
            ({"trust_env": True}, {"HTTP_PROXY": "proxy", "NO_PROXY": "127.0.0.1"}, "straight"),
            ({"trust_env": True}, {}, "straight"),
            ({"proxy": "proxy"}, {}, "proxied"),
        ],
    )
    def test_a_proxy_is_used_only_when_asked_for(
        self,
        kind: Kind,
        serve: StartServer,
        monkeypatch: pytest.MonkeyPatch,
        settings: dict[str, object],
        environment: dict[str, str],
        expected: str,
    ) -> None:
        server, proxy = serve(answering(whole(b"straight"))), serve(answering(whole(b"proxied")))
        for name, value in environment.items():
            monkeypatch.setenv(name, value.replace("proxy", proxy.url))
        if "proxy" in settings:
            settings = {"proxy": proxy.url}
        answers = with_transport(kind, post(server.url), post(server.url), **settings)
        assert [answer.body.decode() for answer in answers] == [expected] * 2

    def test_a_proxy_gets_its_own_password(self, kind: Kind, serve: StartServer) -> None:
        heard: list[Heard] = []
        proxy = serve(answering(whole(b"proxied"), heard=heard))
        with_transport(kind, post("http://example.test/v1"), proxy=proxy.url.replace("//", "//me:secret@"))
        assert heard[0].line == "POST http://example.test/v1 HTTP/1.1"
        assert heard[0].headers["proxy-authorization"] == "Basic bWU6c2VjcmV0"
