"""A test double of the usage server, made from recorded exchanges with the real one, its faults included.

Only what llmring uses is here: health, usage rows, statistics, and conversations.
Like the real one it stores a row again when it is sent again, answers what its database does not take with a
bare 500, and then drops the connection without announcing it.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Self

from aiohttp import web
from usage_rules import DatabaseError, InvalidError, decode_body
from usage_store import UsageStore

_NO_KEY = "Authentication required: provide X-API-Key or (X-User-ID + X-Project-ID)"


class Asked(NamedTuple):
    """A request as it came."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Any
    query: Mapping[str, str]


class UsageServer:
    """Serves on loopback.

    Attributes:
        asked: every request that arrived, answered or not.
        drops: so many of the next requests lose their connection before they are looked at.
        answering: clear it, and no request is answered until it is set.
        refusal: a status that everything is answered with.
    """

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[Asked] = []
        self.drops = 0
        self.answering = asyncio.Event()
        self.answering.set()
        self.arrived = asyncio.Event()
        self.refusal: int | None = None
        self.store = UsageStore()
        app = web.Application(client_max_size=2**24)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self.answering.set()
        await self._runner.cleanup()

    def posted(self, path: str) -> list[Any]:
        """The bodies that arrived at a path."""
        return [asked.body for asked in self.asked if asked.path == path and asked.method == "POST"]

    # ------------------------------------------------------------------ HTTP

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        self.asked.append(
            Asked(request.method, request.path, dict(request.headers), _loose(raw), dict(request.query))
        )
        self.arrived.set()
        if self.drops > 0 and request.transport is not None:
            self.drops -= 1
            request.transport.abort()
            return web.Response()
        await self.answering.wait()
        try:
            return self._reply(request, raw)
        except DatabaseError:
            return await _crashed(request)

    def _reply(self, request: web.Request, raw: bytes) -> web.Response:
        try:
            return web.json_response(self._answer(request, raw))
        except InvalidError as error:
            return web.json_response({"detail": [error.row]}, status=422)
        except web.HTTPTemporaryRedirect as error:
            return web.Response(status=error.status, headers=error.headers)
        except web.HTTPException as error:
            return web.json_response({"detail": error.text}, status=error.status)

    def _answer(self, request: web.Request, raw: bytes) -> Any:
        path, method = request.path, request.method
        if path == "/health":
            return {"status": "healthy", "database": "connected"}
        if self.refusal is not None:
            raise _Refusal(self.refusal)
        _redirect(request)
        table = self._table(path)
        if table is None:
            raise web.HTTPNotFound(text="Not Found")
        if method not in table:
            raise web.HTTPMethodNotAllowed(method, list(table))
        body = decode_body(raw, request.content_type) if method == "POST" else None
        return table[method](_key(request), request.query if body is None else body)

    def _table(  # noqa: PLR0911 - a table
        self, path: str
    ) -> Mapping[str, Callable[[str, Any], Any]] | None:
        store, tail = self.store, path.removeprefix("/api/v1/")
        match tail.split("/"):
            case ["log"]:
                return {"POST": store.log}
            case ["logs"]:
                return {"GET": store.logs}
            case ["stats"]:
                return {"GET": store.stats}
            case ["conversations", ""]:
                return {"GET": store.conversations, "POST": store.create_conversation}
            case ["conversations", "log"]:
                return {"POST": store.log_conversation}
            case ["conversations", identifier]:
                return {"GET": lambda key, query: store.conversation(key, identifier, query)}
            case ["conversations", identifier, "messages"]:
                return {"GET": lambda key, query: store.messages(key, identifier, query)}
            case ["conversations", identifier, "messages", "batch"]:
                return {"POST": lambda key, body: store.add_messages(key, identifier, body)}
            case _:
                return None


class _Refusal(web.HTTPException):
    """Any status that is asked for."""

    def __init__(self, status: int) -> None:
        self.status_code = status
        super().__init__(text="refused")


def _loose(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return raw


async def _crashed(request: web.Request) -> web.StreamResponse:
    response = web.Response(text="Internal Server Error", status=500)
    await response.prepare(request)
    await response.write_eof()
    if request.transport is not None:
        request.transport.close()
    return response


def _key(request: web.Request) -> str:
    key = request.headers.get("X-API-Key", "")
    if not key.strip():
        raise web.HTTPUnauthorized(text=_NO_KEY)
    if len(key) > 255:
        raise web.HTTPBadRequest(text="X-API-Key too long")
    if " " in key or "\t" in key:
        raise web.HTTPBadRequest(text="X-API-Key must not contain whitespace")
    return key


def _redirect(request: web.Request) -> None:
    """FastAPI's own redirects, which come before it looks at the key."""
    path = request.path
    canonical = f"{path}/" if path == "/api/v1/conversations" else path.rstrip("/")
    if path not in (canonical, "/api/v1/conversations/"):
        query = f"?{request.query_string}" if request.query_string else ""
        raise web.HTTPTemporaryRedirect(f"{request.url.origin()}{canonical}{query}")
