"""Answers and failures of httpx and httpx2, of our own client or of one inside a vendor's SDK."""

import contextlib
import os
import socket
import ssl
import struct
import sys
from collections.abc import AsyncGenerator, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import anyio

from llmring_providers.transport._bodies import Body, read_piece
from llmring_providers.transport._protocol import (
    BROKEN_OFF,
    LOST_UNANSWERED,
    NOT_SENDABLE,
    UNTRUSTED,
    HttpRequest,
    HttpResponse,
    TransportError,
    TransportTimeoutError,
    failure,
    host_of,
)

_END_GRACE_S = 0.1
"""Seconds a stream's connection may take to end after its terminal event; then it is closed, not reused."""

_RESET = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)
"""Linger for no time: https://man7.org/linux/man-pages/man7/socket.7.html"""

_BY_NAME: Mapping[str, str] = {
    "LocalProtocolError": NOT_SENDABLE,
    "UnsupportedProtocol": "the URL is not a valid http or https URL",
    "InvalidURL": "the URL is not a valid http or https URL",
    "ProxyError": "no connection through the proxy",
    "ConnectError": "no connection",
    "RemoteProtocolError": BROKEN_OFF,
    "DecodingError": BROKEN_OFF,
    "ProtocolError": "the SOCKS proxy does not answer as one",
    "NetworkError": "the connection broke",
    "JSONDecodeError": BROKEN_OFF,
    "ValueError": NOT_SENDABLE,
}


class HttpxStream:
    """A streamed answer.

    Args:
        response: opened with ``stream=True``.
        request: what it answers.
        closed_streams: takes the stream when it is closed before its end.
        pieces: the body in another form than the response gives it.
    """

    def __init__(
        self,
        response: Any,
        request: HttpRequest,
        closed_streams: "ClosedStreams",
        pieces: AsyncGenerator[bytes, None] | None = None,
    ) -> None:
        self._response = response
        self._url = request.url
        self._closed_streams = closed_streams
        is_read = response.is_stream_consumed  # by a hook, a mock or an SDK, and decompressed then
        if pieces is not None:
            self._pieces = pieces
        else:
            self._pieces = _content(response) if is_read else response.aiter_raw()
        self._body = Body(
            request, response.status_code, response.headers, compressed=pieces is None and not is_read
        )
        self._closed = False
        self._shut = False
        self._reading = False
        self.status: int = response.status_code
        self.headers: Mapping[str, str] = response.headers

    async def read(self) -> bytes:
        self._reading = True
        try:
            return await read_piece(self._body, self._receive)
        finally:
            self._reading = False

    async def _receive(self) -> bytes:
        try:
            return await anext(self._pieces, b"")
        except httpx_failures() as error:
            raise httpx_failure(self._url, error) from None

    async def whole(self) -> HttpResponse:
        """Read the body and give the connection back.

        Raises:
            TransportError: there is no whole answer.
        """
        pieces: list[bytes] = []
        try:
            while piece := await self.read():
                pieces.append(piece)
            await self._release()
            self._closed = True
        finally:
            self.close()
        return HttpResponse(self.status, self.headers, b"".join(pieces))

    async def finish(self) -> None:
        self._closed = True
        with anyio.move_on_after(_END_GRACE_S):
            await self._read_rest()
        await self._release()

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._shut = not self._response.is_closed and _shut(self._response)
            self._closed_streams.add(self)

    async def take_away(self) -> None:
        """Free what :meth:`close` had to leave."""
        if self._reading:  # its reader is about to hear of the end and frees it
            return
        if self._shut:  # not far to go, mostly; httpx leaves generators behind that are closed half-way
            with anyio.move_on_after(_END_GRACE_S):
                await self._read_rest()
        await self._release()

    async def _read_rest(self) -> None:
        with contextlib.suppress(TransportError):
            while await self._receive():
                pass

    async def _release(self) -> None:
        with contextlib.suppress(*httpx_failures()):
            await self._pieces.aclose()
            await self._response.aclose()


async def _content(response: Any) -> AsyncGenerator[bytes, None]:
    yield response.content


async def _content_if_read(response: Any) -> AsyncGenerator[bytes, None]:
    with contextlib.suppress(*httpx_failures()):
        yield response.content


class ClosedStreams:
    """Streams that were closed at once.

    httpx can only close a response by waiting for it. So the socket is shut at once, which the server sees, and the
    response is taken out of its pool by the next call, which may wait.
    """

    def __init__(self) -> None:
        self._streams: list[HttpxStream] = []

    def add(self, stream: HttpxStream) -> None:
        self._streams.append(stream)

    async def clear(self) -> None:
        while self._streams:
            await self._streams.pop().take_away()


async def hold_closed_streams() -> AsyncGenerator[ClosedStreams, None]:
    """Hold those of one event loop."""
    closed_streams = ClosedStreams()
    try:
        yield closed_streams
    finally:
        await closed_streams.clear()


def httpx_failures() -> tuple[type[Exception], ...]:
    """Return what a call of the libraries that are loaded may raise when it fails."""
    loaded = [sys.modules[name] for name in ("httpx2", "httpx") if name in sys.modules]
    socks = sys.modules.get("socksio")  # whose errors httpx lets through
    damaged = () if socks is None else (socks.ProtocolError,)
    own = (kind for lib in loaded for kind in (lib.HTTPError, lib.InvalidURL, lib.StreamError))
    # EndOfStream: https://github.com/pydantic/httpx2/issues/854
    return *own, *damaged, anyio.EndOfStream, OSError, ValueError


_LOST = ("RemoteProtocolError", "NetworkError")
_NEVER_CONNECTED = (
    *("ConnectError", "ConnectTimeout", "PoolTimeout"),
    *("InvalidURL", "UnsupportedProtocol", "ValueError"),
)
"""By name, since the errors of httpx and of httpx2 have no class in common."""


class ConnectionEvents:
    """Connection events from the request extension ``trace``: https://www.encode.io/httpcore/extensions/#trace

    Attributes:
        connected: a connection was made for the request; else it got one that was kept.
        sent: its head was written.
    """

    def __init__(self) -> None:
        self.connected = False
        self.sent = False

    async def __call__(self, event: str, _: Mapping[str, Any]) -> None:
        self.connected = self.connected or event.endswith("connect_tcp.complete")
        self.sent = self.sent or event.endswith("send_request_headers.complete")


def answer_or_failure(
    error: BaseException,
    request: HttpRequest,
    closed_streams: ClosedStreams,
    events: ConnectionEvents | None = None,
) -> HttpxStream:
    """Return the answer that a hook of the client refused by ``raise_for_status()``, with the body if the hook read it.

    Raises:
        TransportError: there is no answer: see :func:`httpx_failure`.
    """
    for link in _causes(error):
        if "HTTPStatusError" in _names(link):
            response: Any = getattr(link, "response")  # noqa: B009 - httpx's and httpx2's have no class in common
            if not response.is_success and response.request.url.host == urlsplit(request.url).hostname:
                return HttpxStream(response, request, closed_streams, _content_if_read(response))
    raise httpx_failure(request.url, error, events) from None


def httpx_failure(url: str, error: BaseException, events: ConnectionEvents | None = None) -> TransportError:
    """Translate a failure in our own words: a protocol error's text may hold the header with the key.

    Args:
        url: what was asked for.
        error: what httpx raised before the head of an answer had come.
        events: what became of the connection, where that is known.
    """
    for link in _causes(error):
        if isinstance(link, TransportError):  # of a hook of ours
            return link
        if "TimeoutException" in (names := _names(link)):
            return TransportTimeoutError(
                f"{host_of(url)}: a time limit of the HTTP client passed",
                sent=names.isdisjoint(_NEVER_CONNECTED),
            )
    names = _names(error)
    if events is not None and events.sent and not events.connected and not names.isdisjoint(_LOST):
        return failure(url, LOST_UNANSWERED)
    return failure(url, _reason(error), sent=names.isdisjoint(_NEVER_CONNECTED))


def _names(error: BaseException) -> set[str]:
    return {kind.__name__ for kind in type(error).__mro__}


def _reason(error: BaseException) -> str:
    links = list(_causes(error))
    for link in links:
        if isinstance(link, ssl.SSLCertVerificationError):
            return UNTRUSTED
        if isinstance(link, ssl.SSLError):
            return "the TLS handshake failed"
        if isinstance(link, socket.gaierror):
            return "the host name does not resolve"
        if isinstance(link, OSError) and link.errno:
            return os.strerror(link.errno)
    return next(
        (_BY_NAME[kind.__name__] for kind in type(error).__mro__ if kind.__name__ in _BY_NAME), BROKEN_OFF
    )


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        if isinstance(error, BaseExceptionGroup):  # one for each address that was tried
            error = error.exceptions[0]
        else:
            error = error.__cause__ or error.__context__


def _shut(response: Any) -> bool:
    """Shut the socket below a response; not where there is none, nor in HTTP/2, where other calls share it."""
    stream = response.extensions.get("network_stream")
    below = stream.get_extra_info("socket") if stream is not None else None
    if below is None or response.http_version == "HTTP/2":
        return False
    with (
        contextlib.suppress(OSError),  # closed by the other side already
        # a twin, since not every event loop lets go of the socket itself
        socket.fromfd(below.fileno(), socket.AF_INET, socket.SOCK_STREAM) as twin,
    ):
        # Once it is closed too, a server that still sends is to hear of it, even one that waits for room to send more.
        twin.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        twin.shutdown(socket.SHUT_RDWR)
    return True
