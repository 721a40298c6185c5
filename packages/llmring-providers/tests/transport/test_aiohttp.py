"""What only the aiohttp transport does."""

import asyncio
import gc
import threading

import pytest
import trio
from llmring_providers.transport import HttpRequest
from llmring_providers.transport.aiohttp import AiohttpTransport
from llmring_types.exceptions import ConfigurationError
from loopback import Connection, StartServer


def test_it_says_what_to_use_on_trio() -> None:
    async def main() -> None:
        await AiohttpTransport().send(HttpRequest("GET", "http://127.0.0.1/", {}))

    with pytest.raises(ConfigurationError, match=r"Httpx2Transport.*\[httpx2\]"):
        trio.run(main)


async def test_an_idle_connection_that_is_reset_is_not_complained_of(
    serve: StartServer, caplog: pytest.LogCaptureFixture
) -> None:
    turns = threading.Semaphore(0)

    def script(connection: Connection) -> None:
        connection.receive()
        connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
        turns.acquire(timeout=5)
        connection.send(b"0\r\n\r\n")
        turns.acquire(timeout=5)
        connection.reset()

    server = serve(script)
    async with AiohttpTransport() as transport:
        for turn in (1, 2):
            stream = await transport.open(HttpRequest("POST", server.url, {}))
            assert await stream.read() == b"hello"
            turns.release()
            assert await stream.read() == b""
            await stream.finish()
            turns.release()
            await asyncio.to_thread(server.wait_gone, turn)
            await asyncio.sleep(0.01)
    gc.collect()
    assert server.connections == 2
    assert caplog.records == []
