"""https://platform.claude.com/docs/en/api/messages"""

from collections.abc import Iterator
from typing import Any

from llmring_types import LLMRequest, Message, Role

from interop.ours import spoken


def read(body: dict[str, Any]) -> LLMRequest:
    """Read a request of the Messages API."""
    left = {name: value for name, value in body.items() if name not in ("model", "stream")}
    system = left.pop("system", [])
    messages = [*_messages("system", system), *_turns(left.pop("messages"))]
    most, thinking = left.pop("max_tokens"), left.get("thinking", {})
    budget = None
    if thinking.keys() == {"type", "budget_tokens"}:  # the neutral budget comes on top of the neutral limit
        budget = left.pop("thinking")["budget_tokens"]
        most -= budget
    output = left.get("output_config", {})
    if output.keys() == {"format"}:
        del left["output_config"]
    return LLMRequest(
        messages=messages,
        temperature=left.pop("temperature", None),
        max_tokens=most,
        reasoning_tokens=budget,
        response_format=_format(output["format"]) if output.keys() == {"format"} else None,
        tools=[_tool(tool) for tool in left.pop("tools", [])] or None,
        tool_choice=_choice(left.pop("tool_choice", None)),
        extra_params=left,
    )


def _turns(turns: list[dict[str, Any]]) -> Iterator[Message]:
    for turn in turns:
        if turn["role"] == "assistant":
            yield spoken(
                "anthropic", {"type": "message", "content": turn["content"], "stop_reason": "end_turn"}
            )
        else:
            yield from _messages(turn["role"], turn["content"])


def _messages(role: Role, content: str | list[dict[str, Any]]) -> Iterator[Message]:
    """Results of tools are messages of their own, and so is every system block."""
    if isinstance(content, str):
        yield Message(role=role, content=content)
        return
    if role == "system":
        yield from (Message(role=role, content=block["text"], metadata=_mark(block)) for block in content)
        return
    yield from (_result(block) for block in content if block["type"] == "tool_result")
    parts = [_part(block) for block in content if block["type"] != "tool_result"]
    if parts:
        yield Message(role=role, content=parts)


def _mark(block: dict[str, Any]) -> dict[str, Any] | None:
    return {"cache_control": block["cache_control"]} if "cache_control" in block else None


def _result(block: dict[str, Any]) -> Message:
    content = block["content"]
    if not isinstance(content, str):
        content = [_part(inner) for inner in content]
    metadata = {"is_error": True} if block.get("is_error") else None
    return Message(role="tool", content=content, tool_call_id=block["tool_use_id"], metadata=metadata)


def _part(block: dict[str, Any]) -> dict[str, Any]:
    match block:
        case {"type": "image", "source": {"type": "url", "url": url}}:
            return {"type": "image_url", "image_url": {"url": url}}
        case {"type": "text" | "document"}:
            return block
    raise AssertionError(block)


def _format(said: dict[str, Any]) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": said["schema"]}}


def _tool(tool: dict[str, Any]) -> dict[str, Any]:
    if "type" in tool:  # one that Anthropic runs itself
        return tool
    function = {"parameters" if name == "input_schema" else name: value for name, value in tool.items()}
    return {"type": "function", "function": function}


def _choice(choice: dict[str, Any] | None) -> Any:
    match choice:
        case {"type": "tool", "name": name}:
            return {"type": "function", "function": {"name": name}}
        case {"type": word}:
            return word
    return None
