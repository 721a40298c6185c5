"""Hosts of one's own on the command line."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from llmring_types.hosts import HOSTS, unregister

Run = Callable[..., tuple[int, str, str]]


def test_a_host_is_added_listed_and_removed(
    llmring: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    try:
        file = tmp_path / "config" / "llmring" / "hosts.toml"
        added = llmring(
            "hosts", "add", "lab", "--base-url", "http://localhost:8000/v1", "--key-env", "LAB_KEY"
        )
        assert added == (0, "", f"added lab to {file}\n")
        assert "lab" in llmring("hosts")[1]
        again = ("hosts", "add", "lab", "--base-url", "http://localhost:9000/v1", "--key-env", "LAB_KEY")
        code, _, error = llmring(*again)
        assert (code, "'http://localhost:8000/v1' instead of 'http://localhost:9000/v1'" in error) == (
            1,
            True,
        )
        assert "http://localhost:8000/v1" in file.read_text()
        assert llmring(*again, "--force")[0] == 0
        assert "http://localhost:9000/v1" in file.read_text()
        assert llmring("hosts", "rm", "lab") == (0, "", "removed lab\n")
        assert llmring("hosts", "rm", "lab")[0] == 1
        assert llmring("hosts", "rm")[0] == 2
        assert llmring("hosts", "add", "lab")[0] == 2
        assert llmring("hosts", "add", "openai", "--base-url", "http://localhost:8000/v1")[0] == 1
    finally:
        unregister("lab")


def test_a_host_below_the_home_is_known_where_a_relative_folder_is_configured(
    llmring: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("USERPROFILE" if os.name == "nt" else "HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", "relative")
    try:
        assert llmring("hosts", "add", "lab", "--base-url", "http://localhost:8000/v1")[0] == 0
        unregister("lab")
        assert llmring("hosts")[0] == 0
        assert "lab" in HOSTS
    finally:
        unregister("lab")
