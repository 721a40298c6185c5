"""An address at which the simulator listens, and at which it may stop to for a while."""

import asyncio
import math
import os
import socket
from collections.abc import Callable, Sequence

_BACKLOG = 4096


class Listener:
    """Listens in the running loop.

    While it is away its sockets are bound and do not listen: connections are refused, and nobody else can
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
            self._return = asyncio.get_running_loop().call_later(seconds, self._come_back)

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

    def _come_back(self) -> None:
        self._return = None
        sockets, self._away = self._away, []
        self._returning = asyncio.get_running_loop().create_task(self._listen(sockets))

    async def _listen(self, sockets: Sequence[socket.socket]) -> None:
        loop = asyncio.get_running_loop()
        for one in sockets:
            self._servers.append(await loop.create_server(self._protocol, sock=one, backlog=_BACKLOG))


def _bound(family: int, address: object) -> socket.socket:
    """Return a socket that holds the address: bound beside the connections that end there, but beside nobody else."""
    bound = socket.socket(family, socket.SOCK_STREAM)
    if os.name == "posix":  # elsewhere it means that others may bind it too
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind(address)  # type: ignore[arg-type]
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
    return bound
