"""A page for people, beside the protocols: the interface to it, and a server of the page alone."""

from collections import OrderedDict
from typing import Protocol

from llmring._addressed import is_addressed
from llmring.serve._exchange import ClientGoneError, Exchange, Receive, Scope, Send
from llmring.serve._live import LiveCalls

_REFUSED = b"this request is for another host, or from a web page of one\n"
_TEXT = {"content-type": "text/plain; charset=utf-8", "cache-control": "no-store"}
_MOST_SESSIONS = 100


class Page(Protocol):
    """Answers ``/`` and what is below ``/page/``. Host and Origin of the request have been checked."""

    async def __call__(self, exchange: Exchange, live: LiveCalls | None, *, admitted: bool) -> None:
        """Answer a request.

        Args:
            exchange: the request.
            live: the calls of the gateway; ``None`` without one.
            admitted: it comes from this machine, to a gateway without keys.
        """


class SessionStore(Protocol):
    """Keeps the sessions of those who have signed in to a page, for every process that serves it."""

    async def get(self, name: str) -> bytes | None:
        """Return a session; ``None`` where there is none."""

    async def put(self, name: str, value: bytes | None) -> None:
        """Keep a session; ``None`` removes it."""


class MemorySessions:
    """Keeps 100 sessions in the memory of this process: the oldest goes first."""

    def __init__(self) -> None:
        self._sessions: OrderedDict[str, bytes] = OrderedDict()

    async def get(self, name: str) -> bytes | None:
        """Return a session; ``None`` where there is none."""
        return self.found(name)

    async def put(self, name: str, value: bytes | None) -> None:
        """Keep a session; ``None`` removes it."""
        self.keep(name, value)

    def found(self, name: str) -> bytes | None:
        """Return a session without waiting."""
        return self._sessions.get(name)

    def keep(self, name: str, value: bytes | None) -> None:
        """Keep or remove a session without waiting."""
        if value is None:
            self._sessions.pop(name, None)
            return
        self._sessions[name] = value
        if len(self._sessions) > _MOST_SESSIONS:
            self._sessions.popitem(last=False)


def is_of_page(path: str) -> bool:
    """Return whether a path belongs to the page."""
    return path == "/" or path.startswith("/page/")


class PageServer:
    """Serves a page without a gateway: an ASGI application. Nobody is admitted without signing in.

    Args:
        page: answers.
    """

    def __init__(self, page: Page) -> None:
        self._page = page

    def drain(self) -> None:
        """Do nothing: a page has nothing under way."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection of the server."""
        if scope["type"] != "http":
            await send({"type": "websocket.close"})
            return
        exchange = Exchange(scope, receive, send)
        try:
            if not is_addressed(exchange.headers, ()):
                await exchange.answer(403, _TEXT, _REFUSED)
            elif is_of_page(exchange.path):
                await self._page(exchange, None, admitted=False)
            else:
                await exchange.answer(404, _TEXT, b"there is nothing here\n")
        except ClientGoneError:
            return
