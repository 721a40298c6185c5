"""Tools and the choice among them, as chat completions have them: functions nested, custom tools nested."""

from collections.abc import Iterable, Mapping
from typing import Any

from llmring_types import function_spec

_WORDS = {"auto": "auto", "none": "none", "required": "required", "any": "required"}
"""``any`` is the word of Anthropic, Gemini and Mistral, all of which take ``required`` here."""


def wire_tools(tools: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the tools in OpenAI's form; a host's own tools pass through."""
    return [_tool(tool) for tool in tools]


def _tool(tool: Mapping[str, Any]) -> Mapping[str, Any]:
    function = function_spec(tool)
    if function is not None:
        nested = {name: value for name, value in function.items() if name != "type"}
        return {"type": "function", "function": nested}
    if tool["type"] == "custom" and "custom" not in tool:  # written flat, as for the responses API
        custom = {name: value for name, value in tool.items() if name not in ("type", "format")}
        if isinstance(form := tool.get("format"), Mapping):
            custom["format"] = _nested_grammar(form)
        return {"type": "custom", "custom": custom}
    return tool


def _nested_grammar(form: Mapping[str, Any]) -> Mapping[str, Any]:
    if form.get("type") != "grammar" or "grammar" in form:
        return form
    return {"type": "grammar", "grammar": {name: value for name, value in form.items() if name != "type"}}


def choice_of(choice: str | Mapping[str, Any]) -> str | Mapping[str, Any]:
    """Return a choice in OpenAI's form."""
    name = chosen_function(choice)
    return spelled(choice) if name is None else {"type": "function", "function": {"name": name}}


def spelled(choice: str | Mapping[str, Any]) -> str | Mapping[str, Any]:
    """Return a choice that names no function with OpenAI's word for it."""
    return _WORDS[choice] if isinstance(choice, str) else choice


def chosen_function(choice: str | Mapping[str, Any]) -> str | None:
    """Return the function that a choice names, however it is written; ``None`` where it names none."""
    if isinstance(choice, str):
        return None if choice in _WORDS else choice
    function = choice.get("function")
    name = function.get("name") if isinstance(function, Mapping) else function
    if name is None and choice.get("type", "function") == "function":
        name = choice.get("name")
    return name if isinstance(name, str) else None
