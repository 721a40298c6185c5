"""Tools and the choice between them, as Anthropic writes them.

https://platform.claude.com/docs/en/agents-and-tools/tool-use/overview
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from llmring_types import ToolCall, function_spec
from llmring_types.exceptions import UnsupportedContentError

from llmring_providers._arguments import arguments_object
from llmring_providers._protocol import ChatCall
from llmring_providers._tool_choice import Mode, function_names, read_choice
from llmring_providers.anthropic.schemas import tightened

_TYPES_OF: Mapping[Mode, str] = {"auto": "auto", "none": "none", "required": "any"}
_TYPES = frozenset({*_TYPES_OF.values(), "tool"})
_NOT_IN_ID = re.compile(r"[^a-zA-Z0-9_-]")


def wire_tool(tool: dict[str, Any]) -> Mapping[str, Any]:
    """Translate a function in OpenAI's form, flat, or already in Anthropic's; its own tools pass as they are."""
    function = function_spec(tool)
    if function is None:
        return tool
    given = {**tool, **function}
    schema = given.pop("parameters", None)
    wire = {
        key: value for key, value in given.items() if key not in ("type", "function") and value is not None
    }
    wire["input_schema"] = schema or {"type": "object", "properties": {}}
    if wire.get("strict") is True and isinstance(schema, Mapping):
        wire["input_schema"] = tightened(schema)
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
