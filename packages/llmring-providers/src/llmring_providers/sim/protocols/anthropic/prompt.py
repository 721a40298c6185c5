"""Reads a Messages request.

https://docs.claude.com/en/api/messages
"""

from collections.abc import Iterable
from typing import Any, Literal

import msgspec

from llmring_providers.sim.prompt import Prompt, Tool, Turn, UnreadablePromptError
from llmring_providers.sim.protocols._reading import text_of


class _Message(msgspec.Struct):
    role: Literal["user", "assistant", "system"]
    content: str | list[dict[str, Any]]


class _Tool(msgspec.Struct):
    name: str
    input_schema: dict[str, Any] | None = None


class _Choice(msgspec.Struct):
    type: str
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


class _Typed(msgspec.Struct):
    type: str
    schema: dict[str, Any] | None = None


class _OutputConfig(msgspec.Struct):
    format: _Typed | None = None


class _Request(msgspec.Struct):
    model: str
    max_tokens: int
    messages: list[_Message]
    system: str | list[dict[str, Any]] | None = None
    stream: bool | None = None
    stop_sequences: list[str] | None = None
    thinking: _Typed | None = None
    tools: list[_Tool] | None = None
    tool_choice: _Choice | None = None
    output_config: _OutputConfig | None = None
    output_format: _Typed | None = None


_decode = msgspec.json.Decoder(_Request).decode


def read(body: bytes) -> Prompt:
    """Read a request; see :meth:`Dialect.read`."""
    wire = _decode(body)
    if not wire.messages:
        raise UnreadablePromptError("messages: at least one message is required")
    wanted = wire.output_config.format if wire.output_config else wire.output_format
    return Prompt(
        protocol="anthropic",
        model=wire.model,
        turns=tuple(_turns(wire)),
        stream=bool(wire.stream),
        max_tokens=wire.max_tokens,
        stop=tuple(wire.stop_sequences or ()),
        reasoning=wire.thinking is not None and wire.thinking.type != "disabled",
        tools=tuple(
            Tool(tool.name, tool.input_schema) for tool in wire.tools or () if tool.input_schema is not None
        ),
        forced=_forced(wire.tool_choice),
        parallel=not (wire.tool_choice and wire.tool_choice.disable_parallel_tool_use),
        schema=wanted.schema if wanted else None,
    )


def _forced(choice: _Choice | None) -> bool | str | None:
    if choice is None:
        return None
    return choice.name if choice.type == "tool" else {"any": True, "none": False}.get(choice.type)


def _turns(wire: _Request) -> Iterable[Turn]:
    """The results of tools stand in user messages, as blocks; what else the user says there comes after them."""
    if wire.system:
        yield Turn("system", text_of(wire.system))
    names: dict[Any, str] = {}
    for message in wire.messages:
        if isinstance(message.content, str):
            yield Turn(message.role, message.content)
            continue
        said = []
        for block in message.content:
            kind = block.get("type")
            if kind == "tool_result":
                yield Turn("tool", text_of(block.get("content")), names.get(block.get("tool_use_id"), ""))
            elif kind == "tool_use":
                names[block.get("id")] = str(block.get("name"))
            else:
                said.append(block)
        if said or message.role != "user":
            yield Turn(message.role, text_of(said))
