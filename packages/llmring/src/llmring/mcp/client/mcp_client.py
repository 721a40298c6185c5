"""A connection to one MCP server, with answers as plain JSON; see :mod:`llmring.mcp.client`."""

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from llmring_types.exceptions import ConfigurationError

from llmring.tools._mcp import open_client

if TYPE_CHECKING:
    from anyio.from_thread import BlockingPortal
    from mcp import Client
    from pydantic import BaseModel

_Json = dict[str, Any]


class AsyncMCPClient:
    """A connection to an MCP server; it begins with :meth:`initialize`, or with the first question.

    ``async with AsyncMCPClient.stdio(["python", "server.py"]) as client: tools = await client.list_tools()``. It is
    closed by the task that opened it.

    Args:
        server: an ``http(s)`` address (streamable HTTP), or a command line or its words (stdio).
        env: variables for the command; it gets no others than ``PATH``, ``HOME`` and the like.
        cwd: folder of the command.
        headers: sent to an address.
        timeout: seconds for one answer.
    """

    def __init__(
        self,
        server: str | Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = 30.0,
    ) -> None:
        self._server = server
        self._options: _Json = {"env": env, "cwd": cwd, "headers": headers, "timeout_s": timeout}
        self._stack = AsyncExitStack()
        self._client: Client | None = None

    @classmethod
    def stdio(
        cls,
        command: Sequence[str],
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        timeout: float | None = 30.0,
        allow_unsafe_commands: bool = True,  # noqa: ARG003 - 1.4 refused some commands
    ) -> Self:
        """Return a client of a command, which is started with the connection."""
        return cls(command, cwd=cwd, env=env, timeout=timeout)

    @classmethod
    def http(cls, url: str, timeout: float | None = 30.0, headers: Mapping[str, str] | None = None) -> Self:
        """Return a client of an address."""
        return cls(url, timeout=timeout, headers=headers)

    @classmethod
    def websocket(cls, url: str, timeout: float | None = 30.0) -> Self:  # noqa: ARG003 - the signature of 1.4
        """Refuse: MCP has no such transport, and that of 1.4 was never written.

        Raises:
            ConfigurationError: always.
        """
        raise ConfigurationError(f"MCP has no WebSocket transport: give the http(s) address instead of {url}")

    async def initialize(self) -> _Json:
        """Connect, where that has not been done, and return what the server says of itself.

        Raises:
            ConfigurationError: the extra is not installed, nothing answers, or the server refuses the token.
        """
        client = await self._connected()
        info = {
            "protocolVersion": client.protocol_version,
            "capabilities": _plain(client.server_capabilities),
            "serverInfo": _plain(client.server_info),
        }
        return info if client.instructions is None else {**info, "instructions": client.instructions}

    async def list_tools(self) -> list[_Json]:
        """Return the tools with ``name``, ``description`` and ``inputSchema``."""
        client, cursor, found = await self._connected(), None, list[_Json]()
        while True:
            page = await client.list_tools(cursor=cursor)
            found += map(_plain, page.tools)
            if not (cursor := page.next_cursor):
                return found

    async def call_tool(self, name: str, arguments: _Json | None = None) -> _Json:
        """Call a tool and return its result: ``content``, and ``isError`` where it failed.

        Raises:
            mcp.MCPError: there is no such tool, or the server failed.
        """
        client = await self._connected()
        return _plain(await client.call_tool(name, arguments or {}))

    async def list_prompts(self) -> list[_Json]:
        client, cursor, found = await self._connected(), None, list[_Json]()
        while True:
            page = await client.list_prompts(cursor=cursor)
            found += map(_plain, page.prompts)
            if not (cursor := page.next_cursor):
                return found

    async def get_prompt(self, name: str, arguments: dict[str, str] | None = None) -> _Json:
        client = await self._connected()
        return _plain(await client.get_prompt(name, arguments))

    async def list_resources(self) -> list[_Json]:
        client, cursor, found = await self._connected(), None, list[_Json]()
        while True:
            page = await client.list_resources(cursor=cursor)
            found += map(_plain, page.resources)
            if not (cursor := page.next_cursor):
                return found

    async def read_resource(self, uri: str) -> _Json:
        client = await self._connected()
        return _plain(await client.read_resource(uri))

    async def close(self) -> None:
        """End the connection, and the command with it."""
        self._client = None
        await self._stack.aclose()

    async def __aenter__(self) -> Self:
        await self._connected()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _connected(self) -> "Client":
        if self._client is None:
            server = self._server
            if isinstance(server, str):
                server = server.removeprefix("stdio://")
            self._client = await self._stack.enter_async_context(open_client(server, **self._options))
        return self._client


class MCPClient:
    """An :class:`AsyncMCPClient` for code without ``await``; its event loop runs in a thread until :meth:`close`.

    Args:
        server: as of :class:`AsyncMCPClient`, like the options.
        options: as above.
    """

    def __init__(self, server: str | Sequence[str], **options: Any) -> None:
        self._asynchronous = AsyncMCPClient(server, **options)
        self._stack = ExitStack()
        self._portal: BlockingPortal | None = None

    @classmethod
    def stdio(cls, command: Sequence[str], **options: Any) -> Self:
        """Return a client of a command; the options are those of :meth:`AsyncMCPClient.stdio`."""
        return cls._of(AsyncMCPClient.stdio(command, **options))

    @classmethod
    def http(cls, url: str, **options: Any) -> Self:
        """Return a client of an address; the options are those of :meth:`AsyncMCPClient.http`."""
        return cls._of(AsyncMCPClient.http(url, **options))

    websocket = AsyncMCPClient.websocket

    def initialize(self) -> _Json:
        """Connect; see :meth:`AsyncMCPClient.initialize`."""
        return self._opened().call(self._asynchronous.initialize)

    def list_tools(self) -> list[_Json]:
        return self._opened().call(self._asynchronous.list_tools)

    def call_tool(self, name: str, arguments: _Json | None = None) -> _Json:
        """Call a tool; see :meth:`AsyncMCPClient.call_tool`."""
        return self._opened().call(self._asynchronous.call_tool, name, arguments)

    def list_prompts(self) -> list[_Json]:
        return self._opened().call(self._asynchronous.list_prompts)

    def get_prompt(self, name: str, arguments: dict[str, str] | None = None) -> _Json:
        return self._opened().call(self._asynchronous.get_prompt, name, arguments)

    def list_resources(self) -> list[_Json]:
        return self._opened().call(self._asynchronous.list_resources)

    def read_resource(self, uri: str) -> _Json:
        return self._opened().call(self._asynchronous.read_resource, uri)

    def close(self) -> None:
        """End the connection, the command and the thread."""
        self._portal = None
        self._stack.close()

    def __enter__(self) -> Self:
        self._opened()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @classmethod
    def _of(cls, client: AsyncMCPClient) -> Self:
        made = cls("")
        made._asynchronous = client
        return made

    def _opened(self) -> "BlockingPortal":
        if self._portal is None:
            from anyio.from_thread import start_blocking_portal  # noqa: PLC0415 - only for code without await

            with ExitStack() as stack:
                portal = stack.enter_context(start_blocking_portal())
                stack.enter_context(portal.wrap_async_context_manager(self._asynchronous))
                self._stack = stack.pop_all()
            self._portal = portal
        return self._portal


def _plain(value: "BaseModel | None") -> _Json:
    return {} if value is None else value.model_dump(mode="json", by_alias=True, exclude_none=True)
