"""Reads a generateContent request.

https://ai.google.dev/api/generate-content
"""

from collections.abc import Iterable, Mapping
from typing import Any, Literal
from urllib.parse import unquote

import msgspec

from llmring_providers.sim.prompt import Prompt, Tool, Turn, UnreadablePromptError


class _Blob(msgspec.Struct, rename="camel"):
    mime_type: str = "data"


class _Called(msgspec.Struct):
    name: str
    response: dict[str, Any] | None = None


class _Part(msgspec.Struct, rename="camel"):
    text: str | None = None
    thought: bool | None = None
    inline_data: _Blob | None = None
    file_data: _Blob | None = None
    function_response: _Called | None = None


class _Content(msgspec.Struct):
    parts: list[_Part] | None = None
    role: Literal["user", "model", "function", "system"] | None = None


class _Declaration(msgspec.Struct, rename="camel"):
    name: str
    parameters: dict[str, Any] | None = None
    parameters_json_schema: dict[str, Any] | None = None


class _Tool(msgspec.Struct, rename="camel"):
    function_declarations: list[_Declaration] | None = None


class _Calling(msgspec.Struct, rename="camel"):
    mode: str | None = None
    allowed_function_names: list[str] | None = None


class _ToolConfig(msgspec.Struct, rename="camel"):
    function_calling_config: _Calling | None = None


class _Thinking(msgspec.Struct, rename="camel"):
    include_thoughts: bool | None = None


class _Generation(msgspec.Struct, rename="camel"):
    max_output_tokens: int | None = None
    stop_sequences: list[str] | None = None
    response_mime_type: str | None = None
    response_schema: dict[str, Any] | None = None
    response_json_schema: dict[str, Any] | None = None
    thinking_config: _Thinking | None = None


class _Request(msgspec.Struct, rename="camel"):
    contents: list[_Content]
    system_instruction: _Content | None = None
    tools: list[_Tool] | None = None
    tool_config: _ToolConfig | None = None
    generation_config: _Generation | None = None


_decode = msgspec.json.Decoder(_Request).decode


def read(path: str, body: bytes) -> Prompt:
    """Read a request, whose path names the model and says whether it is a stream; see :meth:`Dialect.read`."""
    wire = _decode(body)
    if not wire.contents:
        raise UnreadablePromptError("contents is not specified")
    model, _, method = path.partition("?")[0].rpartition("/")[2].partition(":")
    settings = wire.generation_config or _Generation()
    thinking = settings.thinking_config
    calling = wire.tool_config.function_calling_config if wire.tool_config else None
    return Prompt(
        protocol="google",
        model=unquote(model),
        turns=tuple(_turns(wire)),
        stream=method == "streamGenerateContent",
        max_tokens=settings.max_output_tokens,
        stop=tuple(settings.stop_sequences or ()),
        reasoning=bool(thinking and thinking.include_thoughts),
        tools=tuple(_tools(wire.tools or ())),
        forced=_forced(calling or _Calling()),
        schema=_schema(settings),
    )


def _tools(tools: Iterable[_Tool]) -> Iterable[Tool]:
    for tool in tools:
        for function in tool.function_declarations or ():
            yield Tool(function.name, function.parameters_json_schema or function.parameters or {})


def _forced(calling: _Calling) -> bool | str | None:
    names = calling.allowed_function_names or []
    if calling.mode == "ANY":
        return names[0] if len(names) == 1 else True
    return False if calling.mode == "NONE" else None


def _schema(settings: _Generation) -> Mapping[str, Any] | None:
    schema = settings.response_json_schema or settings.response_schema
    return {} if schema is None and settings.response_mime_type == "application/json" else schema


def _turns(wire: _Request) -> Iterable[Turn]:
    """The results of functions are parts of user contents; what else the user says there comes after them."""
    if wire.system_instruction is not None:
        yield Turn("system", _text(wire.system_instruction))
    for content in wire.contents:
        results = [part.function_response for part in content.parts or () if part.function_response]
        for result in results:
            yield Turn("tool", _result(result.response or {}), result.name)
        text = _text(content)
        if text or not results:
            yield Turn("assistant" if content.role == "model" else "user", text)


def _text(content: _Content) -> str:
    said = []
    for part in content.parts or ():
        data = part.inline_data or part.file_data
        if data is not None:
            said.append(f"[{data.mime_type}]")
        elif part.text and not part.thought:
            said.append(part.text)
    return " ".join(said)


def _result(response: Mapping[str, Any]) -> str:
    """A result that is text is put into an object by most clients, under one of these names."""
    for key in ("result", "output", "error", "content"):
        if isinstance(response.get(key), str):
            return str(response[key])
    return msgspec.json.encode(response).decode()
