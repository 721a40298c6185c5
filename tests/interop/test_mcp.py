"""The reference server of the Model Context Protocol, by others: its tools run with any provider."""

import os
import shutil
from pathlib import Path

import pytest
from llmring import LLMRequest, LLMResponse, LLMRing, Message
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
