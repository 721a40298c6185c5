"""Shell completion."""

from collections.abc import Callable
from pathlib import Path

import pytest
from llmring_cli._app import COMMANDS, GROUPS

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
    assert "prod" in completed(llmring, "aliases", "--profile", "")
    assert completed(llmring, "list", "--provider", "") == ["openai", "anthropic", "google", "ollama", "sim"]


def test_a_broken_lockfile_completes_to_nothing(llmring: Run, folder: Path) -> None:
    (folder / "llmring.lock").write_text("version = ")
    assert completed(llmring, "unbind", "") == []
