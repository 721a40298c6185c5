"""Lines out of bytes that may be split anywhere."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llmring_providers.ollama.stream import LineSplitter

ROWS = [
    pytest.param(b'{"a":1}\n{"b":2}\n', [b'{"a":1}', b'{"b":2}'], id="the usual"),
    pytest.param(b'{"a":1}\r\n{"b":2}\r\n', [b'{"a":1}', b'{"b":2}'], id="CRLF"),
    pytest.param(b'\n\n{"a":1}\n \n\r\n{"b":2}\n\n', [b'{"a":1}', b'{"b":2}'], id="blank lines"),
    pytest.param(b'{"a":1}\n{"b"', [b'{"a":1}', b'{"b"'], id="last line end missing"),
    pytest.param(b'\xef\xbb\xbf{"a":1}\n', [b'{"a":1}'], id="byte order mark"),
    pytest.param("{}\n{ü 🦀}\n".encode(), [b"{}", "{ü 🦀}".encode()], id="beyond ASCII"),
    pytest.param(b"", [], id="nothing"),
    pytest.param(b" ", [], id="nothing but white space"),
]


def lines(pieces: list[bytes]) -> list[bytes]:
    splitter = LineSplitter()
    found = [event.data for piece in pieces for event in splitter.feed(piece)]
    rest = splitter.rest()
    return found if rest is None else [*found, rest.data]


@pytest.mark.parametrize(("body", "expected"), ROWS)
def test_a_body_in_one_piece_gives_its_lines(body: bytes, expected: list[bytes]) -> None:
    assert lines([body]) == expected


@pytest.mark.parametrize(("body", "expected"), ROWS)
def test_a_body_byte_by_byte_gives_the_same_lines(body: bytes, expected: list[bytes]) -> None:
    assert lines([bytes([byte]) for byte in body]) == expected


def test_a_line_is_there_as_soon_as_its_end_is() -> None:
    splitter = LineSplitter()
    assert splitter.feed(b'{"a"') == []
    assert [event.data for event in splitter.feed(b':1}\n{"b"')] == [b'{"a":1}']


@given(st.lists(st.binary(max_size=12)), st.data())
def test_the_split_does_not_matter(parts: list[bytes], data: st.DataObject) -> None:
    body = b"\n".join(parts)
    cuts = sorted(data.draw(st.sets(st.integers(0, len(body)))) | {0, len(body)})
    assert lines([body[start:stop] for start, stop in pairwise(cuts)]) == lines([body])
