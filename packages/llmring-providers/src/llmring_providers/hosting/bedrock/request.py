"""Reads a request of Converse, or one whose tokens are to be counted.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
"""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from llmring_types.exceptions import ValidationError

from llmring_providers._json import DECODE_ERRORS
from llmring_providers.hosting.bedrock.messages import conversation, mark_of
from llmring_providers.hosting.codec import HostedRequest, Route
from llmring_providers.hosting.reading import (
    built,
    document,
    effort_of,
    function_tool,
    named_choice,
    rest_of,
    typed,
)

_PASSED = ("guardrailConfig", "performanceConfig", "promptVariables", "additionalModelResponseFieldPaths")
"""Fields without a place in the neutral form, under the names that the adapter takes."""
_UNASKED = "high"
"""The effort of adaptive thinking where none is given: https://platform.claude.com/docs/en/build-with-claude/effort"""


class _Message(msgspec.Struct):
    role: Literal["user", "assistant", "system"]
    content: list[dict[str, Any]]


class _Inference(msgspec.Struct, rename="camel"):
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop_sequences: list[str] | None = None


class _ToolConfig(msgspec.Struct, rename="camel"):
    tools: list[dict[str, Any]] = []
    tool_choice: dict[str, dict[str, Any]] | None = None


class _Body(msgspec.Struct, rename="camel"):
    messages: list[_Message]
    system: list[dict[str, Any]] | None = None
    inference_config: _Inference | None = None
    tool_config: _ToolConfig | None = None
    output_config: dict[str, Any] | None = None
    additional_model_request_fields: dict[str, Any] | None = None
    service_tier: dict[str, Any] | None = None
    request_metadata: dict[str, Any] | None = None


def read(route: Route, headers: Mapping[str, str], body: bytes) -> HostedRequest:  # noqa: ARG001 - as for all
    """Read a request; see :meth:`Codec.read`."""
    fields = document(body)
    if route.operation == "count_tokens":
        fields = typed(fields.get("input"), dict[str, dict[str, Any]], "input").get("converse", {})
    wire = typed(fields, _Body)
    if not wire.messages:
        raise ValidationError("messages: at least one message is required", field="messages")
    config, tools = wire.inference_config or _Inference(), wire.tool_config or _ToolConfig()
    extra = dict(wire.additional_model_request_fields or {})
    choice, forced = _choice(tools.tool_choice), extra.pop("tool_choice", None)
    if isinstance(forced, Mapping) and forced.get("disable_parallel_tool_use"):
        extra["parallel_tool_calls"] = False
        choice = _choice_of_claude(forced)
    messages = list(fields["messages"])
    cache = _cache(messages)
    rest = rest_of(fields, _Body)
    asked = _reasoning(extra, config.max_tokens)
    extra |= _parameters(wire, config) | {name: rest.pop(name) for name in _PASSED if name in rest}
    request = built(
        messages=conversation(fields.get("system"), messages),
        model=route.model,
        temperature=config.temperature,
        tools=[_tool(tool) for tool in tools.tools] or None,
        tool_choice=choice,
        response_format=_response_format(wire.output_config or {}),
        cache=cache,
        **asked,
        extra_params=extra,
    )
    return HostedRequest(request=request, route=route, stream=route.stream, unread=tuple(rest))


def _cache(messages: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Take the mark at the end of the prompt out of the last message, which is the request's own."""
    last = messages[-1]
    content = last["content"]
    if len(content) < 2 or not isinstance(point := content[-1].get("cachePoint"), Mapping):  # noqa: PLR2004
        return None
    messages[-1] = {**last, "content": content[:-1]}
    return mark_of(point)


def _parameters(wire: _Body, config: _Inference) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if config.stop_sequences:
        found["stop"] = config.stop_sequences
    if config.top_p is not None:
        found["top_p"] = config.top_p
    if (tier := (wire.service_tier or {}).get("type")) is not None:
        found["service_tier"] = tier
    labels = dict(wire.request_metadata or {})
    if (user := labels.pop("user", None)) is not None:
        found["user"] = user
    return {**found, "metadata": labels} if labels else found


def _tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    """Return a function in OpenAI's form; tools of the system and marks pass as they are."""
    spec = tool.get("toolSpec")
    if not isinstance(spec, Mapping):
        return dict(tool)
    schema = typed(spec.get("inputSchema"), dict[str, Any], "inputSchema").get("json")
    return function_tool(spec.get("name"), spec.get("description"), schema, spec.get("strict"))


def _choice(choice: Mapping[str, Mapping[str, Any]] | None) -> Any:
    for kind, inner in (choice or {}).items():
        if kind == "tool":
            return named_choice([str(inner.get("name"))])
        return "required" if kind == "any" else kind
    return None


def _choice_of_claude(choice: Mapping[str, Any]) -> Any:
    kind = choice.get("type")
    found = _choice({str(kind): choice})
    return None if found == "auto" else found


def _response_format(config: Mapping[str, Any]) -> dict[str, Any] | None:
    """https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_JsonSchemaDefinition.html"""
    text = config.get("textFormat")
    inner = text.get("structure", {}).get("jsonSchema") if isinstance(text, Mapping) else None
    if not isinstance(inner, Mapping):
        return None
    try:
        schema = msgspec.json.decode(str(inner.get("schema")), type=dict[str, Any])
    except DECODE_ERRORS as error:
        raise ValidationError(f"outputConfig: the schema is not JSON: {error}", original=error) from error
    return {"type": "json_schema", "json_schema": {**inner, "schema": schema}}


def _reasoning(extra: dict[str, Any], limit: int | None) -> dict[str, Any]:
    """Take effort, budget and limit out of what is for the model; Anthropic counts a budget against the limit."""
    found: dict[str, Any] = {"max_tokens": limit}
    thinking, config = extra.get("thinking"), extra.get("output_config")
    effort = effort_of(config.get("effort")) if isinstance(config, Mapping) else None
    kind = thinking.get("type") if isinstance(thinking, Mapping) else None
    budget = thinking.get("budget_tokens") if isinstance(thinking, Mapping) else None
    if kind == "disabled":
        found["reasoning_effort"] = "none"
    elif kind == "adaptive":
        found["reasoning_effort"] = effort or _UNASKED
    elif isinstance(budget, int) and limit is not None and limit > budget:
        found |= {"reasoning_tokens": budget, "max_tokens": limit - budget}
    else:
        found["reasoning_effort"] = next(filter(None, map(effort_of, _efforts(extra))), None)
        return found
    del extra["thinking"]
    if effort is not None:
        extra.pop("output_config")
    return found


def _efforts(extra: dict[str, Any]) -> list[Any]:
    """Take the efforts of other vendors' models out of what is for the model."""
    found = [
        extra.pop(name)
        for name in ("reasoning_effort", "reasoning_config")
        if isinstance(extra.get(name), str)
    ]
    for name, inner in (("reasoningConfig", "maxReasoningEffort"), ("reasoning", "effort")):
        if isinstance(config := extra.get(name), Mapping) and inner in config:
            found.append(extra.pop(name)[inner])
    return found
