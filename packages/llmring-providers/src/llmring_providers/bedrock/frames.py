"""Frames of ``application/vnd.amazon.eventstream``: read out of bytes that may be split anywhere, and written.

A frame is its length and that of its headers, a CRC of these eight bytes, the headers, the payload, and a CRC of all
that comes before: https://docs.aws.amazon.com/AmazonS3/latest/API/RESTSelectObjectAppendix.html (the form of the
frames), https://smithy.io/2.0/aws/amazon-eventstream.html (their headers).
"""

from collections.abc import Mapping
from struct import Struct
from zlib import crc32

from llmring_providers._stream import Event

CONTENT_TYPE = "application/vnd.amazon.eventstream"
EXCEPTION, ERROR, DAMAGE = b"!", b"!!", b"!!!"
"""Prefixes of the names of events: an exception of the service, an error without a shape, a damaged frame."""

_PRELUDE = Struct(">III")
_CRC = Struct(">I")
_LEAST = _PRELUDE.size + _CRC.size
_MOST_HEADERS = 128 * 2**10
_MOST_PAYLOAD = 24 * 2**20
"""The limits that AWS gives: https://smithy.io/2.0/aws/amazon-eventstream.html#eventstream-message-encoding"""
_STRING = 7
_SIZES = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
"""Bytes of a header's value by its type; those of 6 and 7 say their length themselves."""


class FrameSplitter:
    """Cuts a body into its events; the payload of each is JSON.

    A frame whose checksums do not agree with it, or that is larger than AWS allows, is an event named :data:`DAMAGE`
    that says so, after which nothing is read.
    """

    def __init__(self) -> None:
        self._kept = bytearray()
        self._damaged = False

    def feed(self, data: bytes) -> list[Event]:
        """Return the events that these bytes complete."""
        kept = self._kept
        kept += data
        events: list[Event] = []
        at = 0
        try:
            while not self._damaged and len(kept) - at >= _PRELUDE.size:
                length, headers = _lengths(kept, at)
                if len(kept) - at < length:
                    break
                events.append(_event(bytes(kept[at : at + length]), headers))
                at += length
        except ValueError as error:
            self._damaged = True
            events.append(Event(DAMAGE, str(error).encode()))
        del kept[: len(kept) if self._damaged else at]
        return events

    def rest(self) -> Event | None:
        """Return nothing: a frame that has not come whole is none."""
        return None


def _lengths(data: bytearray, at: int) -> tuple[int, int]:
    """Return the length of the frame that begins there, and of its headers."""
    length, headers, checksum = _PRELUDE.unpack_from(data, at)
    if crc32(data[at : at + _PRELUDE.size - _CRC.size]) != checksum:
        raise ValueError("the checksum of its lengths does not agree")
    if headers > _MOST_HEADERS or not 0 <= length - headers - _LEAST <= _MOST_PAYLOAD:
        raise ValueError(f"it claims {length} bytes with {headers} of headers, which no frame has")
    return length, headers


def _event(frame: bytes, headers: int) -> Event:
    """Read a whole frame."""
    (checksum,) = _CRC.unpack_from(frame, len(frame) - _CRC.size)
    if crc32(frame[: -_CRC.size]) != checksum:
        raise ValueError("its checksum does not agree")
    end = _PRELUDE.size + headers
    said = _headers(frame[_PRELUDE.size : end])
    payload = frame[end : -_CRC.size]
    kind = said.get(b":message-type", b"event")
    if kind == b"exception":
        return Event(EXCEPTION + said.get(b":exception-type", b""), payload)
    if kind == b"error":
        return Event(ERROR + said.get(b":error-code", b""), said.get(b":error-message", b""))
    return Event(said.get(b":event-type", b""), payload)


def _headers(block: bytes) -> dict[bytes, bytes]:
    """Return the headers that are texts; the others say nothing that is read."""
    found: dict[bytes, bytes] = {}
    at = 0
    while at < len(block):
        begin = at + 1
        at = begin + block[at]
        name, kind = block[begin:at], block[at : at + 1]
        at += 1
        if not kind:
            raise ValueError("a header of it is cut")
        size = _SIZES.get(kind[0])
        if size is None:
            if kind[0] > max(_SIZES):
                raise ValueError(f"a header of it has the type {kind[0]}, which is none")
            size = int.from_bytes(block[at : at + 2])
            at += 2
            if kind[0] == _STRING:
                found[name] = block[at : at + size]
        at += size
    if at > len(block):
        raise ValueError("a header of it is cut")
    return found


def frame(headers: Mapping[str, str], payload: bytes) -> bytes:
    """Write a frame.

    Args:
        headers: texts by name.
        payload: JSON.
    """
    block = b"".join(_header(name.encode(), value.encode()) for name, value in headers.items())
    lengths = _PRELUDE.pack(len(block) + len(payload) + _LEAST, len(block), 0)[: -_CRC.size]
    written = lengths + _CRC.pack(crc32(lengths)) + block + payload
    return written + _CRC.pack(crc32(written))


def _header(name: bytes, value: bytes) -> bytes:
    return bytes((len(name),)) + name + bytes((_STRING,)) + len(value).to_bytes(2) + value
