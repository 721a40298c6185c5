"""Markdown is cut only where nothing to come can change what was shown."""

import io
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from llmring_cli._output import printable
from llmring_cli.chat.markdown import BlockSplitter, MarkdownStream
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
    splitter = BlockSplitter()
    blocks = splitter.feed(text)
    assert ("".join(blocks), splitter.rest()) == (finished, rest)


@given(st.text("a`~ \n-1.#", max_size=60), st.lists(st.integers(0, 60), max_size=6))
def test_no_character_is_lost_and_pieces_do_not_matter(text: str, cuts: list[int]) -> None:
    whole, pieces = BlockSplitter(), BlockSplitter()
    blocks = whole.feed(text)
    assert "".join(blocks) + whole.rest() == text
    places = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    assert [block for start, end in pairwise(places) for block in pieces.feed(text[start:end])] == blocks
    assert pieces.rest() == whole.rest()


@given(st.text("ab\n", max_size=40), st.integers(1, 5), st.integers(1, 20))
def test_the_end_of_the_rest_is_its_end(text: str, lines: int, characters: int) -> None:
    splitter = BlockSplitter()
    for character in text.replace("\n\n", "\n"):
        splitter.feed(character)
    end = splitter.end_of_rest(lines, characters)
    assert splitter.rest().endswith(end)
    assert len(end) <= characters
    assert end or not splitter.rest()


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


@pytest.mark.parametrize("reference", ["&#x202e;", "&#8238;", "&rlm;", "&#13;", "&#x9b;"])
def test_a_character_reference_cannot_steer_the_terminal(reference: str) -> None:
    screen = Console(file=io.StringIO(), width=60, force_terminal=False)
    with MarkdownStream(screen) as stream:
        stream.write(f"a{reference}b [link](https://example.org/{reference}) `{reference}`")
    assert isinstance(screen.file, io.StringIO)
    text = screen.file.getvalue()
    assert printable(text) == text


def test_markup_of_rich_is_text() -> None:
    screen = Console(file=io.StringIO(), width=60, force_terminal=False)
    with MarkdownStream(screen) as stream:
        stream.write("a [red]b[/red] [link=file:///etc/passwd]c[/link]")
    assert shown(screen) == ["a [red]b[/red] [link=file:///etc/passwd]c[/link]"]


def test_of_a_long_block_the_screen_shows_the_end_while_it_grows() -> None:
    screen = Console(file=io.StringIO(), width=60, height=10, force_terminal=True, force_interactive=True)
    with MarkdownStream(screen) as stream:
        stream.write("```\n" + "".join(f"line {number}\n" for number in range(400)))
        drawn = [line.text for parts in screen.render_lines(stream._tail) for line in parts]
    text = "".join(drawn)
    assert "line 399" in text
    assert "line 300" not in text
    assert isinstance(screen.file, io.StringIO)
    assert "line 0" in screen.file.getvalue()


def shown(console: Console) -> list[str]:
    assert isinstance(console.file, io.StringIO)
    return [line.rstrip() for line in console.file.getvalue().splitlines() if line.strip()]
