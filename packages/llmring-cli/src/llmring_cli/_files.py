"""Files that commands write: those a user names, and those kept for the user."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from llmring_types.exceptions import LLMRingError

from llmring_cli._output import CommandError


def home_folder() -> Path:
    """Return the user's home.

    Raises:
        OSError: there is none, as for a user of a container without an entry in the password database.
    """
    try:
        home = Path.home()
    except RuntimeError as error:
        raise OSError("there is no home directory; set HOME") from error
    if not home.is_absolute():
        raise OSError("HOME is relative, so it would lie in the working directory; set it to a whole path")
    return home


def state_folder(topic: str) -> Path:
    """Return the folder for a topic, below ``XDG_STATE_HOME`` or ``~/.local/state``. It need not exist.

    Raises:
        OSError: neither is there.
    """
    base = Path(os.environ.get("XDG_STATE_HOME", ""))
    if not base.is_absolute():  # the specification says to ignore a relative one
        base = home_folder() / ".local" / "state"
    return base / "llmring" / topic


def write_private(path: Path, data: bytes) -> None:
    """Write a file that only its owner can read, whole or not at all; missing folders are made.

    Raises:
        OSError: it cannot be written, or is not a file: the new one would take the place of a device.
    """
    from llmring_lockfile import write_atomically  # noqa: PLC0415 - most commands write no file

    write_atomically(path, data, private=True, folders=True, follow=True)


def open_private(path: Path) -> None:
    """Make a file that only its owner can read, for a library that appends to it.

    Raises:
        OSError: it cannot be made, or its mode cannot be changed.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.close(handle)
    path.chmod(0o600)  # earlier versions made it readable for everyone


@contextmanager
def replacing_output(path: Path, *, private: bool = False) -> Iterator[BinaryIO]:
    """Yield a file that replaces ``path`` when it is complete; pipes and devices are written to directly.

    Symbolic links in the working directory are not followed: the author of a repository may have made them.

    Args:
        path: as the user named it.
        private: readable for its owner alone.

    Raises:
        CommandError: it cannot be written.
    """
    from llmring_lockfile import replacing  # noqa: PLC0415 - as above

    here = Path.cwd()
    within = Path(os.path.abspath(path)).is_relative_to(here)  # noqa: PTH100 - as written, without following links
    try:
        if path.exists() and not path.is_file() and not (within and path.is_symlink()):
            with path.open("wb") as file:
                yield file
        else:
            with replacing(path, private=private, follow=not within, inside=here) as file:
                yield file
    except LLMRingError:
        raise
    except OSError as error:
        raise CommandError(f"cannot write {path}: {error.strerror or error}") from error


def write_output(path: Path, data: bytes, *, private: bool = False) -> None:
    """Write a file that the user names: see :func:`replacing_output`.

    Raises:
        CommandError: it cannot be written.
    """
    with replacing_output(path, private=private) as file:
        file.write(data)
