"""Requests and answers over aiohttp's connections, without its session."""

import asyncio
import threading

import aiohttp
import pytest
from llmring_providers.transport import HttpRequest
from llmring_providers.transport._exchange import head_of, target_of
from llmring_providers.transport.aiohttp import BELOW_THE_SESSION, AiohttpTransport
from loopback import Connection, StartServer

pytestmark = pytest.mark.skipif(
    not BELOW_THE_SESSION, reason=f"aiohttp {aiohttp.__version__} is used by its session alone"
)

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
TOO_LARGE = b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno"
LARGE = b"x" * 30_000_000


async def written(request: HttpRequest, proxy: str | None = None) -> list[str]:
    """The lines of a request's head."""
    *lines, end, nothing = head_of(request, target_of(request.url, proxy)).decode().split("\r\n")
    assert (end, nothing) == ("", "")
    return lines


async def test_a_head_has_what_was_given_and_what_http_asks_for() -> None:
    asked = HttpRequest(
        "POST", "https://example.test:8443/v1/chat?alt=sse#part", {"authorization": "Bearer k"}, b"{}"
    )
    first, *headers = await written(asked)
    assert first == "POST /v1/chat?alt=sse HTTP/1.1"
    assert {"host: example.test:8443", "authorization: Bearer k", "content-length: 2"} < set(headers)
    assert [header.partition(":")[0] for header in headers].count("accept-encoding") == 1


@pytest.mark.parametrize(
    ("method", "body", "length"), [("GET", b"", None), ("POST", b"", "0"), ("GET", b"{}", "2")]
)
async def test_a_length_is_told_where_a_body_is_expected(
    method: str, body: bytes, length: str | None
) -> None:
    _, *headers = await written(HttpRequest(method, "http://example.test/", {}, body))
    told = dict(header.split(": ", 1) for header in headers)
    assert told.get("content-length") == length


async def test_a_given_header_stands_in_place_of_ours() -> None:
    _, *headers = await written(HttpRequest("GET", "http://example.test/", {"user-agent": "mine"}))
    assert [header for header in headers if header.startswith("user-agent")] == ["user-agent: mine"]


async def test_requests_to_one_url_have_heads_of_their_own() -> None:
    target = target_of("https://example.test/v1", None)
    rows = [("POST", "k", b"{}"), ("POST", "another", b"{}"), ("POST", "k", b"{...}"), ("GET", "k", b"")] * 2
    for method, key, body in rows:
        head = head_of(HttpRequest(method, "", {"authorization": f"Bearer {key}"}, body), target).decode()
        assert head.startswith(f"{method} /v1 HTTP/1.1\r\n")
        assert f"\r\nauthorization: Bearer {key}\r\n" in head
        assert head.endswith(f"\r\ncontent-length: {len(body)}\r\n\r\n") is (method == "POST")


async def test_the_length_is_that_of_the_body() -> None:
    _, *headers = await written(HttpRequest("POST", "http://example.test/", {"content-length": "7"}, b"{}"))
    assert [header for header in headers if header.startswith("content-length")] == ["content-length: 2"]


async def test_name_and_password_of_the_url_are_sent_as_a_header() -> None:
    first, *headers = await written(HttpRequest("GET", "http://me:secret@example.test/v1", {}))
    assert first == "GET /v1 HTTP/1.1"
    assert {"host: example.test", "authorization: Basic bWU6c2VjcmV0"} < set(headers)


async def test_two_keys_are_refused() -> None:
    with pytest.raises(ValueError, match="a key in the URL"):
        await written(HttpRequest("GET", "http://me:secret@example.test/v1", {"authorization": "Bearer k"}))


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("http://me:x@example.test/v1?a=b", "http://example.test/v1?a=b"),
        ("https://example.test/v1?a=b", "/v1?a=b"),
    ],
    ids=["in the clear", "tunnelled"],
)
async def test_a_proxy_is_told_the_host_of_what_it_can_read(url: str, path: str) -> None:
    first, *_ = await written(HttpRequest("GET", url, {}), "http://proxy.test")
    assert first == f"GET {path} HTTP/1.1"


@pytest.mark.parametrize("url", ["", "/v1", "ws://example.test", "http://"])
async def test_a_url_that_no_request_can_be_sent_to(url: str) -> None:
    with pytest.raises(aiohttp.InvalidURL):
        target_of(url, None)


async def test_an_interim_answer_is_not_the_answer(serve: StartServer) -> None:
    def script(connection: Connection) -> None:
        while connection.receive():
            connection.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + OK)

    server = serve(script)
    async with AiohttpTransport() as transport:
        answers = [await transport.send(HttpRequest("POST", server.url, {})) for _ in range(2)]
    assert [(answer.status, answer.body) for answer in answers] == [(200, b"ok")] * 2
    assert server.connections == 1


@pytest.mark.parametrize("streamed", [False, True])
async def test_an_answer_to_half_a_request_is_heard_and_nothing_more_is_sent(
    serve: StartServer, streamed: bool
) -> None:
    told, received = threading.Event(), list[int]()

    def script(connection: Connection) -> None:
        connection.send(TOO_LARGE)
        assert told.wait(10)
        received.append(connection.wait_until_gone())

    server = serve(script)
    request = HttpRequest("POST", server.url, {}, LARGE)
    async with AiohttpTransport() as transport:
        if streamed:
            stream = await transport.open(request)
            status, body = stream.status, await stream.read()
            await stream.finish()
        else:
            answer = await transport.send(request)
            status, body = answer.status, answer.body
        assert (status, body) == (413, b"no")
        told.set()
        await asyncio.to_thread(server.wait_gone, 1)
    assert received[0] < len(LARGE)
    assert asyncio.all_tasks() == {asyncio.current_task()}
