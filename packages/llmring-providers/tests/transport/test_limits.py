"""No answer takes more memory than its request allows, in whatever form it comes."""

import gzip
import tracemalloc
import zlib
from collections.abc import Callable, Coroutine, Iterable
from functools import partial
from typing import Any

import brotli  # type: ignore[import-untyped]
import pytest
from backports import zstd
from llmring_providers import ProviderSettings, find_factory
from llmring_providers.embeddings import EmbeddingCall, RankCall
from llmring_providers.files import FileUpload
from llmring_providers.transport import HttpRequest, ResponseTooLargeError
from llmring_types import ModelRef
from llmring_types.exceptions import ProviderResponseTooLargeError
from loopback import Connection, Script, StartServer
from transport_kinds import Kind

LIMIT = 3 * 2**20
BOMB = bytes(24 * 2**20)
PIECE = b"x" * 2**16


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


COMPRESSED = {
    "gzip": ("gzip", gzip.compress(BOMB)),
    "gzip members": ("gzip", gzip.compress(BOMB[: 2**20]) * 24),
    "deflate": ("deflate", zlib.compress(BOMB)),
    "raw deflate": ("deflate", raw_deflate(BOMB)),
    "brotli": ("br", brotli.compress(BOMB)),
    "zstandard": ("zstd", zstd.compress(BOMB)),
    "zstandard frames": ("zstd", zstd.compress(BOMB[: 2**20]) * 24),
}


def compressed(name: str) -> list[bytes]:
    encoding, body = COMPRESSED[name]
    return [f"Content-Encoding: {encoding}\r\nContent-Length: {len(body)}\r\n\r\n".encode(), body]


def without_end() -> Iterable[bytes]:
    """A body without a newline, in chunks, for as long as somebody reads it."""
    yield b"Transfer-Encoding: chunked\r\n\r\n"
    while True:
        yield b"%x\r\n%s\r\n" % (len(PIECE), PIECE)


def until_closed() -> Iterable[bytes]:
    """The same, until the connection is closed."""
    yield b"Connection: close\r\n\r\n"
    while True:
        yield PIECE


ANSWERS: dict[str, Callable[[], Iterable[bytes]]] = {
    **{name: partial(compressed, name) for name in COMPRESSED},
    "without end": without_end,
    "until closed": until_closed,
}


def answering(answer: Callable[[], Iterable[bytes]], status: str) -> Script:
    def script(connection: Connection) -> None:
        connection.receive()
        connection.send(f"HTTP/1.1 {status}\r\n".encode())
        for piece in answer():
            connection.send(piece)
        connection.wait_until_gone()

    return script


@pytest.mark.parametrize("method", ["send", "open"])
@pytest.mark.parametrize("status", ["200 OK", "500 Oops"])
@pytest.mark.parametrize("answer", ANSWERS.values(), ids=list(ANSWERS))
def test_an_answer_beyond_the_limit_is_refused_and_its_connection_closed(
    kind: Kind, serve: StartServer, answer: Callable[[], Iterable[bytes]], status: str, method: str
) -> None:
    server = serve(answering(answer, status))
    asked = HttpRequest("POST", server.url, {}, b"{}", max_response_bytes=LIMIT)

    async def main() -> None:
        async with kind.make() as transport:
            if method == "send":
                await transport.send(asked)
                return
            stream = await transport.open(asked)
            try:
                pieces = []
                while piece := await stream.read():
                    pieces.append(piece)
            finally:
                stream.close()

    tracemalloc.start()
    try:
        with pytest.raises(
            ResponseTooLargeError, match=r"limit of 3145728 bytes \(max_response_bytes\)"
        ) as caught:
            kind.run(main)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (caught.value.status, caught.value.limit) == (int(status[:3]), LIMIT)
    assert peak < 2 * LIMIT
    server.wait_gone(1)


@pytest.mark.parametrize("name", COMPRESSED)
def test_without_a_limit_all_of_it_is_read(kind: Kind, serve: StartServer, name: str) -> None:
    server = serve(answering(lambda: compressed(name), "200 OK"))

    async def main() -> bytes:
        async with kind.make() as transport:
            asked = HttpRequest("POST", server.url, {}, b"{}", max_response_bytes=None)
            return (await transport.send(asked)).body

    assert kind.run(main) == BOMB


def test_a_body_of_just_the_limit_is_an_answer(kind: Kind, serve: StartServer) -> None:
    server = serve(answering(lambda: [b"Content-Length: 65536\r\n\r\n", PIECE], "200 OK"))

    async def main() -> bytes:
        async with kind.make() as transport:
            asked = HttpRequest("POST", server.url, {}, b"{}", max_response_bytes=len(PIECE))
            return (await transport.send(asked)).body

    assert kind.run(main) == PIECE


BESIDE_CHAT: dict[str, tuple[str, Callable[[Any], Coroutine[Any, Any, object]]]] = {
    "embeddings": ("openai", lambda provider: provider.embed(EmbeddingCall(["a"], ModelRef("openai", "m")))),
    "ranking": (
        "cohere",
        lambda provider: provider.rerank(RankCall("a", ["b"], ModelRef("cohere", "m"))),
    ),
    "models": ("anthropic", lambda provider: provider.models()),
    "upload": ("google", lambda provider: provider.upload_file(FileUpload("a", "application/pdf", b"%PDF"))),
    "file": ("anthropic", lambda provider: provider.get_file("f")),
    "deletion": ("openai", lambda provider: provider.delete_file("f")),
    "files": ("openai", lambda provider: provider.list_files()),
}


@pytest.mark.parametrize("answer", ["gzip", "without end"])
@pytest.mark.parametrize("asked", BESIDE_CHAT)
def test_answers_beside_chat_are_bounded_by_the_setting(
    kind: Kind, serve: StartServer, asked: str, answer: str
) -> None:
    name, ask = BESIDE_CHAT[asked]
    server = serve(answering(ANSWERS[answer], "200 OK"))

    async def main() -> None:
        async with kind.make() as transport:
            settings = ProviderSettings(
                name=name, transport=transport, api_key="k", base_url=server.url, max_response_bytes=LIMIT
            )
            await ask(find_factory(name)(settings))

    tracemalloc.start()
    try:
        with pytest.raises(ProviderResponseTooLargeError) as caught:
            kind.run(main)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert caught.value.limit == LIMIT
    assert peak < 2 * LIMIT
    server.wait_gone(1)
