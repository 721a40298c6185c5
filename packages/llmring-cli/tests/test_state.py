"""Files that are kept for the user."""

import os
import stat
from pathlib import Path

import pytest
from llmring_cli._state import write_private


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
