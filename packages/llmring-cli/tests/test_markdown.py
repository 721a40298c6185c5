"""Markdown is cut only where nothing to come can change what was shown."""

import io
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from llmring_cli.chat.markdown import MarkdownStream, split_finished
from rich.console import Console
from rich.markdown import Markdown

CASES = [
    ("", "", ""),
    ("one", "", "one"),
    ("one\n\n", "", "one\n\n"),
    ("one\n\ntwo", "one\n\n", "two"),
    ("one\n\n  indented", "", "one\n\n  indented"),
    ("```\na\n\nb", "", "```\na\n\nb"),
    ("```\na\n\nb\n```\n\nc", "```\na\n\nb\n```\n\n", "c"),
    ("````\n```\n\nb", "", "````\n```\n\nb"),
    ("~~~\na\n\nb\n```\n\nc", "", "~~~\na\n\nb\n```\n\nc"),
    ("- a\n\n- b", "- a\n\n", "- b"),
]


@pytest.mark.parametrize(("text", "finished", "rest"), CASES)
def test_blocks_end_at_an_empty_line_outside_of_code(text: str, finished: str, rest: str) -> None:
    blocks, unfinished = split_finished(text)
    assert ("".join(blocks), unfinished) == (finished, rest)


@given(st.text("a`~ \n-1.#", max_size=60))
def test_no_character_is_lost_and_finished_stays_finished(text: str) -> None:
    finished, rest = split_finished(text)
    assert "".join(finished) + rest == text
    assert split_finished(text + "more")[0][: len(finished)] == finished


TEXT = "# Title\n\nA paragraph\nof two lines.\n\n```python\nx = 1\n\ny = 2\n```\n\nThe end.\n"


@settings(deadline=None)  # a busy machine is not a failure
@given(st.lists(st.integers(0, len(TEXT)), max_size=6))
def test_however_it_comes_the_screen_shows_the_same(cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(TEXT)]
    screen = Console(file=io.StringIO(), width=60, force_terminal=False)
    with MarkdownStream(screen) as stream:
        for start, end in pairwise(places):
            stream.write(TEXT[start:end])
    whole = Console(file=io.StringIO(), width=60, force_terminal=False)
    whole.print(Markdown(TEXT))
    assert shown(screen) == shown(whole)


def test_one_blank_line_is_between_blocks_of_any_kind() -> None:
    screen = Console(file=io.StringIO(), width=60, force_terminal=False)
    with MarkdownStream(screen) as stream:
        stream.write(
            "# Title\n\nText.\n\n- one\n- two\n\n```\nx = 1\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\nEnd.\n"
        )
    assert isinstance(screen.file, io.StringIO)
    lines = [line.strip() for line in screen.file.getvalue().splitlines()]
    assert lines[0] != ""
    assert lines[-1] == "End."
    assert ("", "") not in set(pairwise(lines))


def test_the_address_of_a_link_is_shown() -> None:
    screen = Console(file=io.StringIO(), width=60, force_terminal=False)
    with MarkdownStream(screen) as stream:
        stream.write("See [the manual](https://example.org/manual).")
    assert shown(screen) == ["See the manual (https://example.org/manual)."]


def shown(console: Console) -> list[str]:
    assert isinstance(console.file, io.StringIO)
    return [line.rstrip() for line in console.file.getvalue().splitlines() if line.strip()]
