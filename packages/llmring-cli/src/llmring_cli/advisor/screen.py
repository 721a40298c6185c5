"""Where a session talks to a person: a terminal, or lines that come and go."""

import sys
from typing import Protocol

from llmring_cli._output import print_text, printable, report
from llmring_cli.advisor.interrupt import ending_at_once
from llmring_cli.chat.answer import Writer, plain_writer


class Screen(Protocol):
    """A person on the other side.

    Attributes:
        interactive: they are there while the model answers, and Ctrl-C is for the answer, not for the session.
    """

    interactive: bool

    async def ask(self, prompt: str) -> str | None:
        """Return what the person types; ``None`` when they leave."""

    def writer(self) -> Writer:
        """Take text piece by piece and show it."""

    def diff(self, text: str) -> None:
        """Show a unified diff."""


class PlainScreen:
    """Lines from standard input, text to standard output: for pipes and scripts."""

    interactive = False

    async def ask(self, prompt: str) -> str | None:
        print(printable(prompt), end="", file=sys.stderr, flush=True)
        with ending_at_once():
            line = sys.stdin.readline()
        if not line:
            report("")  # ends the line of the question
        return line.rstrip("\n") if line else None

    def writer(self) -> Writer:
        return plain_writer()

    def diff(self, text: str) -> None:
        print_text(text.rstrip())


async def confirm(screen: Screen, question: str) -> bool:
    """Ask for a yes; anything else is a no."""
    answer = await screen.ask(f"{question} [y/N] ")
    return answer is not None and answer.strip().lower() in {"y", "yes"}
