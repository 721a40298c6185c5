"""The installed command in a pseudo-terminal, and what a person would see on its screen."""

import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Self

import pyte

LLMRING = Path(sys.executable).with_name("llmring")
_PATIENCE_S = 30.0


class _Screen(pyte.Screen):
    """A screen that answers when a program asks where the cursor is."""

    answer: Callable[[str], object]

    def write_process_input(self, data: str) -> None:
        self.answer(data)


class Terminal:
    """A terminal with the command running in it.

    Args:
        arguments: of the command.
        folder: its working directory.
        environment: more of its environment.
        columns: width of the screen.
        lines: height of the screen.
        program: another command than the installed one.
    """

    def __init__(
        self,
        *arguments: str,
        folder: Path,
        environment: Mapping[str, str] | None = None,
        columns: int = 80,
        lines: int = 24,
        program: Path = LLMRING,
    ) -> None:
        self._screen = _Screen(columns, lines)
        self._stream = pyte.ByteStream(self._screen)
        self.raw = b""
        self._handle, inner = pty.openpty()
        self._screen.answer = self.type
        termios.tcsetwinsize(inner, (lines, columns))
        self.process = subprocess.Popen(
            [program, *arguments],
            cwd=folder,
            env={
                **os.environ,
                "TERM": "xterm-256color",
                "OLLAMA_BASE_URL": "http://127.0.0.1:9",
                **(environment or {}),
            },
            stdin=inner,
            stdout=inner,
            stderr=inner,
            start_new_session=True,
        )
        os.close(inner)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._handle)

    @property
    def screen(self) -> str:
        """Return the text on the screen, without the blanks at the ends."""
        return "\n".join(line.rstrip() for line in self._screen.display).strip()

    def type(self, text: str) -> None:
        """Press keys; ``\\r`` is Enter."""
        os.write(self._handle, text.encode())

    def interrupt(self) -> None:
        """Press Ctrl-C as a program sees it that does not read keys itself."""
        self.process.send_signal(signal.SIGINT)

    def wait_for(self, text: str) -> str:
        """Read until the text is on the screen, and return the screen."""
        return self.wait_until(lambda screen: text in screen, repr(text))

    def wait_until(self, seen: Callable[[str], bool], what: str = "what was waited for") -> str:
        """Read until the screen shows what is wanted, and return it."""
        deadline = time.monotonic() + _PATIENCE_S
        while not seen(self.screen):
            if not self._read(deadline):
                raise AssertionError(f"{what} did not appear; the screen shows:\n{self.screen}")
        return self.screen

    def finish(self) -> int:
        """Read until the command has ended, and return its exit code."""
        deadline = time.monotonic() + _PATIENCE_S
        while self._read(deadline):
            pass
        if time.monotonic() > deadline:
            raise AssertionError(f"the command does not end; the screen shows:\n{self.screen}")
        return self.process.wait(_PATIENCE_S)

    def _read(self, deadline: float) -> bool:
        """Take what the command has written; whether there was something before it ended or time ran out."""
        ready, _, _ = select.select([self._handle], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            return False
        try:
            data = os.read(self._handle, 65536)
        except OSError:  # what Linux says once the other end is closed
            return False
        self.raw += data
        self._stream.feed(data)
        return bool(data)
