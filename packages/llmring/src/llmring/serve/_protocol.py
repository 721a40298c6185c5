"""uvicorn's HTTP by httptools, with limits on the head of a request, of which neither has any.

A head or a trailer that goes on for ever would fill the memory, and a head that never ends would hold its connection,
whoever sends it: keys are in the head. A client that leaves is seen also with further requests on their way.
"""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_LIMIT_BYTES = 64 * 1024
"""Bytes without a body in them, as many as h11 takes; nginx takes 32 KiB:
https://nginx.org/en/docs/http/ngx_http_core_module.html#large_client_header_buffers"""
HEAD_LIMIT_S = 30.0
"""Seconds from the connection, or the first byte of a later request, to the end of the head."""
_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


class LimitedProtocol(HttpToolsProtocol):
    """One connection of a client."""

    _in_head = True
    _advanced = False
    """The last data ended a head or had a body in it."""
    _unread_bytes = 0
    _head_timer: asyncio.TimerHandle | None = None
    _is_last = False
    """Another request came before the answer; it is left to be sent again on another connection.

    uvicorn reads no more from then on, so that it would not see a client leave:
    https://www.rfc-editor.org/rfc/rfc9112#section-9.3.2
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._is_last:
            return
        self._advanced = False
        super().data_received(data)
        self._unread_bytes = 0 if self._advanced else self._unread_bytes + len(data)
        if self._unread_bytes > HEAD_LIMIT_BYTES:
            self._refuse()
        elif self._in_head and self._head_timer is None:
            self._start_timer()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head = True

    def on_headers_complete(self) -> None:
        self._in_head, self._advanced = False, True
        self._stop_timer()
        if self._is_answered:
            super().on_headers_complete()
        else:
            self._is_last, self.cycle.keep_alive = True, False

    def on_body(self, body: bytes) -> None:
        self._advanced = True
        if not self._is_last:
            super().on_body(body)

    @property
    def _is_answered(self) -> bool:
        """True while no request is under way; before the first one there is no cycle."""
        answered: bool = getattr(self.cycle, "response_complete", True)
        return answered

    def _refuse(self) -> None:
        if self._is_answered and not self.transport.is_closing():
            self.transport.write(_TOO_LARGE)
        self.transport.close()

    def _start_timer(self) -> None:
        self._head_timer = self.loop.call_later(HEAD_LIMIT_S, self.transport.close)

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
