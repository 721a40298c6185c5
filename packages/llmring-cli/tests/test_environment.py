"""The .env file of the working directory: data of a stranger."""

import os
from pathlib import Path

import pytest
from llmring.exceptions import ConfigurationError
from llmring.trust import DOTENV_VARIABLE, MAX_BYTES, open_trust_store
from llmring_cli._environment import dotenv


@pytest.fixture(autouse=True)
def environ(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The environment: a home and a key."""
    environ = {"HOME": os.environ["HOME"], "OPENAI_API_KEY": "mine"}
    monkeypatch.setattr(os, "environ", environ)
    return environ


def added(folder: Path, *, verbose: bool = False) -> dict[str, str]:
    """What the file adds to the environment for the time of a command."""
    before = dict(os.environ)
    with dotenv(folder, verbose=verbose):
        during = dict(os.environ)
    assert os.environ == before
    assert during | before == during
    return {name: value for name, value in during.items() if name not in before and name != DOTENV_VARIABLE}


def test_it_sets_what_is_not_set(tmp_path: Path, environ: dict[str, str]) -> None:
    (tmp_path / ".env").write_text(
        "OPENAI_API_KEY=other\nexport OPENAI_BASE_URL=\"http://127.0.0.1\"\nGEMINI_API_KEY='a # b'\nBARE\n"
    )
    assert added(tmp_path) == {"OPENAI_BASE_URL": "http://127.0.0.1", "GEMINI_API_KEY": "a # b"}
    with dotenv(tmp_path, verbose=False):
        marked = environ[DOTENV_VARIABLE]
    assert marked == f"GEMINI_API_KEY,OPENAI_BASE_URL@{tmp_path / '.env'}"


def test_values_are_text_without_interpolation(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(
        "GEMINI_API_KEY=${OPENAI_API_KEY}\nOLLAMA_HOST=http://h/${HOME}$(id)`id`\n"
    )
    assert added(tmp_path) == {
        "GEMINI_API_KEY": "${OPENAI_API_KEY}",
        "OLLAMA_HOST": "http://h/${HOME}$(id)`id`",
    }


@pytest.mark.parametrize("kind", ["nothing", "a folder"])
def test_a_folder_without_such_a_file_is_fine(
    tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if kind == "a folder":  # as some name their virtual environment
        (tmp_path / ".env").mkdir()
    assert added(tmp_path, verbose=True) == {}
    assert capsys.readouterr().err == ""


def test_what_is_ignored_is_one_line_and_only_if_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / ".env").write_text("LD_PRELOAD=x\nGIT_EXTERNAL_DIFF=y\nGEMINI_API_KEY=k\n= broken\n")
    assert added(tmp_path) == {"GEMINI_API_KEY": "k"}
    assert capsys.readouterr().err == ""
    added(tmp_path, verbose=True)
    told = capsys.readouterr().err
    assert told == f"{tmp_path}/.env: ignored LD_PRELOAD, GIT_EXTERNAL_DIFF and 1 line that sets nothing\n"


def test_settings_that_need_an_approval_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], environ: dict[str, str]
) -> None:
    path = tmp_path / ".env"
    path.write_text("LLMRING_USAGE_LOG=/tmp/u.db\nLLMRING_REGISTRY_URL=file:///x\nOLLAMA_HOST=http://h\n")
    assert added(tmp_path) == {"OLLAMA_HOST": "http://h"}
    assert (
        capsys.readouterr().err == f"warning: {path} sets LLMRING_USAGE_LOG, LLMRING_REGISTRY_URL without "
        "your approval; review the file, then run: llmring trust\n"
    )
    open_trust_store(environ).allow(path, path.read_bytes())
    assert added(tmp_path).keys() == {"LLMRING_USAGE_LOG", "LLMRING_REGISTRY_URL", "OLLAMA_HOST"}
    with dotenv(tmp_path, verbose=False):
        assert DOTENV_VARIABLE not in environ
    path.write_text(path.read_text() + "#")
    assert added(tmp_path) == {"OLLAMA_HOST": "http://h"}


def test_a_link_out_of_the_folder_needs_an_approval(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], environ: dict[str, str]
) -> None:
    """Else a cloned repository could use the keys of another project."""
    inside = tmp_path / "cloned"
    inside.mkdir()
    (tmp_path / "mine").write_text("GEMINI_API_KEY=k\n")
    path = inside / ".env"
    path.symlink_to("../mine")
    assert added(inside) == {}
    assert capsys.readouterr().err.startswith(f"warning: {path} is ignored: it is a link out of this folder")
    open_trust_store(environ).allow(path, path.read_bytes())
    assert added(inside) == {"GEMINI_API_KEY": "k"}


def test_a_link_within_the_folder_is_followed(tmp_path: Path) -> None:
    (tmp_path / "settings").write_text("GEMINI_API_KEY=k\n")
    (tmp_path / ".env").symlink_to("settings")
    assert added(tmp_path) == {"GEMINI_API_KEY": "k"}


def test_a_provider_that_no_package_brings_gets_no_key(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("DATABASE_API_KEY=k\nDATABASE_BASE_URL=http://h\n")
    assert added(tmp_path) == {}


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"A=1\n" + "OPENAI_API_KEY=sk-x\r\n".encode("utf-16-le"), "line 2 has a null character"),
        (b"OPENAI_API_KEY=sk-a\0b\n", "line 1 has a null character"),
        (b"OPENAI_API_KEY=\xff\n", "save it as UTF-8"),
        ("GEMINI_API_KEY=k".encode("utf-16"), "save it as UTF-8"),
    ],
)
def test_what_is_no_text_is_refused(tmp_path: Path, data: bytes, reason: str) -> None:
    (tmp_path / ".env").write_bytes(data)
    with pytest.raises(ConfigurationError, match=reason):
        added(tmp_path)


def test_a_byte_order_mark_is_no_part_of_a_name(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"\xef\xbb\xbfGEMINI_API_KEY=k\r\n")
    assert added(tmp_path) == {"GEMINI_API_KEY": "k"}


def test_what_is_no_regular_file_is_ignored_with_a_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / ".env"
    path.write_bytes(b"#" * (MAX_BYTES + 1))
    assert added(tmp_path) == {}
    path.unlink()
    path.symlink_to("nowhere")
    assert added(tmp_path) == {}
    path.unlink()
    path.symlink_to(os.devnull)
    assert added(tmp_path) == {}
    assert capsys.readouterr().err.splitlines() == [
        f"warning: {path} is ignored: {path} has more than 1,048,576 bytes",
        f"warning: {path} is ignored: No such file or directory",
        f"warning: {path} is ignored: {path} is not a regular file",
    ]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no FIFOs")
def test_a_pipe_does_not_hold_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo(tmp_path / ".env")
    assert added(tmp_path) == {}
    assert "is not a regular file" in capsys.readouterr().err
