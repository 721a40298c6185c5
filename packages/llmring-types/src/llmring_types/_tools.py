"""Tool calls in the neutral form, which is OpenAI's: arguments are JSON text."""

from collections.abc import Mapping
from typing import Any, Literal, TypedDict

import msgspec

from llmring_types.exceptions import ValidationError


class FunctionCall(TypedDict):
    name: str
    arguments: str
    """JSON text of the arguments object; ``"{}"`` for a call without arguments."""


class ToolCall(TypedDict):
    """One call that the model asks for. ``id`` is the provider's, or a unique one where it gives none."""

    id: str
    type: Literal["function"]
    function: FunctionCall


def tool_call(call_id: str, name: str, arguments: str | bytes | Mapping[str, Any] | None) -> ToolCall:
    """Build a tool call; an empty or absent argument object becomes ``"{}"``, text is kept as the model wrote it."""
    if isinstance(arguments, bytes):
        arguments = arguments.decode()
    if not isinstance(arguments, str):
        arguments = msgspec.json.encode(arguments or {}).decode()
    if not arguments or arguments.isspace():
        arguments = "{}"
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def function_spec(tool: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the function of a tool given in the OpenAI form or flat (``{name, description, parameters}``).

    The parameters may be called ``input_schema``, as Anthropic has them. ``None`` means that it is not a
    function but a provider's own tool (``{"type": "web_search"}``).

    Raises:
        ValidationError: a function without a name.
    """
    function = tool.get("function")
    if isinstance(function, Mapping):
        found: Mapping[str, Any] = function
    elif tool.get("type", "function") == "function":
        found = tool
    else:
        return None
    name = found.get("name")
    if not isinstance(name, str) or not name:
        raise ValidationError(
            f"tool without a name: {dict(tool)!r}; give 'name' beside 'parameters'", field="tools"
        )
    if "input_schema" in found and "parameters" not in found:
        return {"parameters" if key == "input_schema" else key: value for key, value in found.items()}
    return found
