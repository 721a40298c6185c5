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
