"""https://ai.google.dev/api/generate-content"""

import json
from collections.abc import Iterator
from typing import Any

from llmring_types import LLMRequest, Message

from interop.ours import spoken


def read(body: dict[str, Any]) -> LLMRequest:
    """Read a request of ``generateContent``."""
    left = {name: value for name, value in body.items() if value is not None}
    config = left.pop("generationConfig", {})
    messages = [
        Message(role="system", content=part["text"])
        for part in left.pop("systemInstruction", {"parts": []})["parts"]
    ]
    messages += _Turns().read(left.pop("contents"))
    most, budget = config.pop("maxOutputTokens", None), None
    match config.get("thinkingConfig"):
        case {"thinkingBudget": budget, "includeThoughts": True}:
            del config["thinkingConfig"]
            most = most and most - budget  # the neutral budget comes on top of the neutral limit
    return LLMRequest(
        messages=messages,
        temperature=config.pop("temperature", None),
        max_tokens=most,
        reasoning_tokens=budget,
        response_format=_format(config),
        tools=[*_tools(left.pop("tools", []))] or None,
        tool_choice=_choice(left.pop("toolConfig", None)),
        cache={"cached_content": left.pop("cachedContent")} if "cachedContent" in left else None,
        extra_params=left | config,
    )


class _Turns:
    """Gives results the ids of their calls: many a model gives none, and only the order tells."""

    def __init__(self) -> None:
        self._open: list[tuple[str, str]] = []

    def read(self, turns: list[dict[str, Any]]) -> Iterator[Message]:
        for place, turn in enumerate(turns):
            if turn["role"] == "model":
                candidate = {"content": {"parts": turn["parts"]}, "finishReason": "STOP"}
                message = spoken("google", {"candidates": [candidate], "responseId": f"turn{place}"})
                self._open += [(call["function"]["name"], call["id"]) for call in message.tool_calls or ()]
                yield message
                continue
            yield from (
                self._result(part["functionResponse"]) for part in turn["parts"] if "functionResponse" in part
            )
            parts = [_part(part) for part in turn["parts"] if "functionResponse" not in part]
            if parts:
                yield Message(role="user", content=parts)

    def _result(self, said: dict[str, Any]) -> Message:
        call = next(call for call in self._open if call[0] == said["name"])
        self._open.remove(call)
        content: Any = json.dumps(said["response"])
        if "parts" in said:
            content = [{"type": "text", "text": content}, *map(_part, said["parts"])]
        return Message(role="tool", content=content, tool_call_id=call[1])


def _part(part: dict[str, Any]) -> dict[str, Any]:
    match part:
        case {"inlineData": {"mimeType": media_type, "data": data}} if media_type.startswith("image/"):
            return {"type": "image_url", "image_url": {"url": f"data:{media_type};base64,{data}"}}
        case {"file_data": {"mime_type": media_type, "file_uri": uri}}:
            return {"type": "document", "source": {"type": "url", "media_type": media_type, "url": uri}}
        case {"text": text}:
            return {"type": "text", "text": text}
    raise AssertionError(part)


def _format(config: dict[str, Any]) -> dict[str, Any] | None:
    kind = config.pop("responseMimeType", None)
    schema = config.pop("responseJsonSchema", None) or json_schema(config.pop("responseSchema", None))
    if kind is None:
        return None
    if schema is None:
        return {"type": "json_object"}
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}


def _tools(tools: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for tool in tools:
        if hosted := {
            name: value
            for name, value in tool.items()
            if name != "functionDeclarations" and value is not None
        }:
            yield hosted
        for declared in tool.get("functionDeclarations", ()):
            function = dict(declared)
            if "parameters" in function:
                function["parameters"] = json_schema(function["parameters"])
            yield {"type": "function", "function": function}


def json_schema(schema: Any) -> Any:
    """Gemini's older schema language as JSON Schema: the names of types are not in capitals."""
    if isinstance(schema, list):
        return [json_schema(inner) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: value.lower() if name == "type" and isinstance(value, str) else json_schema(value)
        for name, value in schema.items()
    }


def _choice(config: dict[str, Any] | None) -> Any:
    match config:
        case {"functionCallingConfig": {"mode": mode, "allowedFunctionNames": names}}:
            return {"mode": mode, "allowedFunctionNames": names}
        case {"functionCallingConfig": {"mode": mode}}:
            return {"AUTO": "auto", "NONE": "none", "ANY": "required"}.get(mode, {"mode": mode})
    return None
