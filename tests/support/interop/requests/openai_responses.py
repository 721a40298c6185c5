"""https://platform.openai.com/docs/api-reference/responses/create"""

from typing import Any

from llmring_types import LLMRequest, Message

from interop.ours import spoken

_OF_THE_MODEL = frozenset({"reasoning", "function_call"})


def read(body: dict[str, Any]) -> LLMRequest:
    """Read a request of the responses API."""
    left = {name: value for name, value in body.items() if name not in ("model", "stream")}
    messages = _messages(left.pop("input"))
    if instructions := left.pop("instructions", None):
        messages.insert(0, Message(role="system", content=instructions))
    reasoning = left.get("reasoning", {})
    if reasoning.keys() == {"effort"}:
        del left["reasoning"]
    return LLMRequest(
        messages=messages,
        temperature=left.pop("temperature", None),
        max_tokens=left.pop("max_output_tokens", None),
        reasoning_tokens=0,  # nothing is to be added to the limit for reasoning
        reasoning_effort=reasoning["effort"] if reasoning.keys() == {"effort"} else None,
        response_format=_format(left.pop("text", {}).get("format")),
        tools=left.pop("tools", None),
        tool_choice=left.pop("tool_choice", None),
        extra_params=left,
    )


def _format(said: dict[str, Any] | None) -> dict[str, Any] | None:
    if said is None or said["type"] != "json_schema":
        return said
    return {"type": "json_schema", "json_schema": {name: said[name] for name in said if name != "type"}}


def _messages(items: list[dict[str, Any]]) -> list[Message]:
    """Neighbouring items of the model are one answer."""
    messages: list[Message] = []
    answer: list[dict[str, Any]] = []
    for item in [*items, None]:
        if item is not None and (item.get("role") == "assistant" or item.get("type") in _OF_THE_MODEL):
            answer.append(item)
            continue
        if answer:
            output = [_output(said) for said in answer]
            messages.append(spoken("openai responses", {"status": "completed", "output": output}))
            answer = []
        if item is not None:
            messages.append(_message(item))
    return messages


def _output(item: dict[str, Any]) -> dict[str, Any]:
    """A request may write an assistant message shorter than an answer does."""
    if item.get("role") == "assistant" and isinstance(item["content"], str):
        return {"type": "message", **item, "content": [{"type": "output_text", "text": item["content"]}]}
    return item


def _message(item: dict[str, Any]) -> Message:
    if item.get("type") == "function_call_output":
        return Message(role="tool", content=item["output"], tool_call_id=item["call_id"])
    content = item["content"]
    if not isinstance(content, str):
        content = [_part(part) for part in content]
    return Message(role=item["role"], content=content)


def _part(part: dict[str, Any]) -> dict[str, Any]:
    match part:
        case {"type": "input_text"}:
            return {"type": "text", "text": part["text"]}
        case {"type": "input_image"}:
            return {"type": "image_url", "image_url": {"url": part["image_url"], "detail": part["detail"]}}
        case {"type": "input_file", "file_url": url}:
            return {"type": "document", "source": {"type": "url", "url": url}}
    raise AssertionError(part)
