"""HTTP/1.1 for the simulator: a small server's side of one connection, which can also break the rules.

A server of a library would mend or hide what is to go wrong here: broken chunks, bodies cut short, resets.
"""

import asyncio
import math
import os
import socket
import struct
from collections.abc import Callable, Collection, Mapping, Sequence
from http.client import responses

from llmring_providers.sim.plan import Plan
from llmring_providers.sim.transport import pause
from llmring_providers.transport import HttpRequest

from llmring._addressed import is_addressed

_LONGEST_HEAD = 64 * 1024
_REFUSAL = b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
_SETTLE_S = 0.05
"""Before a connection breaks: time for what was sent to be read. Else a client may lose it to the error."""


class _BadRequestError(Exception):
    """Not HTTP as this server knows it."""


class Connection(asyncio.StreamReaderProtocol):
    """Answers the requests of one connection in turn, and ends when the client leaves.

    Args:
        answer: from a request to what happens.
        open_connections: the set in which this one is while it is open.
        leave: ends the host's listening, and every connection, for so many seconds.
        host_names: names that the host has besides ``localhost``.
    """

    def __init__(
        self,
        answer: Callable[[HttpRequest], Plan],
        open_connections: "set[Connection]",
        leave: Callable[[float], None],
        host_names: Collection[str] = (),
    ) -> None:
        self._answer = answer
        self._host_names = host_names
        self._leave = leave
        self._open = open_connections
        self._serving: asyncio.Task[None] | None = None
        self._wire: asyncio.WriteTransport | None = None
        super().__init__(asyncio.StreamReader(limit=_LONGEST_HEAD), self._begin)

    def _begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(self)
        self._wire = writer.transport
        self._serving = asyncio.get_running_loop().create_task(self._serve(reader, writer))

    def eof_received(self) -> bool:
        """Close as soon as the client has closed its side, so that a stalled answer ends with its client."""
        super().eof_received()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._open.discard(self)
        if self._serving is not None:
            self._serving.cancel()

    def reset(self) -> None:
        """Close with a TCP RST in place of a proper end: no lingering (socket(7), SO_LINGER)."""
        if self._wire is not None:
            below = self._wire.get_extra_info("socket")
            below.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._wire.abort()

    async def drop(self) -> None:
        """Close without finishing what is being sent."""
        if self._serving is not None:
            self._serving.cancel()
            await asyncio.wait([self._serving])
        if self._wire is not None:
            self._wire.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (request := await _read_request(reader, writer)) is not None:
                if not is_addressed(request.headers, self._host_names):
                    writer.write(_REFUSAL)
                    await writer.drain()
                    break
                plan = self._answer(request)
                await _play(plan, writer)
                if plan.ending == "reset":
                    self.reset()
                elif plan.ending == "refused":
                    self._leave(plan.away)
                if plan.ending != "end" or request.headers.get("connection", "").lower() == "close":
                    break
        except (_BadRequestError, ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # no answer is possible: the client has gone or speaks no HTTP
        finally:
            writer.close()


async def _read_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> HttpRequest | None:
    """Return the next request, or ``None`` when the client has closed the connection."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise
        return None
    first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    method, _, rest = first.partition(" ")
    path, _, version = rest.rpartition(" ")
    if not path or not version.startswith("HTTP/1."):
        raise _BadRequestError(first)
    fields = (line.partition(":") for line in lines)
    headers = {name.strip().lower(): value.strip() for name, _, value in fields}
    if headers.get("expect", "").lower() == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    return HttpRequest(method, path, headers, await _read_body(reader, headers))


async def _read_body(reader: asyncio.StreamReader, headers: Mapping[str, str]) -> bytes:
    if headers.get("transfer-encoding", "").lower() != "chunked":
        return await reader.readexactly(_number(headers.get("content-length", "0"), base=10))
    pieces = []
    while size := _number((await reader.readuntil(b"\r\n")).partition(b";")[0].decode("latin-1"), base=16):
        pieces.append(await reader.readexactly(size))
        await reader.readuntil(b"\r\n")
    await reader.readuntil(b"\r\n")
    return b"".join(pieces)


def _number(text: str, *, base: int) -> int:
    try:
        return int(text.strip(), base)
    except ValueError as error:
        raise _BadRequestError(text) from error


async def _play(plan: Plan, writer: asyncio.StreamWriter) -> None:
    """Send what is planned, up to where the connection breaks."""
    await pause(plan.wait)
    if plan.status is None:
        return
    chunked = plan.length is None
    writer.write(_head(plan.status, plan))
    for step in plan.steps:
        if not isinstance(step, bytes):
            await pause(step)
        elif step:
            writer.write(b"%x\r\n%b\r\n" % (len(step), step) if chunked else step)
            await writer.drain()
    if plan.ending == "end":
        writer.write(b"0\r\n\r\n" if chunked else b"")
        await writer.drain()
        return
    await pause(_SETTLE_S)
    if plan.ending == "bad_chunk":
        writer.write(b"not a size\r\n")


def _head(status: int, plan: Plan) -> bytes:
    phrase = responses.get(status, "Simulated")
    length = "transfer-encoding: chunked" if plan.length is None else f"content-length: {plan.length}"
    fields = "".join(f"{name}: {value}\r\n" for name, value in plan.headers.items())
    return f"HTTP/1.1 {status} {phrase}\r\n{fields}{length}\r\n\r\n".encode("latin-1")


_BACKLOG = 4096


class Listener:
    """Listens in the running loop.

    While it is away its sockets are bound and do not listen: connections are refused, and no other process can
    take the port.

    Args:
        protocol: makes what talks to a client.
    """

    def __init__(self, protocol: Callable[[], asyncio.BaseProtocol]) -> None:
        self._protocol = protocol
        self._servers: list[asyncio.Server] = []
        self._away: list[socket.socket] = []
        self._return: asyncio.TimerHandle | None = None
        self._returning: asyncio.Task[None] | None = None

    async def open(self, host: str, port: int) -> int:
        """Listen there; return the port.

        Raises:
            OSError: that is not possible.
        """
        loop = asyncio.get_running_loop()
        server = await loop.create_server(self._protocol, host, port, backlog=_BACKLOG)
        self._servers.append(server)
        number: int = server.sockets[0].getsockname()[1]
        return number

    def leave(self, seconds: float) -> None:
        """Refuse connections for so many seconds; infinite is until the end."""
        addresses = [(one.family, one.getsockname()) for server in self._servers for one in server.sockets]
        for server in self._servers:
            server.close()
        self._servers.clear()
        self._away += [_bound(family, address) for family, address in addresses]
        if self._return is None and not math.isinf(seconds):
            self._return = asyncio.get_running_loop().call_later(seconds, self._return_to_listening)

    async def close(self) -> None:
        """Listen no more, and give the port back."""
        if self._return is not None:
            self._return.cancel()
        if self._returning is not None:
            await self._returning
        for one in self._away:
            one.close()
        for server in self._servers:
            server.close()

    async def wait_closed(self) -> None:
        """Wait until every connection has ended."""
        for server in self._servers:
            await server.wait_closed()

    def _return_to_listening(self) -> None:
        self._return = None
        sockets, self._away = self._away, []
        self._returning = asyncio.get_running_loop().create_task(self._listen(sockets))

    async def _listen(self, sockets: Sequence[socket.socket]) -> None:
        loop = asyncio.get_running_loop()
        for one in sockets:
            self._servers.append(await loop.create_server(self._protocol, sock=one, backlog=_BACKLOG))


def _bound(family: int, address: object) -> socket.socket:
    """Return a socket that holds the address: bound beside its open connections, but beside no other listener."""
    bound = socket.socket(family, socket.SOCK_STREAM)
    if os.name == "posix":  # elsewhere it means that others may bind it too
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind(address)  # type: ignore[arg-type]
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
    return bound
