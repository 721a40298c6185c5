"""A server on loopback that answers as it was told, for any provider's protocol."""

import asyncio
from typing import Any, NamedTuple, Self

import msgspec
from aiohttp import web


class Answer(NamedTuple):
    """One answer. ``cut`` drops the connection after the body, without its end."""

    body: bytes
    status: int = 200
    headers: dict[str, str] = {}  # noqa: RUF012 - never changed
    cut: bool = False


class Server:
    """Gives its answers in order, the last one again and again, and keeps what it was asked."""

    def __init__(self) -> None:
        self.url = ""
        self.answers: list[Answer] = []
        self.asked: list[dict[str, Any]] = []
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(msgspec.json.decode(await request.read() or b"{}"))  # nothing is asked in a GET
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        response = web.StreamResponse(status=answer.status, headers=answer.headers)
        await response.prepare(request)
        await response.write(answer.body)
        if answer.cut and request.transport is not None:
            request.transport.abort()
        await response.write_eof()
        return response


class Stalling:
    """Sends some bytes of a stream, or not even a status, then nothing; tells when its client has come and gone."""

    def __init__(self, body: bytes | None) -> None:
        self.body = body
        self.reached = asyncio.Event()
        self.gone = asyncio.Event()
        self.url = ""
        self._serving: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self._server.wait_closed()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        try:
            await self._stall(reader, writer)
        finally:
            writer.close()

    async def _stall(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.reached.set()
        if self.body is not None:
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n" + self.body)
            await writer.drain()
        while await reader.read(1000):
            pass
        self.gone.set()
