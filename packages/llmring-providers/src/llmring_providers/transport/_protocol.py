"""The transport protocol.

A transport moves bytes and nothing else: it neither retries nor waits by the clock nor reads what it carries. Whoever
calls it cancels it when time is up; a cancelled call closes its connection.
"""

from collections.abc import Coroutine, Mapping
from typing import Any, NamedTuple, Protocol


class HttpRequest(NamedTuple):
    """One request. ``url`` is absolute; ``loopback_only`` lets it reach nothing but this machine."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes = b""
    loopback_only: bool = False


class HttpResponse(NamedTuple):
    """A whole answer. ``headers`` look names up in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class TransportError(Exception):
    """The connection could not be made, or broke. The text names the host and the reason, never a header.

    ``sent`` is ``False`` where there never was a connection, so that no byte of the request can have arrived.
    """

    def __init__(self, message: str, *, sent: bool = True) -> None:
        super().__init__(message)
        self.sent = sent


class ByteStream(Protocol):
    """An answer whose body comes in pieces. ``headers`` look names up in lower case."""

    status: int
    headers: Mapping[str, str]

    async def read(self) -> bytes:
        """Return the next piece, or ``b""`` at the proper end of the body.

        Raises:
            TransportError: the connection broke before the end.
        """

    async def finish(self) -> None:
        """Give the connection back once the caller has all it wants: reused if the body has ended, else closed."""

    def close(self) -> None:
        """Close the connection at once, without waiting; safe at any time and more than once."""


class Transport(Protocol):
    """Sends requests. Both methods may be ``async def``, or hand on the coroutine of another transport."""

    def send(self, request: HttpRequest) -> Coroutine[Any, Any, HttpResponse]:
        """Send the request and read the whole answer, whatever its status.

        Raises:
            TransportError: there is no whole answer.
        """

    def open(self, request: HttpRequest) -> Coroutine[Any, Any, ByteStream]:
        """Send the request and return when the answer's status and headers are there.

        Raises:
            TransportError: there is no answer.
        """

    async def aclose(self) -> None:
        """Close every connection."""
