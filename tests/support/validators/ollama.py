"""Refusals by Ollama: https://docs.ollama.com/api/chat and the structs that its server reads a body into."""

from collections.abc import Iterator, Mapping
from typing import Any

from validators import json_schema

_ROLES = frozenset({"system", "user", "assistant", "tool"})
_LEVELS = (None, True, False, "low", "medium", "high", "max")


def refusals(path: str, body: Mapping[str, Any]) -> Iterator[str]:
    """Return the reasons for a 400 to a body."""
    del path
    for message in body.get("messages", ()):
        yield from _message(message)
    if body.get("tools"):
        from ollama import Tool
    for tool in body.get("tools", ()):
        try:
            Tool.model_validate(tool)
        except ValueError as error:
            yield f"a tool: {error}"
    form = body.get("format")
    if isinstance(form, Mapping):
        yield from json_schema.refusals(form, json_schema.OLLAMA)
    elif form not in (None, "", "json"):
        yield f"invalid format {form!r}"
    if body.get("think") not in _LEVELS:
        yield f"invalid think value {body.get('think')!r}"


def _message(message: Mapping[str, Any]) -> Iterator[str]:
    if message.get("role") not in _ROLES:
        yield f"invalid role {message.get('role')!r}"
    if not isinstance(message.get("content"), str):
        yield f"content is {message.get('content')!r}"
    for call in message.get("tool_calls") or ():
        if not isinstance(call["function"].get("arguments"), dict):
            yield "arguments that are no object"
