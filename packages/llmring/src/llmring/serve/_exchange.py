"""One HTTP request and its answer, over ASGI (https://asgi.readthedocs.io/en/latest/specs/www.html)."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from typing import Any, TypeAlias
from urllib.parse import quote

import anyio
from llmring_types.exceptions import ProviderRequestTooLargeError

from llmring._tasks import task_group

Scope: TypeAlias = MutableMapping[str, Any]
Event: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Event]]
Send: TypeAlias = Callable[[Event], Awaitable[None]]

_BODY_LIMIT_S = 30.0
"""Seconds for a body to arrive: one that trickles in holds a place."""


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

    async def body(self, limit: int) -> bytes:
        """Return the body.

        Raises:
            ProviderRequestTooLargeError: it is longer than the limit.
            ClientGoneError: the client has left, or takes longer than 30 s to send it.
        """
        said = self.headers.get("content-length", "")
        if said.isdecimal() and int(said) > limit:
            raise _too_large(limit)
        event = await self._receive()
        if event["type"] == "http.disconnect":
            raise ClientGoneError
        body: bytes = event.get("body", b"")
        if event.get("more_body"):
            body = await self._rest(body, limit)
        if len(body) > limit:
            raise _too_large(limit)
        return body

    async def _rest(self, begin: bytes, limit: int) -> bytes:
        pieces, length, more = [begin], len(begin), True
        with anyio.move_on_after(_BODY_LIMIT_S):
            while more:
                event = await self._receive()
                if event["type"] == "http.disconnect":
                    raise ClientGoneError
                pieces.append(event.get("body", b""))
                length += len(pieces[-1])
                if length > limit:
                    raise _too_large(limit)
                more = event.get("more_body", False)
            return b"".join(pieces)
        raise ClientGoneError

    async def until_gone(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do the work, and cancel it at the moment when the client leaves. The body must have been read.

        Raises:
            ClientGoneError: the client left before the work was done.
        """
        gone = True
        async with task_group() as group:

            async def watch() -> None:
                while (await self._receive())["type"] != "http.disconnect":
                    pass
                group.cancel_scope.cancel()

            group.start_soon(watch)
            await work()
            gone = False
            group.cancel_scope.cancel()
        if gone:
            raise ClientGoneError

    async def answer(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """Send a whole answer."""
        await self._start(status, {**headers, "content-length": str(len(body))})
        await self._send({"type": "http.response.body", "body": body})

    async def begin(self, headers: Mapping[str, str]) -> None:
        """Begin an answer of several pieces, with status 200."""
        await self._start(200, headers)

    async def write(self, pieces: Iterable[bytes]) -> None:
        """Send the next pieces together, if there are any."""
        body = b"".join(pieces)
        if body:
            await self._send({"type": "http.response.body", "body": body, "more_body": True})

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
