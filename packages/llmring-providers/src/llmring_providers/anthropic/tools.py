"""Tools and the choice between them, as Anthropic writes them.

https://platform.claude.com/docs/en/agents-and-tools/tool-use/overview
"""

import re
from collections.abc import Mapping
from typing import Any

from llmring_types import ToolCall, function_spec
from llmring_types.exceptions import UnsupportedContentError

from llmring_providers._arguments import arguments_object
from llmring_providers._protocol import ChatCall
from llmring_providers.anthropic.schemas import tightened

_CHOICES = {"auto": "auto", "none": "none", "required": "any", "any": "any"}
_NOT_IN_ID = re.compile(r"[^a-zA-Z0-9_-]")


def wire_tool(tool: dict[str, Any]) -> Mapping[str, Any]:
    """Translate a function in OpenAI's form, flat, or already in Anthropic's; its own tools pass as they are."""
    function = function_spec(tool)
    if function is None:
        return tool
    given = {**tool, **function}
    schema = given.pop("parameters", None) or given.pop("input_schema", None)
    wire = {
        key: value for key, value in given.items() if key not in ("type", "function") and value is not None
    }
    wire["input_schema"] = schema or {"type": "object", "properties": {}}
    if wire.get("strict") is True and isinstance(schema, Mapping):
        wire["input_schema"] = tightened(schema)
    return wire


def wire_choice(choice: str | Mapping[str, Any]) -> dict[str, Any]:
    """Translate a choice: a word, a name, OpenAI's form or Anthropic's own."""
    if isinstance(choice, str):
        word = _CHOICES.get(choice)
        return {"type": word} if word else {"type": "tool", "name": choice}
    function = choice.get("function")
    name = function.get("name") if isinstance(function, Mapping) else function
    if name is None and choice.get("type", "function") == "function":
        name = choice.get("name")
    return {"type": "tool", "name": name} if isinstance(name, str) else dict(choice)


def tool_use(tool_call: ToolCall, call: ChatCall, warnings: list[str]) -> dict[str, Any]:
    """Translate a call that the assistant made; the arguments stay as the model wrote them.

    Raises:
        UnsupportedContentError: it is no call of a function.
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
