"""The tools of an MCP server, for the advisor."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from llmring.tools import Tool, ToolError, mcp_tools
from llmring_types.exceptions import ConfigurationError

from llmring_cli.toolbox import TOKEN_VARIABLE, ToolResult


class RemoteToolbox:
    """Tools of a connected MCP server."""

    def __init__(self, tools: Sequence[Tool]) -> None:
        self._tools = {tool.name: tool for tool in tools}

    async def specs(self) -> Sequence[dict[str, Any]]:
        return [tool.spec() for tool in self._tools.values()]

    async def call(self, name: str, arguments: Any) -> ToolResult:
        tool = self._tools.get(name)
        if tool is None:
            return ToolResult(f"there is no tool {name!r}", is_error=True)
        try:
            content = await tool.call(msgspec.json.encode(arguments).decode())
        except ToolError as error:
            return ToolResult(str(error), is_error=True)
        if isinstance(content, str):
            return ToolResult(content, is_error=False)
        return ToolResult(
            "\n".join(part["text"] for part in content if part["type"] == "text"), is_error=False
        )


@asynccontextmanager
async def connect(url: str, token: str = "") -> AsyncGenerator[RemoteToolbox, None]:
    """Connect to an MCP server by streamable HTTP.

    Args:
        url: the server's address.
        token: sent as a bearer token; empty for none.

    Raises:
        ConfigurationError: there is no such server, or it refuses the token.
    """
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        async with mcp_tools(url, headers=headers) as tools:
            yield RemoteToolbox(tools)
    except ConfigurationError as error:
        if error.details.get("unauthorized"):
            raise ConfigurationError(
                f"no MCP server answers at {url}: it requires a token; set {TOKEN_VARIABLE}"
            ) from error
        raise
