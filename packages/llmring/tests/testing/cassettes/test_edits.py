"""Changes to a text in pieces."""

from hypothesis import given
from hypothesis import strategies as st
from llmring._redaction import Edit, edited


@given(st.lists(st.binary(max_size=6), max_size=6), st.data())
def test_the_pieces_together_are_the_text_after_the_edits(pieces: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(pieces)
    marks = sorted(data.draw(st.sets(st.integers(0, len(whole)), max_size=6)))
    edits = [Edit(start, end, b"<>") for start, end in zip(marks[::2], marks[1::2], strict=False)]
    expected, at = b"", 0
    for edit in edits:
        expected, at = expected + whole[at : edit.start] + edit.text, edit.end
    changed = edited(pieces, edits)
    assert b"".join(changed) == expected + whole[at:]
    assert len(changed) == len(pieces)
    if not edits:
        assert changed == pieces


def test_what_lies_across_pieces_stands_where_it_began() -> None:
    assert edited([b"ab", b"cd", b"ef"], [Edit(1, 5, b"X")]) == [b"aX", b"", b"f"]
