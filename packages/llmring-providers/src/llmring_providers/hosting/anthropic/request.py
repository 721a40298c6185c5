"""Reads a Messages request, or one whose tokens are to be counted.

https://platform.claude.com/docs/en/api/messages
https://platform.claude.com/docs/en/api/messages-count-tokens
"""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from llmring_types.exceptions import ValidationError

from llmring_providers.hosting.anthropic.messages import conversation
from llmring_providers.hosting.codec import HostedRequest, Route
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

_HEADERS = {"anthropic-user-profile-id": "user_profile_id", "anthropic-workspace-id": "workspace_id"}
_CHOICES = {"auto": "auto", "any": "required", "none": "none"}
_THINKING = frozenset({"type", "budget_tokens"})
_UNASKED = "high"
"""The effort of adaptive thinking where none is given: https://platform.claude.com/docs/en/build-with-claude/effort"""


class _Message(msgspec.Struct):
    role: Literal["user", "assistant", "system"]
    content: str | list[dict[str, Any]]


class _Thinking(msgspec.Struct):
    type: str
    budget_tokens: int | None = None


class _Choice(msgspec.Struct):
    type: str
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


class _Format(msgspec.Struct):
    type: str
    schema: dict[str, Any] | None = None


class _Body(msgspec.Struct):
    model: str
    messages: list[_Message]
    max_tokens: int | None = None
    system: str | list[dict[str, Any]] | None = None
    stream: bool | None = None
    temperature: float | None = None
    stop_sequences: list[str] | None = None
    thinking: _Thinking | None = None
    tools: list[dict[str, Any]] | None = None
    tool_choice: _Choice | None = None
    output_config: dict[str, Any] | None = None
    output_format: _Format | None = None
    cache_control: dict[str, Any] | None = None
    metadata: dict[str, Any] | None = None


def read(route: Route, headers: Mapping[str, str], body: bytes) -> HostedRequest:
    """Read a request; see :meth:`Codec.read`."""
    fields = document(body)
    wire = typed(fields, _Body)
    if not wire.messages:
        raise ValidationError("messages: at least one message is required", field="messages")
    if route.operation == "chat" and wire.max_tokens is None:
        raise ValidationError("max_tokens: Field required", field="max_tokens")
    unread: list[str] = []
    extra = {**_of_headers(headers), **rest_of(fields, _Body)}
    if wire.stop_sequences:
        extra["stop"] = wire.stop_sequences
    if wire.metadata:
        extra |= {"user": wire.metadata["user_id"]} if wire.metadata.get("user_id") is not None else {}
        unread += unknown(wire.metadata, ("user_id",), "metadata")
    if wire.tool_choice is not None and wire.tool_choice.disable_parallel_tool_use:
        extra["parallel_tool_calls"] = False
    config = dict(wire.output_config or {})
    wanted = (
        typed(config.pop("format"), _Format, "output_config.format")
        if config.get("format")
        else wire.output_format
    )
    request = built(
        messages=conversation(fields.get("system"), fields["messages"], unread),
        model=wire.model,
        temperature=wire.temperature,
        tools=[_tool(tool) for tool in wire.tools or ()] or None,
        tool_choice=_choice(wire.tool_choice),
        response_format=_response_format(wanted),
        cache=wire.cache_control,
        **_reasoning(wire, config, fields, extra),
        extra_params=extra,
    )
    return HostedRequest(request=request, route=route, stream=bool(wire.stream), unread=tuple(unread))


def _of_headers(headers: Mapping[str, str]) -> dict[str, Any]:
    """Return the parameters that travel in headers."""
    found: dict[str, Any] = {ours: headers[name] for name, ours in _HEADERS.items() if headers.get(name)}
    betas = [beta.strip() for beta in headers.get("anthropic-beta", "").split(",") if beta.strip()]
    return {**found, "betas": betas} if betas else found


def _tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    """Return a function in OpenAI's form; Anthropic's own tools pass as they are."""
    if not isinstance(tool.get("input_schema"), dict):
        return dict(tool)
    known = ("type", "name", "description", "input_schema", "strict")
    more = {name: value for name, value in tool.items() if name not in known}
    return function_tool(
        tool.get("name"), tool.get("description"), tool["input_schema"], tool.get("strict"), more
    )


def _choice(choice: _Choice | None) -> Any:
    if choice is None:
        return None
    if choice.type == "tool" and choice.name is not None:
        return named_choice([choice.name])
    return _CHOICES.get(choice.type, {"type": choice.type})


def _response_format(wanted: _Format | None) -> dict[str, Any] | None:
    if wanted is None or wanted.schema is None:
        return None
    return {"type": "json_schema", "json_schema": {"schema": wanted.schema}}


def _reasoning(
    wire: _Body, config: dict[str, Any], fields: Mapping[str, Any], extra: dict[str, Any]
) -> dict[str, Any]:
    """Return effort, budget and limit. Anthropic counts a budget against ``max_tokens``, the neutral form beside it."""
    thinking, limit, effort = wire.thinking, wire.max_tokens, effort_of(config.get("effort"))
    read: dict[str, Any] = {"max_tokens": limit}
    if thinking is not None and fields["thinking"].keys() - _THINKING:
        extra["thinking"] = fields["thinking"]
    if thinking is None:
        pass
    elif thinking.type == "disabled":
        read["reasoning_effort"] = "none"
    elif thinking.type == "adaptive":
        read["reasoning_effort"] = effort or _UNASKED
    elif thinking.budget_tokens and limit and limit > thinking.budget_tokens:
        read |= {"reasoning_tokens": thinking.budget_tokens, "max_tokens": limit - thinking.budget_tokens}
        read["reasoning_effort"] = effort
    else:
        extra["thinking"] = fields["thinking"]
    if effort is not None and read.get("reasoning_effort") == effort:  # else it steers the text alone
        del config["effort"]
    if config:
        extra["output_config"] = config
    return read
