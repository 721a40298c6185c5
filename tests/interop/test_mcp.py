"""The reference server of the Model Context Protocol, by others: its tools run with any provider."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from llmring import LLMRequest, LLMResponse, LLMRing, Message
from llmring.mcp.client import AsyncMCPClient, MCPClient
from llmring.testing import FakeProvider
from llmring.tools import mcp_tools
from llmring_types import tool_call

FOLDER = Path(__file__).parent / "mcp_everything"
SERVER = FOLDER / "node_modules" / ".bin" / "mcp-server-everything"


@pytest.fixture
def command() -> list[str]:
    node = shutil.which("node")
    if node is None or not SERVER.exists():
        reason = f"needs Node.js and `npm ci` in {FOLDER.relative_to(Path(__file__).parents[2])}"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return [node, str(SERVER), "stdio"]


@pytest.fixture
def address(command: list[str]) -> Iterator[str]:
    """Where the same server listens over streamable HTTP."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    environment = {**os.environ, "PORT": str(port)}
    with subprocess.Popen(
        [*command[:2], "streamableHttp"], env=environment, stderr=subprocess.PIPE, text=True
    ) as server:
        try:
            assert server.stderr is not None
            assert any("listening" in line for line in server.stderr)
            yield f"http://127.0.0.1:{port}/mcp"
        finally:
            server.kill()


@pytest.mark.unmeasured
async def test_its_tools_run_over_http_too(address: str) -> None:
    asks = LLMResponse(
        content="",
        model="fake:x",
        finish_reason="tool_calls",
        tool_calls=[tool_call("c1", "everything_get-sum", '{"a": 1, "b": 2}')],
    )
    async with mcp_tools(address, prefix="everything_") as tools, LLMRing() as ring:
        ring.register_provider("fake", FakeProvider(asks, "done"))
        run = await ring.run(LLMRequest([Message.user("Sum")], model="fake:x"), tools=tools)
    assert [(each.content, each.is_error) for each in run.results] == [("The sum of 1 and 2 is 3.", False)]


@pytest.mark.unmeasured
async def test_the_client_of_1_4_has_its_tools_prompts_and_resources(address: str) -> None:
    async with AsyncMCPClient.http(address) as client:
        assert (await client.initialize())["serverInfo"]["name"] == "mcp-servers/everything"
        assert "echo" in {tool["name"] for tool in await client.list_tools()}
        assert await client.list_prompts()
        first = (await client.list_resources())[0]
        assert (await client.read_resource(first["uri"]))["contents"]


@pytest.mark.unmeasured
def test_the_sync_client_of_1_4_calls_its_tools(command: list[str]) -> None:
    with MCPClient.stdio(command) as client:
        result = client.call_tool("echo", {"message": "hello"})
    assert result["content"] == [{"type": "text", "text": "Echo: hello"}]


@pytest.mark.unmeasured
async def test_texts_images_and_errors_come_through(command: list[str]) -> None:
    calls = [
        tool_call("c1", "echo", '{"message": "hello"}'),
        tool_call("c2", "get-sum", '{"a": 1, "b": 2}'),
        tool_call("c3", "get-tiny-image", "{}"),
        tool_call("c4", "echo", '{"message": 5}'),
    ]
    asks = LLMResponse(content="", model="fake:x", finish_reason="tool_calls", tool_calls=calls)
    request = LLMRequest(model="fake:x", messages=[Message.user("Use all")])
    async with mcp_tools(command) as tools, LLMRing() as ring:
        ring.register_provider("fake", FakeProvider(asks, "done"))
        run = await ring.run(request, tools=tools)
    echo, total, image, refused = run.results
    assert (echo.content, echo.is_error) == ("Echo: hello", False)
    assert "3" in str(total.content)
    assert isinstance(image.content, list)
    assert "image_url" in {part["type"] for part in image.content}
    assert refused.is_error
    assert run.content == "done"
