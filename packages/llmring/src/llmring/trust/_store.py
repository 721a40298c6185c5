"""The approvals of one user on disk."""

import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec
from llmring_types.exceptions import ConfigurationError, LockfileError

from llmring._settings import config_folder

_DOTENV = ".env"
MAX_BYTES = 1024 * 1024
"""Size of the largest file that can be approved."""


class TrustedFile(NamedTuple):
    """An approved file.

    Attributes:
        path: where it was.
        current: it is still there with the approved content.
    """

    path: Path
    current: bool


class TrustStore:
    """The approvals of one user: one file for each, named after a digest of path and content.

    What is approved of a lockfile are its ``[hosts]``, the only part that decides where keys go: an alias that is bound
    later ends no approval. Of other files it is the whole content.

    Args:
        folder: where they are kept; ``None`` where the user has no home, so nothing can be approved.
    """

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder

    def trusts(self, path: Path, content: bytes) -> bool:
        """Return whether this file is approved with this content."""
        if self.folder is None:
            return False
        path = _absolute(path)
        try:
            return (self.folder / _digest(path, content)).read_bytes() == os.fsencode(path)
        except OSError:
            return False

    def allow(self, path: Path, content: bytes) -> None:
        """Approve the file with this content, instead of any content before.

        Raises:
            ConfigurationError: there is no home folder to keep it in.
            OSError: it cannot be written.
        """
        if self.folder is None:
            raise ConfigurationError("approvals are kept in the home folder, and there is none; set HOME")
        from llmring_lockfile import write_atomically  # noqa: PLC0415 - seldom needed

        path = _absolute(path)
        self.revoke(path)
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        entry = self.folder / _digest(path, content)
        write_atomically(entry, os.fsencode(path), private=True)

    def revoke(self, path: Path) -> bool:
        """Withdraw every approval of the file; return whether there was one.

        Raises:
            OSError: it cannot be withdrawn.
        """
        path = _absolute(path)
        found = [entry for entry, approved in self._entries() if approved == path]
        for entry in found:
            entry.unlink()
        return bool(found)

    def files(self) -> list[TrustedFile]:
        """Return the approved files, by path."""
        return sorted(
            TrustedFile(path, current=_is_current(path, entry.name)) for entry, path in self._entries()
        )

    def _entries(self) -> Iterator[tuple[Path, Path]]:
        if self.folder is None or not self.folder.is_dir():
            return
        for entry in list(self.folder.iterdir()):
            if entry.is_file():
                yield entry, Path(os.fsdecode(entry.read_bytes()))


def open_trust_store(environ: Mapping[str, str] = os.environ) -> TrustStore:
    """Return the user's approvals, ``trusted`` in the :func:`config_folder`."""
    folder = config_folder(environ)
    return TrustStore(None if folder is None else folder / "trusted")


def read_content(path: Path) -> bytes:
    """Return the content of a regular file, without waiting for anybody.

    Raises:
        ConfigurationError: it is no regular file or too large.
        OSError: it cannot be read.
    """
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)  # fdopen refuses a folder with an error that names a number
        raise ConfigurationError(f"{path} is not a regular file")
    with os.fdopen(handle, "rb") as file:
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise ConfigurationError(f"{path} has more than {MAX_BYTES:,} bytes")
    return content


def _absolute(path: Path) -> Path:
    """The path with the links of its folder resolved, but not the file's own: a link can be changed, too."""
    return path.parent.resolve() / path.name


def _digest(path: Path, content: bytes) -> str:
    hosts = None if path.name == _DOTENV else _hosts(content)
    start = b"" if hosts is None else b"hosts\0"  # an absolute path begins in another way
    return hashlib.sha256(
        start + os.fsencode(path) + b"\0" + (content if hosts is None else hosts)
    ).hexdigest()


def _hosts(content: bytes) -> bytes | None:
    """Return the hosts of a lockfile in one form, whatever else it has; ``None`` for another file."""
    from llmring_lockfile import parse  # noqa: PLC0415 - most approvals are of other files

    try:
        hosts = parse(content.decode()).hosts
    except (LockfileError, UnicodeDecodeError):
        return None
    return msgspec.json.encode(hosts, order="deterministic")


def _is_current(path: Path, digest: str) -> bool:
    try:
        return _digest(path, read_content(path)) == digest
    except (OSError, ConfigurationError):
        return False
