"""One HTTP request and its answer, over ASGI (https://asgi.readthedocs.io/en/latest/specs/www.html)."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from typing import Any, TypeAlias
from urllib.parse import quote

import anyio
from llmring_types.exceptions import (
    ProviderBadRequestError,
    ProviderRequestTooLargeError,
    ProviderTimeoutError,
)

from llmring._runtime import TimeLimitError, within
from llmring._tasks import WatchedWork

Scope: TypeAlias = MutableMapping[str, Any]
Event: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Event]]
Send: TypeAlias = Callable[[Event], Awaitable[None]]

_BODY_LIMIT_S = 30.0
"""Seconds for a body to arrive: one that trickles in, or never comes, holds a place."""
_READING_LIMIT_S = 60.0
"""Seconds between looks at the piece of a stream that is being sent: a client that takes none of it in that time holds
a place, and a call upstream.

As long as proxies wait: https://nginx.org/en/docs/http/ngx_http_core_module.html#send_timeout
"""


_MANY_BYTES = 4 * 1024 * 1024
_MOST_VALUES = 1_000_000
"""Values of a large body, by its commas and brackets: 32 MiB of ``[],`` are ten million objects, and 800 MB."""
_MOST_DIGITS = 18
"""Of a length: ``int`` refuses thousands of them."""


class ClientGoneError(Exception):
    """The client has closed the connection: nobody reads an answer."""


class Exchange:
    """A request, and what is answered to it.

    Attributes:
        method: in capitals.
        path: as it was sent, still quoted.
        target: path and query.
        headers: names in lower case; of one that is repeated, the last.
        client: the address that the request came from, where the server knows it.
        status: that was sent; 0 before.
    """

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        raw: bytes | None = scope.get("raw_path")
        query: bytes = scope.get("query_string", b"")
        self.method: str = scope["method"]
        self.path = quote(scope["path"]) if raw is None else raw.decode("latin-1")
        self.target = f"{self.path}?{query.decode('latin-1')}" if query else self.path
        self.headers: Mapping[str, str] = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        client = scope.get("client")
        self.client: str | None = client[0] if client else None
        self.status = 0
        self._receive = receive
        self._send = send
        self._work = WatchedWork()
        self._piece: Event | None = None
        """The piece of a stream that is being sent."""

    async def body(self, limit: int) -> bytes:
        """Return the body.

        Raises:
            ProviderRequestTooLargeError: it is longer than the limit.
            ProviderBadRequestError: it is compressed.
            ProviderTimeoutError: it takes longer than 30 s to arrive.
            ClientGoneError: the client has left.
        """
        encoding = self.headers.get("content-encoding", "identity")
        if encoding.lower() != "identity":
            raise ProviderBadRequestError(
                f"the body is sent with Content-Encoding {encoding!r}: send it as plain JSON", status_code=415
            )
        said = self.headers.get("content-length", "")
        if said.isdecimal() and (len(said) > _MOST_DIGITS or int(said) > limit):
            raise _too_large(limit)
        try:
            return await within(_BODY_LIMIT_S, self._pieces(limit))
        except TimeLimitError:
            raise ProviderTimeoutError(
                f"the body did not arrive within {_BODY_LIMIT_S:g} s", status_code=408
            ) from None

    async def _pieces(self, limit: int) -> bytes:
        pieces, length, more = list[bytes](), 0, True
        while more:
            event = await self._receive()
            if event["type"] == "http.disconnect":
                raise ClientGoneError
            pieces.append(event.get("body", b""))
            length += len(pieces[-1])
            if length > limit:
                raise _too_large(limit)
            more = event.get("more_body", False)
        body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        if length > _MANY_BYTES and sum(map(body.count, (b",", b"[", b"{"))) > _MOST_VALUES:
            raise ProviderRequestTooLargeError(f"the body has more than {_MOST_VALUES:,} values")
        return body

    async def until_gone(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do the work, and cancel it when the client leaves, or reads no more. The body must have been read.

        Raises:
            ClientGoneError: the client left, or stopped reading, before the work was done.
        """
        if not await self._work.run(work, self._watch_leaving):
            raise ClientGoneError

    async def _watch_leaving(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def _watch_reading(self) -> None:
        """Return once a piece was not taken for too long."""
        piece: Event | None = None
        while piece is None or piece is not self._piece:
            piece = self._piece
            await anyio.sleep(_READING_LIMIT_S)

    async def answer(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """Send a whole answer."""
        await self._start(status, {**headers, "content-length": str(len(body))})
        await self._send({"type": "http.response.body", "body": body})

    async def begin(self, headers: Mapping[str, str]) -> None:
        """Begin an answer of several pieces, with status 200."""
        await self._start(200, headers)
        self._work.add(self._watch_reading)

    async def write(self, pieces: Iterable[bytes]) -> None:
        """Send the next pieces together, if there are any."""
        body = b"".join(pieces)
        if body:
            self._piece = event = {"type": "http.response.body", "body": body, "more_body": True}
            await self._send(event)
            self._piece = None

    async def end(self) -> None:
        """End an answer of several pieces."""
        await self._send({"type": "http.response.body", "body": b""})

    async def _start(self, status: int, headers: Mapping[str, str]) -> None:
        self.status = status
        fields = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
        await self._send({"type": "http.response.start", "status": status, "headers": fields})


def _too_large(limit: int) -> ProviderRequestTooLargeError:
    return ProviderRequestTooLargeError(
        f"the body is larger than the {limit:,} bytes that this gateway takes"
    )
