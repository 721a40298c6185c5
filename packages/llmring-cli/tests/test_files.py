"""Files that commands write."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from llmring_cli._files import open_private, state_folder, write_output, write_private
from llmring_cli._output import CommandError

Run = Callable[..., tuple[int, str, str]]


def test_nobody_else_can_read_them(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "file"
    write_private(path, b"secret")
    assert path.read_bytes() == b"secret"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.skipif(os.name != "posix", reason="named pipes are POSIX's")
def test_a_device_is_never_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="not a regular file"):
        write_private(tmp_path / "pipe", b"secret")
    assert (tmp_path / "pipe").is_fifo()


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_a_file_that_a_library_appends_to_is_private_whatever_the_umask(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "history"
    before = os.umask(0)
    try:
        open_private(path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        path.chmod(0o644)
        path.write_text("kept")
        open_private(path)
    finally:
        os.umask(before)
    assert (stat.S_IMODE(path.stat().st_mode), path.read_text()) == (0o600, "kept")


@pytest.mark.parametrize("link", ["file", "folder", "dangling"])
@pytest.mark.parametrize("absolute", [False, True])
def test_output_never_goes_through_a_link_of_the_working_directory(
    folder: Path, link: str, absolute: bool
) -> None:
    outside = folder.parent / f"outside-{link}-{absolute}"
    outside.mkdir()
    victim = outside / "victim"
    if link != "dangling":
        victim.write_text("before")
    (folder / "out").symlink_to(outside if link == "folder" else victim)
    path = Path("out/victim" if link == "folder" else "out")
    with pytest.raises(CommandError, match=f"cannot write {folder if absolute else ''}.*symbolic link"):
        write_output(folder / path if absolute else path, b"after")
    assert victim.exists() == (link != "dangling")
    assert link == "dangling" or victim.read_text() == "before"


def test_output_follows_a_link_of_the_users_own(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "link").symlink_to("real")
    write_output(elsewhere / "link", b"after")
    assert (elsewhere / "real").read_bytes() == b"after"
    assert (elsewhere / "link").is_symlink()


def test_output_to_a_device_is_written_and_the_device_stays(folder: Path) -> None:
    write_output(Path(os.devnull), b"after")
    assert not Path(os.devnull).is_file()


@pytest.mark.skipif(os.name != "posix", reason="there, a user without a home is POSIX's")
@pytest.mark.parametrize(
    ("arguments", "stdin", "code", "told"),
    [
        (
            ("chat", "Hi", "-m", "sim:demo"),
            None,
            0,
            "warning: the conversation cannot be saved: there is no home directory; set HOME",
        ),
        (("chat", "Hi", "--continue"), None, 1, "error: there is no home directory; set HOME"),
        (
            ("--install-completion", "--shell", "bash"),
            None,
            1,
            "error: there is no home directory; set HOME",
        ),
        (("lock", "chat", "-m", "sim:demo"), "/sessions\n/load it\n", 0, "error: cannot read the session"),
        (("doctor",), None, 0, "no problems"),
    ],
    ids=str,
)
def test_a_user_without_a_home_keeps_nothing_and_is_told(
    llmring: Run,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    stdin: str | None,
    code: int,
    told: str,
) -> None:
    """Such as that of a container whose number is in no list of users."""

    def nobody(number: int) -> None:
        raise KeyError(number)

    monkeypatch.delenv("HOME")
    monkeypatch.setattr("pwd.getpwuid", nobody)
    done, _, err = llmring(*arguments, stdin=stdin)
    assert done == code
    assert told in err


def test_a_relative_home_keeps_nothing_in_the_working_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", ".")
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    with pytest.raises(OSError, match="HOME is relative"):
        state_folder("chat")
