"""A lockfile with changes that are not written yet."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from llmring_lockfile import DEFAULT_PROFILES, Constraints, Document, Lockfile, Profile, editing, emit

from llmring_cli._lockfiles import read_lockfile, shown
from llmring_cli.toolbox import arguments as args

Edit = Callable[[Document], None]


class Draft:
    """Collects edits, shows their combined effect, and writes them on request.

    Args:
        path: the lockfile; it need not exist, and is then made when the draft is saved.

    Raises:
        CommandError: there is a file that cannot be read or is not a lockfile.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._edits: list[Edit] = []
        self._document = self._read()

    @property
    def exists(self) -> bool:
        """True if the file exists."""
        return self.path.exists()

    @property
    def lockfile(self) -> Lockfile:
        """The lockfile with the changes."""
        return self._document.lockfile

    def edit(self, edit: Edit) -> str:
        """Apply a change to the draft and return it as a unified diff; empty if nothing changed.

        Raises:
            LLMRingError: the change cannot be made; the draft is as it was.
        """
        step = Document(self._document.text, shown(self.path))
        edit(step)
        edit(self._document)
        if step.changed:
            self._edits.append(edit)
        return step.diff()

    def diff(self) -> str:
        """Return all changes as a unified diff."""
        return self._document.diff()

    def discard(self) -> None:
        """Drop the changes and read the file again."""
        self._edits.clear()
        self._document = self._read()

    def save(self) -> None:
        """Write the changes into the file as it is now.

        Raises:
            LockfileWriteError: it cannot be written; the draft stays.
        """
        with editing(self.path, create=True) as document:
            for edit in self._edits:
                edit(document)
        self.discard()

    def _read(self) -> Document:
        if self.path.exists():
            return Document(read_lockfile(self.path).text, shown(self.path))
        empty = Lockfile(profiles={name: Profile(name) for name in DEFAULT_PROFILES})
        return Document(emit(empty), shown(self.path))


class Edits:
    """Changes, each answered with what it changed.

    Args:
        draft: the lockfile.
    """

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    def bind(self, wanted: args.BindAlias) -> dict[str, Any]:
        constraints = Constraints(
            needs=tuple(wanted.needs),
            min_context=wanted.min_context,
            max_cost_usd=args.dollars(wanted.max_cost_usd),
            timeout_s=wanted.timeout_s,
        )
        return self._changed(
            lambda document: document.bind(
                wanted.alias, wanted.models, profile=wanted.profile, constraints=constraints or None
            )
        )

    def unbind(self, wanted: args.UnbindAlias) -> dict[str, Any]:
        return self._changed(lambda document: document.unbind(wanted.alias, profile=wanted.profile))

    def set_default_profile(self, wanted: args.NamedProfile) -> dict[str, Any]:
        return self._changed(lambda document: document.set_default_profile(wanted.profile))

    def _changed(self, edit: Edit) -> dict[str, Any]:
        return {"written": False, "diff": self._draft.edit(edit)}

    def discard(self, _: args.Nothing) -> dict[str, Any]:
        self._draft.discard()
        return {"diff": ""}

    def save(self, _: args.Nothing) -> dict[str, Any]:
        diff = self._draft.diff()
        self._draft.save()
        return {"written": bool(diff), "lockfile": str(self._draft.path), "diff": diff}
