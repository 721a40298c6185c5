"""The usage server's protocol over HTTP."""

from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import urlencode, urljoin, urlsplit

import msgspec
from llmring_providers.transport import HttpRequest, HttpResponse, Transport, TransportError
from llmring_types.exceptions import (
    ConfigurationError,
    ServerAuthenticationError,
    ServerConnectionError,
    ServerError,
    ServerResponseError,
    ServerTimeoutError,
)

from llmring._json import DECODE_ERRORS
from llmring._redaction import Redactor
from llmring._runtime import TimeLimitError, within

_LONGEST_KEY = 255
_OK = range(200, 300)
_REDIRECTS = (307, 308)
_MOST_REDIRECTS = 3
_WRONG_KEY = (401, 403)
_BAD_REQUEST = 400
_AWAY = (502, 503)
"""Answers of a proxy that reaches no server."""
_SLOW = 504
_Query = Mapping[str, str | int | None]
_OBJECT = msgspec.json.Decoder(dict[str, Any])
_ROWS = msgspec.json.Decoder(list[dict[str, Any]])
T = TypeVar("T")


class ServerClient:
    """Speaks to a usage server.

    Answers are its JSON as it comes, without the raw key that it repeats in conversations.

    Args:
        url: its address, such as ``http://localhost:9100``.
        key: any text without spaces, of 255 characters at most. Empty sends none, which the server refuses.
        transport: sends the requests; it is closed with the client.
        timeout_s: seconds for one request.

    Raises:
        ConfigurationError: the URL is not valid, or no header can carry the key.
    """

    def __init__(self, url: str, key: str, *, transport: Transport, timeout_s: float = 10.0) -> None:
        try:
            parts = urlsplit(url)
        except ValueError:  # such as a bracket that is not closed
            parts = urlsplit("")
        if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
            raise ConfigurationError(
                "the usage server's URL must be http://HOST or https://HOST, without user and password"
            )
        if len(key) > _LONGEST_KEY or not key.isascii() or not key.isprintable() or " " in key:
            raise ConfigurationError(
                f"the usage server's key must be of 1 to {_LONGEST_KEY} ASCII characters without spaces"
            )
        self.url = url.rstrip("/")
        self.host = parts.netloc
        self._key = key
        self._transport = transport
        self._timeout_s = timeout_s
        self._headers = {"content-type": "application/json", "accept": "application/json"}
        if key:
            self._headers |= {"x-api-key": key, "authorization": f"Bearer {key}"}

    def __repr__(self) -> str:
        return f"ServerClient(host={self.host!r}, key={'set' if self._key else 'not set'})"

    # ------------------------------------------------------------------ reports

    async def log(self, body: bytes) -> None:
        """Store one row of usage. A second one is stored if the same is sent again.

        Raises:
            ServerTimeoutError: no answer in time; the row may have been stored.
            ServerConnectionError: the server cannot be reached; nothing was stored.
            ServerAuthenticationError: it does not take the key.
            ServerResponseError: it does not take the row.
        """
        await self._call("POST", "/api/v1/log", _OBJECT, body=body)

    async def log_conversation(self, body: bytes) -> str:
        """Store one exchange as a new conversation and return its id. Raises what :meth:`log` raises."""
        path = "/api/v1/conversations/log"
        identifier = (await self._call("POST", path, _OBJECT, body=body)).get("conversation_id")
        if not isinstance(identifier, str):
            raise ServerResponseError(f"{self.host} did not say which conversation it stored", endpoint=path)
        return identifier

    async def create_conversation(self, body: bytes) -> str:
        """Make an empty conversation and return its id. Raises what :meth:`log` raises."""
        path = "/api/v1/conversations/"
        identifier = (await self._call("POST", path, _OBJECT, body=body)).get("id")
        if not isinstance(identifier, str):
            raise ServerResponseError(f"{self.host} did not say which conversation it made", endpoint=path)
        return identifier

    async def store_messages(self, conversation_id: str, body: bytes) -> None:
        """Add messages to a conversation. Raises what :meth:`log` raises."""
        path = f"/api/v1/conversations/{_segment(conversation_id)}/messages/batch"
        await self._call("POST", path, _ROWS, body=body)

    # ------------------------------------------------------------------ queries

    async def health(self) -> dict[str, Any]:
        """Return ``{"status": "healthy" or "unhealthy", "database": …}``; this needs no key."""
        return await self._call("GET", "/health", _OBJECT)

    async def stats(
        self, *, start_date: str | None = None, end_date: str | None = None, group_by: str | None = None
    ) -> dict[str, Any]:
        """Return totals, and sums by day, model, origin and alias, of the last 30 days if no dates are given."""
        query = {"start_date": start_date, "end_date": end_date, "group_by": group_by}
        return await self._call("GET", "/api/v1/stats", _OBJECT, query=query)

    async def logs(
        self,
        *,
        limit: int = 50,
        offset: int = 0,
        alias: str | None = None,
        model: str | None = None,
        origin: str | None = None,
        start_date: str | None = None,
        end_date: str | None = None,
    ) -> list[dict[str, Any]]:
        """Return rows of usage, the newest first, 500 at most."""
        query = {
            "limit": limit,
            "offset": offset,
            "alias": alias,
            "model": model,
            "origin": origin,
            "start_date": start_date,
            "end_date": end_date,
        }
        return await self._call("GET", "/api/v1/logs", _ROWS, query=query)

    async def conversations(self, *, limit: int = 20, offset: int = 0) -> list[dict[str, Any]]:
        """Return conversations without their messages, those changed last first, 100 at most."""
        query = {"limit": limit, "offset": offset}
        found = await self._call("GET", "/api/v1/conversations/", _ROWS, query=query)
        return [_without_key(row) for row in found]

    async def conversation(
        self, conversation_id: str, *, include_messages: bool = True, message_limit: int = 100
    ) -> dict[str, Any]:
        """Return a conversation with its first messages, the oldest first, 1,000 at most.

        Raises:
            ServerResponseError: there is none of this id that the key may see (status 404), or more of what
                :meth:`log` raises.
        """
        query: _Query = {"include_messages": str(include_messages).lower(), "message_limit": message_limit}
        path = f"/api/v1/conversations/{_segment(conversation_id)}"
        return _without_key(await self._call("GET", path, _OBJECT, query=query))

    async def messages(
        self, conversation_id: str, *, limit: int = 100, offset: int = 0
    ) -> list[dict[str, Any]]:
        """Return messages of a conversation, the oldest first, 1,000 at most."""
        path = f"/api/v1/conversations/{_segment(conversation_id)}/messages"
        query = {"limit": limit, "offset": offset}
        return await self._call("GET", path, _ROWS, query=query)

    async def aclose(self) -> None:
        """Close the connections; the client can be used again."""
        await self._transport.aclose()

    # ------------------------------------------------------------------ bytes

    async def _call(
        self,
        method: str,
        path: str,
        answer: msgspec.json.Decoder[T],
        *,
        query: _Query | None = None,
        body: bytes = b"",
    ) -> T:
        given = {name: value for name, value in (query or {}).items() if value is not None}
        url = f"{self.url}{path}?{urlencode(given)}" if given else f"{self.url}{path}"
        reply = await self._send(method, url, path, body)
        for _ in range(_MOST_REDIRECTS):
            if reply.status not in _REDIRECTS:
                break
            url = self._redirected(url, reply, path)
            reply = await self._send(method, url, path, body)
        if reply.status not in _OK:
            raise self._refused(reply, method, path)
        try:
            return answer.decode(reply.body)
        except DECODE_ERRORS as error:
            raise ServerResponseError(
                f"{self.host} answered {method} {path} with what the protocol does not have: is it a usage server?",
                status_code=reply.status,
                endpoint=path,
            ) from error

    async def _send(self, method: str, url: str, path: str, body: bytes) -> HttpResponse:
        """Send, and once more where the connection broke: after an error the server drops it without notice."""
        request = HttpRequest(method, url, self._headers, body)
        try:
            try:
                return await within(self._timeout_s, self._transport.send(request))
            except TransportError:
                return await within(self._timeout_s, self._transport.send(request))
        except TransportError as error:
            raise ServerConnectionError(
                f"the usage server cannot be reached: {error}", endpoint=path, original=error
            ) from error
        except TimeLimitError:
            raise ServerTimeoutError(
                f"the usage server {self.host} did not answer within {self._timeout_s:g} s", endpoint=path
            ) from None

    def _redirected(self, url: str, reply: HttpResponse, path: str) -> str:
        """Follow the server's own redirects only: the key must not go to another host, nor in the clear."""
        target = urljoin(url, reply.headers.get("location") or "")
        here, there = urlsplit(url), urlsplit(target)
        safe = there.scheme in (here.scheme, "https")
        if there.hostname != here.hostname or not safe:
            raise ServerResponseError(
                f"{self.host} redirects {path} elsewhere, and the key is not sent there: correct the server's URL",
                status_code=reply.status,
                endpoint=path,
            )
        return target

    def _refused(self, reply: HttpResponse, method: str, path: str) -> ServerError:
        detail = _detail(reply.body)
        if self._key:
            detail = Redactor([self._key]).text(detail.replace(self._key, "***"))
        what = f"the usage server {self.host} answered {reply.status} to {method} {path}: {detail}"
        if reply.status in _WRONG_KEY or (reply.status == _BAD_REQUEST and "API-Key" in detail):
            return ServerAuthenticationError(what, status_code=reply.status, endpoint=path)
        if reply.status in _AWAY:
            return ServerConnectionError(what, status_code=reply.status, endpoint=path)
        if reply.status == _SLOW:
            return ServerTimeoutError(what, status_code=reply.status, endpoint=path)
        return ServerResponseError(what, status_code=reply.status, endpoint=path)


def _detail(body: bytes) -> str:
    """Return the text of an error: FastAPI's ``detail``, or the body."""
    try:
        answer = msgspec.json.decode(body)
    except DECODE_ERRORS:
        return body[:200].decode(errors="replace")
    detail = answer.get("detail") if isinstance(answer, dict) else None
    if isinstance(detail, list):
        # One entry per field, each with the value that it does not like, which is not for a log.
        return "; ".join(f"{_place(row)}: {row.get('msg')}" for row in detail if isinstance(row, dict))
    return str(detail or "no reason given")


def _place(row: Mapping[str, Any]) -> str:
    return ".".join(map(str, row.get("loc") or ()))


def _without_key(conversation: dict[str, Any]) -> dict[str, Any]:
    """The server puts the raw key of the caller into conversations."""
    return {name: value for name, value in conversation.items() if name != "api_key_id"}


def _segment(identifier: str) -> str:
    if not identifier.replace("-", "").isalnum():
        raise ServerResponseError(f"{identifier!r} is not the id of a conversation", status_code=404)
    return identifier
