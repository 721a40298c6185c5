"""What is not written yet, and how it comes to be: shown as a difference, and only after a yes."""

from pathlib import Path

import msgspec

from llmring_cli._lockfiles import shown
from llmring_cli._output import report
from llmring_cli.advisor.screen import Screen, confirm
from llmring_cli.toolbox import Toolbox, ToolResult
from llmring_cli.toolbox.box import CHANGES, SAVE

_REFUSED = "The developer refused. Nothing was written; the changes are still in the draft."


class _Saved(msgspec.Struct):
    lockfile: str


class Changes:
    """The changes in the draft of a toolbox.

    Args:
        toolbox: of this machine, or behind a server.
        screen: where the person is.
    """

    def __init__(self, toolbox: Toolbox, screen: Screen) -> None:
        self._toolbox = toolbox
        self._screen = screen

    async def diff(self) -> str:
        """Return them as a unified diff; empty when there are none."""
        result = await self._toolbox.call(CHANGES, {})
        return "" if result.is_error else msgspec.json.decode(result.text, type=dict[str, str])["diff"]

    async def save(self) -> ToolResult:
        """Write them after a yes, and tell what came of it."""
        diff = await self.diff()
        if diff:
            self._screen.diff(diff)
            if not await confirm(self._screen, "write this?"):
                report("nothing was written")
                return ToolResult(_REFUSED)
        result = await self._toolbox.call(SAVE, {})
        if result.is_error:
            report(f"error: {result.text}")
        elif diff:
            path = msgspec.json.decode(result.text, type=_Saved).lockfile
            report(f"wrote {shown(Path(path))}")
        else:
            report("there was nothing to write")
        return result
