"""Create and edit lockfiles on disk, one writer at a time across processes and threads."""

import os
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from pathlib import Path

from llmring_types.exceptions import (
    LockfileError,
    LockfileExistsError,
    LockfileNotFoundError,
    LockfileWriteError,
)

from llmring_lockfile._atomic import is_current, open_to_lock, resolve_target, try_lock, write_atomically
from llmring_lockfile._document import Document, Models, read_pool, utc_now
from llmring_lockfile._emit import emit
from llmring_lockfile._files import BUNDLED, active_profile, projects_around, read_text
from llmring_lockfile._model import DEFAULT_PROFILE, Binding, Constraints, Lockfile, Profile
from llmring_lockfile._parse import is_json, parse

DEFAULT_PROFILES = (DEFAULT_PROFILE,)
"""The profiles of a new lockfile. Others come with their first binding."""

LOCK_TIMEOUT = 10.0
"""Seconds to wait for another writer."""

_FIRST_PAUSE = 0.002
_LONGEST_PAUSE = 0.01


@contextmanager
def editing(
    path: Path | str,
    *,
    create: bool = False,
    timeout: float = LOCK_TIMEOUT,
    now: Callable[[], datetime] = utc_now,
) -> Iterator[Document]:
    """Edit a lockfile; what the :class:`Document` says at the end of the block is written.

    Nobody else can edit the file inside the block, so two processes that bind at once lose neither edit. An
    exception inside the block writes nothing, and neither does a block that changes nothing.

    Args:
        path: the file; links are followed and stay links.
        create: make a lockfile where there is none; it goes again if the block fails.
        timeout: seconds to wait for another writer.
        now: returns the time for ``updated_at``.

    Raises:
        LockfileNotFoundError: there is no such file.
        LockfileParseError: it is not a lockfile; it is left as it is.
        LockfileWriteError: bundled, read-only, or held by another writer. The message says where to create one.
    """
    path = Path(path)
    created = False
    if create and not os.path.exists(path):  # noqa: PTH110 - it raises nothing for a name that no file can have
        with suppress(LockfileExistsError):  # another process was faster, which is as good
            create_lockfile(path, now=now)
            created = True
    with locked_for_writing(path, timeout) as target:
        document = Document(read_text(target), path, now=now)
        try:
            yield document
            if document.changed:
                replace_text(target, document.text)
        except BaseException:
            if created:
                target.unlink(missing_ok=True)  # nobody asked for an empty lockfile
            raise


def create_lockfile(
    path: Path | str,
    *,
    bindings: Mapping[str, Models] | None = None,
    force: bool = False,
    now: Callable[[], datetime] = utc_now,
) -> Lockfile:
    """Write a new lockfile, whose one profile is ``default``.

    Args:
        path: where; JSON when it ends in ``.json``.
        bindings: alias to pool, for the profile ``default``.
        force: write over a file that exists.
        now: returns the time.

    Raises:
        LockfileExistsError: it exists and ``force`` is not set (also a ``FileExistsError``).
        LockfileWriteError: it cannot be written.
    """
    path = Path(path)
    stamp = now().isoformat()
    rows = tuple(Binding(alias, read_pool(models)) for alias, models in (bindings or {}).items())
    profiles = {name: Profile(name, rows) for name in DEFAULT_PROFILES}
    lockfile = Lockfile(created_at=stamp, updated_at=stamp, profiles=profiles, path=path)
    text = emit(lockfile, as_json=is_json(path))
    create_text(path, text, force=force)
    return parse(text, path)


def bind(
    path: Path | str,
    alias: str,
    models: Models,
    *,
    profile: str | None = None,
    constraints: Constraints | None = None,
    create: bool = False,
    timeout: float = LOCK_TIMEOUT,
    environ: Mapping[str, str] | None = None,
) -> Lockfile:
    """Bind an alias in a lockfile on disk: :meth:`Document.bind` within :func:`editing`.

    The profile is the argument's, else ``LLMRING_PROFILE``'s, else the file's default: the one in which the alias
    will be looked for. It is created where it does not exist.
    """
    models = read_pool(models)  # before a file is made for it
    with editing(path, create=create, timeout=timeout) as document:
        chosen = active_profile(document.lockfile, profile, environ=environ)
        document.bind(alias, models, profile=chosen.name, constraints=constraints)
    return document.lockfile


def unbind(
    path: Path | str,
    alias: str,
    *,
    profile: str | None = None,
    timeout: float = LOCK_TIMEOUT,
    environ: Mapping[str, str] | None = None,
) -> bool:
    """Take an alias out of a lockfile on disk; the profile is found as in :func:`bind`.

    Returns:
        Whether it was bound.
    """
    with editing(path, timeout=timeout) as document:
        chosen = active_profile(document.lockfile, profile, environ=environ)
        document.unbind(alias, profile=chosen.name)
    return document.changed


def check_writable(path: Path) -> Path:
    """Return the file that an edit of ``path`` replaces: ``path`` itself, or what a symbolic link leads to.

    Links are followed only within the project, since a repository may hold a link to any file of whoever clones it.

    Raises:
        LockfileWriteError: the bundled lockfile; one whose permissions let nobody write it, whatever the process may
            do; a folder or device; the target of a link that leads out of the project; or a path that no
            file can have.
    """
    try:
        projects = projects_around(path)
        target = resolve_target(path, follow=True)
        if target != BUNDLED.resolve():
            for project in projects:
                resolve_target(path, follow=True, inside=project)
        found = target.lstat() if target.exists() else None
    except OSError as error:
        raise LockfileWriteError(
            f"cannot write {str(path)!r}: {error.strerror}", path=str(path), original=error
        ) from error
    if target == BUNDLED.resolve():
        raise LockfileWriteError(
            f"{path} came with llmring-lockfile and is never written. "
            "Create your own with: llmring lock init (it writes ./llmring.lock)",
            path=str(path),
        )
    if found is not None and not stat.S_ISREG(found.st_mode):
        what = "a folder" if stat.S_ISDIR(found.st_mode) else "no regular file"
        raise LockfileWriteError(f"{path} is {what}. Name a file, such as llmring.lock", path=str(path))
    if found is not None and not found.st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH):
        raise LockfileWriteError(
            f"{path} is read-only. Make it writable, or create another with: llmring lock init --file PATH",
            path=str(path),
        )
    return target


@contextmanager
def exclusive(path: Path, timeout: float) -> Iterator[None]:
    """Hold the right to replace an existing file.

    Args:
        path: the file itself, no link to it.
        timeout: seconds to wait for another writer.

    Raises:
        LockfileWriteError: another process held it all that time.
        OSError: the file cannot be opened for writing.
    """
    deadline, pause = time.monotonic() + timeout, _FIRST_PAUSE
    while (handle := _lock(path)) is None:
        left = deadline - time.monotonic()
        if left <= 0:
            raise LockfileWriteError(
                f"another process has been writing {path} for {timeout:g} seconds. "
                "Try again, or end that process if it hangs",
                path=str(path),
            )
        time.sleep(min(pause, left))
        pause = min(pause * 2, _LONGEST_PAUSE)
    try:
        yield
    finally:
        os.close(handle)  # which also lets go of the lock


def _lock(path: Path) -> int | None:
    """Open and lock a file; ``None`` while another writer has it."""
    handle = open_to_lock(path)
    held = False
    try:
        held = try_lock(handle) and is_current(handle, path)
    finally:
        if not held:
            os.close(handle)
    return handle if held else None


@contextmanager
def locked_for_writing(path: Path, timeout: float) -> Iterator[Path]:
    """Hold the right to replace a lockfile; gives the file behind any links.

    Raises:
        LockfileNotFoundError: there is no such file.
        LockfileWriteError: bundled, read-only, or held by another process for ``timeout`` seconds.
    """
    target = check_writable(path)
    with ExitStack() as held:
        with _write_errors(path):  # the block's own errors are not about the lockfile
            held.enter_context(exclusive(target, timeout))
        yield target


def replace_text(path: Path, text: str) -> None:
    """Put new text in place of a file's, at once and for good; its permissions stay."""
    with _write_errors(path):
        write_atomically(path, text.encode())


def create_text(path: Path, text: str, *, force: bool) -> None:
    """Create a file, at once; with ``force`` in place of one that may exist.

    Raises:
        LockfileExistsError: it exists and ``force`` is not set (also a ``FileExistsError``).
        LockfileWriteError: it cannot be made.
    """
    target = check_writable(path)
    with _write_errors(path):
        try:
            write_atomically(target, text.encode(), replace=force)
        except FileExistsError as error:
            raise LockfileExistsError(
                f"{path} exists. Add what is missing with: llmring lock init --file {path} --force",
                path=str(path),
            ) from error


@contextmanager
def _write_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except LockfileError:
        raise
    except FileNotFoundError as error:
        missing = path if path.parent.is_dir() else path.parent
        raise LockfileNotFoundError(
            f"there is no {missing}. Create a lockfile with: llmring lock init",
            path=str(path),
            original=error,
        ) from error
    except OSError as error:
        raise LockfileWriteError(
            f"cannot write {path}: {error.strerror or error}. Make the file and its folder writable, "
            "or create a lockfile elsewhere with: llmring lock init --file PATH",
            path=str(path),
            original=error,
        ) from error
