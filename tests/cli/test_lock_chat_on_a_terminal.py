"""llmring lock chat as a person sees it: a scripted model, changes refused and accepted, Ctrl-C, a narrow screen."""

import os
from pathlib import Path

import llmring_lockfile
import pytest
from llmring.testing import Answer, Call, Rule, Script, faults
from simulated import Simulated
from terminal import Terminal

pytestmark = pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals are POSIX's")

BIND = Call("bind_alias", {"alias": "reader", "models": ["openai:gpt-4o"]})
SCRIPT = Script(
    rules=(
        Rule(after_tool=True, answer=Answer(text="**All** done.")),
        Rule(contains="reader", answer=Answer(tool_calls=(BIND, Call("save_lockfile")))),
        Rule(contains="long", answer=Answer(text="one two three four " * 10), fault=faults.Stall(after=3)),
        Rule(answer=Answer(text="What is it for?")),
    )
)
CTRL_D = "\x04"


def session(folder: Path, simulated: Simulated, *arguments: str, columns: int = 60) -> Terminal:
    return Terminal(
        "lock",
        "chat",
        *arguments,
        folder=folder,
        environment=simulated.environment,
        columns=columns,
        lines=50,
    )


def prompts(terminal: Terminal, number: int) -> str:
    """Wait until the prompt has come back: what is typed earlier, a terminal may swallow."""
    return terminal.wait_until(lambda screen: screen.count("you>") == number, f"prompt {number}")


def test_a_change_refused_and_one_accepted_on_a_narrow_screen(tmp_path: Path) -> None:
    with Simulated(SCRIPT) as simulated, session(tmp_path, simulated) as terminal:
        prompts(terminal, 1)
        terminal.type("a reader\r")
        screen = terminal.wait_for("write this? [y/N]")
        assert '+alias = "reader"' in screen
        terminal.type("n\r")
        assert "All done." in prompts(terminal, 2)
        assert not (tmp_path / "llmring.lock").exists()
        terminal.type("/save\r")
        terminal.wait_until(lambda screen: screen.count("write this?") == 2)
        terminal.type("y\r")
        assert "written" in prompts(terminal, 3)
        terminal.type(CTRL_D)
        assert terminal.finish() == 0
    assert llmring_lockfile.load(tmp_path / "llmring.lock").profile().aliases == ("reader",)


def test_an_interrupt_stops_the_answer_and_not_the_session(tmp_path: Path) -> None:
    with Simulated(SCRIPT) as simulated, session(tmp_path, simulated) as terminal:
        prompts(terminal, 1)
        terminal.type("a long answer\r")
        terminal.wait_for("one two")
        terminal.interrupt()
        screen = prompts(terminal, 2)
        assert "one two" in screen
        assert "this turn is not part of the conversation" in screen
        terminal.type("hello\r")
        assert "What is it for?" in prompts(terminal, 3)
        terminal.type(CTRL_D)
        assert terminal.finish() == 0
        assert "Traceback" not in terminal.screen


def test_ctrl_c_at_the_prompt_forgets_the_line(tmp_path: Path) -> None:
    with Simulated(SCRIPT) as simulated, session(tmp_path, simulated) as terminal:
        prompts(terminal, 1)
        terminal.type("half a line\x03")
        prompts(terminal, 2)
        terminal.type("hello\r")
        prompts(terminal, 3)
        terminal.type("/exit\r")
        assert terminal.finish() == 0
    (request,) = simulated.requests
    assert request.json["messages"][-1]["content"] == "hello"


def test_commands_are_offered_while_typing_and_the_arrow_finds_what_was_typed_before(tmp_path: Path) -> None:
    with Simulated(SCRIPT) as simulated:
        with session(tmp_path, simulated) as terminal:
            prompts(terminal, 1)
            terminal.type("hello\r")
            prompts(terminal, 2)
            terminal.type("/exi")
            terminal.wait_for("/exit")  # the menu below what was typed
            terminal.type("t")
            terminal.wait_for("you> /exit")
            terminal.type("\r")
            assert terminal.finish() == 0
        with session(tmp_path, simulated) as terminal:
            prompts(terminal, 1)
            terminal.type("\x1b[A\x1b[A")
            terminal.wait_for("you> hello")
            terminal.type("\r")
            prompts(terminal, 2)
            terminal.type(CTRL_D)
            assert terminal.finish() == 0
    assert [request.json["messages"][-1]["content"] for request in simulated.requests] == ["hello", "hello"]


def test_the_questions_without_a_model(tmp_path: Path) -> None:
    with Terminal("lock", "chat", folder=tmp_path, columns=60, lines=60) as terminal:
        for question, answer in [
            ("What is the task?", "reader"),
            ("What must the model be able to do?", "tools"),
            ("How many tokens of context", ""),
            ("At most how many dollars", "1"),
            ("What counts most?", "cost"),
            ("Which of them", "1"),
            ("write this?", "y"),
            ("another alias?", "n"),
        ]:
            terminal.wait_for(question)
            terminal.type(answer + "\r")
        assert terminal.finish() == 0
    assert llmring_lockfile.load(tmp_path / "llmring.lock").profile().aliases == ("reader",)
