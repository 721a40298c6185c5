"""Functions and the choice among them, as Converse's ``toolConfig``.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ToolConfiguration.html
"""

from collections.abc import Mapping, Sequence
from typing import Any

from llmring_types import function_spec
from llmring_types.exceptions import UnsupportedContentError

from llmring_providers._fit.formats import in_dialect
from llmring_providers._fit.tools import ToolChoice, function_names, read_choice
from llmring_providers._protocol import ChatCall
from llmring_providers.bedrock.models import claude_of, rules_for
from llmring_providers.bedrock.parts import is_blank
from llmring_providers.schema import ANTHROPIC, ANTHROPIC_STRICT

PLAIN = ANTHROPIC._replace(
    name="Bedrock",
    source="https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ToolInputSchema.html",
)
STRICT = ANTHROPIC_STRICT._replace(
    name="Bedrock's structured outputs",
    source="https://docs.aws.amazon.com/bedrock/latest/userguide/structured-output.html",
)
"""Its page lists what Anthropic's does, for the models of others too."""
_NATIVE = frozenset({"toolSpec", "systemTool", "cachePoint"})
_NO_PARAMETERS = {"type": "object", "properties": {}}


def tool_config(call: ChatCall, called: Sequence[str], warnings: list[str]) -> dict[str, Any] | None:
    """Return the functions of a request and the choice among them; ``None`` where there are none.

    Args:
        call: as it is sent.
        called: names of functions that the conversation has calls of: Bedrock refuses calls without functions.
        warnings: takes a sentence for whatever was left out.

    Raises:
        UnsupportedContentError: a tool that is no function, or a schema that cannot be sent.
    """
    request = call.request
    tools = request.tools or ()
    choice = _choice(call, warnings)
    if choice is not None and choice.mode == "none" and tools:
        tools, choice = [], None
        warnings.append("the tools were left out: Bedrock has no tool_choice 'none'")
    if tools and rules_for(call).functions is False:
        what = "the tools" if choice is None else "the tools and the choice among them"
        tools, choice = [], None
        warnings.append(f"{what} were left out: {call.ref} takes none")
    wire = [_tool(tool, call, warnings) for tool in tools]
    if not wire and called:
        wire = [{"toolSpec": {"name": name, "inputSchema": {"json": _NO_PARAMETERS}}} for name in called]
        warnings.append(
            "functions that were called before were offered again: Bedrock takes no calls without"
        )
    if not wire:
        return None
    config: dict[str, Any] = {"tools": wire}
    if choice is not None:
        _choose(config, choice, call, warnings)
    return config


def is_forced(config: Mapping[str, Any] | None) -> bool:
    """Return whether a call of a function is demanded."""
    return config is not None and not config.get("toolChoice", {}).keys().isdisjoint(("any", "tool"))


def _choice(call: ChatCall, warnings: list[str]) -> ToolChoice | None:
    request = call.request
    tools, given = request.tools or (), request.tool_choice
    if given is None or (not tools and given in ("auto", "none")):
        return None
    if not tools:
        warnings.append("tool_choice was dropped: there are no tools to choose from")
        return None
    if isinstance(given, Mapping) and (own := _own_choice(given)) is not None:
        return own
    read = read_choice(given, function_names(tool for tool in tools if _NATIVE.isdisjoint(tool)))
    if read is None:
        warnings.append(f"tool_choice was dropped: Bedrock has no {given!r}")
    return read


def _own_choice(given: Mapping[str, Any]) -> ToolChoice | None:
    """Read a choice in Converse's own form."""
    if given.keys() == {"auto"}:
        return ToolChoice("auto")
    if given.keys() == {"any"}:
        return ToolChoice("required")
    tool = given.get("tool")
    name = tool.get("name") if isinstance(tool, Mapping) else None
    return ToolChoice("required", (name,)) if isinstance(name, str) else None


def _choose(config: dict[str, Any], choice: ToolChoice, call: ChatCall, warnings: list[str]) -> None:
    """Write the choice in a form that the model takes.

    https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ToolChoice.html
    """
    forms, claude = rules_for(call).choices, claude_of(call.ref.model)
    if claude is not None and not claude.forced_tools:
        forms = ()
    if choice.mode != "required":
        config["toolChoice"] = {"auto": {}}
        if choice.names:
            warnings.append(
                "tool_choice names functions that may be called: Bedrock has no such choice, so all may"
            )
    elif forms is not None and "any" not in forms:
        config["toolChoice"] = {"auto": {}}
        warnings.append(f"tool_choice became 'auto': {call.ref} cannot be forced to call a tool")
    elif len(choice.names) == 1 and (forms is None or "tool" in forms):
        config["toolChoice"] = {"tool": {"name": choice.names[0]}}
    else:
        config["toolChoice"] = {"any": {}}
        if choice.names:
            kept = [tool for tool in config["tools"] if tool.get("toolSpec", {}).get("name") in choice.names]
            config["tools"] = kept
            warnings.append(
                f"the tools that tool_choice does not name were left out: {call.ref} takes no names"
            )


def _tool(tool: Mapping[str, Any], call: ChatCall, warnings: list[str]) -> Mapping[str, Any]:
    if not _NATIVE.isdisjoint(tool):
        return {name: inner for name, inner in tool.items() if name in _NATIVE}
    function = function_spec(tool)
    if function is None:
        raise UnsupportedContentError(
            f"{call.ref.provider} takes functions, and tools in the form of Converse; got {tool!r}",
            provider=call.ref.provider,
            part="tools",
        )
    given = {**tool, **function}
    name = str(given.get("name"))
    schema = given.get("parameters") or {}
    spec: dict[str, Any] = {"name": name}
    if isinstance(text := given.get("description"), str) and not is_blank(text):
        spec["description"] = text
    spec["inputSchema"] = {"json": in_dialect(schema, PLAIN, call).json}
    if given.get("strict") is True:
        objection = _not_strict(call)
        if objection is None:
            found = in_dialect(schema, STRICT, call)
            objection = found.objections[0] if found.objections else None
            if objection is None:
                spec["inputSchema"] = {"json": found.json}
                spec["strict"] = True
        if objection is not None:
            warnings.append(f"strict was dropped for tool {name!r}: Bedrock refuses it ({objection})")
    return {"toolSpec": spec}


def _not_strict(call: ChatCall) -> str | None:
    """Return why a function cannot be strict: only models with structured outputs take it."""
    rules, claude = rules_for(call), claude_of(call.ref.model)
    takes = rules.answers != "text" if claude is None else claude.json_schema
    return None if takes and rules.strict is not False else f"{call.ref} takes it not"
