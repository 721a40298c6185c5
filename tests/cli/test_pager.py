"""Tables longer than the screen, in a pseudo-terminal."""

import os
import shlex
import sys
from pathlib import Path

import pytest
from terminal import Terminal

pytestmark = pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals are POSIX's")

READER = "import sys; text = sys.stdin.read(); print('paged', text.count('openai:') > 50, end='')"
ONE_LINE = "import sys; print('paged', sys.stdin.readline().split()[0], end='')"


def pager(program: str) -> dict[str, str]:
    return {"PAGER": shlex.join([sys.executable, "-c", program])}


def test_a_table_longer_than_the_screen_goes_through_the_pager(tmp_path: Path) -> None:
    with Terminal("list", "-p", "openai", folder=tmp_path, environment=pager(READER)) as terminal:
        assert terminal.finish() == 0
        assert terminal.screen == "paged True"


def test_a_pager_that_is_left_early_is_no_failure(tmp_path: Path) -> None:
    with Terminal("list", folder=tmp_path, environment=pager(ONE_LINE), columns=160) as terminal:
        assert terminal.finish() == 0
        assert terminal.screen == "paged model"


@pytest.mark.parametrize(
    ("arguments", "environment"),
    [
        (("list", "haiku"), pager(READER)),  # fits the screen
        (("list", "-p", "openai"), {"PAGER": "cat"}),
        (("list", "-p", "openai"), {"PAGER": ""}),
        (("list", "-p", "openai"), {"PAGER": "/nowhere/at/all"}),
        (("list", "-p", "openai"), {**pager(READER), "TERM": "dumb"}),
    ],
)
def test_without_need_or_wish_no_pager_comes_between(
    tmp_path: Path, arguments: tuple[str, ...], environment: dict[str, str]
) -> None:
    with Terminal(*arguments, folder=tmp_path, environment=environment) as terminal:
        assert terminal.finish() == 0
        assert "paged" not in terminal.screen
        assert "openai:" in terminal.screen or "claude-haiku" in terminal.screen
