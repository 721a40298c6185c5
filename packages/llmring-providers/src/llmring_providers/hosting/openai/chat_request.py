"""Reads a chat completions request.

https://platform.openai.com/docs/api-reference/chat/create
"""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from llmring_types.exceptions import ValidationError

from llmring_providers.hosting.answering import first_restored
from llmring_providers.hosting.codec import HostedRequest, Route
from llmring_providers.hosting.reading import built, document, effort_of, rest_of, typed

VENDOR = "openai"
_OURS = ("metadata", "timestamp")
"""Names of the neutral form's own: in a message of a stranger they mean nothing."""


class _Message(msgspec.Struct):
    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[dict[str, Any]] | None = None
    tool_calls: list[dict[str, Any]] | None = None


class _Body(msgspec.Struct):
    model: str
    messages: list[_Message]
    stream: bool | None = None
    stream_options: dict[str, Any] | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    temperature: float | None = None
    reasoning_effort: str | None = None
    tools: list[dict[str, Any]] | None = None
    tool_choice: str | dict[str, Any] | None = None
    response_format: dict[str, Any] | None = None
    prompt_cache_key: str | None = None
    prompt_cache_retention: str | None = None


def read(route: Route, headers: Mapping[str, str], body: bytes) -> HostedRequest:  # noqa: ARG001 - none matters
    """Read a request; see :meth:`Codec.read`."""
    fields = document(body)
    wire = typed(fields, _Body)
    if not wire.messages:
        raise ValidationError("[] is too short - 'messages'", field="messages")
    options = wire.stream_options or {}
    unread: list[str] = []
    extra = rest_of(fields, _Body)
    if wire.reasoning_effort is not None and effort_of(wire.reasoning_effort) is None:
        extra["reasoning_effort"] = wire.reasoning_effort
    if others := {name: value for name, value in options.items() if name != "include_usage"}:
        extra["stream_options"] = others
    cache = {"key": wire.prompt_cache_key, "retention": wire.prompt_cache_retention}
    request = built(
        messages=[_message(message, place, unread) for place, message in enumerate(fields["messages"])],
        model=wire.model,
        temperature=wire.temperature,
        max_tokens=wire.max_tokens if wire.max_completion_tokens is None else wire.max_completion_tokens,
        reasoning_effort=effort_of(wire.reasoning_effort),
        tools=wire.tools,
        tool_choice=wire.tool_choice,
        response_format=wire.response_format,
        cache={name: value for name, value in cache.items() if value is not None} or None,
        extra_params=extra,
    )
    return HostedRequest(
        request=request,
        route=route,
        stream=bool(wire.stream),
        usage_in_stream=options.get("include_usage") is True,
        unread=tuple(unread),
    )


def _message(message: Mapping[str, Any], place: int, unread: list[str]) -> dict[str, Any]:
    """Return a message as :class:`LLMRequest` reads it; calls with more than their neutral form are replayed."""
    unread += [f"messages[{place}].{name}" for name in _OURS if name in message]
    read = {name: value for name, value in message.items() if name not in _OURS}
    calls = message.get("tool_calls")
    if isinstance(calls, list) and any(
        isinstance(call, dict) and call.get("extra_content") for call in calls
    ):
        read["metadata"] = {"native": {"provider": VENDOR, "api": "chat", "replay": [{"tool_calls": calls}]}}
    details = message.get("reasoning_details")
    if isinstance(details, list) and all(isinstance(detail, dict) for detail in details):
        read["reasoning_details"], native = first_restored(details, "data")
        if native is not None:
            read["metadata"] = {"native": native}
    return read
