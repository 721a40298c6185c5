"""Tools that change the draft of a lockfile, and the one that writes it."""

from typing import Any

from llmring_lockfile import Constraints

from llmring_cli.toolbox import arguments as args
from llmring_cli.toolbox.draft import Draft, Edit


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
