"""Tab in a real shell, after llmring --install-completion."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from terminal import LLMRING, Terminal

pytestmark = pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals are POSIX's")


@contextmanager
def shell(name: str, folder: Path) -> Iterator[Terminal]:
    """Start a shell in a home with a blank in its name, where completion is installed and an alias is bound."""
    program = shutil.which(name)
    if program is None:
        pytest.skip(f"{name} is not installed")
    home = folder / "my home"
    home.mkdir()
    environment = {"HOME": str(home), "ZDOTDIR": str(home), "PATH": f"{LLMRING.parent}:{os.environ['PATH']}"}
    for arguments in (("--install-completion", "--shell", name), ("bind", "summarizer", "openai:gpt-4o")):
        subprocess.run(
            [LLMRING, *arguments],
            cwd=home,
            env={**os.environ, **environment},
            check=True,
            capture_output=True,
        )
    with Terminal(
        "-i", folder=home, environment=environment, columns=100, lines=50, program=Path(program)
    ) as terminal:
        terminal.type("echo re''ady\r")
        terminal.wait_for("ready\n")
        yield terminal


@pytest.mark.parametrize("name", ["bash", "zsh"])
@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("llmring unb", "llmring unbind"),
        ("llmring lock sugg", "llmring lock suggest"),
        ("llmring chat --model summ", "llmring chat --model summarizer"),
        ("llmring unbind ", "llmring unbind summarizer"),
        ("llmring chat --model anthropic:claude-haiku", "--model anthropic:claude-haiku-4-5-20251001"),
        ("llmring chat --model=anthropic:claude-haiku", "--model=anthropic:claude-haiku-4-5-20251001"),
        ("llmring chat 'a: b' -m anthropic:claude-haiku", "'a: b' -m anthropic:claude-haiku-4-5-20251001"),
    ],
)
def test_tab_completes(tmp_path: Path, name: str, typed: str, completed: str) -> None:
    with shell(name, tmp_path) as terminal:
        terminal.type(typed + "\t")
        terminal.wait_for(completed)


@pytest.mark.parametrize("name", ["bash", "zsh"])
def test_a_pool_goes_on_behind_its_comma(tmp_path: Path, name: str) -> None:
    with shell(name, tmp_path) as terminal:
        terminal.type("llmring bind a openai:gpt-5-mini,anthropic:claude-haiku\t")
        screen = terminal.wait_for("4-5-20251001")
    assert "bind a openai:gpt-5-mini,anthropic:claude-haiku-4-5-20251001" in screen.replace("\\,", ",")
