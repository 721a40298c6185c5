"""The lockfile tools as an MCP server: https://modelcontextprotocol.io"""

import hmac
import logging
import socket
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import uvicorn
from mcp import types
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp.server.transport_security import TransportSecuritySettings
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from llmring_cli.toolbox import LocalToolbox

HOST = "127.0.0.1"
"""HTTP is for this machine only: every client can change the lockfile."""
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


class TokenGate:
    """Passes requests with the bearer token on; all others get status 401 and an empty body.

    Args:
        app: the server.
        token: what clients have to send.
    """

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._expected = f"Bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request (https://asgi.readthedocs.io/en/latest/specs/www.html)."""
        if scope["type"] == "http" and not self._admits(scope):
            await Response(status_code=401)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _admits(self, scope: Scope) -> bool:
        given = [value for name, value in scope["headers"] if name == b"authorization"]
        return len(given) == 1 and hmac.compare_digest(given[0], self._expected)


async def serve_http(
    toolbox: LocalToolbox, port: int, on_ready: Callable[[str], object], token: str | None
) -> None:
    """Serve clients on this machine by streamable HTTP, until interrupted.

    The library refuses requests for another host and of web pages of other origins, other ports of this machine
    included, so that no page in a browser can reach the server.

    Args:
        toolbox: the tools.
        port: 0 takes a free one.
        on_ready: gets the address.
        token: what clients have to send; ``None`` for nothing.

    Raises:
        OSError: the port is taken.
    """
    # Refused requests are not worth a message at this terminal.
    logging.getLogger("mcp.server.transport_security").setLevel(logging.ERROR)
    with socket.create_server((HOST, port)) as listener:
        names = [f"{name}:{listener.getsockname()[1]}" for name in (HOST, "localhost")]
        origins = [f"http://{name}" for name in names]
        security = TransportSecuritySettings(allowed_hosts=names, allowed_origins=origins)
        app: ASGIApp = build_server(toolbox).streamable_http_app(host=HOST, transport_security=security)
        if token is not None:
            app = TokenGate(app, token)
        on_ready(f"{origins[0]}/mcp")
        await uvicorn.Server(uvicorn.Config(app, log_level="warning")).serve(sockets=[listener])
