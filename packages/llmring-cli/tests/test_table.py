"""Rows on screens of every width."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llmring_cli._table import draw_bar, lay_out

HEADERS = ("model", "context", "input", "can")
ROWS = [
    ("openai:gpt-5", "8,000", "1.25", "tools vision json_schema"),
    ("anthropic:claude-haiku-4-5", "136,000", "?", ""),
]


def shown(
    width: int, headers: tuple[str, ...] = HEADERS, rows: Sequence[tuple[str, ...]] = ROWS
) -> list[str]:
    return [line.text for line in lay_out(headers, rows, width)]


def test_numbers_are_aligned_to_the_right_and_the_header_with_them() -> None:
    assert shown(80) == [
        "model                       context  input  can",
        "openai:gpt-5                  8,000   1.25  tools vision json_schema",
        "anthropic:claude-haiku-4-5  136,000      ?",
    ]


def test_only_the_last_column_wraps() -> None:
    assert shown(60) == [
        "model                       context  input  can",
        "openai:gpt-5                  8,000   1.25  tools vision",
        "                                            json_schema",
        "anthropic:claude-haiku-4-5  136,000      ?",
    ]


def test_where_a_table_does_not_fit_each_row_is_a_block() -> None:
    assert shown(40) == [
        "openai:gpt-5",
        "  context: 8,000  input: 1.25",
        "  can: tools vision json_schema",
        "anthropic:claude-haiku-4-5",
        "  context: 136,000  input: ?",
    ]
    assert [line.text for line in lay_out(HEADERS, ROWS, 40) if line.heading] == [row[0] for row in ROWS]


def test_a_table_that_would_be_higher_than_its_blocks_is_none() -> None:
    rows = [
        (
            "openai:gpt-5",
            "8,000",
            "1.25",
            "vision audio documents tools json_schema reasoning caching streams",
        )
    ]
    assert shown(48, rows=rows) == [
        "openai:gpt-5",
        "  context: 8,000  input: 1.25",
        "  can: vision audio documents tools json_schema",
        "    reasoning caching streams",
    ]


@pytest.mark.parametrize("width", range(20, 90))
def test_no_line_is_wider_than_the_screen_and_no_word_is_lost(width: int) -> None:
    lines = shown(width)
    assert max(map(len, lines)) <= width
    text = "".join("".join(lines).split())
    for row in ROWS:
        for cell in row:
            assert "".join(cell.split()) in text


def test_a_name_with_hyphens_is_kept_whole() -> None:
    pools = [("fast", "anthropic:claude-haiku-4-5, openai:gpt-5-mini")]
    assert shown(36, ("alias", "models"), pools)[1:] == [
        "fast   anthropic:claude-haiku-4-5,",
        "       openai:gpt-5-mini",
    ]


def test_a_text_between_others_wraps_where_numbers_follow() -> None:
    rows = [("3f2a", "A long title of a conversation", "12", "$0.0012")]
    headers = ("id", "title", "messages", "cost")
    assert shown(44, headers, rows) == [
        "id    title                messages     cost",
        "3f2a  A long title of a          12  $0.0012",
        "      conversation",
    ]
    assert shown(34, headers, rows) == [
        "3f2a",
        "  messages: 12  cost: $0.0012",
        "  title: A long title of a",
        "    conversation",
    ]


def test_without_headers_there_is_none() -> None:
    rows: list[tuple[str, ...]] = [
        ("longest answer", "64,000 tokens"),
        ("can", "vision documents tools reasoning"),
    ]
    assert shown(60, ("", ""), rows) == [
        "longest answer  64,000 tokens",
        "can             vision documents tools reasoning",
    ]
    assert shown(24, ("", ""), rows) == [
        "longest answer: 64,000",
        "  tokens",
        "can: vision documents",
        "  tools reasoning",
    ]


def test_wide_characters_take_two_cells() -> None:
    assert shown(40, ("模型", "can"), [("速い", "tools"), ("fast", "tools")]) == [
        "模型  can",
        "速い  tools",
        "fast  tools",
    ]


def test_nothing_is_nothing() -> None:
    assert lay_out(HEADERS, [], 80) == []


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
