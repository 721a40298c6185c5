"""The user interface of a session: plain lines here, a terminal in :mod:`llmring_cli.chat.terminal`."""

import asyncio
import signal
import sys
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

from llmring_cli._output import print_text, printable, report
from llmring_cli.chat.answer import Writer, plain_writer

T = TypeVar("T")


class Screen(Protocol):
    """A user interface.

    Attributes:
        interactive: the user watches the answer, so Ctrl-C stops the answer and not the session.
    """

    interactive: bool

    async def ask(self, prompt: str) -> str | None:
        """Return the next input; ``None`` at its end."""

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


async def interruptible(turn: Coroutine[Any, Any, T]) -> T | None:
    """Run a turn that Ctrl-C stops; return ``None`` if it did. The session continues."""
    task = asyncio.create_task(turn)
    before = signal.getsignal(signal.SIGINT)
    loop = asyncio.get_running_loop()
    try:
        loop.add_signal_handler(signal.SIGINT, task.cancel)
    except NotImplementedError:  # Windows: there Ctrl-C ends the whole session
        return await task
    try:
        return await task
    except asyncio.CancelledError:
        return None
    finally:
        loop.remove_signal_handler(signal.SIGINT)
        signal.signal(signal.SIGINT, before)


@contextmanager
def staying() -> Iterator[None]:
    """Let Ctrl-C pass without effect where nothing is there to be stopped: a second one comes after the answer."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def ending_at_once() -> Iterator[None]:
    """Let Ctrl-C end a call that blocks the event loop; asyncio's own handler would wait for it.

    Raises:
        KeyboardInterrupt: asyncio's handler has had one just before.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise KeyboardInterrupt
        yield
    finally:
        signal.signal(signal.SIGINT, before)
