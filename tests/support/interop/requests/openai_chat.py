"""https://platform.openai.com/docs/api-reference/chat/create"""

from typing import Any

from llmring_types import LLMRequest, Message

from interop.ours import spoken


def read(body: dict[str, Any]) -> LLMRequest:
    """Read a chat completions request."""
    left = {name: value for name, value in body.items() if name not in ("model", "stream", "stream_options")}
    return LLMRequest(
        messages=[_message(message) for message in left.pop("messages")],
        temperature=left.pop("temperature", None),
        max_tokens=left.pop("max_completion_tokens", None) or left.pop("max_tokens", None),
        reasoning_tokens=0,  # nothing is to be added to the limit for reasoning
        reasoning_effort=left.pop("reasoning_effort", None),
        response_format=left.pop("response_format", None),
        tools=left.pop("tools", None),
        tool_choice=left.pop("tool_choice", None),
        extra_params=left,
    )


def _message(said: dict[str, Any]) -> Message:
    if said["role"] == "assistant":
        return spoken("openai chat", {"choices": [{"message": said, "finish_reason": "stop"}]})
    return Message(role=said["role"], content=said["content"], tool_call_id=said.get("tool_call_id"))
