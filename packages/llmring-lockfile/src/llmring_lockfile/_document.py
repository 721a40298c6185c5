"""Edit lockfiles: their text in memory, and files on disk one at a time, each whole or not at all."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from llmring_types.exceptions import LockfileExistsError

from llmring_lockfile._discovery import active_profile
from llmring_lockfile._edits import Content, Models, read_pool
from llmring_lockfile._emit import emit, emit_json
from llmring_lockfile._files import read_text
from llmring_lockfile._model import DEFAULT_PROFILE, Binding, Constraints, LockedModel, Lockfile, Profile
from llmring_lockfile._parse import BOM, is_json, parse, parse_data, read_data
from llmring_lockfile._rewrite import rewrite
from llmring_lockfile._writing import check_writable, create_text, locked_for_writing, replace_text

_INDENT = re.compile(r"\n( +)")

DEFAULT_PROFILES = (DEFAULT_PROFILE,)
"""The profiles of a new lockfile. Others come with their first binding."""

LOCK_TIMEOUT = 10.0
"""Seconds to wait for another writer."""


def utc_now() -> datetime:
    return datetime.now(UTC)


class Document:
    """A lockfile's text and the edits to it. Nothing is read or written: see :func:`editing` for files.

    An edit changes its own lines and, where the file has one, ``updated_at``; an edit that changes nothing leaves
    the text as it is, to the byte. Every edit either succeeds as a whole or raises and changes nothing. The text is
    written when it is asked for, so that many edits in a row cost little more than one. Where a method takes
    ``profile``, ``None`` is the file's default profile, and one that does not exist is created.

    Args:
        text: TOML, or JSON when ``path`` ends in ``.json``.
        path: named in errors and diffs; it is not opened.
        now: tells the time for ``updated_at``.

    Raises:
        LockfileParseError: the text is not a lockfile.
    """

    def __init__(
        self, text: str, path: Path | str | None = None, *, now: Callable[[], datetime] = utc_now
    ) -> None:
        self.path = None if path is None else Path(path)
        self._original = text
        self._now = now
        data = parse_data(text, self.path)
        self._content = Content(data)
        self._lockfile: Lockfile | None = read_data(data, text, self.path)
        self._text = text
        self._meaning: dict[str, Any] | None = None
        """The content of ``_text``, copied before the first edit after it was written."""
        self._is_current = True

    @property
    def text(self) -> str:
        """The text with all edits.

        Raises:
            LockfileWriteError: the edits cannot be written in the form of the file.
        """
        if not self._is_current and self._meaning is not None:
            self._text = self._emit(self._meaning, self._content.data)
            self._meaning = None
            self._is_current = True
        return self._text

    @property
    def lockfile(self) -> Lockfile:
        """The lockfile that the text stands for."""
        if self._lockfile is None:
            self._lockfile = read_data(self._content.data, self._text, self.path)
        return self._lockfile

    @property
    def changed(self) -> bool:
        return self.text != self._original

    def diff(self) -> str:
        """Return all changes so far as a unified diff; empty if there are none."""
        import difflib  # noqa: PLC0415 - slow to import, and most edits are not shown

        name = "llmring.lock" if self.path is None else str(self.path)
        before, after = self._original.splitlines(), self.text.splitlines()
        lines = difflib.unified_diff(before, after, name, name, lineterm="")
        return "".join(f"{line}\n" for line in lines)

    def bind(
        self,
        alias: str,
        models: Models,
        *,
        profile: str | None = None,
        constraints: Constraints | None = None,
    ) -> None:
        """Bind an alias to a pool, in its place if it is bound already.

        Args:
            alias: the name; ``package:alias`` overrides an extended package's.
            models: the pool, best first.
            profile: where.
            constraints: ``None`` leaves those it has, an empty one takes them away.

        Raises:
            ModelReferenceError: a member is not a ``provider:model``, or there is none.
            ValidationError: the alias is empty.
        """
        pool = read_pool(models)
        self._edit(lambda content: content.bind(alias, pool, profile, constraints))

    def unbind(self, alias: str, *, profile: str | None = None) -> None:
        """Take an alias out of a profile. Nothing happens where it is not bound."""
        self._edit(lambda content: content.unbind(alias, profile))

    def migrate(self) -> None:
        """Write bindings from before 1.0 (``provider``, ``model``) as they are written now, and keep all comments."""
        self._edit(lambda content: content.migrate())

    def create_profile(self, name: str) -> None:
        """Make an empty profile. Nothing happens where it exists."""
        self._edit(lambda content: content.create_profile(name))

    def set_default_profile(self, name: str) -> None:
        """Choose the profile used where none is named.

        Raises:
            ProfileNotFoundError: there is none of this name.
        """
        self._edit(lambda content: content.set_default_profile(name))

    def set_registry_versions(self, versions: Mapping[str, int], *, profile: str | None = None) -> None:
        """Pin providers to registry versions; providers that are not named keep theirs.

        Raises:
            LockfileParseError: a version is no number.
        """
        self._check({"profiles": {DEFAULT_PROFILE: {"registry_versions": dict(versions)}}})
        self._edit(lambda content: content.set_registry_versions(versions, profile))

    def set_extends(self, packages: Iterable[str]) -> None:
        """Make these the packages whose aliases may be used as ``package:alias``.

        Raises:
            LockfileParseError: one is not the name of a package.
        """
        wanted = list(packages)
        self._check({"extends": {"packages": wanted}})
        self._edit(lambda content: content.set_extends(wanted))

    def set_locked(self, locked: Mapping[str, LockedModel]) -> None:
        """Record what is true of these models, and nothing of any other. See :func:`lock_models`."""
        self._edit(lambda content: content.set_locked(locked))

    def _edit(self, edit: Callable[[Content], bool]) -> None:
        if self._meaning is None:
            self._meaning = self._content.copy()
        if edit(self._content):
            self._content.stamp(self._now())
            self._lockfile = None
            self._is_current = False

    def _check(self, part: dict[str, Any]) -> None:
        """Refuse what could not be read again."""
        read_data(part, "", self.path)

    def _emit(self, old: dict[str, Any], new: dict[str, Any]) -> str:
        mark = BOM if self._text.startswith(BOM) else ""
        text = self._text.removeprefix(BOM)
        if not is_json(self.path):
            return mark + rewrite(text, old, new)
        indent = _INDENT.search(text)
        width = len(indent[1]) if indent else 2
        result = emit_json(new, indent=width, ascii_only=text.isascii())
        return mark + (result if text.endswith("\n") else result.rstrip("\n"))


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
        now: tells the time for ``updated_at``.

    Raises:
        LockfileNotFoundError: there is no such file.
        LockfileParseError: it is not a lockfile; it is left as it is.
        LockfileWriteError: bundled, read-only, or held by another writer. The message says where to create one.
    """
    path = Path(path)
    check_writable(path)
    created = False
    if create and not path.exists():
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
        now: tells the time.

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
