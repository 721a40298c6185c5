"""A client of ASGI applications, in memory: what a server would hand over and take."""

from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

import anyio
import anyio.lowlevel
import msgspec

Event = MutableMapping[str, Any]
LOOPBACK = ("127.0.0.1", 5000)


class Reply:
    """An answer, as it comes."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.pieces: list[bytes] = []
        self.whole = False
        """The body was ended properly."""

    @property
    def body(self) -> bytes:
        return b"".join(self.pieces)

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)

    def take(self, event: Event) -> None:
        if event["type"] == "http.response.start":
            self.status = event["status"]
            self.headers = {name.decode(): value.decode() for name, value in event["headers"]}
            return
        self.pieces.append(event.get("body", b""))
        self.whole = not event.get("more_body", False)


async def ask(
    app: Callable[..., Any],
    path: str,
    body: Any = None,
    *,
    method: str | None = None,
    headers: Mapping[str, str] | None = None,
    client: tuple[str, int] | None = LOOPBACK,
    leave_after: int | None = None,
    bodies: list[bytes] | None = None,
) -> Reply:
    """Send a request and return the answer.

    Args:
        app: the application.
        path: with its query.
        body: sent as JSON, or as it is; without one the method is GET.
        method: of HTTP.
        headers: besides ``host``.
        client: the address that it comes from.
        leave_after: pieces of the body after which the client leaves; 0 leaves while it waits for the first.
        bodies: the pieces of the body, in place of ``body``.
    """
    sent = bodies or [body if isinstance(body, bytes) else b"" if body is None else msgspec.json.encode(body)]
    events: list[Event] = [
        {"type": "http.request", "body": piece, "more_body": place < len(sent)}
        for place, piece in enumerate(sent, start=1)
    ]
    gone, reply = anyio.Event(), Reply()
    if leave_after == 0:
        events.append({"type": "http.disconnect"})
    where, _, query = path.partition("?")
    given = {"host": "127.0.0.1:8787", **(headers or {})}

    async def receive() -> Event:
        if events:
            return events.pop(0)
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(event: Event) -> None:
        reply.take(event)
        if leave_after is not None and len(reply.pieces) >= leave_after > 0:
            gone.set()
            await anyio.lowlevel.checkpoint()

    scope = {
        "type": "http",
        "method": method or ("GET" if body is None and bodies is None else "POST"),
        "path": where,
        "raw_path": where.encode(),
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in given.items()],
        "client": client,
    }
    await app(scope, receive, send)
    return reply
