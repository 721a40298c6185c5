"""The text of a lockfile, edited in memory."""

import re
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

from llmring_lockfile import _edits
from llmring_lockfile._constraints import Constraints
from llmring_lockfile._edits import Models
from llmring_lockfile._emit import emit_json
from llmring_lockfile._model import LockedModel, Lockfile
from llmring_lockfile._parse import read_data
from llmring_lockfile._rewrite import rewrite
from llmring_lockfile._syntax import BOM, is_json, parse_data

_INDENT = re.compile(r"\n( +)")


def utc_now() -> datetime:
    return datetime.now(UTC)


class Document:
    """A lockfile's text and the edits to it. Nothing is read or written: see :func:`editing` for files.

    An edit changes its own lines and, where the file has one, ``updated_at``; an edit that changes nothing leaves
    the text as it is, to the byte. Every edit either succeeds as a whole or raises and changes nothing. Where a
    method takes ``profile``, ``None`` is the file's default profile, and one that does not exist is created.

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
        self._set(text, parse_data(text, self.path))

    @property
    def text(self) -> str:
        return self._text

    @property
    def lockfile(self) -> Lockfile:
        return self._lockfile

    @property
    def changed(self) -> bool:
        return self._text != self._original

    def diff(self) -> str:
        """What all edits so far changed, as a unified diff; empty when nothing."""
        import difflib  # noqa: PLC0415 - slow to import, and most edits are not shown

        name = "llmring.lock" if self.path is None else str(self.path)
        before, after = self._original.splitlines(), self._text.splitlines()
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
        pool = _edits.read_pool(models)
        self._edit(partial(_edits.bind, alias=alias, models=pool, profile=profile, constraints=constraints))

    def unbind(self, alias: str, *, profile: str | None = None) -> None:
        """Take an alias out of a profile. Nothing happens where it is not bound."""
        self._edit(partial(_edits.unbind, alias=alias, profile=profile))

    def create_profile(self, name: str) -> None:
        """Make an empty profile. Nothing happens where it exists."""
        self._edit(partial(_edits.create_profile, name=name))

    def set_default_profile(self, name: str) -> None:
        """Choose the profile used where none is named.

        Raises:
            ProfileNotFoundError: there is none of this name.
        """
        self._edit(partial(_edits.set_default_profile, name=name))

    def set_registry_versions(self, versions: Mapping[str, int], *, profile: str | None = None) -> None:
        """Pin providers to registry versions; providers that are not named keep theirs."""
        self._edit(partial(_edits.set_registry_versions, versions=versions, profile=profile))

    def set_extends(self, packages: Iterable[str]) -> None:
        """Make these the packages whose aliases may be used as ``package:alias``."""
        self._edit(partial(_edits.set_extends, packages=list(packages)))

    def set_locked(self, locked: Mapping[str, LockedModel]) -> None:
        """Record what is true of these models, and nothing of any other. See :func:`lock_models`."""
        self._edit(partial(_edits.set_locked, locked=locked))

    def _edit(self, edit: Callable[[dict[str, Any]], object]) -> None:
        data = deepcopy(self._data)
        edit(data)
        if data == self._data:
            return
        if "updated_at" in data:
            stamp = self._now()
            data["updated_at"] = stamp if isinstance(data["updated_at"], date) else stamp.isoformat()
        self._set(self._emit(data), data)

    def _emit(self, data: dict[str, Any]) -> str:
        mark = BOM if self._text.startswith(BOM) else ""
        text = self._text.removeprefix(BOM)
        if not is_json(self.path):
            return mark + rewrite(text, self._data, data)
        indent = _INDENT.search(text)
        width = len(indent[1]) if indent else 2
        result = emit_json(data, indent=width, ascii_only=text.isascii())
        return mark + (result if text.endswith("\n") else result.rstrip("\n"))

    def _set(self, text: str, data: dict[str, Any]) -> None:
        self._lockfile = read_data(data, text, self.path)
        self._data = data
        self._text = text
