"""The lockfile tools as an MCP server: https://modelcontextprotocol.io"""

import socket
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import uvicorn
from mcp import types
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server

from llmring_cli.toolbox import LocalToolbox

HOST = "127.0.0.1"
"""HTTP is for this machine only: whoever can reach the server can change the lockfile."""

_INSTRUCTIONS = (
    "Reads and edits llmring.lock, which binds aliases to pools of language models. Edits go into a draft; "
    "save_lockfile writes it, so show the user show_changes first."
)


def build_server(toolbox: LocalToolbox) -> Server[Any]:
    """Return a server of these tools. Its clients share one draft of the lockfile."""
    tools = [
        types.Tool(
            name=tool.name,
            description=tool.description,
            input_schema=tool.parameters,
            annotations=types.ToolAnnotations(read_only_hint=not tool.writes, open_world_hint=False),
        )
        for tool in toolbox.tools.values()
    ]

    async def list_tools(_: Any, __: types.PaginatedRequestParams | None) -> types.ListToolsResult:
        return types.ListToolsResult(tools=tools)

    async def call_tool(_: Any, params: types.CallToolRequestParams) -> types.CallToolResult:
        result = await toolbox.call(params.name, params.arguments or {})
        return types.CallToolResult(content=[types.TextContent(text=result.text)], is_error=result.is_error)

    return Server(
        "llmring-lockfile",
        version=version("llmring-cli"),
        instructions=_INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


async def serve_stdio(toolbox: LocalToolbox) -> None:
    """Serve the client at standard input and output, until it leaves."""
    server = build_server(toolbox)
    async with stdio_server() as (incoming, outgoing):
        await server.run(incoming, outgoing, server.create_initialization_options())


async def serve_http(toolbox: LocalToolbox, port: int, on_ready: Callable[[str], object]) -> None:
    """Serve clients on this machine by streamable HTTP, until interrupted.

    Args:
        toolbox: the tools.
        port: 0 takes a free one.
        on_ready: is told the address.

    Raises:
        OSError: the port is taken.
    """
    app = build_server(toolbox).streamable_http_app(host=HOST)
    with socket.create_server((HOST, port)) as listener:
        on_ready(f"http://{HOST}:{listener.getsockname()[1]}/mcp")
        await uvicorn.Server(uvicorn.Config(app, log_level="warning")).serve(sockets=[listener])
