"""The tools of an MCP server, for the advisor."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from llmring_types.exceptions import ConfigurationError
from mcp import Client, MCPError, types

from llmring_cli.toolbox import ToolResult
from llmring_cli.toolbox.box import spec


class RemoteToolbox:
    """Tools behind a connected MCP client."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def specs(self) -> Sequence[dict[str, Any]]:
        tools = (await self._client.list_tools()).tools
        return [spec(tool.name, tool.description or "", tool.input_schema) for tool in tools]

    async def call(self, name: str, arguments: Any) -> ToolResult:
        try:
            result = await self._client.call_tool(name, arguments)
        except MCPError as error:
            return ToolResult(str(error), is_error=True)
        text = "\n".join(part.text for part in result.content if isinstance(part, types.TextContent))
        return ToolResult(text, result.is_error)


@asynccontextmanager
async def connect(url: str) -> AsyncIterator[RemoteToolbox]:
    """Connect to an MCP server by streamable HTTP.

    Raises:
        ConfigurationError: there is no such server.
    """
    try:
        client = await Client(url).__aenter__()
    except (OSError, MCPError, ExceptionGroup) as error:
        raise ConfigurationError(f"no MCP server answers at {url}: {_cause(error)}") from error
    try:
        yield RemoteToolbox(client)
    finally:
        await client.__aexit__(None, None, None)


def _cause(error: Exception) -> Exception:
    """Return what really failed; the client runs in groups of tasks, which wrap it."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error
