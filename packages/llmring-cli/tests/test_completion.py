"""Shell completion."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from llmring_cli._commands import COMMANDS, GROUPS

Run = Callable[..., tuple[int, str, str]]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell"])
def test_the_script_knows_every_command(llmring: Run, folder: Path, shell: str) -> None:
    code, out, err = llmring("--install-completion", "--shell", shell, "--output", "script")
    script = (folder / "script").read_text()
    assert (code, out) == (0, "")
    assert err.startswith(f"wrote {folder / 'script'}")
    for name in [command.name for command in COMMANDS] + " ".join(GROUPS).split():
        assert name.removeprefix("--") in script


def test_without_a_file_it_goes_where_the_shell_looks(llmring: Run) -> None:
    llmring("--install-completion", "--shell", "bash")
    assert "llmring" in (Path.home() / ".bashrc").read_text()


@pytest.mark.parametrize(("shell", "startup"), [("bash", ".bashrc"), ("zsh", ".zshrc")])
def test_it_says_which_file_it_edited(llmring: Run, shell: str, startup: str) -> None:
    err = llmring("--install-completion", shell)[2]
    assert err.startswith(f"added the lines that load it to {Path.home() / startup}\nwrote ")
    assert "added" not in llmring("--install-completion", shell)[2]


def test_a_shell_that_looks_by_itself_has_no_file_edited(llmring: Run) -> None:
    code, out, _ = llmring("--install-completion", "fish", "--json")
    assert (code, json.loads(out)["edited"]) == (0, None)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, "autoload -Uz compinit && compinit\n"),
        ("alias l=ls\n", "alias l=ls\nautoload -Uz compinit && compinit\n"),
        ("autoload compinit; compinit\n", "autoload compinit; compinit\n"),
        ("source $ZSH/oh-my-zsh.sh\n", "source $ZSH/oh-my-zsh.sh\n"),
    ],
)
def test_zsh_is_told_to_look_for_completions_once(llmring: Run, before: str | None, after: str) -> None:
    startup = Path.home() / ".zshrc"
    if before is not None:
        startup.write_text(before)
    for _ in range(2):
        llmring("--install-completion", "--shell", "zsh")
    _comment, fpath, rest = startup.read_text().split("\n", 2)
    assert fpath.startswith("fpath=(")
    assert rest == after


def test_zsh_finds_them_below_a_home_with_a_blank_in_its_name(
    llmring: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = folder / "my home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    for _ in range(2):
        llmring("--install-completion", "--shell", "zsh")
    assert (home / ".zshrc").read_text().splitlines()[1:] == [
        f"fpath=('{home}/.zsh/completions' $fpath)",
        "autoload -Uz compinit && compinit",
    ]


def test_a_file_that_cannot_be_written_is_named(llmring: Run, folder: Path) -> None:
    (folder / "file").touch()
    code, out, err = llmring("--install-completion", "--shell", "bash", "--output", "file/script")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "file" in err


def completed(llmring: Run, *words: str) -> list[str]:
    lines = llmring("__complete", *words)[1].splitlines()
    return [line.partition("\t")[0] for line in lines[lines.index("\x1fbegin") + 1 :]]


def test_aliases_models_profiles_and_providers_are_completed(llmring: Run) -> None:
    llmring("bind", "fast", "openai:gpt-4o")
    assert completed(llmring, "unbind", "") == ["fast"]
    assert completed(llmring, "chat", "--model", "")[0] == "fast"
    assert "openai:gpt-4o" in completed(llmring, "info", "")
    assert "openai:gpt-4o" in completed(llmring, "bind", "new", "")
    assert "fast" not in completed(llmring, "bind", "new", "")
    pools = completed(llmring, "bind", "new", "openai:gpt-4o,openai:gpt-4o")
    assert "openai:gpt-4o,openai:gpt-4o-mini" in pools
    assert "openai:gpt-4o,openai:gpt-4o" not in pools
    llmring("bind", "fast", "openai:gpt-4o", "--profile", "prod")
    assert "prod" in completed(llmring, "aliases", "--profile", "")
    assert {"openai", "groq", "sim"} <= set(completed(llmring, "list", "--provider", ""))


def test_a_broken_lockfile_completes_to_nothing(llmring: Run, folder: Path) -> None:
    (folder / "llmring.lock").write_text("version = ")
    assert completed(llmring, "unbind", "") == []
