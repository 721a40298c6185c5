"""llmring chat without a message: a conversation as a person holds it."""

import os
import re
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import llmring_lockfile
import pytest
from llmring import LLMRing, Message
from llmring.conversation import Conversation
from llmring.testing import Answer, Call, Rule, Script, faults
from llmring_cli.chat.interactive import COMMANDS
from llmring_cli.chat.saved import open_store
from simulated import Simulated
from terminal import Terminal

pytestmark = pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals are POSIX's")

CTRL_C, CTRL_D = "\x03", "\x04"
EVIL = "red \x1b]0;title\x07 and \x1b[2J cleared"
SCRIPT = Script(
    rules=(
        Rule(after_tool=True, answer=Answer(text="It rains.")),
        Rule(contains="weather", answer=Answer(tool_calls=(Call("weather", {"city": "Rome"}),))),
        Rule(contains="long", answer=Answer(text="one two three four " * 10), fault=faults.Stall(after=3)),
        Rule(contains="wait", fault=faults.Stall()),
        Rule(contains="break", answer=Answer(text="one two three four"), fault=faults.Cut(after=2)),
        Rule(contains="refuse", fault=faults.Status(status=401)),
        Rule(contains="evil", answer=Answer(text=EVIL)),
        Rule(contains="Invent", answer=Answer(text='{"name": "*Rex*", "age": 3}')),
        Rule(answer=Answer(text="A **ring** has:\n\n1. first\n2. second\n")),
    )
)


class Talking:
    """A conversation in a terminal, with the number of prompts that have been seen."""

    def __init__(self, terminal: Terminal, simulated: Simulated) -> None:
        self.terminal = terminal
        self._simulated = simulated
        self._prompts = 0

    def prompt(self) -> str:
        """Wait until the prompt has come back: what is typed earlier, a terminal may swallow."""
        self._prompts += 1
        number = self._prompts
        return self.terminal.wait_until(
            lambda screen: len(re.findall(r"(?m)^you>", screen)) == number and screen.endswith("you>"),
            f"prompt {number}",
        )

    def say(self, text: str) -> str:
        """Type a line, and return the screen once the next prompt is there."""
        self.terminal.type(f"{text}\r")
        return self.prompt()

    def leave(self) -> str:
        self.terminal.type(CTRL_D)
        assert self.terminal.finish() == 0
        assert "Traceback" not in self.terminal.screen
        return self.terminal.screen

    @property
    def last_request(self) -> Any:
        return self._simulated.requests[-1].json

    @property
    def sent(self) -> list[tuple[str, Any]]:
        """The messages of the last request: who says what."""
        messages = self.last_request["messages"]
        return [(message["role"], message.get("content")) for message in messages]


@contextmanager
def talking(
    folder: Path,
    *arguments: str,
    model: str | None = "openai:gpt-4o",
    columns: int = 80,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Talking]:
    options = () if model is None else ("-m", model)
    with (
        Simulated(SCRIPT) as simulated,
        Terminal(
            *(arguments or ("chat",)),
            *options,
            folder=folder,
            environment={**simulated.environment, **(environment or {})},
            columns=columns,
            lines=80,
        ) as terminal,
    ):
        talk = Talking(terminal, simulated)
        talk.prompt()
        yield talk


def test_questions_are_answered_in_markdown_and_kept(tmp_path: Path) -> None:
    with talking(tmp_path, "chat", "--system", "Be brief.") as talk:
        screen = talk.say("What is a ring?")
        assert screen.startswith("openai:gpt-4o answers; /help lists commands, Ctrl-D leaves")
        assert "A ring has:" in screen
        assert " 1 first" in screen
        assert re.search(r"openai:gpt-4o · \d+ tokens in, \d+ out · \$0\.\d+", screen)
        talk.say("And two?")
        answer = ("assistant", "A **ring** has:\n\n1. first\n2. second\n")
        assert talk.sent == [
            ("system", "Be brief."),
            ("user", "What is a ring?"),
            answer,
            ("user", "And two?"),
        ]
        screen = talk.leave()
    (saved,) = open_store().list()
    assert (saved.title, saved.messages, saved.topic) == ("What is a ring?", 5, str(tmp_path.resolve()))
    assert saved.cost
    assert screen.endswith(f"saved; to continue: llmring chats continue {saved.id[:8]}")


def test_an_interrupt_ends_the_answer_and_not_the_conversation(tmp_path: Path) -> None:
    with talking(tmp_path) as talk:
        talk.terminal.type("a long answer\r")
        talk.terminal.wait_for("one two")
        talk.terminal.interrupt()
        screen = talk.prompt()
        assert "the answer was cut off here" in screen
        talk.say("and on?")
        assert [role for role, _ in talk.sent] == ["user", "assistant", "user"]
        assert talk.sent[1][1].startswith("one two")
        assert "without 1 answer cut off, whose cost is not known" in talk.say("/cost")
        talk.leave()
    store = open_store()
    assert b'"metadata":{"cut":true}' in store.document(store.list()[0].id)


def test_further_interrupts_do_not_end_the_conversation(tmp_path: Path) -> None:
    """An impatient person presses Ctrl-C again while the first one has its effect."""
    with talking(tmp_path) as talk:
        talk.terminal.type("a long answer\r")
        talk.terminal.wait_for("one two")
        for _ in range(20):
            talk.terminal.interrupt()
        talk.terminal.wait_for("the answer was cut off here")
        talk.terminal.type("/quit\r")
        assert talk.terminal.finish() == 0


def test_a_pipe_that_never_ends_can_be_interrupted(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with talking(tmp_path) as talk:
        talk.terminal.type("/attach pipe\r")
        writer = os.open(tmp_path / "pipe", os.O_WRONLY)  # waits for the reader
        talk.terminal.interrupt()
        assert "nothing was attached" in talk.prompt()
        os.close(writer)
        talk.leave()


def test_options_hold_for_every_question_and_are_not_saved(tmp_path: Path) -> None:
    with talking(tmp_path, "chat", "--temperature", "0.5") as talk:
        talk.say("one")
        talk.say("two")
        assert talk.last_request["temperature"] == 0.5
        talk.leave()
    store = open_store()
    assert b"temperature" not in store.document(store.list()[0].id)


def test_a_form_of_answers_holds_for_every_question_and_is_shown_as_written(tmp_path: Path) -> None:
    with talking(tmp_path, "chat", "--schema", "name, age int") as talk:
        assert '{"name": "*Rex*", "age": 3}' in talk.say("Invent a dog")
        assert talk.last_request["response_format"]["type"] == "json_schema"
        talk.leave()


def test_an_interrupt_before_the_first_word_leaves_the_question(tmp_path: Path) -> None:
    with talking(tmp_path) as talk:
        talk.terminal.type("wait for it\r")
        talk.terminal.wait_for("waiting for the answer")
        talk.terminal.interrupt()
        assert "there is no answer; /retry asks again" in talk.prompt()
        talk.say("something else")
        assert talk.sent == [("user", "something else")], "it takes the place of the one without an answer"
        talk.leave()


def test_ctrl_c_at_an_empty_prompt_says_how_to_leave(tmp_path: Path) -> None:
    with talking(tmp_path) as talk:
        talk.terminal.type(f"half a line{CTRL_C}")
        talk.terminal.wait_until(lambda screen: screen.count("you>") == 2)
        assert "to leave" not in talk.terminal.screen
        talk.terminal.type(CTRL_C)
        talk.terminal.wait_for("to leave: Ctrl-D")
        talk.terminal.wait_until(lambda screen: screen.count("you>") == 3)
        talk.terminal.type("/quit\r")
        assert talk.terminal.finish() == 0
    assert open_store().list() == []


def test_an_error_is_one_line_and_retry_asks_again(tmp_path: Path) -> None:
    with talking(tmp_path) as talk:
        screen = talk.say("refuse this")
        assert "error: [openai] the key was refused" in screen
        assert "you> " not in screen.partition("error:")[2].splitlines()[0]
        talk.say("/retry")
        assert talk.sent == [("user", "refuse this")]
        talk.say("better")
        talk.say("/retry")
        assert talk.sent == [("user", "better")], "the answer that it had is not sent"
        talk.leave()
    assert open_store().list()[0].messages == 2


def test_a_stream_that_breaks_off_keeps_what_came(tmp_path: Path) -> None:
    with talking(tmp_path) as talk:
        screen = talk.say("break off")
        assert "one two" in screen
        assert "error: " in screen
        talk.say("go on")
        assert talk.sent[1][1].startswith("one two")
        talk.leave()


def test_files_and_addresses_go_with_the_next_message(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("Buy milk.")
    (tmp_path / "more.txt").write_text("And eggs.")
    with talking(tmp_path, "chat", "-f", "notes.txt") as talk:
        assert "attached notes.txt; it goes with the next message" in talk.terminal.screen
        talk.say("/attach mor*.txt")
        assert "error: no file matches *.png" in talk.say("/attach *.png")
        talk.say("/attach https://example.org/a.png")
        assert "error: cannot read gone.txt: No such file or directory" in talk.say("/attach gone.txt")
        assert "usage: /attach PATH|URL" in talk.say("/attach")
        talk.say("Look")
        ((_, parts),) = talk.sent
        assert [part["text"] for part in parts if part["type"] == "text"] == [
            "File notes.txt:\n\nBuy milk.",
            "File more.txt:\n\nAnd eggs.",
            "Look",
        ]
        assert parts[2]["image_url"]["url"] == "https://example.org/a.png"
        talk.say("again")
        assert talk.sent[-1] == ("user", "again")
        talk.leave()


def test_several_lines_are_one_message(tmp_path: Path) -> None:
    with talking(tmp_path) as talk:
        talk.say("one\x1b\rtwo\\\rthree")
        assert talk.sent == [("user", "one\ntwo\nthree")]
        talk.leave()


def test_the_commands_do_what_help_says(tmp_path: Path) -> None:
    with talking(tmp_path, columns=60) as talk:
        assert "/retry            ask the last question again" in talk.say("/help")
        assert "there is no command /etc/hosts; to list them: /help" in talk.say("/etc/hosts is what?")
        assert "there is no command /modle; did you mean /model?" in talk.say("/modle openai:gpt-5")
        assert "there is nothing to ask again" in talk.say("/retry")
        assert "conversation: $0.00" in talk.say("/cost")
        assert "there are no instructions" in talk.say("/system")
        assert "the instructions are replaced" in talk.say("/system Be long.")
        assert talk.say("/system").endswith("Be long.\nyou>")
        assert "the model may call nothing" in talk.say("/tools")
        assert talk.say("/model").endswith("openai:gpt-4o answers\nyou>")
        assert "error: alias 'nosuch' is not bound" in talk.say("/model nosuch")
        assert "openai:gpt-4.1 answers" in talk.say("/model openai:gpt-4.1 ")
        talk.say(" /etc/hosts is what?")
        assert talk.sent == [("system", "Be long."), ("user", "/etc/hosts is what?")]
        assert "last answer: " in talk.say("/cost")
        talk.leave()
    assert open_store().list()[0].model == "openai:gpt-4.1"


def test_a_file_is_replaced_only_after_a_yes(tmp_path: Path) -> None:
    (tmp_path / "talk.md").write_text("mine")
    with talking(tmp_path, "chat", "--no-save") as talk:
        talk.say("Hello")
        talk.terminal.type("/save talk.md\r")
        talk.terminal.wait_for("talk.md exists; replace it? [y/N]")
        assert "nothing was written" in talk.say("n")
        assert (tmp_path / "talk.md").read_text() == "mine"
        assert "wrote talk.jsonl" in talk.say("/save talk.jsonl")
        talk.terminal.type("/save talk.md\r")
        talk.terminal.wait_until(lambda screen: screen.count("replace it?") == 2)
        assert "wrote talk.md" in talk.say("y")
        assert "error: cannot write" in talk.say("/save gone/talk.md")
        assert "saved" not in talk.leave()
    assert (tmp_path / "talk.md").read_text().startswith("# Hello\n\nnot saved · openai:gpt-4o · ")
    assert len((tmp_path / "talk.jsonl").read_text().splitlines()) == 2
    assert open_store().list() == []
    assert not open_store().path.with_name("history").exists()


def test_a_model_cannot_steer_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "odd.py").write_text(f'def look() -> str:\n    """{EVIL}"""\n    return ""\n')
    for options in ((), ("--plain",)):
        with talking(tmp_path, "chat", "--tool", "odd:look", *options) as talk:
            assert r"\x1b[2J cleared" in talk.say("be evil")
            assert "look: red" in talk.say("/tools")
            talk.leave()
            assert b"\x1b]0;" not in talk.terminal.raw
            assert b"\x1b[2J" not in talk.terminal.raw


def test_tools_run_within_an_answer(tmp_path: Path) -> None:
    (tmp_path / "lookups.py").write_text(
        'def weather(city: str) -> str:\n    "Look up."\n    return "rain"\n'
    )
    with talking(tmp_path, "chat", "--tool", "lookups:weather", "-v") as talk:
        assert "It rains." in talk.say("How is the weather?")
        assert "weather: Look up." in talk.say("/tools")
        assert "attempt: openai:gpt-4o failed after " in talk.say("refuse this")
        assert "model: openai:gpt-4o" in talk.leave()
    assert open_store().list()[0].messages == 5


def test_a_fallback_is_seen(tmp_path: Path) -> None:
    pool = "anthropic:claude-haiku-4-5,openai:gpt-4o"
    llmring_lockfile.bind(tmp_path / "llmring.lock", "default", pool, create=True)
    environment = {
        "ANTHROPIC_API_KEY": "sk-made-up",
        "ANTHROPIC_BASE_URL": "http://127.0.0.1:9",
        "LLMRING_RETRY_ATTEMPTS": "1",
    }
    with talking(tmp_path, model=None, environment=environment) as talk:
        screen = talk.say("Hello")
        assert "anthropic:claude-haiku-4-5 did not answer: " in screen
        assert "openai:gpt-4o · " in screen
        talk.leave()


def test_a_narrow_screen_breaks_help_between_words(tmp_path: Path) -> None:
    with talking(tmp_path, columns=40) as talk:
        screen = talk.say("/help")
        words = " ".join(screen.split())
        assert "openai:gpt-4o answers; /help lists commands, Ctrl-D leaves" in words
        assert "/system TEXT replace the instructions; without a text, show them" in words
        assert "begins another line. Ctrl-C stops an answer." in words
        talk.leave()


def test_what_was_said_survives_a_kill_and_is_continued(tmp_path: Path) -> None:
    with talking(tmp_path) as talk:
        talk.say("Hello")
        talk.terminal.type("a long answer\r")
        talk.terminal.wait_for("one two")
        talk.terminal.process.send_signal(signal.SIGKILL)
        talk.terminal.process.wait()
    (saved,) = open_store().list()
    assert saved.messages == 3
    with talking(tmp_path, "chats", "continue", saved.id[:5], model=None) as talk:
        screen = talk.terminal.screen
        assert "3 messages so far, the last one:\na long answer" in screen
        assert "it has no answer; /retry asks it again" in screen
        talk.say("shorter")
        assert [content for role, content in talk.sent if role == "user"] == ["Hello", "shorter"]
        talk.leave()
    (continued,) = open_store().list()
    assert (continued.id, continued.messages) == (saved.id, 4)


def test_a_conversation_is_removed_only_after_a_yes(tmp_path: Path) -> None:
    store = open_store()
    saved = store.save(Conversation(LLMRing(), messages=[Message.user("Is \x1b[2J evil?")]))
    for answer, code, left in (("n", 1, 1), ("y", 0, 0)):
        with Terminal("chats", "rm", saved[:6], folder=tmp_path) as terminal:
            assert f"{saved}  Is \\x1b[2J evil?" in terminal.wait_for("remove 1 conversation? [y/N]")
            terminal.type(f"{answer}\r")
            assert (terminal.finish(), len(store.list())) == (code, left)


def test_a_single_question_is_continued_as_a_conversation(tmp_path: Path) -> None:
    with (
        Simulated(SCRIPT) as simulated,
        Terminal(
            "chat", "-m", "openai:gpt-4o", "One?", folder=tmp_path, environment=simulated.environment
        ) as terminal,
    ):
        assert terminal.finish() == 0
    with talking(tmp_path, "chat", "--continue", model=None) as talk:
        assert "2 messages so far, the last one:\nA ring has:" in talk.terminal.screen
        talk.say("Two?")
        talk.leave()
    (saved,) = open_store().list()
    assert (saved.title, saved.messages) == ("One?", 4)


def test_an_unknown_model_is_an_error_before_anything_is_asked(tmp_path: Path) -> None:
    with Terminal("chat", "-m", "nosuch", folder=tmp_path) as terminal:
        assert terminal.finish() == 1
        assert terminal.screen.startswith("error: alias 'nosuch' is not bound")


def test_the_page_of_the_documentation_has_every_command() -> None:
    page = (Path(__file__).parents[2] / "docs" / "how-to" / "chat-in-the-terminal.md").read_text()
    documented = [usage.replace("\\|", "|") for usage in re.findall(r"(?m)^\| `(/[^`]+)` \|", page)]
    assert documented == list(COMMANDS)
