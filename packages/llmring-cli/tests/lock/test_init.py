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
    assert path.read_text().startswith("# mine")
    assert llmring_lockfile.load().profile().aliases == ("default",)


def test_a_provider_is_added_by_force_and_what_is_bound_stays(
    llmring: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    llmring("lock", "init")
    llmring("bind", "fast", "ollama:qwen3")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-made-up")
    code, _, err = llmring("lock", "init", "--force")
    pools = {row.alias: str(row.primary) for row in llmring_lockfile.load().profile().bindings}
    assert (code, "fast" in err) == (0, False)
    assert pools["fast"] == "ollama:qwen3"
    assert pools["default"].startswith("anthropic:")
    before = (folder / "llmring.lock").read_bytes()
    assert llmring("lock", "init", "--force")[2] == "llmring.lock has these aliases already\n"
    assert (folder / "llmring.lock").read_bytes() == before


def test_below_a_lockfile_no_second_one_is_made(
    llmring: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / ".git").mkdir()
    (folder / "docs").mkdir()
    llmring("bind", "fast", "sim:demo")
    monkeypatch.chdir(folder / "docs")
    assert llmring("lock", "init")[0] == 1
    assert llmring("bind", "deep", "sim:demo")[0] == 0
    code, out, err = llmring("aliases")
    assert (code, out) == (0, "fast\tsim:demo\ndeep\tsim:demo\n")
    assert f"using {folder / 'llmring.lock'}\n" in err
    assert list((folder / "docs").iterdir()) == []


OLD = '# ours\n[[profiles.default.bindings]]\nalias = "fast"\nprovider = "sim"\nmodel = "demo"\n'


def test_bindings_from_before_1_0_work_with_a_note_and_are_migrated(llmring: Run, folder: Path) -> None:
    path = folder / "llmring.lock"
    path.write_text(OLD)
    code, out, err = llmring("aliases")
    assert (code, out) == (0, "fast\tsim:demo\n")
    assert "warning: " in err
    assert "llmring lock migrate" in err
    assert llmring("lock", "migrate")[2] == "rewrote llmring.lock\n"
    assert (
        path.read_text() == '# ours\n[[profiles.default.bindings]]\nalias = "fast"\nmodels = ["sim:demo"]\n'
    )
    assert llmring("lock", "migrate")[2] == "llmring.lock needs no change\n"
    assert "warning" not in llmring("aliases")[2]


def test_in_a_project_it_goes_where_the_library_finds_it(llmring: Run, folder: Path) -> None:
    (folder / "pyproject.toml").write_text('[project]\nname = "my-app"\n')
    (folder / "src" / "my_app").mkdir(parents=True)
    (folder / "src" / "my_app" / "__init__.py").touch()
    llmring("lock", "init")
    assert llmring_lockfile.discover().path == folder / "src" / "my_app" / "llmring.lock"
