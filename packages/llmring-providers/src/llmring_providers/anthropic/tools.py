"""Tools and the choice between them, as Anthropic writes them.

https://platform.claude.com/docs/en/agents-and-tools/tool-use/overview
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from llmring_types import ToolCall, function_spec
from llmring_types.exceptions import UnsupportedContentError

from llmring_providers._fit.formats import in_dialect
from llmring_providers._fit.tools import Mode, arguments_object, function_names, read_choice
from llmring_providers._protocol import ChatCall
from llmring_providers.schema import ANTHROPIC, ANTHROPIC_STRICT, optional_properties, unions

_TYPES_OF: Mapping[Mode, str] = {"auto": "auto", "none": "none", "required": "any"}
_CLOSING = ANTHROPIC_STRICT._replace(closes=True)
_TYPES = frozenset({*_TYPES_OF.values(), "tool"})
_FOREIGN = frozenset(
    {
        "_meta",
        "annotations",
        "behavior",
        "execution",
        "function",
        "icons",
        "inputSchema",
        "outputSchema",
        "parametersJsonSchema",
        "parameters_json_schema",
        "response",
        "responseJsonSchema",
        "title",
        "type",
    }
)
"""Fields of MCP's and Gemini's forms: Anthropic refuses what it does not know.

https://modelcontextprotocol.io/specification/2025-11-25/server/tools#tool
"""
_NOT_IN_ID = re.compile(r"[^a-zA-Z0-9_-]")


def wire_tools(
    tools: Iterable[Mapping[str, Any]], call: ChatCall, warnings: list[str]
) -> list[Mapping[str, Any]]:
    """Translate functions in OpenAI's form, flat, or already in Anthropic's; its own tools pass as they are.

    ``strict`` is dropped, with a warning, for a function whose schema constrained decoding does not take, and for those
    beyond what one request may have.

    Raises:
        UnsupportedContentError: the schema of a function cannot be sent to Anthropic.
    """
    room = _Room()
    return [_tool(tool, room, call, warnings) for tool in tools]


class _Room:
    """The budget that is left for the strict functions of one request.

    https://platform.claude.com/docs/en/build-with-claude/structured-outputs#schema-complexity-limits
    """

    def __init__(self) -> None:
        self._left = {"strict tools": 20, "optional properties": 24, "unions": 16}

    def take(self, schema: dict[str, Any]) -> str | None:
        """Take what a schema needs, or say what there is too little of."""
        needed = {
            "strict tools": 1,
            "optional properties": optional_properties(schema),
            "unions": unions(schema),
        }
        for what, count in needed.items():
            if count > self._left[what]:
                return f"the request has too many {what}"
        for what, count in needed.items():
            self._left[what] -= count
        return None


def _tool(tool: Mapping[str, Any], room: _Room, call: ChatCall, warnings: list[str]) -> Mapping[str, Any]:
    function = function_spec(tool)
    if function is None:
        return tool
    given = {**tool, **function}
    schema = given.pop("parameters", None) or {}
    wire = {key: value for key, value in given.items() if key not in _FOREIGN and value is not None}
    wire["input_schema"] = in_dialect(schema, ANTHROPIC, call).json
    if wire.get("strict") is True:
        found = in_dialect(schema, ANTHROPIC_STRICT, call)
        if found.objections and not (closed := in_dialect(schema, _CLOSING, call)).objections:
            found = closed
            warnings.append(
                f"objects of tool {wire.get('name')!r} were closed: Anthropic's strict mode has no open ones"
            )
        objection = found.objections[0] if found.objections else room.take(found.schema)
        if objection is None:
            wire["input_schema"] = found.json
        else:
            del wire["strict"]
            warnings.append(
                f"strict was dropped for tool {wire.get('name')!r}: Anthropic refuses it ({objection})"
            )
    return wire


def wire_choice(
    choice: str | Mapping[str, Any], tools: Iterable[Mapping[str, Any]], warnings: list[str]
) -> dict[str, Any]:
    """Translate a choice; Anthropic's own form passes as it is, and so does one that nobody knows."""
    if isinstance(choice, Mapping) and str(choice.get("type")) in _TYPES:
        return dict(choice)
    read = read_choice(choice, function_names(tools))
    if read is None:
        return dict(choice) if isinstance(choice, Mapping) else {"type": choice}
    if read.mode == "required" and len(read.names) == 1:
        return {"type": "tool", "name": read.names[0]}
    if read.names:
        warnings.append("tool_choice names several functions: Anthropic takes one, so all were allowed")
    return {"type": _TYPES_OF[read.mode]}


def tool_use(tool_call: ToolCall, call: ChatCall, warnings: list[str]) -> dict[str, Any]:
    """Translate a call that the assistant made; the arguments stay as the model wrote them.

    Raises:
        UnsupportedContentError: it is not a call of a function.
    """
    function: Any = tool_call.get("function")
    if function is None:
        raise UnsupportedContentError(
            f"{call.ref.provider} takes only calls of functions; got {tool_call!r}",
            provider=call.ref.provider,
            part="tool_calls",
        )
    return {
        "type": "tool_use",
        "id": wire_id(tool_call.get("id")),
        "name": function["name"],
        "input": arguments_object(function, warnings),
    }


def wire_id(call_id: str | None) -> str:
    """Bring another provider's id of a call into the letters that Anthropic takes, the same for call and result."""
    return _NOT_IN_ID.sub("_", call_id or "")
