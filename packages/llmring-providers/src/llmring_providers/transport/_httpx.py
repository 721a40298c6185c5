"""What httpx and httpx2 share: answers and failures, of our own client or of one inside a vendor's SDK."""

import contextlib
import os
import socket
import ssl
import sys
from collections.abc import AsyncGenerator, Iterator, Mapping
from typing import Any

import anyio

from llmring_providers.transport._failure import BROKEN_OFF, NOT_SENDABLE, UNTRUSTED, failure
from llmring_providers.transport._protocol import TransportError

_END_GRACE_S = 0.1
"""How long a stream's connection may take to end after its terminal event before it is closed instead of reused."""

_BY_NAME: Mapping[str, str] = {
    "LocalProtocolError": NOT_SENDABLE,
    "UnsupportedProtocol": "the URL is not a valid http or https URL",
    "InvalidURL": "the URL is not a valid http or https URL",
    "ProxyError": "no connection through the proxy",
    "ConnectError": "no connection",
    "TimeoutException": "a time limit of the HTTP client passed",
    "RemoteProtocolError": BROKEN_OFF,
    "DecodingError": BROKEN_OFF,
    "NetworkError": "the connection broke",
    "JSONDecodeError": BROKEN_OFF,
    "ValueError": NOT_SENDABLE,
}


class HttpxStream:
    """A streamed answer.

    Args:
        response: opened with ``stream=True``.
        url: what was asked for.
        leftovers: takes the stream when it is closed before its end.
        pieces: the body in another form than the response gives it.
    """

    def __init__(
        self,
        response: Any,
        url: str,
        leftovers: "Leftovers",
        pieces: AsyncGenerator[bytes, None] | None = None,
    ) -> None:
        self._response = response
        self._url = url
        self._leftovers = leftovers
        self._pieces: AsyncGenerator[bytes, None] = pieces or response.aiter_bytes()
        self._closed = False
        self._shut = False
        self._reading = False
        self.status: int = response.status_code
        self.headers: Mapping[str, str] = response.headers

    async def read(self) -> bytes:
        self._reading = True
        try:
            return await anext(self._pieces, b"")
        except httpx_failures() as error:
            raise httpx_failure(self._url, error) from None
        finally:
            self._reading = False

    async def finish(self) -> None:
        self._closed = True
        with anyio.move_on_after(_END_GRACE_S):
            await self._read_rest()
        await self._release()

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._shut = not self._response.is_closed and _shut(self._response)
            self._leftovers.add(self)

    async def take_away(self) -> None:
        """Free what :meth:`close` had to leave."""
        if self._reading:  # its reader is about to hear of the end and frees it
            return
        if self._shut:
            await self._read_rest()  # not far to go; httpx leaves generators behind that are closed half-way
        await self._release()

    async def _read_rest(self) -> None:
        with contextlib.suppress(TransportError):
            while await self.read():
                pass

    async def _release(self) -> None:
        with contextlib.suppress(*httpx_failures()):
            await self._pieces.aclose()
            await self._response.aclose()


class Leftovers:
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


def httpx_failures() -> tuple[type[Exception], ...]:
    """Return what a call of the libraries that are loaded may raise when it fails."""
    loaded = [sys.modules[name] for name in ("httpx2", "httpx") if name in sys.modules]
    own = (kind for lib in loaded for kind in (lib.HTTPError, lib.InvalidURL, lib.StreamError))
    # EndOfStream: https://github.com/pydantic/httpx2/issues/854
    return *own, anyio.EndOfStream, OSError, ValueError


_NEVER_CONNECTED = ("ConnectError", "InvalidURL", "UnsupportedProtocol", "ValueError")
"""By name, since the errors of httpx and of httpx2 have no class in common."""


def httpx_failure(url: str, error: BaseException) -> TransportError:
    """Translate a failure in our own words: a protocol error's text may hold the header with the key."""
    names = {kind.__name__ for kind in type(error).__mro__}
    return failure(url, _reason(error), sent=names.isdisjoint(_NEVER_CONNECTED))


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
        twin.shutdown(socket.SHUT_RDWR)
    return True
