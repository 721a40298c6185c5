"""A lockfile's text and edits to it, each whole or not at all. Pure: no file is opened here."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from llmring_types import ModelRef
from llmring_types.exceptions import ModelReferenceError, ValidationError

from llmring_lockfile._emit import emit_json
from llmring_lockfile._model import DEFAULT_PROFILE, Constraints, LockedModel, Lockfile
from llmring_lockfile._parse import BOM, is_json, is_old_binding, models_of, parse_data, read_data
from llmring_lockfile._rewrite import rewrite
from llmring_lockfile._tables import (
    Data,
    constrain,
    migrate,
    modernize,
    set_default_profile,
    set_extends,
    set_locked,
    set_registry_versions,
)

Models = str | ModelRef | Sequence[str | ModelRef]
"""A pool, best first: ``"openai:gpt-4o"``, ``"openai:gpt-4o, anthropic:claude-haiku-4-5"`` or a list."""

_INDENT = re.compile(r"\n( +)")


def utc_now() -> datetime:
    return datetime.now(UTC)


def read_pool(models: Models) -> tuple[ModelRef, ...]:
    """The references of a pool, each once.

    Raises:
        ModelReferenceError: one is not a ``provider:model``, or there is none (also a ``ValueError``).
    """
    if isinstance(models, str):
        models = [text for text in models.split(",") if text.strip()]
    elif isinstance(models, ModelRef):
        models = [models]
    pool = dict.fromkeys(model if isinstance(model, ModelRef) else ModelRef.parse(model) for model in models)
    if not pool:
        raise ModelReferenceError("an alias needs at least one 'provider:model'", reference="")
    for ref in pool:
        if not _is_text(ref.model):
            raise ModelReferenceError(f"not the name of a model: {ref.model!r}", reference=ascii(str(ref)))
    return tuple(pool)


class Document:
    """A lockfile's text and the edits to it. Nothing is read or written: see :func:`editing` for files.

    An edit changes its own lines and, where the file has one, ``updated_at``; an edit that changes nothing leaves
    the text as it is, to the byte. Every edit either succeeds as a whole or raises and changes nothing. The text is
    written when it is asked for, so that many edits in a row cost little more than one. Where a method takes
    ``profile``, ``None`` is the file's default profile, and one that does not exist is created.

    Args:
        text: TOML, or JSON when ``path`` ends in ``.json``.
        path: named in errors and diffs; it is not opened.
        now: returns the time for ``updated_at``.

    Raises:
        LockfileParseError: the text is not a lockfile.
    """

    def __init__(
        self, text: str, path: Path | str | None = None, *, now: Callable[[], datetime] = utc_now
    ) -> None:
        self.path = None if path is None else Path(path)
        self._original = self._text = text
        self._now = now
        self._is_json = is_json(self.path)
        self._data = parse_data(text, self.path)
        self._lockfile: Lockfile | None = read_data(self._data, text, self.path)
        self._rows: dict[str, dict[str, Data]] = {}
        """By profile, its rows by alias, as edited so far: not yet in ``_data``."""
        self._meaning: Data | None = None
        """The content of ``_text``, copied before the first edit after it was written."""
        self._is_current = True

    @property
    def text(self) -> str:
        """The text with all edits.

        Raises:
            LockfileWriteError: the edits cannot be written in the form of the file.
        """
        if not self._is_current and self._meaning is not None:
            self._text = self._emit(self._meaning, self._values())
            self._meaning = None
            self._is_current = True
        return self._text

    @property
    def lockfile(self) -> Lockfile:
        """The lockfile that the text stands for."""
        if self._lockfile is None:
            self._lockfile = read_data(self._values(), self._text, self.path)
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
        pool = list(read_pool(models))
        if not _is_name(alias):
            raise ValidationError(f"not the name of an alias: {alias!r}", field="alias", value=alias)
        name = profile or self._default()
        self.create_profile(name)
        rows, table = self._bound(name), self._data["profiles"][name]
        row = rows.get(alias)
        if row is None:
            rows[alias] = row = {"alias": alias, "models": list(map(str, pool))}
            if (
                "bindings" not in table and "registry_versions" in table
            ):  # a new array of bindings goes before it
                table["bindings"] = []
                table["registry_versions"] = table.pop("registry_versions")
            self._note_change()
        else:
            before, is_old = models_of(row), is_old_binding(row)
            if list(map(ModelRef.parse, before)) != pool:
                if is_old:
                    modernize(row)
                row["models"] = list(map(str, pool))
                self._note_change()
        if constraints is not None and constrain(row, constraints):
            self._note_change()

    def unbind(self, alias: str, *, profile: str | None = None) -> None:
        """Take an alias out of a profile. Nothing happens where it is not bound."""
        name = profile or self._default()
        self._begin()
        if (self._data.get("profiles") or {}).get(name) and self._bound(name).pop(alias, None) is not None:
            self._note_change()

    def create_profile(self, name: str) -> None:
        """Make an empty profile, and with the first one the default profile. Nothing happens where it exists."""
        if not _is_name(name):
            raise ValidationError(f"not the name of a profile: {name!r}", field="profile", value=name)
        self._begin()
        profiles = self._data["profiles"] = self._data.get("profiles") or {}
        named = self._data.get("default_profile") if profiles else self._default()
        missing = [wanted for wanted in (named or name, name) if profiles.get(wanted) is None]
        profiles.update({wanted: {"name": wanted} for wanted in missing})
        if missing:
            self._note_change()

    def migrate(self) -> None:
        """Write bindings from before 1.0 (``provider``, ``model``) as they are written now, and keep all comments."""
        self._edit(migrate)

    def set_default_profile(self, name: str) -> None:
        """Choose the profile used where none is named.

        Raises:
            ProfileNotFoundError: there is none of this name.
        """
        self._edit(lambda data: set_default_profile(data, name))

    def set_registry_versions(self, versions: Mapping[str, int], *, profile: str | None = None) -> None:
        """Pin providers to registry versions; providers that are not named keep theirs.

        Raises:
            LockfileParseError: a version is no number.
        """
        self._check({"profiles": {DEFAULT_PROFILE: {"registry_versions": dict(versions)}}})
        if versions:
            name = profile or self._default()
            self.create_profile(name)
            self._edit(lambda data: set_registry_versions(data["profiles"][name], versions))

    def set_extends(self, packages: Iterable[str]) -> None:
        """Make these the packages whose aliases may be used as ``package:alias``.

        Raises:
            LockfileParseError: one is not the name of a package.
        """
        wanted = list(packages)
        self._check({"extends": {"packages": wanted}})
        self._edit(lambda data: set_extends(data, wanted))

    def set_locked(self, locked: Mapping[str, LockedModel]) -> None:
        """Record what is true of these models, and nothing of any other. See :func:`lock_models`."""
        self._edit(lambda data: set_locked(data, locked))

    def _edit(self, edit: Callable[[Data], bool]) -> None:
        self._begin()
        if edit(self._data):
            self._note_change()

    def _begin(self) -> None:
        if self._meaning is None:
            self._meaning = _copy(self._values())

    def _note_change(self) -> None:
        """Note that there was an edit, and its time, in the form that the file has, where it has one."""
        if "updated_at" in self._data:
            now = self._now()
            self._data["updated_at"] = now if isinstance(self._data["updated_at"], date) else now.isoformat()
        self._lockfile = None
        self._is_current = False

    def _bound(self, profile: str) -> dict[str, Data]:
        if profile not in self._rows:
            rows = self._data["profiles"][profile].get("bindings") or []
            self._rows[profile] = {row["alias"]: row for row in rows}
        return self._rows[profile]

    def _values(self) -> Data:
        """The plain values with all edits."""
        for name, rows in self._rows.items():
            table = self._data["profiles"][name]
            if rows:
                table["bindings"] = list(rows.values())
            elif table.get("bindings"):
                del table["bindings"]
        self._rows.clear()
        return self._data

    def _default(self) -> str:
        return str(self._data.get("default_profile") or DEFAULT_PROFILE)

    def _check(self, part: dict[str, Any]) -> None:
        """Refuse what could not be read again."""
        read_data(part, "", self.path)

    def _emit(self, old: Data, new: Data) -> str:
        mark = BOM if self._text.startswith(BOM) else ""
        text = self._text.removeprefix(BOM)
        if not self._is_json:
            return mark + rewrite(text, old, new)
        indent = _INDENT.search(text)
        width = len(indent[1]) if indent else 2
        result = emit_json(new, indent=width, ascii_only=text.isascii())
        return mark + (result if text.endswith("\n") else result.rstrip("\n"))


def _copy(value: Any) -> Any:
    """Copy tables and arrays; what else there is never changes."""
    if isinstance(value, dict):
        return {key: _copy(item) for key, item in value.items()}
    return [_copy(item) for item in value] if isinstance(value, list) else value


def _is_name(text: str) -> bool:
    return bool(text) and text == text.strip() and _is_text(text)


def _is_text(text: str) -> bool:
    """Return whether a file can hold the text: arguments that are not UTF-8 come as halves of surrogate pairs."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
