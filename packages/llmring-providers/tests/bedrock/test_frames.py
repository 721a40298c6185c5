"""Frames of the event stream, held against botocore's own reader."""

from collections.abc import Iterator

import pytest
from botocore.eventstream import EventStreamBuffer  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st
from llmring_providers._stream import Event
from llmring_providers.bedrock.frames import DAMAGE, ERROR, EXCEPTION, FrameSplitter, frame

names = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20)
events = st.tuples(names, st.binary(max_size=50))
FRAME = frame({":event-type": "e", ":message-type": "event"}, b'{"a":1}')


def written(name: str, payload: bytes) -> bytes:
    headers = {":event-type": name, ":content-type": "application/json", ":message-type": "event"}
    return frame(headers, payload)


def read(body: bytes, cuts: list[int] | None = None) -> list[Event]:
    splitter = FrameSplitter()
    ends = sorted({min(cut, len(body)) for cut in cuts or ()} | {len(body)})
    found: list[Event] = []
    start = 0
    for end in ends:
        found += splitter.feed(body[start:end])
        start = end
    assert splitter.rest() is None
    return found


def read_by_botocore(body: bytes) -> Iterator[tuple[str, bytes]]:
    buffer = EventStreamBuffer()
    buffer.add_data(body)
    for event in buffer:
        yield event.headers[":event-type"], event.payload


@given(st.lists(events, max_size=5), st.lists(st.integers(0, 600), max_size=8))
def test_frames_are_read_as_botocore_reads_them_however_they_are_split(
    said: list[tuple[str, bytes]], cuts: list[int]
) -> None:
    body = b"".join(written(name, payload) for name, payload in said)
    found = [(event.name.decode(), event.data) for event in read(body, cuts)]

    assert found == list(read_by_botocore(body)) == said


@given(events, st.data())
def test_a_changed_byte_anywhere_is_damage_or_a_frame_that_has_not_come(
    said: tuple[str, bytes], data: st.DataObject
) -> None:
    body = bytearray(written(*said))
    body[data.draw(st.integers(0, len(body) - 1))] ^= data.draw(st.integers(1, 255))

    assert [event.name for event in read(bytes(body))] in ([DAMAGE], [])


@given(st.binary(max_size=200))
def test_bytes_of_anything_else_never_look_like_an_event(body: bytes) -> None:
    assert {event.name for event in read(body)} <= {DAMAGE}


def test_nothing_is_read_behind_damage() -> None:
    body = FRAME[:-1] + bytes((FRAME[-1] ^ 1,)) + FRAME

    assert [event.name for event in read(FRAME + body)] == [b"e", DAMAGE]
    splitter = FrameSplitter()
    splitter.feed(body)
    assert splitter.feed(FRAME) == []


@pytest.mark.parametrize("size", [25 * 2**20, 2**31])
def test_a_frame_larger_than_aws_allows_is_refused_before_it_comes(size: int) -> None:
    from struct import pack
    from zlib import crc32

    lengths = pack(">II", size, 0)
    (event,) = read(lengths + pack(">I", crc32(lengths)))

    assert event.name == DAMAGE
    assert str(size) in event.data.decode()


def test_headers_of_every_type_are_passed_over() -> None:
    from struct import pack
    from zlib import crc32

    kinds = [(0, b""), (1, b""), (2, b"a"), (3, b"ab"), (4, b"abcd"), (5, b"12345678"), (8, b"12345678")]
    kinds += [(9, b"0123456789abcdef"), (6, b"\x00\x03abc")]
    block = b"".join(b"\x01x" + bytes((kind,)) + value for kind, value in kinds)
    block += b"\x0b:event-type\x07\x00\x01e"
    head = pack(">II", 16 + len(block), len(block))
    head += pack(">I", crc32(head)) + block

    assert read(head + pack(">I", crc32(head))) == [Event(b"e", b"")]


def test_exceptions_and_errors_are_told_by_their_names() -> None:
    exception = frame({":message-type": "exception", ":exception-type": "throttlingException"}, b"{}")
    error = frame({":message-type": "error", ":error-code": "Oops", ":error-message": "No."}, b"")

    assert read(exception + error) == [
        Event(EXCEPTION + b"throttlingException", b"{}"),
        Event(ERROR + b"Oops", b"No."),
    ]
