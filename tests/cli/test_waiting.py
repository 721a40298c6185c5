"""Spinners of commands that ask somebody: on a terminal, and nowhere else."""

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from terminal import LLMRING, Terminal

pytestmark = pytest.mark.skipif(os.name != "posix", reason="terminals are made in POSIX's way")

COMMANDS = [
    pytest.param(("list", "--live", "-p", "ollama"), "asking the providers", id="list --live"),
    pytest.param(("doctor", "--online"), "asking the providers", id="doctor --online"),
    pytest.param(("files", "list", "openai"), "asking the providers", id="files list"),
    pytest.param(("registry", "refresh", "openai"), "asking the registry", id="registry refresh"),
]


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def environment(silent: socket.socket) -> dict[str, str]:
    url = f"http://127.0.0.1:{silent.getsockname()[1]}"
    return {
        "OLLAMA_BASE_URL": url,
        "OPENAI_BASE_URL": f"{url}/v1",
        "OPENAI_API_KEY": "sk-made-up",
        "LLMRING_REGISTRY_URL": url,
    }


@pytest.mark.parametrize(("arguments", "text"), COMMANDS)
def test_a_terminal_shows_what_the_command_waits_for(
    tmp_path: Path, silent: socket.socket, arguments: tuple[str, ...], text: str
) -> None:
    with Terminal(*arguments, folder=tmp_path, environment=environment(silent)) as terminal:
        terminal.wait_for(text)
        terminal.interrupt()
        assert terminal.finish() == 130
        assert text not in terminal.screen


@pytest.mark.parametrize(("arguments", "text"), COMMANDS)
def test_a_pipe_does_not(
    tmp_path: Path, silent: socket.socket, arguments: tuple[str, ...], text: str
) -> None:
    process = subprocess.Popen(
        [LLMRING, *arguments],
        cwd=tmp_path,
        env={**os.environ, **environment(silent)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with silent.accept()[0] as connection:
        connection.recv(1)  # it waits now
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (130, b"", b""), text
