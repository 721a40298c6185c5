"""The body of one answer: decompressed in small pieces, and bounded.

A compressed answer of a megabyte may hold gigabytes, so nothing is decompressed further than the next piece, and both
what comes over the wire and what it opens to are counted.
"""

import sys
import zlib
from collections.abc import Awaitable, Callable, Iterator, Mapping
from importlib import import_module
from typing import Any, Protocol

from llmring_providers.transport._protocol import (
    BROKEN_OFF,
    HttpRequest,
    ResponseTooLargeError,
    failure,
    host_of,
)


def _installed(name: str) -> Any:
    """Return a module, or ``None`` where it is not installed: ``aiohttp[speedups]`` brings both that are asked for."""
    try:
        return import_module(name)
    except ImportError:
        return None


_brotli = _installed("brotli")
_zstd = _installed("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")
_PIECE = 2**18
"""The most bytes that one step of decompression makes."""
_GZIP, _ZLIB, _RAW_DEFLATE = 31, 15, -15
_ZLIB_METHOD = 8


class _Decompressor(Protocol):
    """Opens a body. ``complete`` tells whether the body may end with what it was fed."""

    complete: bool

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """Yield what these bytes open to, about ``_PIECE`` bytes at a time."""


class _Gzip:
    """Any number of members one after another: https://www.rfc-editor.org/rfc/rfc1952#section-2.2"""

    def __init__(self) -> None:
        self.complete = True
        self._member: Any = None

    def pieces(self, data: bytes) -> Iterator[bytes]:
        held = False
        while data or held:
            if self._member is None:
                self._member = zlib.decompressobj(_GZIP)
            piece = self._member.decompress(data, _PIECE)
            held, data = len(piece) == _PIECE, self._member.unconsumed_tail
            self.complete = self._member.eof
            if self.complete:
                held, data = False, self._member.unused_data.lstrip(b"\0")  # padding
                self._member = None
            if piece:
                yield piece


class _Deflate:
    """With a zlib header or, as some hosts send it, without: https://www.rfc-editor.org/rfc/rfc9110#section-8.4.1.2"""

    def __init__(self) -> None:
        self.complete = True
        self._stream: Any = None

    def pieces(self, data: bytes) -> Iterator[bytes]:
        if self._stream is None:
            self._stream = zlib.decompressobj(_ZLIB if data[0] & 0x0F == _ZLIB_METHOD else _RAW_DEFLATE)
        held = False
        while data or held:
            piece = self._stream.decompress(data, _PIECE)
            held, data = len(piece) == _PIECE, self._stream.unconsumed_tail
            if piece:
                yield piece
        self.complete = self._stream.eof


class _Brotli:
    """https://www.rfc-editor.org/rfc/rfc7932"""

    def __init__(self) -> None:
        self.complete = True
        self._stream = _brotli.Decompressor()

    def pieces(self, data: bytes) -> Iterator[bytes]:
        # half, since its buffer grows by doubling
        while piece := self._stream.process(data, output_buffer_limit=_PIECE // 2):
            data = b""
            yield piece
        self.complete = self._stream.is_finished()


class _Zstandard:
    """Any number of frames one after another: https://www.rfc-editor.org/rfc/rfc8878#section-3"""

    def __init__(self) -> None:
        self.complete = True
        self._frame: Any = None

    def pieces(self, data: bytes) -> Iterator[bytes]:
        held = False
        while data or held:
            if self._frame is None:
                self._frame = _zstd.ZstdDecompressor()
            piece = self._frame.decompress(data, _PIECE)
            held, data = not self._frame.needs_input, b""
            self.complete = self._frame.eof
            if self.complete:
                held, data = False, self._frame.unused_data
                self._frame = None
            if piece:
                yield piece


_DECOMPRESSORS: dict[str, Callable[[], _Decompressor]] = {"gzip": _Gzip, "x-gzip": _Gzip, "deflate": _Deflate}
_DAMAGED: tuple[type[Exception], ...] = (zlib.error,)
_ENCODINGS = "gzip, deflate"
if _brotli is not None and hasattr(
    _brotli.Decompressor, "can_accept_more_data"
):  # since 1.2 it can be bounded
    _DECOMPRESSORS["br"] = _Brotli
    _DAMAGED += (_brotli.error,)
    _ENCODINGS += ", br"
if _zstd is not None:
    _DECOMPRESSORS["zstd"] = _Zstandard
    _DAMAGED += (_zstd.ZstdError,)
    _ENCODINGS += ", zstd"
ACCEPT_ENCODING = _ENCODINGS
"""The header's value: every encoding that can be opened piece by piece."""


class Body:
    """Takes a body as it comes over the wire and gives it decompressed, up to the request's limit.

    Args:
        request: what is answered.
        status: of the answer.
        headers: of the answer.
        compressed: the bytes are as the header ``content-encoding`` says; not where the HTTP client opened them.
    """

    def __init__(
        self, request: HttpRequest, status: int, headers: Mapping[str, str], *, compressed: bool = True
    ) -> None:
        self._request = request
        self._status = status
        self._headers = headers
        self._limit = sys.maxsize if request.max_response_bytes is None else request.max_response_bytes
        self._came = 0
        self._opened = 0
        self._pieces: Iterator[bytes] = iter(())
        encoding = headers.get("content-encoding") if compressed else None
        make = _DECOMPRESSORS.get(encoding.strip().lower()) if encoding else None
        self._decompressor = None if make is None else make()

    def feed(self, data: bytes) -> bytes:
        """Take bytes from the wire and return the first piece that they open to; empty where there is none yet.

        Raises:
            TransportError: they are not what the header says.
            ResponseTooLargeError: that is more than the request allows.
        """
        self._came += len(data)
        if self._came > self._limit:
            raise self.too_large()
        if self._decompressor is None or not data:
            return data
        self._pieces = self._decompressor.pieces(data)
        return self.more()

    def more(self) -> bytes:
        """Return the next piece of what was fed; empty where more has to be fed first.

        Raises:
            TransportError: as for :meth:`feed`.
        """
        if self._decompressor is None:
            return b""
        try:
            piece = next(self._pieces, b"")
        except _DAMAGED as error:
            raise failure(self._request.url, BROKEN_OFF) from error
        self._opened += len(piece)
        if self._opened > self._limit:
            raise self.too_large()
        return piece

    def end(self) -> None:
        """Take the end of the body.

        Raises:
            TransportError: it came in the middle of what is compressed.
        """
        if self._decompressor is not None and not self._decompressor.complete:
            raise failure(self._request.url, BROKEN_OFF)

    def too_large(self) -> ResponseTooLargeError:
        return ResponseTooLargeError(
            f"{host_of(self._request.url)}: the answer is larger than the limit of {self._limit} bytes "
            "(max_response_bytes)",
            limit=self._limit,
            status=self._status,
            headers=self._headers,
        )


async def read_piece(body: Body, receive: Callable[[], Awaitable[bytes]]) -> bytes:
    """Return the next piece of a body, or ``b""`` at its proper end; ``receive`` does the same for its wire bytes.

    Raises:
        TransportError: it broke off, is damaged or too large.
    """
    piece = body.more()
    while not piece:
        data = await receive()
        if not data:
            body.end()
            break
        piece = body.feed(data)
    return piece
