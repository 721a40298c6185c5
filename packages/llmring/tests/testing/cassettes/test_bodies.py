"""The readable form of bytes."""

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from llmring.testing._cassettes.cassette import Binary, Chunk, from_chunk, to_chunk

READABLE: list[tuple[bytes, Chunk]] = [
    (b"", ()),
    (b"one line", "one line"),
    ("schön".encode(), "schön"),
    (b"a\n\n", "a\n\n"),
    (b"data: 1\n\ndata: 2\n\n", ("data: 1\n\n", "data: 2\n\n")),
    (b"data: 1\r\n\r\ndata: 2", ("data: 1\r\n\r\n", "data: 2")),
    ("ö".encode()[1:] + b"x\n" + "好".encode()[:2], (Binary("tg=="), "x\n", Binary("5aU="))),
    (bytes(range(128, 200)) + b"text", Binary("")),
]


@pytest.mark.parametrize(("data", "chunk"), READABLE)
def test_text_is_shown_as_text_line_by_line(data: bytes, chunk: Chunk) -> None:
    shown = to_chunk(data)
    assert type(shown) is type(chunk)
    if chunk != Binary(""):
        assert shown == chunk


@given(
    st.binary()
    | st.text().map(str.encode)
    | st.lists(st.sampled_from(["a", "\n", "\r\n", "好"])).map("".join).map(str.encode)
)
@example(b"\n\n\na")
@example(b"\xed\xa0\x80")
def test_every_byte_comes_back_through_the_file(data: bytes) -> None:
    text = msgspec.json.encode(to_chunk(data))
    assert from_chunk(msgspec.json.decode(text, type=Chunk)) == data


@given(st.text(min_size=1), st.data())
def test_a_text_torn_anywhere_stays_readable(text: str, data: st.DataObject) -> None:
    whole = text.encode()
    start = data.draw(st.integers(0, len(whole) - 1))
    end = data.draw(st.integers(start + 1, len(whole)))
    shown = to_chunk(whole[start:end])
    parts = shown if isinstance(shown, tuple) else (shown,)
    assert sum(len(from_chunk(part)) for part in parts if isinstance(part, Binary)) <= 6


def test_broken_base64_is_a_value_error() -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - in the words of the standard library
        from_chunk(Binary("!"))
