"""The transport protocol.

A transport moves bytes and nothing else: it neither retries nor waits by the clock nor reads what it carries. Whoever
calls it cancels it when time is up; a cancelled call closes its connection.
"""

from collections.abc import Coroutine, Mapping
from functools import lru_cache
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlsplit

MAX_RESPONSE_BYTES = 64 * 2**20
"""The default limit on the size of an answer, after decompression."""
NOT_SENDABLE = (
    "the URL, a header or the proxy is not valid HTTP: look for stray characters in the base URL and the key"
)
BROKEN_OFF = "the answer broke off or is not valid HTTP"
LOST_UNANSWERED = (
    "the server closed a connection that was kept from an earlier call, without an answer: whether it had received the "
    "request cannot be known"
)
UNTRUSTED = "its TLS certificate is not trusted: pass the transport an ssl_context that trusts its authority"


class HttpRequest(NamedTuple):
    """One request.

    Attributes:
        method: in capitals.
        url: absolute.
        headers: they may hold a key, so the ``repr`` only has their names.
        body: empty for none.
        max_response_bytes: the limit on the answer's body, before and after decompression; ``None`` for no limit.
        loopback_only: it may reach nothing but this machine.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes = b""
    max_response_bytes: int | None = MAX_RESPONSE_BYTES
    loopback_only: bool = False

    def __repr__(self) -> str:
        return f"HttpRequest({self.method} {without_credentials(self.url)}, {names_of(self.headers)}, {len(self.body)} bytes)"


class HttpResponse(NamedTuple):
    """A whole answer. ``headers`` look names up in lower case; the ``repr`` only has their names."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def __repr__(self) -> str:
        return f"HttpResponse({self.status}, {names_of(self.headers)}, {len(self.body)} bytes)"


class TransportError(Exception):
    """The connection could not be made, or broke. The text names the host and the reason, never a header.

    ``sent`` is ``False`` where there never was a connection, so that no byte of the request can have arrived.
    """

    def __init__(self, message: str, *, sent: bool = True) -> None:
        super().__init__(message)
        self.sent = sent


class ResponseTooLargeError(TransportError):
    """The answer is larger than the request allows; its connection is closed.

    Attributes:
        limit: in bytes.
        status: of the answer.
        headers: of the answer.
    """

    def __init__(self, message: str, *, limit: int, status: int, headers: Mapping[str, str]) -> None:
        super().__init__(message)
        self.limit = limit
        self.status = status
        self.headers = headers


class ProxyRefusalError(TransportError):
    """A proxy asks for a name and a password, or does not take those that it got (407)."""

    def __init__(self, message: str) -> None:
        super().__init__(message, sent=False)


class TransportTimeoutError(TransportError):
    """A time limit of the HTTP client's own passed."""


class ByteStream(Protocol):
    """An answer whose body comes in pieces. ``headers`` look names up in lower case."""

    status: int
    headers: Mapping[str, str]

    async def read(self) -> bytes:
        """Return the next piece, or ``b""`` at the proper end of the body.

        Raises:
            TransportError: the connection broke before the end.
            ResponseTooLargeError: the body is larger than the request allows.
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
            ResponseTooLargeError: it is larger than the request allows.
        """

    def open(self, request: HttpRequest) -> Coroutine[Any, Any, ByteStream]:
        """Send the request and return when the answer's status and headers are there.

        Raises:
            TransportError: there is no answer.
        """

    async def aclose(self) -> None:
        """Close every connection."""


@lru_cache(64)  # each row of a job asks
def without_credentials(url: str) -> str:
    """Return the URL without user and password, and with ``?…`` for a query, which may hold a key."""
    url, query, _ = url.partition("?")
    head, mark, rest = url.partition("//")
    host, slash, path = rest.partition("/")
    return head + mark + host.rpartition("@")[2] + slash + path + ("?…" if query else "")


def names_of(headers: Mapping[str, str]) -> str:
    """Return the names of headers, for a ``repr``."""
    return f"headers {', '.join(headers) or 'none'}"


def failure(url: str, reason: str, *, sent: bool = True) -> TransportError:
    """Build the error for a request to this URL; ``sent`` is whether some of it may have arrived."""
    return TransportError(f"{host_of(url)}: {reason}", sent=sent)


def host_of(url: str) -> str:
    """Return host and port, without user and password."""
    try:
        return urlsplit(url).netloc.rpartition("@")[2] or "no host"
    except ValueError:
        return "no valid host"
