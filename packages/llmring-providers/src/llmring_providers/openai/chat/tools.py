"""Tools and the choice among them, as chat completions have them: functions nested, custom tools nested."""

from collections.abc import Iterable, Mapping
from typing import Any

from llmring_types import function_spec

from llmring_providers._tool_choice import function_names, read_choice
from llmring_providers.openai.structured import strict_parameters


def wire_tools(tools: Iterable[Mapping[str, Any]], warnings: list[str]) -> list[Mapping[str, Any]]:
    """Return the tools in OpenAI's form; a host's own tools pass through."""
    return [_tool(tool, warnings) for tool in tools]


def _tool(tool: Mapping[str, Any], warnings: list[str]) -> Mapping[str, Any]:
    function = function_spec(tool)
    if function is not None:
        strict = strict_parameters(function, warnings)
        nested = {name: value for name, value in strict.items() if name != "type"}
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


def wire_choice(choice: str | Mapping[str, Any], tools: Iterable[Mapping[str, Any]]) -> Any:
    """Return a choice in OpenAI's form; what is a host's own passes through."""
    if isinstance(choice, Mapping) and isinstance(choice.get("allowed_tools"), Mapping):
        return choice
    read = read_choice(choice, function_names(tools))
    if read is None:
        return choice
    if not read.names:
        return read.mode
    functions = [{"type": "function", "function": {"name": name}} for name in read.names]
    if read.mode == "required" and len(functions) == 1:
        return functions[0]
    return {"type": "allowed_tools", "allowed_tools": {"mode": read.mode, "tools": functions}}
