"""Bars in a terminal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llmring_cli._bars import draw_bar


@pytest.mark.parametrize(
    ("share", "drawn", "in_ascii"),
    [
        (0, "", ""),
        (0.5, "████", "####"),
        (0.55, "████▍", "####"),
        (1, "████████", "########"),
        (1e-9, "▏", "#"),
    ],
)
def test_a_bar_is_as_long_as_its_share(share: float, drawn: str, in_ascii: str) -> None:
    assert draw_bar(share, 8, ascii_only=False) == drawn
    assert draw_bar(share, 8, ascii_only=True) == in_ascii


@given(st.floats(0, 1), st.integers(1, 200), st.booleans())
def test_no_bar_is_wider_than_its_room(share: float, width: int, ascii_only: bool) -> None:
    assert len(draw_bar(share, width, ascii_only=ascii_only)) <= width
