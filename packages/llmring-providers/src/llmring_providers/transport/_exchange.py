"""One request and its answer over a connection of aiohttp's pool.

aiohttp's ``ClientSession`` does for each request what no provider needs: cookies, redirects, netrc, tracing, a timer, a
task that writes the body. That takes longer than everything else in a small call, so the layers below it are used as
they are: the connector (the pool, DNS, TLS, proxies) and the protocol of its connections with the parser of answers.
"""

import asyncio
from collections.abc import Callable, Mapping
from functools import lru_cache, partial

import aiohttp
import msgspec
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.http import SERVER_SOFTWARE, RawResponseMessage, StreamWriter
from yarl import URL

from llmring_providers.transport._bodies import ACCEPT_ENCODING
from llmring_providers.transport._protocol import HttpRequest, names_of
from llmring_providers.transport._proxies import Proxy
from llmring_providers.transport._session import LOST, NO_LIMIT, KeptConnectionLostError, LiveConnector, drop

_AT_ONCE = 2**20
"""A longer body is written in pieces of this size, so that other calls of the loop get their turn."""

_LONGEST_HEADER = 64 * 1024
_HEADS = 8
"""Heads that are kept of each URL: a key of its own, or a token that has expired, makes one."""
_INTERIM = range(100, 200)
_SWITCHING = 101
_OURS: Mapping[str, str] = {
    "accept": "*/*",
    "accept-encoding": ACCEPT_ENCODING,
    "user-agent": f"llmring {SERVER_SOFTWARE}",
}


class Target(msgspec.Struct, frozen=True):
    """The destination of requests to one URL.

    Attributes:
        asked: what aiohttp's connector knows host, proxy and the proxy's password by.
        path: what stands behind the method.
        headers: our own, and those that follow from the URL.
        begin: from a method and headers to the head without its end. The heads of the last few keys are kept: from call
            to call only the length of the body differs, and a head takes a tenth of an exchange to write and check.
    """

    asked: aiohttp.ClientRequest
    path: str
    headers: Mapping[str, str]
    begin: "Callable[[str, tuple[tuple[str, str], ...]], bytes]"

    def __repr__(self) -> str:
        return f"Target({self.path!r}, {names_of(self.headers)})"


def target_of(text: str, proxy: str | None) -> Target:
    """Read a URL, and that of the proxy to it.

    Raises:
        aiohttp.InvalidURL: one of them is not a URL.
        ValueError: the same.
    """
    url, through = URL(text), None if proxy is None else URL(proxy)
    if url.scheme not in ("http", "https") or not url.raw_host:
        raise aiohttp.InvalidURL(text)
    headers = {**_OURS, "host": url.host_port_subcomponent or ""}
    if url.raw_user is not None or url.raw_password is not None:
        headers["authorization"] = aiohttp.encode_basic_auth(url.user or "", url.password or "")
        url = url.with_user(None)
    asked = aiohttp.ClientRequest("POST", url, proxy=through, loop=asyncio.get_running_loop())
    relayed = through is not None and url.scheme == "http"
    path = str(asked.url) if relayed else url.raw_path_qs
    return Target(asked, path, headers, lru_cache(_HEADS)(partial(_begin_head, path, headers)))


def head_of(request: HttpRequest, target: Target) -> bytes:
    """Write the head of a request.

    Raises:
        ValueError: a header is not valid, or both the URL and a header hold a key.
    """
    head = target.begin(request.method, tuple(request.headers.items()))
    if request.body or request.method != "GET":
        head += b"content-length: %d\r\n" % len(request.body)
    relay = target.asked.headers.get("Proxy-Authorization")
    if relay is not None:  # written there by the connector
        head += f"proxy-authorization: {relay}\r\n".encode()
    return head + b"\r\n"


def _begin_head(path: str, ours: Mapping[str, str], method: str, given: tuple[tuple[str, str], ...]) -> bytes:
    fields = dict(given)
    if "authorization" in ours and "authorization" in fields:
        raise ValueError("a key in the URL and one in a header")
    headers = {**ours, **fields}
    headers.pop("content-length", None)  # it is that of the body
    text = "\r\n".join([f"{method} {path} HTTP/1.1", *map(": ".join, headers.items())])
    ends = len(headers)
    if text.count("\r") != ends or text.count("\n") != ends or "\0" in text:
        raise ValueError("a stray character in a header")
    return text.encode() + b"\r\n"


async def exchange(
    connector: LiveConnector,
    target_of: Callable[[str, str | None], Target],
    proxy: Proxy | None,
    request: HttpRequest,
) -> "Answer":
    """Send a request and return when the head of the answer has come.

    Args:
        connector: the pool.
        target_of: reads the URL of the request and that of its proxy.
        proxy: that of the request.
        request: what is sent.

    Raises:
        KeptConnectionLostError: the connection had been kept from an earlier call, and is lost.
        aiohttp.ClientError: there is no answer.
        aiohttp.http.HttpProcessingError: it is not HTTP.
        ValueError: the request cannot be sent.
    """
    target = target_of(request.url, None if proxy is None else proxy.url)
    connection, reused = await connector.check_out(target.asked, [], NO_LIMIT)
    try:
        protocol, sending = _begin(connection, target, request)
        message, content = await protocol.read()
        while message.code in _INTERIM and message.code != _SWITCHING:
            message, content = await protocol.read()
    except BaseException as error:
        drop(connection)
        if reused and isinstance(error, LOST):
            raise KeptConnectionLostError from error
        raise
    return Answer(connection, message, content, sending)


def _begin(
    connection: Connection, target: Target, request: HttpRequest
) -> "tuple[ResponseHandler, asyncio.Task[None] | None]":
    """Write the request; a long body is still on its way when this returns."""
    protocol = connection.protocol
    if protocol is None or protocol.transport is None:  # lost since it was made
        raise aiohttp.ServerDisconnectedError
    protocol.set_response_params(read_until_eof=True, auto_decompress=False, max_field_size=_LONGEST_HEADER)
    head = head_of(request, target)
    if len(request.body) > _AT_ONCE:
        return protocol, asyncio.ensure_future(_send(protocol, head, request.body))
    protocol.transport.write(head + request.body)
    return protocol, None


class Answer:
    """An answer whose head has come.

    Args:
        connection: brings the body; it goes back to the pool when the body has ended.
        message: the head.
        content: the body.
        sending: the rest of the request on its way.
    """

    def __init__(
        self,
        connection: Connection,
        message: RawResponseMessage,
        content: aiohttp.StreamReader,
        sending: "asyncio.Task[None] | None",
    ) -> None:
        self.status = message.code
        self.headers: Mapping[str, str] = message.headers
        self.content = content
        self.connection: Connection | None = connection
        self._sending = sending
        content.on_eof(self._ended)

    def close(self) -> None:
        """Close the connection, if the body has not ended."""
        connection, self.connection = self.connection, None
        if connection is not None:
            drop(connection)
            self.content.set_exception(aiohttp.ClientConnectionError("closed"))

    def _ended(self) -> None:
        connection, self.connection = self.connection, None
        if connection is None:
            return
        if self._sending is None or self._sending.done():
            connection.release()
        else:  # answered before the request was there
            drop(connection)


async def _send(protocol: ResponseHandler, head: bytes, body: bytes) -> None:
    """Write a long body while the answer is waited for, which may come before its end, until the connection is lost."""
    writer = StreamWriter(protocol, asyncio.get_running_loop())
    view = memoryview(body)
    try:
        await writer.write(head)
        for start in range(0, len(view), _AT_ONCE):
            await writer.write(view[start : start + _AT_ONCE])
    except (aiohttp.ClientError, OSError):
        pass  # who waits for the answer hears of it
