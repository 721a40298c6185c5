"""Files that are kept for the user."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from llmring_cli._state import write_private

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


@pytest.mark.skipif(os.name != "posix", reason="there, a user without a home is POSIX's")
@pytest.mark.parametrize(
    ("arguments", "stdin", "code", "told"),
    [
        (
            ("chat", "Hi", "-m", "sim:demo"),
            None,
            0,
            "warning: the conversation cannot be kept for --continue: there is no home directory; set HOME",
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
