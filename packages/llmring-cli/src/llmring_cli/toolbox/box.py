"""A set of tools, wherever they run."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

SAVE = "save_lockfile"
"""The tool that writes."""
CHANGES = "show_changes"
"""The tool that shows what would be written."""


class ToolResult(NamedTuple):
    """What a tool answered: text, mostly JSON, and whether it is about an error."""

    text: str
    is_error: bool = False


def spec(name: str, description: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """Return a tool in OpenAI's form."""
    function = {"name": name, "description": description, "parameters": parameters}
    return {"type": "function", "function": function}


class Toolbox(Protocol):
    """Tools for a model."""

    async def specs(self) -> Sequence[dict[str, Any]]:
        """Return the tools in OpenAI's form."""

    async def call(self, name: str, arguments: object) -> ToolResult:
        """Call a tool. What goes wrong is told in the result, for the model to do better."""
