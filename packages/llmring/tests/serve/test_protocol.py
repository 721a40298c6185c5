"""Heads of requests over real HTTP: how long they may be, and how long they may take."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from queue import Queue
from typing import Any
from urllib.parse import urlsplit

import pytest
from gateways import CHAT, STREAMED, serving
from llmring_providers.sim import Answer, Rule, faults

LONG = b"x" * (70 * 1024)
CHUNKED = b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n"


@contextmanager
def connected(*rules: Rule, **settings: Any) -> Iterator[socket.socket]:
    """Connect to a gateway."""
    with serving(*rules, **settings) as url:
        place = urlsplit(url)
        with socket.create_connection((place.hostname or "", place.port or 0), timeout=10) as connection:
            yield connection


def received(connection: socket.socket) -> bytes:
    """Return everything until the gateway closes the connection, or resets it with more on its way."""
    pieces = []
    with suppress(ConnectionError):
        while piece := connection.recv(65536):
            pieces.append(piece)
    return b"".join(pieces)


@pytest.mark.parametrize(
    "head",
    [
        b"GET /" + LONG,
        b"GET / HTTP/1.1\r\nhost: localhost\r\nx: " + LONG,
        b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 12000,
    ],
)
def test_a_head_without_end_is_refused(head: bytes) -> None:
    with connected() as connection:
        with suppress(ConnectionError):
            connection.sendall(head)
        assert received(connection).startswith(b"HTTP/1.1 431 ")


def test_a_trailer_without_end_closes_the_connection() -> None:
    with connected() as connection:
        with suppress(ConnectionError):
            connection.sendall(CHUNKED + b"0\r\nx: " + 10 * LONG)
        assert received(connection) == b""


def test_a_head_of_a_usual_size_is_read_also_in_pieces() -> None:
    with connected() as connection:
        for piece in (b"GET /healthz HT", b"TP/1.1\r\nhost: localhost\r\nx: ", LONG[:30000], b"\r\n\r\n"):
            connection.sendall(piece)
        assert connection.recv(100).startswith(b"HTTP/1.1 200 ")
        connection.sendall(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        assert received(connection).endswith(b"ok\n")


@pytest.mark.parametrize("begin", [b"", b"GET / HTTP/1.1\r\n"])
def test_a_head_that_does_not_come_closes_the_connection(
    begin: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llmring.serve._protocol.HEAD_LIMIT_S", 0.01)
    with connected() as connection:
        connection.sendall(begin)
        assert received(connection) == b""


def test_a_later_head_that_does_not_end_closes_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    with connected() as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n")
        assert connection.recv(1000).endswith(b"ok\n")
        monkeypatch.setattr("llmring.serve._protocol.HEAD_LIMIT_S", 0.01)
        connection.sendall(b"GET /he")
        assert received(connection) == b""


def request(body: Any, *headers: bytes) -> bytes:
    written = json.dumps(body).encode()
    head = (b"POST /v1/chat/completions HTTP/1.1", b"host: localhost", b"content-length: %d" % len(written))
    return b"\r\n".join((*head, *headers, b"", written))


def test_a_client_that_leaves_with_a_second_request_on_its_way_ends_the_first() -> None:
    endings: Queue[str] = Queue()
    slow = Rule(answer=Answer(text="one two", chunk_size=4), fault=faults.Stall(after=3))
    with connected(slow, observers=[lambda record: endings.put(record.ending)]) as connection:
        connection.sendall(2 * request(CHAT | STREAMED))
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
        connection.close()
        assert endings.get(timeout=10) == "aborted"


def test_a_request_before_the_answer_to_another_is_left_to_another_connection() -> None:
    slow = Rule(answer=Answer(text="one two", chunk_size=4, pace=0.01))
    with connected(slow) as connection:
        connection.sendall(request(CHAT | STREAMED) + request(CHAT) + b"GET /")
        answer = received(connection)
    assert answer.count(b"HTTP/1.1 ") == 1
    assert answer.endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n")
