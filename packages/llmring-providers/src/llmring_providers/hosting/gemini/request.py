"""Reads a generateContent request, or one whose tokens are to be counted.

https://ai.google.dev/api/generate-content
https://ai.google.dev/api/tokens
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec
from llmring_types.exceptions import ValidationError

from llmring_providers.google.tools import camel
from llmring_providers.hosting.codec import HostedRequest, Route
from llmring_providers.hosting.gemini.contents import conversation
from llmring_providers.hosting.reading import (
    built,
    document,
    effort_of,
    function_tool,
    named_choice,
    rest_of,
    typed,
    unknown,
)

_NEUTRAL = {
    "topP": "top_p",
    "topK": "top_k",
    "seed": "seed",
    "presencePenalty": "presence_penalty",
    "frequencyPenalty": "frequency_penalty",
    "stopSequences": "stop",
    "candidateCount": "n",
    "responseLogprobs": "logprobs",
    "logprobs": "top_logprobs",
}
"""Parameters under the names by which every adapter knows them."""
_MODES = {"AUTO": "auto", "ANY": "required", "NONE": "none", "VALIDATED": "validated"}
_FUNCTION = ("name", "description", "parameters", "parametersJsonSchema")
_JSON = "application/json"


class _Content(msgspec.Struct):
    parts: list[dict[str, Any]] | None = None
    role: str | None = None


class _Thinking(msgspec.Struct, rename="camel"):
    thinking_budget: int | None = None
    thinking_level: str | None = None
    include_thoughts: bool | None = None


class _Generation(msgspec.Struct, rename="camel"):
    temperature: float | None = None
    max_output_tokens: int | None = None
    response_mime_type: str | None = None
    response_schema: dict[str, Any] | None = None
    response_json_schema: dict[str, Any] | None = None
    thinking_config: dict[str, Any] | None = None


class _Calling(msgspec.Struct, rename="camel"):
    mode: str | None = None
    allowed_function_names: list[str] | None = None


class _Body(msgspec.Struct, rename="camel"):
    contents: list[_Content]
    system_instruction: _Content | None = None
    tools: list[dict[str, Any]] | None = None
    tool_config: dict[str, Any] | None = None
    generation_config: dict[str, Any] | None = None
    cached_content: str | None = None


def read(route: Route, headers: Mapping[str, str], body: bytes) -> HostedRequest:  # noqa: ARG001 - none matters
    """Read a request, whose path names the model and says whether it is a stream; see :meth:`Codec.read`."""
    fields = _camelled(document(body))
    inner = fields.pop("generateContentRequest", None)
    if isinstance(inner, dict):  # as tokens may be counted
        fields = _camelled(inner)
    for name in ("contents", "tools"):
        if isinstance(fields.get(name), dict):  # a list of one may be written without its brackets
            fields[name] = [fields[name]]
    wire = typed(fields, _Body)
    if not wire.contents:
        raise ValidationError("contents is not specified", field="contents")
    unread: list[str] = []
    extra = rest_of(fields, _Body)
    extra.pop("model", None)  # the path has it
    generation = _camelled(wire.generation_config or {})
    settings = typed(generation, _Generation, "generationConfig")
    for name, value in rest_of(generation, _Generation).items():
        extra[_NEUTRAL.get(name, name)] = value
    request = built(
        messages=conversation(wire.system_instruction, wire.contents, unread),
        model=route.model,
        temperature=settings.temperature,
        tools=[read for tool in wire.tools or () for read in _tools(_camelled(tool), unread)] or None,
        tool_choice=_choice(
            _camelled(wire.tool_config or {}), combined=_combined(wire.tools or ()), extra=extra
        ),
        response_format=_response_format(settings, extra),
        cache={"cached_content": wire.cached_content} if wire.cached_content else None,
        **_limits(settings, extra),
        extra_params=extra,
    )
    return HostedRequest(request=request, route=route, stream=route.stream, unread=tuple(unread))


def _camelled(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields under their names in camelCase: Gemini takes those in snake_case too."""
    return {camel(name): inner for name, inner in value.items() if inner is not None}


def _tools(tool: dict[str, Any], unread: list[str]) -> Iterator[dict[str, Any]]:
    """Yield the functions in OpenAI's form; tools of Gemini's own pass as they are."""
    declared = tool.pop("functionDeclarations", None)
    if tool:
        yield tool
    for function in typed(declared or [], list[dict[str, Any]], "functionDeclarations"):
        given = _camelled(function)
        if not isinstance(given.get("name"), str):
            raise ValidationError("functionDeclarations: a function has no name", field="tools")
        schema = given.get("parametersJsonSchema") or given.get("parameters")
        read = function_tool(given["name"], given.get("description"), schema)
        own = ("behavior", "response", "responseJsonSchema")
        read["function"] |= {name: given[name] for name in own if name in given}
        unread += unknown(given, (*_FUNCTION, *own), f"functionDeclarations.{given['name']}")
        yield read


def _combined(tools: Iterable[Mapping[str, Any]]) -> bool:
    """Return whether there are functions and tools of Gemini's own."""
    kinds = {camel(name) for tool in tools for name, value in tool.items() if value}
    return "functionDeclarations" in kinds and len(kinds) > 1


def _choice(config: dict[str, Any], *, combined: bool, extra: dict[str, Any]) -> Any:
    given = config.pop("functionCallingConfig", None)
    if combined:
        config.pop("includeServerSideToolInvocations", None)  # the adapter knows that they need it
    if config:
        extra["toolConfig"] = config
    if not isinstance(given, dict):
        return None
    calling = typed(_camelled(given), _Calling, "functionCallingConfig")
    names, mode = calling.allowed_function_names, _MODES.get(calling.mode or "")
    if mode is None:
        return {"mode": calling.mode} if calling.mode else None
    if names:
        return named_choice(names, "auto" if mode == "validated" else mode)
    return mode


def _response_format(settings: _Generation, extra: dict[str, Any]) -> dict[str, Any] | None:
    schema = settings.response_json_schema or settings.response_schema
    if schema is not None:
        return {"type": "json_schema", "json_schema": {"schema": schema}}
    if settings.response_mime_type == _JSON:
        return {"type": "json_object"}
    if settings.response_mime_type is not None:
        extra["responseMimeType"] = settings.response_mime_type
    return None


def _limits(settings: _Generation, extra: dict[str, Any]) -> dict[str, Any]:
    """Return limit, budget and effort. Gemini counts a budget against the limit, the neutral form beside it."""
    limit = settings.max_output_tokens
    read: dict[str, Any] = {"max_tokens": limit}
    if settings.thinking_config is None:
        return read
    given = _camelled(settings.thinking_config)
    thinking = typed(given, _Thinking, "thinkingConfig")
    budget, level = thinking.thinking_budget, effort_of((thinking.thinking_level or "").lower())
    shown = thinking.include_thoughts
    if budget == 0:
        read["reasoning_effort"] = "none"
        given.pop("includeThoughts", None)
    elif budget is not None and 0 < budget < (limit or math.inf):
        read |= {"reasoning_tokens": budget, "max_tokens": None if limit is None else limit - budget}
    elif level is not None:
        read["reasoning_effort"] = level
    else:
        extra["thinkingConfig"] = given
        return read
    rest = {name: value for name, value in given.items() if name not in ("thinkingBudget", "thinkingLevel")}
    if rest.get("includeThoughts") is True:
        del rest["includeThoughts"]
    if rest or (not shown and budget != 0):
        extra["thinkingConfig"] = {**({} if shown else {"includeThoughts": False}), **rest}
    return read
