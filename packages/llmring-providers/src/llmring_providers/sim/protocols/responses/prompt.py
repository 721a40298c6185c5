"""Reads a request of the responses API.

https://platform.openai.com/docs/api-reference/responses/create
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from llmring_providers.sim.prompt import Prompt, Speaker, Turn
from llmring_providers.sim.protocols._reading import forced, read_tools, text_of

_SPEAKERS: Mapping[str | None, Speaker] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
}


class _Item(msgspec.Struct):
    type: str = "message"
    role: str | None = None
    content: str | list[dict[str, Any]] | None = None
    call_id: str | None = None
    name: str | None = None
    output: str | list[dict[str, Any]] | None = None


class _Reasoning(msgspec.Struct):
    effort: str | None = None
    summary: str | None = None


class _Format(msgspec.Struct):
    type: str = "text"
    schema: dict[str, Any] | None = None


class _Text(msgspec.Struct):
    format: _Format | None = None


class _Request(msgspec.Struct):
    model: str
    input: str | list[_Item] = ""
    instructions: str | None = None
    stream: bool | None = None
    max_output_tokens: int | None = None
    reasoning: _Reasoning | None = None
    tools: list[dict[str, Any]] | None = None
    tool_choice: str | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    text: _Text | None = None


_decode = msgspec.json.Decoder(_Request).decode


def read(body: bytes) -> Prompt:
    """Read a request; see :meth:`Dialect.read`."""
    wire = _decode(body)
    reasoning, wanted = wire.reasoning, wire.text.format if wire.text else None
    schema = None
    if wanted is not None and wanted.type in ("json_schema", "json_object"):
        schema = wanted.schema or {}
    return Prompt(
        protocol="responses",
        model=wire.model,
        turns=tuple(_turns(wire)),
        stream=bool(wire.stream),
        max_tokens=wire.max_output_tokens,
        reasoning=reasoning is not None and (reasoning.effort or "none") != "none",
        tools=read_tools(wire.tools),
        forced=forced(wire.tool_choice),
        parallel=wire.parallel_tool_calls is not False,
        schema=schema,
    )


def _turns(wire: _Request) -> Iterable[Turn]:
    if wire.instructions:
        yield Turn("system", wire.instructions)
    if isinstance(wire.input, str):
        yield Turn("user", wire.input)
        return
    names: dict[str | None, str] = {}
    for item in wire.input:
        if item.type == "function_call":
            names[item.call_id] = item.name or ""
            yield Turn("assistant", "")
        elif item.type == "function_call_output":
            yield Turn("tool", text_of(item.output), names.get(item.call_id, ""))
        elif item.role in _SPEAKERS:
            yield Turn(_SPEAKERS[item.role], text_of(item.content))
