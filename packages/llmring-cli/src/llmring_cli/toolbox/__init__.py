"""Tools over a lockfile and the registry, for a model or any MCP client.

Serving them to MCP clients, and taking the tools of another server, needs the extra ``mcp``.
"""

from llmring_cli.toolbox.draft import Draft
from llmring_cli.toolbox.tool import LocalToolbox, Tool, Toolbox, ToolResult

__all__ = ["TOKEN_VARIABLE", "Draft", "LocalToolbox", "Tool", "ToolResult", "Toolbox"]

TOKEN_VARIABLE = "LLMRING_MCP_TOKEN"  # noqa: S105 - a name
"""Environment variable with the token of an MCP server over HTTP, read by the server and by ``lock chat``."""
