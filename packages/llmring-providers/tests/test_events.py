"""Server-sent events out of bytes that may be split anywhere."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llmring_providers._stream import Event, EventSplitter

ROWS = [
    pytest.param(b"data: x\n\n", [Event(b"", b"x")], id="the usual"),
    pytest.param(b"data:x\n\n", [Event(b"", b"x")], id="no space after the colon"),
    pytest.param(b"data:  x\n\n", [Event(b"", b" x")], id="only one space belongs to the field"),
    pytest.param(b"event: ping\ndata: {}\n\n", [Event(b"ping", b"{}")], id="named"),
    pytest.param(b"event: ping\ndata: {}\nid: 7\n\ndata: x\n\n", [Event(b"ping", b"{}"), Event(b"", b"x")], id="more after the data"),
    pytest.param(b"event: a\ndata: x\ndata: y\n\n", [Event(b"a", b"x\ny")], id="named, data over several lines"),
    pytest.param(b"data: \n\ndata: x\n\n", [Event(b"", b""), Event(b"", b"x")], id="empty data"),
    pytest.param(b"data: {}\nevent: ping\nid: 7\nretry: 10\n\n", [Event(b"ping", b"{}")], id="any order, other fields"),
    pytest.param(b"data: a\ndata: b\n\n", [Event(b"", b"a\nb")], id="data over several lines"),
    pytest.param(b"data\n\n", [Event(b"", b"")], id="a field without colon is empty"),
    pytest.param(b": OPENROUTER PROCESSING\n\ndata: x\n\n", [Event(b"", b"x")], id="comment on its own"),
    pytest.param(b": hello\ndata: x\n\n", [Event(b"", b"x")], id="comment within"),
    pytest.param(b"event: lonely\n\ndata: x\n\n", [Event(b"", b"x")], id="an event without data is none"),
    pytest.param(b"\n\n\ndata: x\n\n\n\ndata: y\n\n", [Event(b"", b"x"), Event(b"", b"y")], id="more empty lines"),
    pytest.param(b"data: x\r\n\r\ndata: y\r\n\r\n", [Event(b"", b"x"), Event(b"", b"y")], id="CRLF"),
    pytest.param(b"data: x\r\rdata: y\r\r", [Event(b"", b"x"), Event(b"", b"y")], id="CR"),
    pytest.param(b"data: x\r\n\ndata: y\n\r\n", [Event(b"", b"x"), Event(b"", b"y")], id="mixed line ends"),
    pytest.param(b"data: a\rdata: b\r\ndata: c\r\n\r\n", [Event(b"", b"a\nb\nc")], id="CR and CRLF within one event"),
    pytest.param(b"\xef\xbb\xbfdata: x\n\n", [Event(b"", b"x")], id="byte order mark"),
    pytest.param(b"data: x\n\n\xef\xbb\xbfdata: y\n\n", [Event(b"", b"x")], id="byte order mark where it is none"),
    pytest.param(b"event: e\ndata: x\n\n\xef\xbb\xbfdata: y\n\n", [Event(b"e", b"x")], id="the same, after a named event"),
    pytest.param(b'data: x\n\n{"a":1}\n\n', [Event(b"", b"x")], id="a JSON document after an event"),
    pytest.param(b'event: e\ndata: x\n\n{"a":1}\n\n', [Event(b"e", b"x")], id="the same, after a named event"),
    pytest.param(b"event: e\nid: 7\ndata: x\n\n", [Event(b"e", b"x")], id="another field between name and data"),
    pytest.param(b"event: e\ndata: x\nid: 7\n\n", [Event(b"e", b"x")], id="another field after name and data"),
    pytest.param(b"event: e\ndata: x\ndata: y\n\n", [Event(b"e", b"x\ny")], id="named, data over several lines"),
    pytest.param(b"event: a\nevent: b\ndata: x\n\n", [Event(b"b", b"x")], id="the last name holds"),
    pytest.param(b"datax: x\nDATA: y\n data: z\n\n", [], id="fields of another name"),
    pytest.param("data: Grüße 🦀\n\n".encode(), [Event(b"", "Grüße 🦀".encode())], id="beyond ASCII"),
    pytest.param(b"data: whole\n\ndata: half", [Event(b"", b"whole"), Event(b"", b"half")], id="last blank line missing"),
    pytest.param(b"data: x\n", [Event(b"", b"x")], id="last empty line missing"),
    pytest.param(b"", [], id="nothing"),
    pytest.param(b' {"error":1}\n', [Event(b"", b' {"error":1}\n')], id="one JSON document instead of events"),
    pytest.param(b'\n   \n\n   \n{"error":1}\n', [Event(b"", b'   \n{"error":1}\n')], id="white space before it, to keep the line open"),
]  # fmt: skip


def events(pieces: list[bytes]) -> list[Event]:
    splitter = EventSplitter()
    found = [event for piece in pieces for event in splitter.feed(piece)]
    rest = splitter.rest()
    return found if rest is None else [*found, rest]


@pytest.mark.parametrize(("body", "expected"), ROWS)
def test_a_body_in_one_piece_gives_its_events(body: bytes, expected: list[Event]) -> None:
    assert events([body]) == expected


@pytest.mark.parametrize(("body", "expected"), ROWS)
def test_the_same_body_byte_by_byte_gives_the_same_events(body: bytes, expected: list[Event]) -> None:
    assert events([body[at : at + 1] for at in range(len(body))]) == expected


def test_an_event_is_there_as_soon_as_its_blank_line_is() -> None:
    splitter = EventSplitter()
    assert splitter.feed(b"data: x\n") == []
    assert splitter.feed(b"\n") == [Event(b"", b"x")]
    assert splitter.feed(b"data: y\n\ndata: z\n") == [Event(b"", b"y")]
    assert splitter.feed(b"\n") == [Event(b"", b"z")]
    assert splitter.feed(b"data: last") == []
    assert (splitter.rest(), splitter.rest()) == (Event(b"", b"last"), None)


def test_an_event_ended_by_crlf_needs_no_byte_of_the_next() -> None:
    assert EventSplitter().feed(b"data: x\r\n\r\n") == [Event(b"", b"x")]


@pytest.mark.parametrize(
    "pieces",
    [[b"data: x\r\n\r", b"\n"], [b"data: x\r\n", b"\r\n"], [b"data: x\r", b"\n\r\n"], [b"data: x\r\r", b"d"]],
)
def test_a_line_end_that_is_split_is_one_line_end(pieces: list[bytes]) -> None:
    splitter = EventSplitter()
    assert [splitter.feed(piece) for piece in pieces] == [[], [Event(b"", b"x")]]


_LINES = st.lists(
    st.sampled_from([b"data: x", b"data:", b"event: e", b":c", b"", b"", b"\xff", b"\xef\xbb\xbf"]),
    max_size=12,
)


@given(_LINES, st.sampled_from([b"\n", b"\r\n", b"\r"]), st.data())
def test_where_a_body_is_split_changes_nothing(lines: list[bytes], end: bytes, data: st.DataObject) -> None:
    body = b"".join(line + end for line in lines)
    cuts = sorted(data.draw(st.sets(st.integers(0, len(body)))) | {0, len(body)})
    pieces = [body[start:stop] for start, stop in pairwise(cuts)]
    assert events(pieces) == events([body])


@given(st.lists(st.binary(max_size=20)))
def test_no_bytes_at_all_upset_it(pieces: list[bytes]) -> None:
    assert events(pieces) == events([b"".join(pieces)])
