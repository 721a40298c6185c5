"""The command tree and its help."""

import inspect
import re
import shlex
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

import pytest
from cyclopts import App
from llmring_cli._app import build_app, with_command
from llmring_cli._commands import COMMANDS, GROUPS, Command
from llmring_cli._help import PANELS, topics

Run = Callable[..., tuple[int, str, str]]

ALL = [((command.name,), command) for command in COMMANDS] + [
    ((*group.split(), command.name), command)
    for group, (_, commands) in GROUPS.items()
    for command in commands
]


def doc(command: Command) -> str:
    module, _, name = command.place.partition(":")
    found = getattr(import_module(f"llmring_cli.commands.{module}"), name)
    text = inspect.getdoc(found.default_command if isinstance(found, App) else found)
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


@pytest.mark.parametrize(("words", "command"), ALL, ids=[" ".join(words) for words, _ in ALL])
def test_help_in_a_pipe_is_wrapped_with_indentation(
    llmring: Run, words: tuple[str, ...], command: Command
) -> None:
    arguments = doc(command).partition("Args:")[2]
    assert not re.search(r"^ {8}", arguments, re.MULTILINE), (
        "line ends in here are kept: one line for each argument"
    )
    lines = llmring(*words, "--help")[1].partition("Parameters:\n")[2].splitlines()
    assert all(line.startswith("  ") and len(line) <= 80 for line in lines if line)


@pytest.mark.parametrize(("words", "command"), ALL, ids=[" ".join(words) for words, _ in ALL])
def test_the_examples_of_help_are_command_lines_that_can_be_meant(
    words: tuple[str, ...], command: Command
) -> None:
    examples = re.findall(r"^\$ (.*)$", doc(command), re.MULTILINE)
    commands = [line for example in examples for line in llmring_commands(example)]
    assert any(tuple(line[: len(words)]) == words for line in commands)
    for line in commands:
        build_app().parse_args(with_command(line), exit_on_error=False, print_error=False)


def llmring_commands(example: str) -> list[list[str]]:
    """The arguments of each ``llmring`` in a line for the shell."""
    pipeline = shlex.shlex(example, posix=True, punctuation_chars="|;")
    pipeline.whitespace_split = True
    pipeline.commenters = ""
    parts: list[list[str]] = [[]]
    for word in pipeline:
        parts[-1].append(word) if word not in ("|", ";") else parts.append([])
    return [part[1:] for part in parts if part[0] == "llmring"]


def test_the_readme_names_each_command_once() -> None:
    readme = (Path(__file__).parents[1] / "README.md").read_text()
    table = readme.partition("| | commands |")[2].partition("\n\n")[0]
    told = re.findall(r"`([^`]+)`", table)
    assert sorted(told) == sorted(" ".join(words) for words, _ in ALL)


def test_the_overview_names_each_command_and_topic_and_fits_a_screen(
    llmring: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    lines = llmring("--help")[1].splitlines()
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80
    assert all(len(brief) <= 23 for panel in PANELS for _, brief in panel.commands)
    shown = sorted(name for panel in PANELS for name, _ in panel.commands)
    visible = [command.name for command in COMMANDS if not command.name.startswith("-")]
    assert shown == sorted({*visible, *(words for words in GROUPS if " " not in words)} - {"help"})
    assert all(name in " ".join(lines) for name in (*shown, *topics()))


def test_a_narrow_overview_has_one_command_on_a_line(llmring: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    lines = llmring("--help")[1].splitlines()
    assert "        info        facts of a model" in lines


@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_the_overview_is_printed_for_either_flag_and_by_the_command_help(llmring: Run, flag: str) -> None:
    assert llmring(flag) == llmring("help")


@pytest.mark.parametrize(
    "words", [words for words, command in ALL if not command.name.startswith("-")], ids=" ".join
)
def test_the_short_help_of_a_command_fits_a_screen_and_names_all_that_it_takes(
    llmring: Run, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    code, out, err = llmring(*words, "-h")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80
    whole = llmring(*words, "--help")[1]
    assert whole.splitlines()[2].split()[0] in lines[2]
    taken = re.findall(r"^  (--[\w-]+|[A-Z-]+)\b", whole.partition("\nArguments:")[2] or whole, re.MULTILINE)
    assert [name for name in taken if name not in out] == []


def test_the_short_help_of_a_group_lists_its_commands(llmring: Run) -> None:
    assert llmring("lock", "-h") == llmring("lock", "--help")


@pytest.mark.parametrize("name", topics())
def test_a_topic_fits_a_screen_and_its_commands_can_be_meant(llmring: Run, name: str) -> None:
    code, out, err = llmring("help", name)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80
    link = lines[-1].removeprefix("More: https://github.com/juanre/llmring/blob/main/")
    assert (Path(__file__).parents[3] / link).is_file()
    for example in re.findall(r"^\$ (?:\w+=\S+ )?(.*?)(?: +#.*)?$", out, re.MULTILINE):
        for line in llmring_commands(example):
            build_app().parse_args(with_command(line), exit_on_error=False, print_error=False)


def test_help_of_a_command_is_its_own_help(llmring: Run) -> None:
    assert llmring("help", "lock", "upgrade") == llmring("lock", "upgrade", "--help")


def test_help_of_nothing_that_there_is_suggests_what_is_like_it(llmring: Run) -> None:
    code, out, err = llmring("help", "profile")
    assert (code, out) == (2, "")
    assert "did you mean profiles" in err


def test_help_suggests_a_name_once_that_is_a_topic_and_a_command(llmring: Run) -> None:
    code, out, err = llmring("help", "alias")
    assert (code, out) == (2, "")
    assert err.count("aliases") == 1


def test_the_version_is_the_packages(llmring: Run) -> None:
    assert llmring("--version") == (0, version("llmring-cli") + "\n", "")
