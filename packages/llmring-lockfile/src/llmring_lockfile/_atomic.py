"""Write a file whole or not at all, and lock one for writing."""

import errno
import os
import re
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

_TEMPORARY: Final = re.compile(r"\..+\.[0-9a-f]{16}\.llmring\.tmp")
_LONGEST_NAME: Final = 200
"""Bytes of the target's name in the temporary file's, which may have 255 on most file systems."""
_ABANDONED_AFTER: Final = 3600.0
"""Seconds after which a temporary file counts as abandoned where locks cannot tell."""

if sys.platform == "win32":
    import msvcrt

    def _lock(handle: int) -> bool | None:  # noqa: ARG001 - Windows cannot rename a file while it is locked
        return None

    def open_to_lock(path: Path) -> int:
        # Windows cannot replace a file that is open, so the lock is a file beside it.
        return os.open(path.with_name(path.name + ".guard"), os.O_RDWR | os.O_CREAT)

    def try_lock(handle: int) -> bool:
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
        return True

    def is_current(handle: int, path: Path) -> bool:  # noqa: ARG001 - the file beside it is never replaced
        return True

else:
    import fcntl

    def _lock(handle: int) -> bool | None:
        """Lock a file; ``False`` where somebody else holds it, ``None`` where the file system has no locks."""
        try:
            return try_lock(handle)
        except OSError:
            return None

    def open_to_lock(path: Path) -> int:
        return os.open(path, os.O_RDWR)

    def try_lock(handle: int) -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def is_current(handle: int, path: Path) -> bool:
        # Whoever held the lock before may have put another file in place of the one that is open here.
        try:
            return os.path.samestat(os.fstat(handle), path.stat())
        except FileNotFoundError:
            return False


def write_atomically(
    path: Path | str,
    data: bytes,
    *,
    private: bool = False,
    replace: bool = True,
    folders: bool = False,
    follow: bool = False,
    inside: Path | None = None,
) -> None:
    """Put ``data`` into a file: after a crash at any point the file has its old content or all of the new.

    See :func:`replacing` for the arguments, and for content that is too large to hold at once.

    Raises:
        FileExistsError: the file exists and ``replace`` is false.
        OSError: it cannot be written; ``strerror`` says why in words that fit after "cannot write PATH:".
    """
    with replacing(
        path, private=private, replace=replace, folders=folders, follow=follow, inside=inside
    ) as file:
        file.write(data)


@contextmanager
def replacing(
    path: Path | str,
    *,
    private: bool = False,
    replace: bool = True,
    folders: bool = False,
    follow: bool = False,
    inside: Path | None = None,
) -> Iterator[BinaryIO]:
    """Yield a binary file to write to, which takes the place of ``path`` when the block ends without an error.

    The content is on disk before the rename, and the rename before the block returns. Temporary files lie beside the
    target; those that killed writers left in its folder are removed on the way, those of live writers never. An
    existing file keeps its permissions and, where the system allows it, its owner.

    Args:
        path: the file. A folder, device, pipe or socket is refused.
        private: make the file readable and writable for its owner alone, whatever the umask and the old mode.
        replace: whether the file may exist already.
        folders: create missing folders; private files get a private folder.
        follow: write the target of a symbolic link and keep the link, rather than refuse it.
        inside: a folder whose symbolic links are not trusted. A path below it that a link, at its end or on
            the way, leads out of it is refused.

    Raises:
        FileExistsError: the file exists and ``replace`` is false.
        OSError: it cannot be written; ``strerror`` says why.
    """
    target = resolve_target(Path(path), follow=follow, inside=inside)
    if folders:
        target.parent.mkdir(mode=0o700 if private else 0o777, parents=True, exist_ok=True)
    before = _existing(target)
    if before is not None and not replace:
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
    _sweep(target.parent)
    draft = _Draft.beside(target, 0o600 if private or before is not None else 0o666)
    try:
        try:
            with os.fdopen(os.dup(draft.handle), "wb") as file:
                yield file
            os.fsync(draft.handle)
            if private:
                draft.path.chmod(0o600)
            elif before is not None:
                _keep_permissions(draft.path, before)
            draft.publish(target, replace=replace)
        finally:
            draft.close()
    finally:
        draft.path.unlink(missing_ok=True)
    _sync_folder(target.parent)


class _Draft(msgspec.Struct):
    """A temporary file. Its lock tells other writers that its writer is alive."""

    path: Path
    handle: int

    @classmethod
    def beside(cls, target: Path, mode: int) -> "_Draft":
        name = os.fsdecode(os.fsencode(target.name)[:_LONGEST_NAME])
        while True:
            path = target.with_name(f".{name}.{os.urandom(8).hex()}.llmring.tmp")
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
            handle = os.open(path, flags, mode)
            if _lock(handle) is not False and os.fstat(handle).st_nlink:
                return cls(path, handle)
            os.close(handle)  # another writer took it for an abandoned one before it was locked
            path.unlink(missing_ok=True)

    def publish(self, target: Path, *, replace: bool) -> None:
        """Give the file its name. The lock is held until then, but on Windows, which renames no open file."""
        if sys.platform == "win32":
            self.close()
        if replace:
            self.path.replace(target)
            return
        try:
            os.link(self.path, target)  # unlike a rename, it never takes another process's file away
        except FileExistsError:
            raise
        except OSError:  # a file system without hard links
            if target.exists():
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target)) from None
            self.path.rename(target)

    def close(self) -> None:
        handle, self.handle = self.handle, -1
        if handle >= 0:
            os.close(handle)


def resolve_target(path: Path, *, follow: bool = False, inside: Path | None = None) -> Path:
    """Return the file to write, with links resolved as far as they may be followed: see :func:`replacing`.

    Raises:
        OSError: a link is refused, links run in a circle, or no file can have the name.
    """
    if "\0" in str(path):
        raise OSError(errno.EINVAL, "its name has a null character", str(path))
    if path.is_symlink() and not follow:
        raise _refused(path, f"it is a symbolic link to {path.readlink()}; name that file itself")
    try:
        target = path.resolve() if follow else path.parent.resolve() / path.name
    except RuntimeError as error:  # Python 3.11 and 3.12 report links in a circle so
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path)) from error
    written = Path(os.path.abspath(path))  # noqa: PTH100 - as written, without following links
    if (
        inside is not None
        and written.is_relative_to(os.path.abspath(inside))  # noqa: PTH100
        and not target.is_relative_to(inside.resolve())
    ):
        raise _refused(path, f"a symbolic link leads out of {inside} to {target}; name that file itself")
    return target


def _refused(path: Path, why: str) -> OSError:
    return OSError(errno.ELOOP, why, str(path))


def _existing(target: Path) -> os.stat_result | None:
    try:
        found = target.lstat()
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, "it is a folder", str(target))
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "it is not a regular file", str(target))
    return found


def _keep_permissions(path: Path, before: os.stat_result) -> None:
    path.chmod(stat.S_IMODE(before.st_mode))
    if os.name == "posix" and (before.st_uid, before.st_gid) != (os.geteuid(), os.getegid()):
        with suppress(PermissionError):
            os.chown(path, before.st_uid, before.st_gid)


def _sweep(folder: Path) -> None:
    """Remove the temporary files of writers that were killed."""
    with (
        suppress(OSError),
        os.scandir(folder) as entries,
    ):  # what the folder does not allow, writing will report
        for entry in entries:
            if _TEMPORARY.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                with suppress(OSError):  # its writer ended meanwhile, or it is another user's
                    _remove_abandoned(Path(entry.path))


def _remove_abandoned(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    try:
        found = os.fstat(handle)
        free = _lock(handle)
        old = time.time() - found.st_mtime > _ABANDONED_AFTER
        published = found.st_nlink > 1  # it has its real name already: only this one was left behind
        abandoned = published or (old if free is None else free)
        if abandoned and sys.platform != "win32":
            path.unlink()  # while the lock keeps its writer, if it has just begun, from going on
    finally:
        os.close(handle)
    if abandoned and sys.platform == "win32":
        path.unlink()


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":  # Windows cannot open folders; there a rename is on disk when it returns
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
