"""Requests through aiohttp's public session, whose pool leaves out connections that their server has closed."""

import asyncio
import io
import select
from collections.abc import Callable
from contextvars import ContextVar
from functools import partial
from typing import NamedTuple
from weakref import WeakKeyDictionary

import aiohttp
from aiohttp.connector import Connection

from llmring_providers.transport._bodies import ACCEPT_ENCODING
from llmring_providers.transport._protocol import HttpRequest

_AT_ONCE = 2**20
"""A longer body is written in pieces, so that other calls of the loop get their turn."""
_LONGEST_HEADER = 64 * 1024
NO_LIMIT = aiohttp.ClientTimeout(total=None, sock_connect=None)
LOST = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)


class KeptConnectionLostError(aiohttp.ServerDisconnectedError):
    """A connection that had served another request was lost before this one was answered."""


def make_session(connector: aiohttp.BaseConnector) -> aiohttp.ClientSession:
    """Return a session that does as little of its own as it can; it owns the connector."""
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=NO_LIMIT,
        auto_decompress=False,
        max_field_size=_LONGEST_HEADER,
        headers={
            "accept-encoding": ACCEPT_ENCODING,
            "user-agent": f"llmring {aiohttp.http.SERVER_SOFTWARE}",
        },
    )


async def ask(
    session: aiohttp.ClientSession, request: HttpRequest, proxy: str | None
) -> aiohttp.ClientResponse:
    """Send a request and return when the head of the answer has come.

    Raises:
        KeptConnectionLostError: the connection had been kept from an earlier call, and is lost.
        aiohttp.ClientError: there is no answer.
        ValueError: the request cannot be sent.
    """
    if any("\0" in value for value in request.headers.values()):  # which aiohttp lets through before 3.13
        raise ValueError("a stray character in a header")
    body = request.body
    _checkout.set(_NO_CHECKOUT)
    try:
        return await session.request(
            request.method,
            request.url,
            data=(io.BytesIO(body) if len(body) > _AT_ONCE else body) or None,
            headers=request.headers,
            proxy=proxy,
            allow_redirects=False,
        )
    except BaseException as error:
        used = _checkout.get()
        abort(used.transport)
        if used.reused and isinstance(error, LOST):
            raise KeptConnectionLostError from error
        raise


class _Checkout(NamedTuple):
    """The connection of a request.

    Attributes:
        transport: below it; ``None`` while there is none.
        reused: it has served another request before.
    """

    transport: asyncio.BaseTransport | None = None
    reused: bool = False


_NO_CHECKOUT = _Checkout()
_checkout: ContextVar[_Checkout] = ContextVar("checkout", default=_NO_CHECKOUT)
"""That of the running task's latest request through a session."""


class LiveConnector(aiohttp.TCPConnector):
    """Makes sure that a connection it takes from its pool is still open.

    A server closes an idle connection when it likes. What it sent last, its goodbye, may wait to be read by the event
    loop; a request written then would be lost without anybody to blame. Whoever asks gets another connection instead.
    """

    def __init__(self, **settings: object) -> None:
        super().__init__(**settings)  # type: ignore[arg-type] # aiohttp's own
        self._looks: WeakKeyDictionary[asyncio.BaseTransport, Callable[[], object]] = WeakKeyDictionary()
        """The watcher for the peer's goodbye, of every connection that has been used."""

    async def connect(
        self, req: aiohttp.ClientRequest, traces: list[aiohttp.tracing.Trace], timeout: aiohttp.ClientTimeout
    ) -> Connection:
        connection, reused = await self.check_out(req, traces, timeout)
        _checkout.set(_Checkout(connection.transport, reused))
        return connection

    async def check_out(
        self, req: aiohttp.ClientRequest, traces: list[aiohttp.tracing.Trace], timeout: aiohttp.ClientTimeout
    ) -> tuple[Connection, bool]:
        """Return a connection, and whether it has served another request before."""
        while True:
            connection = await aiohttp.TCPConnector.connect(self, req, traces, timeout)
            transport = connection.transport
            if transport is None:  # lost since it was made
                return connection, False
            has_spoken = self._looks.get(transport)
            if has_spoken is None:
                self._looks[transport] = look_for_goodbye(transport)
                return connection, False
            if not has_spoken() and not transport.is_closing():
                return connection, True
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


def look_for_goodbye(transport: asyncio.BaseTransport) -> Callable[[], object]:
    """Return a look at an idle connection: if there is something to read, it is its end, since nothing was asked.

    The look is true then.
    """
    below = transport.get_extra_info("socket")
    if below is None:
        return lambda: False
    number = below.fileno()
    if not hasattr(select, "poll"):  # Windows
        return lambda: bool(select.select([number], [], [], 0)[0])
    poll = select.poll()
    poll.register(number, select.POLLIN)
    return partial(poll.poll, 0)
