"""Files that commands keep for the user: readable for nobody else, replaced whole."""

import errno
import os
from pathlib import Path


def home_folder() -> Path:
    """Return the user's home.

    Raises:
        OSError: there is none: a container may run as a user that nobody has set up.
    """
    try:
        return Path.home()
    except RuntimeError as error:
        raise OSError("there is no home directory; set HOME") from error


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
    """Write a file that only its owner can read, whole or not at all.

    Raises:
        OSError: it cannot be written, or is not a file: the new one would take the place of a device.
    """
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "it is not a regular file", str(path))
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)  # what somebody else may have put there keeps its mode, or is a link
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(data)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
