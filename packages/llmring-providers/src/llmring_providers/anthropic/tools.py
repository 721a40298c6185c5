"""Tools and the choice between them, as Anthropic writes them.

https://platform.claude.com/docs/en/agents-and-tools/tool-use/overview
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from llmring_types import Message, ToolCall, function_spec
from llmring_types.exceptions import UnsupportedContentError

from llmring_providers._fit.formats import in_dialect
from llmring_providers._fit.names import NameRule
from llmring_providers._fit.tools import Mode, arguments_object, function_names, read_choice
from llmring_providers._json import DECODE_ERRORS
from llmring_providers._protocol import ChatCall
from llmring_providers.anthropic.wire import decode_json
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
_FIELDS = NameRule(
    taken=re.compile(r"[a-zA-Z0-9_.-]{1,64}", re.ASCII), refused=re.compile(r"[^a-zA-Z0-9_.-]", re.ASCII)
)
"""Names of fields; the API answers 400 to others, such as OData's ``$filter``: https://github.com/decocms/studio/issues/6874"""
_VALUES = frozenset({"const", "default", "enum", "example", "examples"})
"""Keywords whose values are no schemas."""


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


def with_taken_fields(call: ChatCall) -> ChatCall | None:
    """Return the call with names of fields that Anthropic takes, in tools and in calls; ``None`` where it takes all."""
    names = _replaced_fields(call)
    if not names:
        return None
    request = call.request
    try:
        tools = [_with_fields(tool, names) for tool in request.tools or ()]
    except RecursionError:  # a schema within itself has been refused for that
        return None
    messages = [_with_arguments(message, names) for message in request.messages]
    return call._replace(request=msgspec.structs.replace(request, tools=tools, messages=messages))


def restore_fields(calls: Sequence[ToolCall], call: ChatCall) -> None:
    """Give the arguments of an answer the names of fields that the request has."""
    if not any("_" in made["function"]["arguments"] for made in calls):  # it is in all that stand for others
        return
    names = {new: name for name, new in _replaced_fields(call).items()}
    for made in calls if names else ():
        made["function"]["arguments"] = _renamed_text(made["function"]["arguments"], names)


def _replaced_fields(call: ChatCall) -> dict[str, str]:
    """Return each name of a field that Anthropic refuses, with what stands for it in all tools of the request."""
    functions = map(function_spec, call.request.tools or ())
    names = _field_names([function.get("parameters") for function in functions if function is not None])
    replaced: dict[str, str] = {}
    for name in sorted(name for name in names if not _FIELDS.fits(name)):
        replaced[name] = _FIELDS.replacement(name, {*names, *replaced.values()})
    return replaced


def _field_names(left: list[Any]) -> set[str]:
    """Return the names of all properties in these schemas."""
    names: set[str] = set()
    seen: dict[int, Any] = {}  # a schema within itself cannot be sent, but it comes here
    while left:
        schema = left.pop()
        if id(schema) in seen:
            continue
        seen[id(schema)] = schema
        if isinstance(schema, list):
            left += [inner for inner in schema if isinstance(inner, dict | list)]
        elif isinstance(schema, dict):
            for keyword, value in schema.items():
                if not isinstance(value, dict | list) or keyword in _VALUES:
                    continue
                if keyword == "properties" and isinstance(value, dict):
                    names.update(name for name in value if isinstance(name, str) and name)
                    left += value.values()
                else:
                    left.append(value)
    return names


def _with_fields(tool: Mapping[str, Any], names: Mapping[str, str]) -> Mapping[str, Any]:
    function = function_spec(tool)
    if function is None:
        return tool
    parameters = _renamed_schema(function.get("parameters"), names)
    return {**tool, "type": "function", "function": {**function, "parameters": parameters}}


def _renamed_schema(schema: Any, names: Mapping[str, str]) -> Any:
    if isinstance(schema, list):
        return [_renamed_schema(inner, names) for inner in schema]
    if not isinstance(schema, Mapping):
        return schema
    renamed: dict[str, Any] = {}
    for keyword, value in schema.items():
        if keyword == "properties" and isinstance(value, Mapping):
            renamed[keyword] = {
                names.get(name, name): _saying(name, _renamed_schema(inner, names), names)
                for name, inner in value.items()
            }
        elif keyword == "required" and isinstance(value, list):
            renamed[keyword] = [names.get(name, name) if isinstance(name, str) else name for name in value]
        else:
            renamed[keyword] = value if keyword in _VALUES else _renamed_schema(value, names)
    return renamed


def _saying(name: str, schema: Any, names: Mapping[str, str]) -> Any:
    """Return the schema of a field, with its true name where nothing else says what it is."""
    if name not in names or not isinstance(schema, dict) or schema.get("description"):
        return schema
    return {**schema, "description": name}


def _with_arguments(message: Message, names: Mapping[str, str]) -> Message:
    calls: list[Any] = []
    for made in message.tool_calls or ():
        function: Any = made.get("function")
        if isinstance(function, Mapping) and isinstance(function.get("arguments"), str):
            arguments = _renamed_text(function["arguments"], names)
            calls.append({**made, "function": {**function, "arguments": arguments}})
        else:
            calls.append(made)
    return msgspec.structs.replace(message, tool_calls=calls) if calls else message


def _renamed_text(arguments: str, names: Mapping[str, str]) -> str:
    if not any(name in arguments for name in names):
        return arguments
    try:
        return msgspec.json.encode(_renamed_keys(decode_json(arguments), names)).decode()
    except DECODE_ERRORS:
        return arguments  # cut by max_tokens, or what a user wrote: it stays as it is


def _renamed_keys(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [_renamed_keys(inner, names) for inner in value]
    if not isinstance(value, dict):
        return value
    return {names.get(name, name): _renamed_keys(inner, names) for name, inner in value.items()}
