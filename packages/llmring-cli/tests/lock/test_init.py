"""lock init."""

from collections.abc import Callable
from pathlib import Path

import llmring_lockfile
import pytest

Run = Callable[..., tuple[int, str, str]]


def test_without_a_key_the_simulated_model_is_bound_and_it_is_said(llmring: Run, folder: Path) -> None:
    code, out, err = llmring("lock", "init")
    assert (code, out) == (0, "")
    assert err.startswith("wrote llmring.lock\n  default: sim:demo\n")
    assert "simulated model answers" in err


def test_a_key_gives_aliases_of_its_provider(llmring: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-made-up")
    llmring("lock", "init")
    bindings = llmring_lockfile.load().profile().bindings
    assert {binding.alias for binding in bindings} >= {"default", "fast", "deep"}
    assert {binding.primary.provider for binding in bindings} == {"anthropic"}


def test_without_a_key_a_model_that_ollama_has_installed_is_bound(
    llmring: Run, monkeypatch: pytest.MonkeyPatch, answering: Callable[[int, object], str]
) -> None:
    monkeypatch.setenv(
        "OLLAMA_BASE_URL", answering(200, {"models": [{"name": "qwen3:8b", "model": "qwen3:8b"}]})
    )
    llmring("lock", "init")
    assert str(llmring_lockfile.load().profile().bindings[0].primary) == "ollama:qwen3:8b"


def test_a_lockfile_that_exists_is_kept_unless_forced(llmring: Run, folder: Path) -> None:
    path = folder / "llmring.lock"
    path.write_text('# mine\nversion = "1.0"\n')
    code, _, err = llmring("lock", "init")
    assert code == 1
    assert "--force" in err
    assert path.read_text().startswith("# mine")
    assert llmring("lock", "init", "--force")[0] == 0
    assert not path.read_text().startswith("# mine")


def test_in_a_project_it_goes_where_the_library_finds_it(llmring: Run, folder: Path) -> None:
    (folder / "pyproject.toml").write_text('[project]\nname = "my-app"\n')
    (folder / "src" / "my_app").mkdir(parents=True)
    (folder / "src" / "my_app" / "__init__.py").touch()
    llmring("lock", "init")
    assert llmring_lockfile.discover().path == folder / "src" / "my_app" / "llmring.lock"
