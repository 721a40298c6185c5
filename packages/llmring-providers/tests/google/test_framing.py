"""Frames out of bytes."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st
from llmring_providers.google.framing import ObjectSplitter, StreamSplitter

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=50)
@given(st.lists(st.dictionaries(st.text(), VALUES)), st.booleans(), st.lists(st.integers(1, 9), min_size=1))
def test_the_objects_of_an_array_are_found_however_its_bytes_are_split(
    objects: list[dict[str, object]], ascii_only: bool, sizes: list[int]
) -> None:
    body = json.dumps(objects, ensure_ascii=ascii_only, indent=1).encode()
    splitter, found, at, turn = StreamSplitter(), [], 0, 0
    while at < len(body):
        size = sizes[turn % len(sizes)]
        found += splitter.feed(body[at : at + size])
        at, turn = at + size, turn + 1
    assert [json.loads(event.data) for event in found] == json.loads(body)
    assert splitter.rest() is None


def test_what_was_looked_at_is_forgotten() -> None:
    splitter = ObjectSplitter()
    for _ in range(1000):
        assert len(splitter.feed(b'{"a": "}"},')) == 1
    assert len(splitter._buffer) == 0


def test_white_space_before_the_first_byte_decides_nothing() -> None:
    splitter = StreamSplitter()
    assert splitter.feed(b" \r\n") == []
    assert [event.data for event in splitter.feed(b'{"a":1}')] == [b'{"a":1}']
