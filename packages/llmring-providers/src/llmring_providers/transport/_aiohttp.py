"""Answers and failures of aiohttp, of our own connections or of a session inside a vendor's SDK."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Protocol

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.http_exceptions import HttpProcessingError

from llmring_providers.transport._bodies import Body, read_piece
from llmring_providers.transport._protocol import (
    BROKEN_OFF,
    NOT_SENDABLE,
    UNTRUSTED,
    HttpRequest,
    TransportError,
    failure,
)
from llmring_providers.transport._session import drop

FAILURES = (aiohttp.ClientError, HttpProcessingError, OSError, ValueError)
"""All that aiohttp raises where there is no answer, or no whole one."""

_END_GRACE_S = 0.1
"""Seconds a stream's connection may take to end after its terminal event; then it is closed, not reused."""

_TELLS_OF_LOSS = hasattr(ResponseHandler, "closed")
"""Since aiohttp 3.12; before, a connection has to be looked at."""

_LOOK_S = 0.5

_NEVER_CONNECTED = (
    aiohttp.ClientConnectorError,
    aiohttp.ClientHttpProxyError,
    aiohttp.InvalidURL,
    ValueError,
)


class AnyAnswer(Protocol):
    """An answer whose head has come: aiohttp's own, or that of the layers below it."""

    status: int
    content: aiohttp.StreamReader

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers; names are found in any case."""

    @property
    def connection(self) -> Connection | None:
        """The connection, while the body has not ended."""

    def close(self) -> None:
        """Close the connection, if the body has not ended."""


class AiohttpStream:
    """A streamed answer.

    Args:
        response: whose head has come.
        request: what it answers.
        compressed: its bytes are as its headers say; not where aiohttp has decompressed them.
    """

    def __init__(self, response: AnyAnswer, request: HttpRequest, *, compressed: bool = True) -> None:
        wake_on_loss(response)
        self._response = response
        self._content = response.content
        self._receive_any = receiving(response)
        self._url = request.url
        self._body = Body(request, response.status, response.headers, compressed=compressed)
        self.status = response.status
        self.headers: Mapping[str, str] = response.headers

    async def read(self) -> bytes:
        return await read_piece(self._body, self._receive)

    async def _receive(self) -> bytes:
        content = self._content
        try:
            return await self._receive_any()
        except FAILURES as error:
            came_before = _unread(content)
            if came_before:
                return came_before
            raise aiohttp_failure(self._url, error) from safe_cause(error)

    async def finish(self) -> None:
        content = self._content
        if content.at_eof():
            return
        try:
            async with asyncio.timeout(_END_GRACE_S):
                while await content.readany():
                    pass
        except (TimeoutError, *FAILURES):
            pass
        finally:
            self._response.close()  # reused already if the body has ended

    def close(self) -> None:
        if self._response.connection is not None:
            drop(self._response.connection)
        self._response.close()


def read_at_once(answer: AnyAnswer, request: HttpRequest) -> bytes | None:
    """Return the whole body of an answer if it came with the head and is not compressed; else ``None``.

    Raises:
        ResponseTooLargeError: it is larger than the request allows.
    """
    content, limit = answer.content, request.max_response_bytes
    if not content.is_eof() or "content-encoding" in answer.headers:
        return None
    body = content.read_nowait()
    if limit is None or len(body) <= limit:
        return body
    raise Body(request, answer.status, answer.headers).too_large()


async def read_all(answer: AnyAnswer, request: HttpRequest) -> bytes:
    """Read the whole body of an answer."""
    content = answer.content
    wake_on_loss(answer)
    body, receive = Body(request, answer.status, answer.headers), receiving(answer)
    pieces: list[bytes] = []
    while not content.at_eof():
        piece = body.feed(await receive())
        while piece:
            pieces.append(piece)
            piece = body.more()
    body.end()
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _unread(content: aiohttp.StreamReader) -> bytes:
    """Return what had come before the loss, which aiohttp's public ways report first; empty where it has no other."""
    read: Callable[[int], bytes] | None = getattr(content, "_read_nowait", None)
    return b"" if read is None else read(-1)


def receiving(answer: AnyAnswer) -> Callable[[], Awaitable[bytes]]:
    """Return what reads the next bytes of an answer, and does not wait for ever once its connection is lost."""
    return answer.content.readany if _TELLS_OF_LOSS else partial(_read_watched, answer)


async def _read_watched(answer: AnyAnswer) -> bytes:
    while True:
        try:
            async with asyncio.timeout(_LOOK_S):
                return await answer.content.readany()
        except RuntimeError as error:  # lost before it was read
            raise aiohttp.ClientPayloadError from error
        except TimeoutError as error:
            connection = answer.connection
            if connection is None or connection.protocol is None or not connection.protocol.is_connected():
                raise aiohttp.ClientPayloadError from error


def wake_on_loss(response: AnyAnswer) -> None:
    """Wake the reader of a body when its connection is lost, if there is more to come.

    aiohttp closes the connection of a body whose framing breaks after its head has come, a chunk size that is no
    number, say, but does not tell the reader, who would wait for ever.
    """
    content, connection = response.content, response.connection
    if connection is None or connection.protocol is None:  # the body is there already
        return
    if not _TELLS_OF_LOSS:
        return
    closed = connection.protocol.closed

    def lost(closed: "asyncio.Future[None] | None") -> None:
        if closed is not None:
            _hear(closed)
        if not content.is_eof() and content.exception() is None:
            content.set_exception(aiohttp.ClientPayloadError())

    if closed is None:  # lost already
        lost(closed)
        return

    def end() -> None:
        closed.remove_done_callback(lost)
        closed.add_done_callback(_hear)

    closed.remove_done_callback(_hear)
    closed.add_done_callback(lost)
    content.on_eof(end)


def _hear(closed: "asyncio.Future[None]") -> None:
    """Record how a connection ended, else asyncio complains that nobody did."""
    if not closed.cancelled():
        closed.exception()


def aiohttp_failure(url: str, error: Exception) -> TransportError:
    return failure(url, _reason(error), sent=not isinstance(error, _NEVER_CONNECTED))


def _reason(error: Exception) -> str:  # noqa: PLR0911 - a table, most special first
    """Name the reason in our own words: aiohttp's texts may hold the URL, the headers or the proxy's password."""
    match error:
        case aiohttp.ClientConnectorCertificateError():
            return UNTRUSTED
        case aiohttp.ClientConnectorDNSError():
            return "the host name does not resolve"
        case aiohttp.ClientProxyConnectionError():
            return "no connection to the proxy"
        case aiohttp.ClientSSLError():
            return "the TLS handshake failed"
        case aiohttp.ServerDisconnectedError():
            return "the server closed the connection without an answer"
        case aiohttp.ClientHttpProxyError():
            return f"the proxy answered with status {error.status}"
        case aiohttp.InvalidURL() | aiohttp.NonHttpUrlClientError():
            return "the URL is not a valid http or https URL"
        case OSError():
            return os.strerror(error.errno) if error.errno else "the connection failed"
        case ValueError():
            return NOT_SENDABLE
        case _:
            return BROKEN_OFF


def safe_cause(error: Exception) -> Exception | None:
    """Chain the error of the operating system; the text of others may hold a secret."""
    return error if isinstance(error, aiohttp.ClientConnectorError) else None
