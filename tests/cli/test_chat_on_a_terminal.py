"""llmring chat as a person sees it."""

import os
import re
from pathlib import Path

import pytest
from llmring.testing import Answer, Rule, Script, faults
from simulated import Simulated
from terminal import Terminal

pytestmark = pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals are POSIX's")

_COLOUR = re.compile(rb"\x1b\[(?:\d+;)*[34][0-8]")
MARKDOWN = """\
# Rings

A **ring** has *aliases*:

1. first
2. second

```python
ring = LLMRing()
```

Done, says the model, at the end of a line that is longer than a narrow screen is wide.
"""


def saying(text: str) -> Script:
    return Script(rules=(Rule(answer=Answer(text=text)),))


def chat(
    folder: Path, simulated: Simulated, *arguments: str, columns: int = 80, **environment: str
) -> Terminal:
    return Terminal(
        "chat",
        "-m",
        "openai:gpt-4o",
        *arguments,
        folder=folder,
        environment={**simulated.environment, **environment},
        columns=columns,
    )


def test_markdown_is_shown_as_it_is_meant(tmp_path: Path) -> None:
    with Simulated(saying(MARKDOWN)) as simulated, chat(tmp_path, simulated, "Hi") as terminal:
        assert terminal.finish() == 0
        screen = terminal.screen
    assert "Rings" in screen
    assert "# Rings" not in screen
    assert "A ring has aliases:" in screen
    assert " 1 first" in screen
    assert "ring = LLMRing()" in screen
    assert "```" not in screen
    assert screen.count("Done, says the model") == 1


def test_a_narrow_screen_loses_no_word(tmp_path: Path) -> None:
    with Simulated(saying(MARKDOWN)) as simulated, chat(tmp_path, simulated, "Hi", columns=40) as terminal:
        assert terminal.finish() == 0
        screen = " ".join(terminal.screen.split())
    assert "Done, says the model, at the end of a line that is longer than a narrow screen is wide." in screen


def test_plain_shows_the_text_as_it_was_written(tmp_path: Path) -> None:
    with Simulated(saying(MARKDOWN)) as simulated, chat(tmp_path, simulated, "Hi", "--plain") as terminal:
        assert terminal.finish() == 0
        assert "A **ring** has *aliases*:" in terminal.screen


def test_no_color_leaves_no_colour(tmp_path: Path) -> None:
    with Simulated(saying(MARKDOWN)) as simulated:
        with chat(tmp_path, simulated, "Hi") as terminal:
            terminal.finish()
            coloured = terminal.raw
        with chat(tmp_path, simulated, "Hi", NO_COLOR="1") as terminal:
            terminal.finish()
            plain = terminal.raw
    assert _COLOUR.search(coloured)
    assert not _COLOUR.search(plain)


def test_a_spinner_is_there_until_the_first_word(tmp_path: Path) -> None:
    script = Script(rules=(Rule(fault=faults.Stall()),))
    with Simulated(script) as simulated, chat(tmp_path, simulated, "Hi") as terminal:
        terminal.wait_for("waiting for the answer")
        terminal.interrupt()
        assert terminal.finish() == 130
        assert "waiting" not in terminal.screen


def test_a_model_that_thinks_is_told_from_one_that_is_slow(tmp_path: Path) -> None:
    script = Script(
        rules=(Rule(answer=Answer(text="42", reasoning="Six by seven."), fault=faults.Stall(after=1)),)
    )
    with (
        Simulated(script) as simulated,
        Terminal(
            "chat", "Hi", "-m", "ollama:any", folder=tmp_path, environment=simulated.environment
        ) as terminal,
    ):
        terminal.wait_for("the model is thinking")
        terminal.interrupt()
        assert terminal.finish() == 130


@pytest.mark.parametrize("arguments", [("--plain",), ()])
def test_a_model_cannot_steer_the_terminal(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    evil = "red \x1b]0;title\x07 and \x1b[2J cleared"
    with Simulated(saying(evil)) as simulated, chat(tmp_path, simulated, "Hi", *arguments) as terminal:
        assert terminal.finish() == 0
        assert b"\x1b]0;" not in terminal.raw
        assert b"\x1b[2J" not in terminal.raw


def test_an_interrupt_keeps_what_has_come(tmp_path: Path) -> None:
    script = Script(
        rules=(Rule(answer=Answer(text="one two three four " * 10), fault=faults.Stall(after=3)),)
    )
    with Simulated(script) as simulated, chat(tmp_path, simulated, "Hi") as terminal:
        terminal.wait_for("one two")
        terminal.interrupt()
        assert terminal.finish() == 130
        screen = terminal.screen
    assert screen.startswith("one two")
    assert screen.endswith("the answer was cut off here")
    assert "Traceback" not in screen


def test_a_cut_stream_shows_what_came_and_why_it_ended(tmp_path: Path) -> None:
    script = Script(rules=(Rule(answer=Answer(text="one two three four"), fault=faults.Cut(after=2)),))
    with Simulated(script) as simulated, chat(tmp_path, simulated, "Hi") as terminal:
        assert terminal.finish() == 1
        assert terminal.screen.startswith("one two")
        assert "error: " in terminal.screen


def test_a_program_that_gives_no_message_is_told(tmp_path: Path) -> None:
    with Terminal("chat", "--json", folder=tmp_path) as terminal:
        assert terminal.finish() == 1
        assert terminal.screen == 'error: there is no message: llmring chat "Hello"'


def test_tables_have_headers_on_a_terminal(tmp_path: Path) -> None:
    with Terminal("providers", folder=tmp_path, columns=60) as terminal:
        assert terminal.finish() == 0
        assert terminal.screen.splitlines()[0].split() == ["provider", "state", "needs"]


@pytest.mark.parametrize("answer", ["y\r", "n\r", "\r"])
def test_an_upgrade_is_written_only_after_a_yes(tmp_path: Path, answer: str) -> None:
    lockfile = tmp_path / "llmring.lock"
    lockfile.write_text(
        'version = "1.0"\n[profiles.default]\nname = "default"\n'
        '[[profiles.default.bindings]]\nalias = "a"\nmodels = ["anthropic:claude-3-5-haiku-20241022"]\n'
    )
    before = lockfile.read_text()
    with Terminal("lock", "upgrade", "--offline", folder=tmp_path, columns=120) as terminal:
        terminal.wait_for("[y/N]")
        terminal.type(answer)
        assert terminal.finish() == 0
    assert (lockfile.read_text() == before) is (answer != "y\r")
