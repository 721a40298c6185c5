"""Reads a chat completions request.

https://platform.openai.com/docs/api-reference/chat/create
"""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

import msgspec

from llmring_providers.sim.prompt import Prompt, Speaker, Turn, UnreadablePromptError
from llmring_providers.sim.protocols._reading import forced, read_tools, text_of

_Role = Literal["system", "developer", "user", "assistant", "tool", "function"]
_SPEAKERS: Mapping[_Role, Speaker] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
    "function": "tool",
}


class _Function(msgspec.Struct):
    name: str = ""


class _Call(msgspec.Struct):
    id: str | None = None
    function: _Function | None = None


class _Message(msgspec.Struct):
    role: _Role
    content: str | list[dict[str, Any]] | None = None
    tool_calls: list[_Call] | None = None
    tool_call_id: str | None = None
    name: str | None = None


class _StreamOptions(msgspec.Struct):
    include_usage: bool | None = None


class _Format(msgspec.Struct):
    type: str
    json_schema: dict[str, Any] | None = None

    @property
    def wanted(self) -> Mapping[str, Any] | None:
        """The schema of the answer, as in :attr:`Prompt.schema`."""
        if self.type == "json_schema":
            return (self.json_schema or {}).get("schema") or {}
        return {} if self.type == "json_object" else None


class _Request(msgspec.Struct):
    model: str
    messages: list[_Message]
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    stop: str | list[str] | None = None
    reasoning_effort: str | None = None
    tools: list[dict[str, Any]] | None = None
    tool_choice: str | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    response_format: _Format | None = None


_decode = msgspec.json.Decoder(_Request).decode


def read(body: bytes) -> Prompt:
    """Read a request; see :meth:`Dialect.read`."""
    wire = _decode(body)
    if not wire.messages:
        raise UnreadablePromptError("[] is too short - 'messages'")
    return Prompt(
        protocol="openai",
        model=wire.model,
        turns=tuple(_turns(wire.messages)),
        stream=bool(wire.stream),
        max_tokens=wire.max_completion_tokens or wire.max_tokens,
        stop=(wire.stop,) if isinstance(wire.stop, str) else tuple(wire.stop or ()),
        reasoning=wire.reasoning_effort not in (None, "none"),
        tools=read_tools(wire.tools),
        forced=forced(wire.tool_choice),
        parallel=wire.parallel_tool_calls is not False,
        schema=wire.response_format.wanted if wire.response_format else None,
        usage_in_stream=bool(wire.stream_options and wire.stream_options.include_usage),
    )


def _turns(messages: Iterable[_Message]) -> Iterable[Turn]:
    names: dict[str | None, str] = {}
    for message in messages:
        for call in message.tool_calls or ():
            names[call.id] = call.function.name if call.function else ""
        yield Turn(
            _SPEAKERS[message.role],
            text_of(message.content),
            names.get(message.tool_call_id, "") or message.name or "",
        )
