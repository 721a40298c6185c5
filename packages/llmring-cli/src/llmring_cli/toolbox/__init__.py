"""Tools over a lockfile and the registry, for a model or any MCP client."""

from llmring_cli.toolbox.draft import Draft
from llmring_cli.toolbox.tool import LocalToolbox, Tool, Toolbox, ToolResult

__all__ = ["Draft", "LocalToolbox", "Tool", "ToolResult", "Toolbox"]
