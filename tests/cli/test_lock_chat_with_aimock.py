"""llmring lock chat from the first word to the written file, with a server of other people for a model: aimock.

It speaks the protocol of each provider, so each can advise. ``lock_chat.json`` scripts what the model says
and which tools it calls; a line of it fits only after as many answers as it names, and some only after a
certain result of a tool.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import llmring_lockfile
import pytest
from aimock import Aimock
from terminal import Terminal

pytestmark = pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals are POSIX's")

# Who advises where only this key is set, and the variables that make it so.
ADVISORS = {
    "openai": ("openai:gpt-5-2025-08-07", ("OPENAI_API_KEY", "OPENAI_BASE_URL")),
    "anthropic": ("anthropic:claude-opus-5", ("ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL")),
    "google": ("google:gemini-2.5-pro", ("GOOGLE_GEMINI_API_KEY", "GOOGLE_GEMINI_BASE_URL")),
    "ollama": ("ollama:", ("OLLAMA_BASE_URL",)),
}
CTRL_D = "\x04"


@pytest.fixture(scope="module")
def aimock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aimock]:
    with Aimock(Path(__file__).with_name("lock_chat.json"), tmp_path_factory.mktemp("aimock")) as running:
        yield running


class Person:
    """Somebody at the terminal, who reads before they type."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._prompts = 0

    def says(self, text: str) -> str:
        """Type at the next prompt; returns the screen before that."""
        self._prompts += 1
        screen = self._terminal.wait_until(
            lambda screen: screen.count("you>") == self._prompts, f"prompt {self._prompts}"
        )
        self._terminal.type(text + "\r")
        return screen

    def answers(self, question: int, text: str) -> str:
        """Answer when it is asked whether to write; ``question`` counts from 1. Returns the screen before that."""
        screen = self._terminal.wait_until(
            lambda screen: screen.count("write this? [y/N]") == question, f"question {question}"
        )
        self._terminal.type(text + "\r")
        return screen


@pytest.mark.parametrize("provider", ADVISORS)
def test_a_lockfile_comes_to_be(tmp_path: Path, aimock: Aimock, provider: str) -> None:
    advisor, variables = ADVISORS[provider]
    environment = {name: aimock.environment[name] for name in variables}
    path = tmp_path / "llmring.lock"
    with Terminal(
        "lock", "chat", folder=tmp_path, environment=environment, columns=60, lines=200
    ) as terminal:
        person = Person(terminal)
        assert f"{advisor}" in person.says("I must read invoices, 10000 a month")
        screen = person.says("do it")
        assert "· list_models" in screen
        assert "· compare_costs" in screen
        assert "I would take gpt-5-mini, then claude-haiku-4-5." in screen
        assert not path.exists()

        screen = person.answers(1, "n")
        assert '+alias = "reader"' in screen
        assert "Nothing is written, as you wish." in person.says("cheaper, please")
        assert not path.exists()

        screen = person.answers(2, "y")
        assert '+models = ["openai:gpt-5-nano"]' in screen
        assert "Written." in person.says("go on without a reader")
        lockfile = llmring_lockfile.load(path)
        assert lockfile.profile("dev").aliases == ("draft",)
        assert lockfile.profile().aliases == ("reader",)

        screen = person.answers(3, "y")
        assert '-alias = "reader"' in screen
        assert "The reader is gone." in person.says(CTRL_D)
        assert terminal.finish() == 0
        assert "Traceback" not in terminal.screen
    assert llmring_lockfile.load(path).profile().aliases == ()


def test_what_the_tools_answered_went_to_the_model(tmp_path: Path, aimock: Aimock) -> None:
    variables = ADVISORS["openai"][1]
    environment = {name: aimock.environment[name] for name in variables}
    before = len(aimock.asked())
    with Terminal("lock", "chat", folder=tmp_path, environment=environment, columns=60) as terminal:
        person = Person(terminal)
        person.says("I must read invoices, 10000 a month")
        person.says("/exit")
        assert terminal.finish() == 0
    last = aimock.asked()[before:][-1]
    results = {
        message["tool_call_id"]: message["content"]
        for message in last["messages"]
        if message["role"] == "tool"
    }
    models, found, details, costs = results.values()
    assert '"model":"openai:gpt-5-mini"' in models
    assert '"reason":' in found
    assert '"known":true' in details
    assert '"total_usd":' in costs
    assert last["messages"][0]["role"] == "system"
    assert "find_models" in {tool["function"]["name"] for tool in last["tools"]}
