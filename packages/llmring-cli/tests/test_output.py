"""What goes to people."""

import sys
from collections.abc import Callable

import pytest
from llmring_cli._output import say

Run = Callable[..., tuple[int, str, str]]


@pytest.mark.parametrize(
    ("terminal", "environment", "coloured"),
    [
        (True, {"TERM": "xterm"}, True),
        (False, {"TERM": "xterm"}, False),
        (True, {"TERM": "dumb"}, False),
        (True, {"TERM": "xterm", "NO_COLOR": "1"}, False),
        (True, {"TERM": "xterm", "NO_COLOR": ""}, True),
    ],
)
def test_what_kind_of_talk_it_is_has_a_colour_where_it_is_wanted(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    terminal: bool,
    environment: dict[str, str],
    coloured: bool,
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    say("error: no, it says")
    say("wrote llmring.lock: done")
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith("\x1b[1;31merror:\x1b[0m no" if coloured else "error: no")
    assert second == "wrote llmring.lock: done"


@pytest.mark.parametrize("columns", ["0", "1", "-5", "many", ""])
@pytest.mark.parametrize(
    "arguments", [("--help",), ("chat", "--help"), ("providers",), ("doctor",)], ids=" ".join
)
def test_a_width_that_cannot_be_is_none(
    llmring: Run, monkeypatch: pytest.MonkeyPatch, columns: str, arguments: tuple[str, ...]
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: arguments[-1] != "--help")
    code, out, _ = llmring(*arguments)
    assert code == 0
    assert out
