"""Tools of MCP servers: the official SDK's own server, in the process, as a command and over HTTP."""

import base64
import socket
import sys
import textwrap
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
import uvicorn
from llmring import ConfigurationError, LLMRequest, LLMResponse, LLMRing, Message
from llmring.exceptions import ProviderServerError
from llmring.testing import FakeProvider
from llmring.tools import Tool, ToolError, mcp_tools
from llmring_types import tool_call
from mcp import Client, types
from mcp.server.lowlevel import Server
from mcp.server.mcpserver import MCPServer

ASKED = LLMRequest(messages=[Message.user("Sum?")], model="fake:x")
SERVER = """
    import os, sys
    from mcp.server.mcpserver import MCPServer
    server = MCPServer("test")

    @server.tool()
    def add(a: int, b: int) -> int:
        "Add two numbers."
        return a + b

    @server.tool()
    def environment() -> str:
        return ",".join(sorted(os.environ))

    @server.tool()
    def folder() -> str:
        return os.getcwd()

    server.run()
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "a server.py"
    path.write_text(textwrap.dedent(SERVER))
    return path


def adding() -> MCPServer[Any]:
    server: MCPServer[Any] = MCPServer("test")

    @server.tool()
    def add(a: int, b: int) -> int:
        """Add two numbers."""
        return a + b

    @server.tool()
    def fail() -> str:
        """Fail."""
        raise RuntimeError("no luck")

    return server


async def test_any_provider_runs_the_tools_of_a_server() -> None:
    provider = FakeProvider(
        LLMResponse(
            content="",
            model="fake:x",
            finish_reason="tool_calls",
            tool_calls=[
                tool_call("c1", "my_add", '{"a": 1, "b": 2}'),
                tool_call("c2", "my_fail", "{}"),
                tool_call("c3", "my_add", '{"a": "x", "b": 2}'),
                tool_call("c4", "my_add", "[]"),
            ],
        ),
        "It is 3.",
    )
    async with Client(adding()) as client, mcp_tools(client, prefix="my_") as tools, LLMRing() as ring:
        ring.register_provider("fake", provider)
        run = await ring.run(ASKED, tools=tools)
    assert [result.is_error for result in run.results] == [False, True, True, True]
    assert run.results[0].content == "3"
    assert run.results[1].content == "Error executing tool fail"
    assert run.results[3].content == "the arguments must be a JSON object"
    assert provider.calls[0].request.tools is not None
    add = provider.calls[0].request.tools[0]["function"]
    assert (add["name"], add["description"]) == ("my_add", "Add two numbers.")
    assert add["parameters"]["properties"]["a"]["type"] == "integer"


@pytest.mark.unmeasured
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_command_is_started_without_keys_and_ended(
    script: Path, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-hunter2")

    async def main() -> None:
        async with mcp_tools([sys.executable, str(script)], cwd=script.parent) as tools:
            named = {tool.name: tool for tool in tools}
            assert await named["add"].call('{"a": 1, "b": 2}') == "3"
            assert "OPENAI_API_KEY" not in await named["environment"].call("")
            assert await named["folder"].call("") == str(script.parent.resolve())

    anyio.run(main, backend=backend)


@pytest.mark.unmeasured
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("kind", [ProviderServerError, KeyError, KeyboardInterrupt])
def test_an_error_of_the_block_comes_out_as_it_was_raised(
    script: Path, backend: str, kind: type[BaseException]
) -> None:
    error = kind("no")

    def raise_it() -> None:
        raise error

    async def main() -> None:
        command = [sys.executable, str(script)]
        async with mcp_tools(command), mcp_tools(command, prefix="other_"):
            raise_it()

    with pytest.raises(kind) as caught:
        anyio.run(main, backend=backend)
    assert caught.value is error
    assert caught.traceback[-1].name == "raise_it"
    assert error.__context__ is None


@pytest.mark.unmeasured
async def test_a_run_beside_a_server_fails_with_the_error_of_the_provider(script: Path) -> None:
    failure = ProviderServerError("out of order", provider="fake")

    async def run() -> None:
        async with mcp_tools([sys.executable, str(script)]) as tools, LLMRing() as ring:
            ring.register_provider("fake", FakeProvider(failure, failure, failure, failure))
            await ring.run(ASKED, tools=tools)

    with pytest.raises(ProviderServerError) as caught:
        await run()
    assert caught.value.attempts


@pytest.mark.unmeasured
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_block_that_is_cancelled_ends(script: Path, backend: str) -> None:
    async def main() -> bool:
        with anyio.CancelScope() as scope:
            async with mcp_tools([sys.executable, str(script)]):
                scope.cancel()
                await anyio.sleep_forever()
        return scope.cancelled_caught

    assert anyio.run(main, backend=backend)


@pytest.mark.unmeasured
async def test_a_command_line_is_split_as_a_shell_does_it(script: Path) -> None:
    async with mcp_tools(f"{sys.executable} '{script}'", env={"WORD": "1"}) as tools:
        listed = await next(tool for tool in tools if tool.name == "environment").call("")
        assert "WORD" in listed


@pytest.mark.parametrize(
    ("server", "problem"),
    [
        ("", "empty"),
        ("npx 'server", "No closing quotation"),
        (["/nowhere/at/all"], "cannot be started"),
        ([sys.executable, "-c", "pass"], "does not answer"),
        ("http://127.0.0.1:1/mcp", "no MCP server answers"),
    ],
)
async def test_a_server_that_is_not_there_is_named(server: Any, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        async with mcp_tools(server):
            pass


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_server_at_an_address_gets_the_headers(backend: str) -> None:
    seen: list[str] = []
    app = adding().streamable_http_app()

    async def watched(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            headers = dict(scope["headers"])
            seen.append(headers.get(b"authorization", b"").decode())
        await app(scope, receive, send)

    server = uvicorn.Server(uvicorn.Config(watched, log_level="error"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/mcp"
        with _running(server, listener):

            async def main() -> None:
                async with mcp_tools(url, headers={"Authorization": "Bearer t"}) as tools:
                    add = next(tool for tool in tools if tool.name == "add")
                    assert await add.call('{"a": 2, "b": 2}') == "4"

            anyio.run(main, backend=backend)
    assert set(seen) == {"Bearer t"}


def test_a_connection_that_breaks_is_an_error_of_ours() -> None:
    app, broken = adding().streamable_http_app(), threading.Event()

    async def breaking(scope: Any, receive: Any, send: Any) -> None:
        if not broken.is_set():
            await app(scope, receive, send)
            return
        headers = [(b"content-type", b"application/json"), (b"content-encoding", b"gzip")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"not gzip"})

    async def main(url: str) -> None:
        async with mcp_tools(url) as tools:
            broken.set()
            await tools[0].call('{"a": 2, "b": 2}')

    server = uvicorn.Server(uvicorn.Config(breaking, log_level="error"))
    with socket.create_server(("127.0.0.1", 0)) as listener, _running(server, listener):
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/mcp"
        with pytest.raises(ConfigurationError, match=r"the MCP server failed: .*decompressing"):
            anyio.run(main, url)


async def test_a_server_that_wants_a_token_is_said_to_want_one() -> None:
    async def refuse(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 401, "headers": []})
            await send({"type": "http.response.body", "body": b""})

    server = uvicorn.Server(uvicorn.Config(refuse, log_level="error", lifespan="off"))
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        _running(server, listener),
        pytest.raises(ConfigurationError, match="it requires a token: give headers") as caught,
    ):
        async with mcp_tools(f"http://127.0.0.1:{listener.getsockname()[1]}/mcp"):
            pass
    assert caught.value.details["unauthorized"] is True


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_call_of_a_server_that_has_gone_is_an_error_of_the_tool(backend: str) -> None:
    server = uvicorn.Server(uvicorn.Config(adding().streamable_http_app(), log_level="error"))

    async def main() -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            running = _running(server, listener)
            with running:
                connected = mcp_tools(f"http://127.0.0.1:{listener.getsockname()[1]}/mcp")
                tools = await connected.__aenter__()
        try:
            with pytest.raises(ToolError, match="attempts"):
                await tools[0].call('{"a": 2, "b": 2}')
        finally:
            await connected.__aexit__(None, None, None)

    anyio.run(main, backend=backend)


class _running:  # noqa: N801 - used like a function
    """A server in a thread, until the block ends."""

    def __init__(self, server: uvicorn.Server, listener: socket.socket) -> None:
        self._server = server
        self._thread = threading.Thread(target=lambda: server.run(sockets=[listener]))

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join()


Blocks = list[Any]
PIXEL = base64.b64encode(b"\x89PNG").decode()


def serving(*blocks: Any, **result: Any) -> Server[Any]:
    async def list_tools(_: Any, params: types.PaginatedRequestParams | None) -> types.ListToolsResult:
        cursor = params.cursor if params is not None else None
        listed = types.Tool(name=f"tool{cursor or 0}", input_schema={"type": "object"})
        return types.ListToolsResult(tools=[listed], next_cursor="1" if cursor is None else None)

    async def call_tool(_: Any, params: types.CallToolRequestParams) -> types.CallToolResult:
        return types.CallToolResult(content=list(blocks), **result)

    return Server("test", on_list_tools=list_tools, on_call_tool=call_tool)


TEXT = types.TextContent(text="a")
IMAGE = types.ImageContent(data=PIXEL, mime_type="image/png")
CASES: list[tuple[Callable[[], Server[Any]], Any]] = [
    (lambda: serving(TEXT, TEXT), "a\na"),
    (serving, ""),
    (lambda: serving(structured_content={"a": 1}), '{"a":1}'),
    (
        lambda: serving(TEXT, IMAGE),
        [
            {"type": "text", "text": "a"},
            {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}},
        ],
    ),
    (
        lambda: serving(types.AudioContent(data="AAAA", mime_type="audio/x-wav")),
        [{"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}],
    ),
    (
        lambda: serving(
            types.EmbeddedResource(resource=types.TextResourceContents(uri="file:///a", text="inside"))
        ),
        "inside",
    ),
    (
        lambda: serving(
            types.EmbeddedResource(
                resource=types.BlobResourceContents(
                    uri="file:///a.pdf", blob="AAAA", mime_type="application/pdf"
                )
            )
        ),
        [
            {
                "type": "document",
                "source": {"type": "base64", "media_type": "application/pdf", "data": "AAAA"},
                "title": "file:///a.pdf",
            }
        ],
    ),
    (lambda: serving(types.ResourceLink(name="log", uri="file:///log")), "log: file:///log"),
]


@pytest.mark.parametrize(("server", "content"), CASES)
async def test_results_become_parts_of_a_message(server: Callable[[], Server[Any]], content: Any) -> None:
    async with Client(server()) as client, mcp_tools(client) as tools:
        assert [tool.name for tool in tools] == ["tool0", "tool1"]
        assert await tools[0].call("{}") == content


async def test_a_server_that_lists_no_tools_is_an_error_of_ours() -> None:
    async with Client(Server("empty")) as client:
        with pytest.raises(ConfigurationError, match="does not list its tools: "):
            async with mcp_tools(client):
                pass


async def test_a_failed_result_is_an_error_with_its_text() -> None:
    async with Client(serving(TEXT, is_error=True)) as client, mcp_tools(client) as tools:
        with pytest.raises(ToolError, match=r"^a$"):
            await tools[0].call("{}")


async def test_a_call_after_the_end_is_an_error_of_the_tool() -> None:
    async with Client(adding()) as client, mcp_tools(client) as tools:
        add: Tool = tools[0]
    with pytest.raises(RuntimeError, match="context manager"):  # of the SDK; the run reports it to the model
        await add.call('{"a": 1, "b": 2}')
