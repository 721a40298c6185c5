"""The tools of an MCP server, for the advisor."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx2
from llmring_types.exceptions import ConfigurationError
from mcp import Client, MCPError, types
from mcp.client.streamable_http import streamable_http_client

from llmring_cli.mcp import TOKEN_VARIABLE
from llmring_cli.toolbox import ToolResult
from llmring_cli.toolbox.tool import spec

_UNAUTHORIZED = 401


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
async def connect(url: str, token: str = "") -> AsyncIterator[RemoteToolbox]:
    """Connect to an MCP server by streamable HTTP.

    Args:
        url: the server's address.
        token: sent as a bearer token; empty for none.

    Raises:
        ConfigurationError: there is no such server, or it refuses the token.
    """
    refused = False

    async def look(response: httpx2.Response) -> None:
        nonlocal refused  # the SDK's error does not mention it
        refused = refused or response.status_code == _UNAUTHORIZED

    headers = {"Authorization": f"Bearer {token}"} if token else {}
    timeout = httpx2.Timeout(30, read=300)
    async with AsyncExitStack() as stack:
        try:
            http = httpx2.AsyncClient(headers=headers, timeout=timeout, event_hooks={"response": [look]})
            await stack.enter_async_context(http)
            client = await stack.enter_async_context(Client(streamable_http_client(url, http_client=http)))
        except (OSError, MCPError, ExceptionGroup, httpx2.HTTPError, httpx2.InvalidURL) as error:
            reason = f"it requires a token; set {TOKEN_VARIABLE}" if refused else _cause(error)
            raise ConfigurationError(f"no MCP server answers at {url}: {reason}") from error
        yield RemoteToolbox(client)


def _cause(error: Exception) -> Exception:
    """Return what really failed; the client runs in groups of tasks, which wrap it."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error
