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


_SCHEMAS = ("parameters", "input_schema", "inputSchema", "parametersJsonSchema", "parameters_json_schema")
"""The names of a function's schema: OpenAI's, Anthropic's, that of the Model Context Protocol, Gemini's two."""
_OF_A_LISTING = frozenset({"title", "annotations", "outputSchema", "icons", "execution", "_meta"})
"""Fields by which an MCP server describes a tool to people and programs, not to models.

https://modelcontextprotocol.io/specification/2025-06-18/server/tools#tool
"""


def function_spec(tool: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the function of a tool given in OpenAI's form or flat (``{name, description, parameters}``).

    The parameters may be called as Anthropic, Gemini or a server of the Model Context Protocol call them, or be
    missing. ``None`` means that it is not a function but a provider's own tool (``{"type": "web_search"}``).

    Raises:
        ValidationError: a function without a name.
    """
    function = tool.get("function")
    if isinstance(function, Mapping):
        found: Mapping[str, Any] = function
    elif tool.get("type", "function") == "function" or "input_schema" in tool:
        found = tool  # Anthropic calls a function custom, or leaves its type out
    else:
        return None
    name = found.get("name")
    if not isinstance(name, str) or not name:
        raise ValidationError(
            f"tool without a name: {dict(tool)!r}; give 'name' beside 'parameters'", field="tools"
        )
    given = next((key for key in _SCHEMAS if found.get(key) is not None), None)
    if given in (None, "parameters"):
        return found
    left_out = {*_SCHEMAS, *(_OF_A_LISTING if given == "inputSchema" else ())}
    return {"parameters": found[given], **{key: value for key, value in found.items() if key not in left_out}}
