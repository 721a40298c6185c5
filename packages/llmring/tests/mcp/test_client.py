"""MCP clients and models with tools in the form of llmring 1.4, against the official SDK's server."""

import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from llmring import ConfigurationError, LLMResponse, Message
from llmring.exceptions import ConversationNotFoundError, ValidationError
from llmring.mcp.client import AsyncMCPClient, EnhancedLLM, MCPClient, create_enhanced_llm
from llmring.testing import FakeProvider
from llmring_types import tool_call

SERVER = """
    from mcp.server.mcpserver import MCPServer
    server = MCPServer("test", instructions="Add.")

    @server.tool()
    def add(a: int, b: int) -> int:
        "Add two numbers."
        return a + b

    @server.prompt()
    def greet(name: str) -> str:
        return f"Greet {name}."

    @server.resource("memo://one")
    def memo() -> str:
        return "Remember."

    server.run()
"""
ADD = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}


@pytest.fixture
def command(tmp_path: Path) -> list[str]:
    path = tmp_path / "server.py"
    path.write_text(textwrap.dedent(SERVER))
    return [sys.executable, str(path)]


def calls(*named: tuple[str, str]) -> LLMResponse:
    made = [tool_call(f"c{place}", name, text) for place, (name, text) in enumerate(named)]
    return LLMResponse(content="", model="fake:x", finish_reason="tool_calls", tool_calls=made)


def model(*replies: Any, **options: Any) -> tuple[EnhancedLLM, FakeProvider]:
    llm, provider = EnhancedLLM("fake:x", **options), FakeProvider(*replies)
    llm.llmring.register_provider("fake", provider)
    return llm, provider


async def test_a_server_answers_in_plain_json(command: list[str]) -> None:
    async with AsyncMCPClient.stdio(command) as client:
        info = await client.initialize()
        assert (info["serverInfo"]["name"], info["instructions"]) == ("test", "Add.")
        (tool,) = await client.list_tools()
        assert (tool["name"], tool["description"]) == ("add", "Add two numbers.")
        assert sorted(tool["inputSchema"]["properties"]) == ["a", "b"]
        result = await client.call_tool("add", {"a": 1, "b": 2})
        assert result["content"] == [{"type": "text", "text": "3"}]
        assert (await client.call_tool("add", {"a": "x"}))["isError"] is True
        assert [each["name"] for each in await client.list_prompts()] == ["greet"]
        prompt = await client.get_prompt("greet", {"name": "Ada"})
        assert prompt["messages"][0]["content"]["text"] == "Greet Ada."
        assert [each["uri"] for each in await client.list_resources()] == ["memo://one"]
        assert (await client.read_resource("memo://one"))["contents"][0]["text"] == "Remember."


def test_code_without_await_has_the_same_client(command: list[str]) -> None:
    client = MCPClient.stdio(command)
    try:
        assert client.initialize()["serverInfo"]["name"] == "test"
        assert [tool["name"] for tool in client.list_tools()] == ["add"]
        assert client.call_tool("add", {"a": 1, "b": 2})["content"][0]["text"] == "3"
        assert client.list_prompts()[0]["name"] == "greet"
        assert client.get_prompt("greet", {"name": "Ada"})["messages"]
        assert client.list_resources()[0]["uri"] == "memo://one"
        assert client.read_resource("memo://one")["contents"]
    finally:
        client.close()
    with MCPClient.stdio(command) as client:
        assert client.list_tools()


def test_what_cannot_be_reached_says_so() -> None:
    with pytest.raises(ConfigurationError, match="cannot be started"):
        MCPClient.stdio(["/nowhere/at-all"]).initialize()
    with pytest.raises(ConfigurationError, match=r"no MCP server answers at http://127\.0\.0\.1:9"):
        MCPClient.http("http://127.0.0.1:9/mcp", timeout=5.0).list_tools()
    with pytest.raises(ConfigurationError, match="no WebSocket"):
        MCPClient.websocket("ws://localhost:8080")


async def test_a_model_runs_registered_tools_and_those_of_a_server(command: list[str]) -> None:
    async def slow(a: int) -> dict[str, int]:
        return {"twice": 2 * a}

    def fails(a: int) -> None:
        raise RuntimeError("no luck")

    llm, provider = model(
        calls(
            ("mcp_add", '{"a": 1, "b": 2}'), ("double", '{"a": 4}'), ("fails", '{"a": 1}'), ("double", "[]")
        ),
        "Done.",
        mcp_server_url=f"stdio://{command[0]} '{command[1]}'",
        user_id="u1",
    )
    async with llm:
        llm.register_tool("double", "Double.", ADD, slow, module_name="numbers")
        llm.register_tool("fails", "Fail.", ADD, fails)
        response = await llm.chat([{"role": "user", "content": "?"}], temperature=0.0, top_k=3)
    assert response.content == "Done."
    first, last = (call.request for call in provider.calls)
    assert first.metadata == {"id_at_origin": "u1"}
    assert (first.temperature, first.extra_params) == (0.0, {"top_k": 3})
    assert [tool["function"]["name"] for tool in first.tools or ()] == ["double", "fails", "mcp_add"]
    results = [message.content for message in last.messages if message.role == "tool"]
    assert results[:2] == ["3", '{"twice":8}']
    assert "no luck" in str(results[2])
    assert "must be a JSON object" in str(results[3])


def test_tools_are_registered_listed_and_taken_away() -> None:
    llm = create_enhanced_llm(model="assistant", origin="tests")
    assert (llm.llm_model, llm.origin, llm.default_user_id) == ("assistant", "tests", "enhanced-llm-user")
    llm.register_tool("double", "Double.", ADD, lambda a: 2 * a, module_name="numbers")
    with pytest.raises(ValidationError, match="Tool 'double' is already registered"):
        llm.register_tool("double", "Again.", ADD, lambda a: a)
    assert llm.list_registered_tools() == [
        {"name": "double", "description": "Double.", "module_name": "numbers", "parameters": ADD}
    ]
    assert llm.unregister_tool("double")
    assert not llm.unregister_tool("double")


async def test_a_streamed_answer_has_the_chunks_of_all_rounds() -> None:
    llm, _ = model(calls(("double", '{"a": 4}')), "It is 8.")
    async with llm:
        llm.register_tool("double", "Double.", ADD, lambda a: 2 * a)
        stream = await llm.chat([Message.user("?")], stream=True)
        assert "".join([chunk.delta async for chunk in stream]) == "It is 8."


async def test_attachments_become_parts() -> None:
    png = b"\x89PNG\r\n\x1a\n" + bytes(16)
    llm, provider = model("Seen.")
    attachments = [
        {"type": "file", "data": png, "content_type": "image/png"},
        {"type": "file", "data": "aGVsbG8=", "content_type": "text/plain", "filename": "x.txt"},
    ]
    async with llm:
        await llm.chat([{"role": "user", "content": "Look", "attachments": attachments}])
    (message,) = provider.calls[0].request.messages
    assert [part["type"] for part in message.content] == ["text", "image_url", "document"]


async def test_answers_are_kept_in_the_conversation() -> None:
    llm, _ = model("one")
    async with await create_enhanced_llm("fake:x") as other:
        with pytest.raises(ConversationNotFoundError):
            await other.load_conversation("5039eb79-0000-4000-8000-000000000000")
    async with llm:
        identifier = await llm.create_conversation("Counting")
        await llm.chat([Message.user("1?")])
        await llm.load_conversation(identifier)
        assert [message.content for message in llm.conversation_history] == ["1?", "one"]
        assert [row["title"] for row in await llm.list_conversations()] == ["Counting"]
