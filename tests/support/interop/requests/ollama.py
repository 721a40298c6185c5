"""https://docs.ollama.com/api/chat"""

from collections.abc import Iterator
from typing import Any

from llmring_types import LLMRequest, Message

from interop.ours import spoken


def read(body: dict[str, Any]) -> LLMRequest:
    """Read a chat request."""
    left = {name: value for name, value in body.items() if name not in ("model", "stream")}
    options, wanted, think = left.pop("options", {}), left.pop("format", None), left.pop("think", None)
    return LLMRequest(
        messages=[*_messages(left.pop("messages"))],
        temperature=options.pop("temperature", None),
        max_tokens=options.pop("num_predict", None),
        reasoning_tokens=1024 if think else None,
        reasoning_effort="none" if think is False else None,
        response_format=_format(wanted) if isinstance(wanted, dict) else None,
        json_response=wanted == "json" or None,
        tools=left.pop("tools", None),
        extra_params=left | options,
    )


def _format(schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}


def _messages(said: list[dict[str, Any]]) -> Iterator[Message]:
    """Results stand behind their calls, in order; the older protocol has no ids."""
    waiting: list[str] = []
    for message in said:
        if message["role"] == "assistant":
            answer = spoken("ollama", {"message": message, "done": True})
            waiting += [call["id"] for call in answer.tool_calls or ()]
            yield answer
        elif message["role"] == "tool":
            yield Message(role="tool", content=message["content"], tool_call_id=waiting.pop(0))
        else:
            yield Message(role=message["role"], content=message["content"])
