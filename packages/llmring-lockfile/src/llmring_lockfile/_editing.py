"""Edits to lockfiles on disk: one at a time, each whole or not at all."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from llmring_types.exceptions import LockfileExistsError

from llmring_lockfile._constraints import Constraints
from llmring_lockfile._discovery import active_profile
from llmring_lockfile._document import Document, utc_now
from llmring_lockfile._edits import Models, read_pool
from llmring_lockfile._emit import emit
from llmring_lockfile._files import read_text
from llmring_lockfile._model import Binding, Lockfile, Profile
from llmring_lockfile._parse import parse
from llmring_lockfile._syntax import is_json
from llmring_lockfile._writing import check_writable, create_text, locked_for_writing, replace_text

DEFAULT_PROFILES = ("default", "prod", "staging", "dev", "test")
"""What a new lockfile has. The original made the first four, its documents promised the last."""

LOCK_TIMEOUT = 10.0
"""Seconds to wait for another writer."""


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
        create: make a lockfile with the default profiles where there is none.
        timeout: seconds to wait for another writer.
        now: tells the time for ``updated_at``.

    Raises:
        LockfileNotFoundError: there is no such file.
        LockfileParseError: it is not a lockfile; it is left as it is.
        LockfileWriteError: bundled, read-only, or held by another writer. The message says where to create one.
    """
    path = Path(path)
    check_writable(path)
    if create and not path.exists():
        with suppress(LockfileExistsError):  # another process was faster, which is as good
            create_lockfile(path, now=now)
    with locked_for_writing(path, timeout) as target:
        document = Document(read_text(target), path, now=now)
        yield document
        if document.changed:
            replace_text(target, document.text)


def create_lockfile(
    path: Path | str,
    *,
    bindings: Mapping[str, Models] | None = None,
    force: bool = False,
    now: Callable[[], datetime] = utc_now,
) -> Lockfile:
    """Write a new lockfile with the default profiles: default, prod, staging, dev and test.

    Args:
        path: where; JSON when it ends in ``.json``.
        bindings: alias to pool, for the profile ``default``.
        force: write over a file that exists.
        now: tells the time.

    Raises:
        LockfileExistsError: it exists and ``force`` is not set (also a ``FileExistsError``).
        LockfileWriteError: it cannot be written.
    """
    path = Path(path)
    stamp = now().isoformat()
    rows = tuple(Binding(alias, read_pool(models)) for alias, models in (bindings or {}).items())
    profiles = {name: Profile(name) for name in DEFAULT_PROFILES}
    profiles["default"] = Profile("default", rows)
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
