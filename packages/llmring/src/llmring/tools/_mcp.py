"""Tools of servers of the Model Context Protocol, through the official SDK (extra ``mcp``).

https://modelcontextprotocol.io/specification/2025-06-18/server/tools
"""

import os
import shlex
import sys
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import msgspec
from llmring_types.exceptions import ConfigurationError

from llmring.tools._tool import Content, Tool, ToolError

if TYPE_CHECKING:
    from mcp import Client
    from mcp.types import CallToolResult

_UNAUTHORIZED = 401
_UNAVAILABLE = 503


@asynccontextmanager
async def mcp_tools(
    server: "str | Sequence[str] | Client",
    *,
    prefix: str = "",
    env: Mapping[str, str] | None = None,
    cwd: str | Path | None = None,
    headers: Mapping[str, str] | None = None,
    timeout_s: float | None = 300.0,
) -> AsyncGenerator[list[Tool], None]:
    """Connect to an MCP server and give its tools, for :meth:`LLMRing.run` with any provider.

    ``async with mcp_tools("npx -y @modelcontextprotocol/server-everything") as tools``. The server is there until the
    block ends; a command's process is ended with it.

    Args:
        server: an ``http(s)`` address (streamable HTTP), a command line or its words (stdio), or a connected
            ``mcp.Client``, which stays yours.
        prefix: put before the names of the tools, where two servers have the same.
        env: variables for the command. Without them it gets only ``PATH``, ``HOME`` and the like: no keys.
        cwd: folder of the command.
        headers: sent to an address, such as ``{"Authorization": "Bearer …"}``.
        timeout_s: seconds that a call of a tool may take, ``None`` for no limit.

    Raises:
        ConfigurationError: the extra is not installed, nothing answers, the server refuses the token, or the connection
            breaks beyond the call of a tool. An error that the block raises comes out as it is.
    """
    async with open_client(server, env=env, cwd=cwd, headers=headers, timeout_s=timeout_s) as client:
        yield await tools_of(client, prefix)


@asynccontextmanager
async def open_client(
    server: "str | Sequence[str] | Client",
    *,
    env: Mapping[str, str] | None = None,
    cwd: str | Path | None = None,
    headers: Mapping[str, str] | None = None,
    timeout_s: float | None = 300.0,
) -> "AsyncGenerator[Client, None]":
    """Connect to an MCP server; arguments and errors are those of :func:`mcp_tools`."""
    try:
        from mcp import Client  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ConfigurationError("MCP servers need the extra: pip install 'llmring[mcp]'") from error
    raised: BaseException | None = None
    try:
        async with AsyncExitStack() as stack:
            if isinstance(server, Client):
                client = server
            elif isinstance(server, str) and server.lower().startswith(("http://", "https://")):
                client = await _connect(stack, server, headers or {}, timeout_s)
            else:
                client = await _start(stack, server, env, cwd, timeout_s)
            try:
                yield client
            except BaseException as error:
                raised = error
                raise
    except BaseExceptionGroup as group:  # the SDK's tasks wrap what the block raises in one, or in several
        if raised is None or not _holds(group, raised):
            raise ConfigurationError(f"the MCP server failed: {_cause(group)}") from group
    if raised is not None:
        raise raised  # outside of ``except``: the group would become its context


def _holds(group: BaseException, error: BaseException) -> bool:
    return group is error or (
        isinstance(group, BaseExceptionGroup) and any(_holds(each, error) for each in group.exceptions)
    )


async def _connect(
    stack: AsyncExitStack, url: str, headers: Mapping[str, str], timeout_s: float | None
) -> "Client":
    import httpx2  # noqa: PLC0415 - comes with the extra
    from mcp import Client, MCPError  # noqa: PLC0415 - as above
    from mcp.client.streamable_http import streamable_http_client  # noqa: PLC0415 - as above
    from mcp.types import INTERNAL_ERROR  # noqa: PLC0415 - as above

    refused = False

    async def look(response: httpx2.Response) -> None:
        nonlocal refused  # the SDK's error does not mention it
        refused = refused or response.status_code == _UNAUTHORIZED

    class Connection(httpx2.AsyncClient):
        """Answers for a server that has gone: the SDK would end the whole block, and the run of tools with it."""

        async def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
            try:
                return await super().send(request, **options)
            except httpx2.TransportError as error:
                problem = {"code": INTERNAL_ERROR, "message": str(error) or type(error).__name__}
                answer = {"jsonrpc": "2.0", "id": None, "error": problem}
                return httpx2.Response(_UNAVAILABLE, json=answer, request=request)

    timeout = httpx2.Timeout(30, read=timeout_s)
    try:
        http = Connection(headers=dict(headers), timeout=timeout, event_hooks={"response": [look]})
        await stack.enter_async_context(http)
        transport = streamable_http_client(url, http_client=http)
        return await stack.enter_async_context(Client(transport, read_timeout_seconds=timeout_s))
    except (OSError, MCPError, ExceptionGroup, httpx2.HTTPError, httpx2.InvalidURL) as error:
        reason = "it requires a token: give headers" if refused else _cause(error)
        problem = ConfigurationError(f"no MCP server answers at {url}: {reason}")
        problem.details["unauthorized"] = refused
        raise problem from error


async def _start(
    stack: AsyncExitStack,
    command: str | Sequence[str],
    env: Mapping[str, str] | None,
    cwd: str | Path | None,
    timeout_s: float | None,
) -> "Client":
    from mcp import Client, MCPError, StdioServerParameters, stdio_client  # noqa: PLC0415 - an extra

    try:
        words = shlex.split(command) if isinstance(command, str) else list(command)
    except ValueError as error:  # a quotation that is not closed
        raise ConfigurationError(
            f"the command {command!r} of the MCP server is not valid: {error}"
        ) from error
    if not words:
        raise ConfigurationError("the command of the MCP server is empty")
    parameters = StdioServerParameters(
        command=words[0], args=words[1:], env=None if env is None else dict(env), cwd=cwd
    )
    transport = stdio_client(parameters, errlog=stack.enter_context(_standard_error()))
    try:
        return await stack.enter_async_context(Client(transport, read_timeout_seconds=timeout_s))
    except (OSError, MCPError, ExceptionGroup) as error:
        raise ConfigurationError(
            f"the MCP server {words[0]!r} cannot be started or does not answer: {_cause(error)}"
        ) from error


@contextmanager
def _standard_error() -> Iterator[TextIO]:
    """Give the file that the command's messages go to; notebooks and tests have a stderr that is none."""
    try:
        sys.stderr.fileno()
    except (AttributeError, OSError, ValueError):
        with Path(os.devnull).open("w") as nowhere:
            yield nowhere
    else:
        yield sys.stderr


async def tools_of(client: "Client", prefix: str) -> list[Tool]:
    """Return the tools of a connected server.

    Raises:
        ConfigurationError: the server does not list them.
    """
    from mcp import MCPError  # noqa: PLC0415 - it is loaded already

    found: list[Tool] = []
    cursor: str | None = None
    while True:
        try:
            page = await client.list_tools(cursor=cursor)
        except MCPError as error:
            raise ConfigurationError(f"the MCP server does not list its tools: {error}") from error
        found += [
            Tool(
                name=prefix + each.name,
                description=each.description or each.title or "",
                parameters=each.input_schema,
                call=_caller(client, each.name),
            )
            for each in page.tools
        ]
        cursor = page.next_cursor
        if not cursor:
            return found


def _caller(client: "Client", name: str) -> Callable[[str], Any]:
    async def call(text: str) -> Content:
        from mcp import MCPError  # noqa: PLC0415 - it is loaded already

        arguments = msgspec.json.decode(text or "{}")
        if not isinstance(arguments, dict):
            raise ToolError("the arguments must be a JSON object")
        try:
            result = await client.call_tool(name, arguments)
        except MCPError as error:
            raise ToolError(str(error)) from error
        content = _content(result)
        if result.is_error:
            raise ToolError(content if isinstance(content, str) else msgspec.json.encode(content).decode())
        return content

    return call


def _content(result: "CallToolResult") -> Content:
    """Return what a server gave back: one text, or parts where there is more than text."""
    parts = [_part(block) for block in result.content]
    if not parts and result.structured_content is not None:
        return msgspec.json.encode(result.structured_content).decode()
    if all(part["type"] == "text" for part in parts):
        return "\n".join(part["text"] for part in parts)
    return parts


def _part(block: Any) -> dict[str, Any]:
    """Return a block of content as a part of a message."""
    if block.type == "text":
        return {"type": "text", "text": block.text}
    if block.type == "image":
        return {"type": "image_url", "image_url": {"url": f"data:{block.mime_type};base64,{block.data}"}}
    if block.type == "audio":
        kind = block.mime_type.partition("/")[2].removeprefix("x-")
        form = {"mpeg": "mp3", "wave": "wav"}.get(kind, kind)
        return {"type": "input_audio", "input_audio": {"data": block.data, "format": form}}
    if block.type == "resource":
        return _resource(block.resource)
    return {"type": "text", "text": f"{getattr(block, 'name', block.type)}: {getattr(block, 'uri', '')}"}


def _resource(resource: Any) -> dict[str, Any]:
    text = getattr(resource, "text", None)
    if text is not None:
        return {"type": "text", "text": text}
    kind = resource.mime_type or "application/octet-stream"
    if kind.startswith("image/"):
        return {"type": "image_url", "image_url": {"url": f"data:{kind};base64,{resource.blob}"}}
    source = {"type": "base64", "media_type": kind, "data": resource.blob}
    return {"type": "document", "source": source, "title": str(resource.uri)}


def _cause(error: BaseException) -> BaseException:
    """Return what really failed; the client runs in groups of tasks, which wrap it."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
