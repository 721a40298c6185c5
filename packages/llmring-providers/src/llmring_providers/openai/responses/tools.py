"""Tools and the choice among them, as the responses API has them: flat."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from llmring_types import function_spec

from llmring_providers.openai.chat.tools import chosen_function

_NO_PARAMETERS = {"type": "object", "properties": {}}


def flat_tools(tools: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the tools in the flat form; hosted tools pass through."""
    return [_tool(tool) for tool in tools]


def _tool(tool: Mapping[str, Any]) -> Mapping[str, Any]:
    function = function_spec(tool)
    if function is not None:
        # ``strict`` is on by default here and off with chat completions: said aloud, a tool means the same with both.
        return {"parameters": _NO_PARAMETERS, "strict": False, **function, "type": "function"}
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


def flat_choice(choice: str | Mapping[str, Any]) -> str | Mapping[str, Any]:
    """Return a choice in the flat form."""
    name = chosen_function(choice)
    if name is not None:
        return {"type": "function", "name": name}
    if isinstance(choice, Mapping):
        for nested in ("custom", "allowed_tools"):
            if isinstance(inner := choice.get(nested), Mapping):
                return {"type": choice.get("type", nested), **inner}
    return choice
