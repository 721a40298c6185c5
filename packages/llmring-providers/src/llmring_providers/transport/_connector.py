"""aiohttp's pool of connections, without those that their server has closed."""

import asyncio
import select
from contextvars import ContextVar
from typing import TYPE_CHECKING, NamedTuple
from weakref import WeakSet

import aiohttp
from aiohttp.connector import Connection

if TYPE_CHECKING:
    from aiohttp.client_proto import ResponseHandler


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
        self._used: WeakSet[ResponseHandler] = WeakSet()

    async def connect(
        self, req: aiohttp.ClientRequest, traces: list[aiohttp.tracing.Trace], timeout: aiohttp.ClientTimeout
    ) -> Connection:
        while True:
            connection = await super().connect(req, traces, timeout)
            protocol = connection.protocol
            is_reused = protocol is None or protocol in self._used
            if not is_reused or not _has_spoken(connection):
                break
            drop(connection)
        if protocol is not None:
            self._used.add(protocol)
        checkout.set(Checkout(connection.transport, is_reused))
        return connection


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


def _has_spoken(connection: Connection) -> bool:
    """Return whether something waits to be read from an idle connection: its end, since nothing was asked."""
    transport = connection.transport
    below = None if transport is None else transport.get_extra_info("socket")
    if below is None or transport is None or transport.is_closing():
        return True
    if hasattr(select, "poll"):  # any number of descriptors
        poll = select.poll()
        poll.register(below.fileno(), select.POLLIN)
        return bool(poll.poll(0))
    return bool(select.select([below.fileno()], [], [], 0)[0])
