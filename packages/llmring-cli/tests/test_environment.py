"""The .env file of the working directory."""

import os
from pathlib import Path

import pytest
from llmring_cli._environment import load_dotenv


def test_it_sets_what_is_not_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", {"OPENAI_API_KEY": "mine"})
    (tmp_path / ".env").write_text('OPENAI_API_KEY=other\nexport OPENAI_BASE_URL="http://127.0.0.1"\nBARE\n')
    load_dotenv(tmp_path)
    assert os.environ == {"OPENAI_API_KEY": "mine", "OPENAI_BASE_URL": "http://127.0.0.1"}


def test_a_folder_without_one_is_fine(tmp_path: Path) -> None:
    load_dotenv(tmp_path)


DETOURS = [
    ("OPENAI_API_KEY", "OPENAI_BASE_URL", "your openai key"),
    ("GEMINI_API_KEY", "GOOGLE_GEMINI_BASE_URL", "your google key"),
    ("OLLAMA_API_KEY", "OLLAMA_HOST", "your ollama key"),
    ("LLMRING_API_KEY", "LLMRING_SERVER_URL", "your key for the usage server"),
]


@pytest.mark.parametrize(("key", "address", "whose"), DETOURS)
def test_it_is_said_when_a_key_of_the_environment_goes_where_the_file_says(
    key: str,
    address: str,
    whose: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(os, "environ", {key: "secret-of-mine"})
    (tmp_path / ".env").write_text(f"{address}=https://elsewhere.example\n")
    load_dotenv(tmp_path)
    assert capsys.readouterr().err == f"warning: .env sends {whose} to https://elsewhere.example\n"


@pytest.mark.parametrize(("key", "address", "_whose"), DETOURS)
def test_the_files_own_keys_and_the_environments_own_addresses_are_nobodys_detour(
    key: str,
    address: str,
    _whose: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / ".env").write_text(f"{key}=of-the-file\n{address}=https://elsewhere.example\n")
    for environ in ({}, {key: "mine", address: "https://mine.example"}):
        monkeypatch.setattr(os, "environ", environ)
        load_dotenv(tmp_path)
    assert capsys.readouterr().err == ""
