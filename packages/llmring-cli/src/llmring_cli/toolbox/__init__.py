"""What a model, or any MCP client, can do with a lockfile and the registry."""

from llmring_cli.toolbox.box import Toolbox, ToolResult
from llmring_cli.toolbox.draft import Draft
from llmring_cli.toolbox.local import LocalToolbox
from llmring_cli.toolbox.tool import Tool

__all__ = ["Draft", "LocalToolbox", "Tool", "ToolResult", "Toolbox"]
