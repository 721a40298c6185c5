"""Reads a request of the responses API.

https://platform.openai.com/docs/api-reference/responses/create
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from llmring_types.exceptions import ValidationError

from llmring_providers.hosting.codec import HostedRequest, Route
from llmring_providers.hosting.openai.responses_items import conversation
from llmring_providers.hosting.reading import (
    built,
    document,
    effort_of,
    function_tool,
    named_choice,
    rest_of,
    typed,
)

_ENCRYPTED = "reasoning.encrypted_content"
"""The adapter asks for it wherever a model reasons."""
_FUNCTION = ("type", "name", "description", "parameters", "strict")


class _Body(msgspec.Struct):
    model: str
    input: str | list[dict[str, Any]] = ""
    instructions: str | None = None
    stream: bool | None = None
    max_output_tokens: int | None = None
    temperature: float | None = None
    reasoning: dict[str, Any] | None = None
    tools: list[dict[str, Any]] | None = None
    tool_choice: str | dict[str, Any] | None = None
    text: dict[str, Any] | None = None
    include: list[str] | None = None
    store: bool | None = None
    prompt_cache_key: str | None = None
    prompt_cache_retention: str | None = None


def read(route: Route, headers: Mapping[str, str], body: bytes) -> HostedRequest:  # noqa: ARG001 - none matters
    """Read a request; see :meth:`Codec.read`."""
    fields = document(body)
    wire = typed(fields, _Body)
    unread: list[str] = []
    extra = rest_of(fields, _Body)
    if wire.store:
        extra["store"] = True
    if include := [name for name in wire.include or () if name != _ENCRYPTED]:
        extra["include"] = include
    reasoning = dict(wire.reasoning or {})
    effort = effort_of(reasoning.get("effort"))
    if effort is not None:
        del reasoning["effort"]
    if kept := {name: value for name, value in reasoning.items() if value is not None}:
        extra["reasoning"] = kept
    text = dict(wire.text or {})
    wanted = text.pop("format", None)
    if kept := {name: value for name, value in text.items() if value is not None}:
        extra["text"] = kept
    cache = {"key": wire.prompt_cache_key, "retention": wire.prompt_cache_retention}
    request = built(
        messages=conversation(wire.instructions, wire.input, unread),
        model=wire.model,
        temperature=wire.temperature,
        max_tokens=wire.max_output_tokens,
        reasoning_effort=effort,
        tools=[_tool(tool) for tool in wire.tools or ()] or None,
        tool_choice=_choice(wire.tool_choice),
        response_format=_response_format(wanted),
        cache={name: value for name, value in cache.items() if value is not None} or None,
        extra_params=extra,
    )
    return HostedRequest(request=request, route=route, stream=bool(wire.stream), unread=tuple(unread))


def _tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    """Return a function in OpenAI's nested form; all other tools pass as they are.

    Strict is the default here and not with chat completions, so a function that leaves it open asks for it.
    """
    if tool.get("type") != "function":
        return dict(tool)
    strict = True if tool.get("strict", True) is not False else None
    read = function_tool(tool.get("name"), tool.get("description"), tool.get("parameters"), strict)
    read["function"] |= {name: value for name, value in tool.items() if name not in _FUNCTION}
    return read


def _choice(choice: str | Mapping[str, Any] | None) -> Any:
    if not isinstance(choice, Mapping):
        return choice
    if choice.get("type") == "function":
        return named_choice([str(choice.get("name"))])
    if choice.get("type") == "allowed_tools":
        tools = typed(choice.get("tools") or [], list[dict[str, Any]], "tool_choice.tools")
        if _are_functions(tools):
            return named_choice([str(tool["name"]) for tool in tools], str(choice.get("mode") or "auto"))
    return choice


def _are_functions(tools: Iterable[Mapping[str, Any]]) -> bool:
    return all(tool.get("type") == "function" and "name" in tool for tool in tools)


def _response_format(wanted: Any) -> dict[str, Any] | None:
    if wanted is None:
        return None
    if not isinstance(wanted, dict):
        raise ValidationError("text.format must be an object", field="text.format")
    if wanted.get("type") != "json_schema":
        return wanted
    schema = {
        name: value
        for name, value in wanted.items()
        if name != "type" and value is not None and (name, value) != ("strict", False)
    }
    return {"type": "json_schema", "json_schema": schema}
