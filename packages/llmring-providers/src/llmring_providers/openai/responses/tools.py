"""Tools and the choice among them, as the responses API has them: flat."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from llmring_types import function_spec

from llmring_providers._tool_choice import function_names, read_choice
from llmring_providers.openai.structured import strict_parameters

_NO_PARAMETERS = {"type": "object", "properties": {}}


def flat_tools(tools: Iterable[Mapping[str, Any]], warnings: list[str]) -> list[Mapping[str, Any]]:
    """Return the tools in the flat form; hosted tools pass through."""
    return [_tool(tool, warnings) for tool in tools]


def _tool(tool: Mapping[str, Any], warnings: list[str]) -> Mapping[str, Any]:
    function = function_spec(tool)
    if function is not None:
        # ``strict`` is on by default here and off with chat completions: said aloud, a tool means the same with both.
        return {
            "parameters": _NO_PARAMETERS,
            "strict": False,
            **strict_parameters(function, warnings),
            "type": "function",
        }
    custom = tool.get("custom")
    if isinstance(custom, Mapping):
        flat: dict[str, Any] = {**custom, "type": "custom"}
        grammar = (custom.get("format") or {}).get("grammar")
        if isinstance(grammar, Mapping):
            flat["format"] = {"type": "grammar", **grammar}
        return flat
    return tool


def has_custom(tools: Any) -> bool:
    """Whether there is a custom tool among these, or in a namespace of them."""
    if not isinstance(tools, Sequence):
        return False
    found = (tool for tool in tools if isinstance(tool, Mapping))
    return any(tool.get("type") == "custom" or has_custom(tool.get("tools")) for tool in found)


def flat_choice(choice: str | Mapping[str, Any], offered: Iterable[Mapping[str, Any]]) -> Any:
    """Return a choice in the flat form; what is OpenAI's own passes through."""
    if isinstance(choice, Mapping):
        allowed = choice.get("allowed_tools")
        if isinstance(allowed, Mapping):
            tools = allowed.get("tools")
            flat = [_flat(tool) for tool in tools] if isinstance(tools, list) else tools
            return {"type": "allowed_tools", **allowed, "tools": flat}
        if choice.get("type") in ("allowed_tools", "custom"):
            return _flat(choice)
    read = read_choice(choice, function_names(offered))
    if read is None:
        return choice
    if not read.names:
        return read.mode
    functions = [{"type": "function", "name": name} for name in read.names]
    if read.mode == "required" and len(functions) == 1:
        return functions[0]
    return {"type": "allowed_tools", "mode": read.mode, "tools": functions}


def _flat(named: Any) -> Any:
    """A tool or a choice by its name, with what stands under its type beside it."""
    inner = named.get(str(named.get("type"))) if isinstance(named, Mapping) else None
    return {"type": named["type"], **inner} if isinstance(inner, Mapping) else named
