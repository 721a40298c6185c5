"""The command tree and its help."""

import inspect
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import version

import pytest
from llmring_cli._app import COMMANDS, GROUPS, Command

Run = Callable[..., tuple[int, str, str]]

ALL = [((command.name,), command) for command in COMMANDS] + [
    ((*group.split(), command.name), command)
    for group, (_, commands) in GROUPS.items()
    for command in commands
]


def doc(command: Command) -> str:
    module, _, name = command.place.partition(":")
    text = inspect.getdoc(getattr(import_module(f"llmring_cli.commands.{module}"), name))
    assert text is not None
    return text


@pytest.mark.parametrize(("words", "command"), ALL, ids=[" ".join(words) for words, _ in ALL])
def test_a_commands_help_is_its_docstring(llmring: Run, words: tuple[str, ...], command: Command) -> None:
    code, out, err = llmring(*words, "--help")
    assert (code, err) == (0, "")
    assert out.startswith(f"Usage: llmring {' '.join(words)}")
    first, _, rest = doc(command).partition("\n\n")
    assert " ".join(first.split()) in " ".join(out.split())
    assert f"$ llmring {' '.join(words)}" in rest.partition("Args:")[0]


@pytest.mark.parametrize(("words", "command"), ALL, ids=[" ".join(words) for words, _ in ALL])
def test_a_commands_line_in_the_list_is_how_its_help_begins(words: tuple[str, ...], command: Command) -> None:
    assert doc(command).startswith(command.summary.removesuffix("."))


def test_the_help_lists_every_command_and_the_exit_codes(llmring: Run) -> None:
    out = llmring("--help")[1]
    for name in [command.name for command in COMMANDS] + [words for words in GROUPS if " " not in words]:
        assert f"  {name}: " in out
    assert "130 interrupted" in " ".join(out.split())


def test_the_version_is_the_packages(llmring: Run) -> None:
    assert llmring("--version") == (0, version("llmring-cli") + "\n", "")
