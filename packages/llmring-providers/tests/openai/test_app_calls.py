"""Results of OpenAI's own tools that the application ran, as the items that OpenAI wants."""

import json
from typing import Any

import msgspec
import pytest
from llmring_providers import ChatCall
from llmring_providers.openai import OpenAIAdapter
from llmring_types import LLMRequest, Message, ModelRef
from llmring_types.exceptions import UnsupportedContentError

ADAPTER = OpenAIAdapter()
SHELL = {"type": "shell_call", "call_id": "c", "action": {"commands": ["ls"], "max_output_length": 9}}
LOCAL = {"type": "local_shell_call", "id": "i", "call_id": "c", "action": {"command": ["ls"]}}
PATCH = {"type": "apply_patch_call", "call_id": "c", "operation": {"type": "delete_file", "path": "a"}}
APPROVAL = {"type": "mcp_approval_request", "id": "c", "name": "f", "arguments": "{}", "server_label": "s"}
SEARCH = {"type": "tool_search_call", "call_id": "c", "execution": "client", "arguments": {"queries": ["x"]}}
COMPUTER = {"type": "computer_call", "call_id": "c", "action": {"type": "wait"}, "pending_safety_checks": []}
PNG = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
EXIT = {"type": "exit", "exit_code": 2}


def call_of(messages: list[Message]) -> ChatCall:
    request = LLMRequest(messages, extra_params={"api": "responses"})
    return ChatCall(request, ModelRef("openai", "gpt-5.2"))


def answered(item: dict[str, Any], content: Any, **more: Any) -> list[dict[str, Any]]:
    """The input of the turn after an answer with one item, whose message went through JSON."""
    asked = Message(role="user", content="x")
    call = call_of([asked])
    wire = ADAPTER.encode(call, stream=False)
    answer = ADAPTER.decode(json.dumps({"status": "completed", "output": [item]}).encode(), call, wire)
    message = msgspec.json.decode(msgspec.json.encode(answer.to_message()), type=Message)
    result = Message(role="tool", tool_call_id="c", content=content, **more)
    body = json.loads(ADAPTER.encode(call_of([asked, message, result]), stream=False).body)
    found: list[dict[str, Any]] = body["input"][1:]
    return found


@pytest.mark.parametrize(
    ("item", "content", "failed", "expected"),
    [
        (SHELL, "a.txt", False, {"type": "shell_call_output", "call_id": "c", "max_output_length": 9, "output": [{"stdout": "a.txt", "stderr": "", "outcome": {"type": "exit", "exit_code": 0}}]}),
        (SHELL, "no", True, {"type": "shell_call_output", "call_id": "c", "max_output_length": 9, "output": [{"stdout": "", "stderr": "no", "outcome": {"type": "exit", "exit_code": 1}}]}),
        (SHELL, json.dumps([{"stdout": "", "stderr": "no", "outcome": EXIT}]), False, {"type": "shell_call_output", "call_id": "c", "max_output_length": 9, "output": [{"stdout": "", "stderr": "no", "outcome": EXIT}]}),
        (LOCAL, "a.txt", False, {"type": "local_shell_call_output", "id": "c", "output": "a.txt"}),
        (PATCH, "done", False, {"type": "apply_patch_call_output", "call_id": "c", "status": "completed", "output": "done"}),
        (PATCH, [{"type": "text", "text": "no"}], True, {"type": "apply_patch_call_output", "call_id": "c", "status": "failed", "output": "no"}),
        (APPROVAL, "yes", False, {"type": "mcp_approval_response", "approval_request_id": "c", "approve": True}),
        (APPROVAL, "true", False, {"type": "mcp_approval_response", "approval_request_id": "c", "approve": True}),
        (APPROVAL, "false", False, {"type": "mcp_approval_response", "approval_request_id": "c", "approve": False}),
        (APPROVAL, "yes", True, {"type": "mcp_approval_response", "approval_request_id": "c", "approve": False, "reason": "yes"}),
        (APPROVAL, "too risky", False, {"type": "mcp_approval_response", "approval_request_id": "c", "approve": False, "reason": "too risky"}),
        (APPROVAL, '{"approve": false, "reason": "r"}', False, {"type": "mcp_approval_response", "approval_request_id": "c", "approve": False, "reason": "r"}),
        (SEARCH, '[{"type": "function", "name": "f"}]', False, {"type": "tool_search_output", "call_id": "c", "execution": "client", "status": "completed", "tools": [{"type": "function", "name": "f"}]}),
        (SEARCH, "nothing", False, {"type": "tool_search_output", "call_id": "c", "execution": "client", "status": "completed", "tools": []}),
        (COMPUTER, [PNG], False, {"type": "computer_call_output", "call_id": "c", "output": {"type": "computer_screenshot", "image_url": "data:image/png;base64,iVBORw0KGgo="}}),
    ],
)  # fmt: skip
def test_a_result_is_the_item_that_the_call_wants(
    item: dict[str, Any], content: Any, failed: bool, expected: dict[str, Any]
) -> None:
    metadata = {"is_error": True} if failed else None
    assert answered(item, content, metadata=metadata) == [item, expected]


def test_a_computer_without_a_screenshot_asks_the_next_member() -> None:
    with pytest.raises(UnsupportedContentError, match="without a screenshot"):
        answered(COMPUTER, "nothing to see")


@pytest.mark.parametrize("item", [SHELL, LOCAL, PATCH, APPROVAL, SEARCH])
def test_a_stream_says_the_same_and_a_cut_one_shows_the_call(item: dict[str, Any]) -> None:
    call = call_of([Message(role="user", content="x")])
    wire = ADAPTER.encode(call, stream=True)
    events: list[Any] = [
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": {"status": "completed", "output": [item]}},
    ]
    frames = [f"data: {json.dumps(event)}\n\n".encode() for event in events]
    decoder = ADAPTER.stream_decoder(call, wire)
    assert decoder.feed(frames[0]) == []
    shown = decoder.partial().tool_calls
    (last,) = decoder.feed(frames[1])
    whole = ADAPTER.decode(json.dumps(events[1]["response"]).encode(), call, wire)
    assert last.finish_reason == "tool_calls"
    assert last.tool_calls == whole.tool_calls == shown


@pytest.mark.parametrize("name", ["anthropic", "google", "ollama"])
def test_other_vendors_read_such_a_call_as_one_of_a_function(name: str) -> None:
    from llmring_providers.anthropic import AnthropicAdapter
    from llmring_providers.google import GoogleAdapter
    from llmring_providers.ollama import OllamaAdapter

    adapter: Any = {"anthropic": AnthropicAdapter, "google": GoogleAdapter, "ollama": OllamaAdapter}[name]()
    call = call_of([Message(role="user", content="x")])
    wire = ADAPTER.encode(call, stream=False)
    answer = ADAPTER.decode(json.dumps({"status": "completed", "output": [SHELL]}).encode(), call, wire)
    talk = [
        *call.request.messages,
        answer.to_message(),
        Message(role="tool", tool_call_id="c", content="a.txt"),
    ]
    body = adapter.encode(ChatCall(LLMRequest(talk), ModelRef(name, "m")), stream=False).body.decode()
    assert "commands" in body
    assert "a.txt" in body
