"""aiohttp's pool of connections, without those that their server has closed."""

import asyncio
import select
from collections.abc import Callable
from contextvars import ContextVar
from typing import NamedTuple
from weakref import WeakKeyDictionary

import aiohttp
from aiohttp.connector import Connection


class Checkout(NamedTuple):
    """The connection of a request.

    Attributes:
        transport: below it; ``None`` while there is none.
        reused: it has served another request before.
    """

    transport: asyncio.BaseTransport | None = None
    reused: bool = False


NO_CHECKOUT = Checkout()
checkout: ContextVar[Checkout] = ContextVar("checkout", default=NO_CHECKOUT)
"""That of the running task's latest request; the task sets it to ``NO_CHECKOUT`` before it sends another one."""


class LiveConnector(aiohttp.TCPConnector):
    """Makes sure that a connection it takes from its pool is still open.

    A server closes an idle connection when it likes. What it sent last, its goodbye, may wait to be read by the event
    loop; a request written then would be lost without anybody to blame. Whoever asks gets another connection instead.
    """

    def __init__(self, **settings: object) -> None:
        super().__init__(**settings)  # type: ignore[arg-type] # aiohttp's own
        self._looks: WeakKeyDictionary[asyncio.BaseTransport, Callable[[], bool]] = WeakKeyDictionary()
        """The watcher for the peer's goodbye, of every connection that has been used."""

    async def connect(
        self, req: aiohttp.ClientRequest, traces: list[aiohttp.tracing.Trace], timeout: aiohttp.ClientTimeout
    ) -> Connection:
        while True:
            connection = await super().connect(req, traces, timeout)
            transport = connection.transport
            if transport is None:  # lost since it was made
                return connection
            has_spoken = self._looks.get(transport)
            if has_spoken is None:
                self._looks[transport] = look_for_goodbye(transport)
                checkout.set(Checkout(transport, reused=False))
                return connection
            if not has_spoken() and not transport.is_closing():
                checkout.set(Checkout(transport, reused=True))
                return connection
            drop(connection)


def drop(connection: Connection) -> None:
    """Close a connection at once."""
    abort(connection.transport)
    connection.close()


def abort(transport: asyncio.BaseTransport | None) -> None:
    """Close what is below a connection at once; in good order would wait for unsent data and for TLS's goodbye.

    Cancelling a call or leaving a stream must reach the server at once, and leave nothing open behind the loop's back.
    """
    if isinstance(transport, asyncio.WriteTransport):
        transport.abort()


def look_for_goodbye(transport: asyncio.BaseTransport) -> Callable[[], bool]:
    """Return a look at an idle connection: if there is something to read, it is its end, since nothing was asked."""
    below = transport.get_extra_info("socket")
    if below is None:
        return lambda: False
    number = below.fileno()
    if not hasattr(select, "poll"):  # Windows
        return lambda: bool(select.select([number], [], [], 0)[0])
    poll = select.poll()
    poll.register(number, select.POLLIN)
    return lambda: bool(poll.poll(0))
