"""Refusals by OpenAI's chat completions: https://platform.openai.com/docs/api-reference/chat/create"""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from validators import _calls, _models, json_schema

NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_PARTS: Mapping[str, frozenset[str]] = {
    "user": frozenset({"text", "image_url", "input_audio", "file"}),
    "assistant": frozenset({"text", "refusal"}),
    "system": frozenset({"text"}),
    "developer": frozenset({"text"}),
    "tool": frozenset({"text"}),
}
_MOST_TOOLS = 128
_OF_RESPONSES = ("background", "conversation", "include", "instructions", "max_tool_calls", "previous_response_id",
                 "prompt", "reasoning", "text", "truncation")  # fmt: skip


def refusals(path: str, body: Mapping[str, Any]) -> Iterator[str]:
    """Return the reasons for a 400 to a body."""
    del path
    if not body.get("messages", [None]):
        yield "no messages"
    for message in body.get("messages", ()):
        yield from _message(message)
    yield from _calls.unpaired(_calls.of_chat(body.get("messages", ())))
    yield from (
        f"{name} is of the responses API" for name in _OF_RESPONSES if name in body and _models.is_known(body)
    )
    yield from _models.values(body, body.get("verbosity"))
    effort = body.get("reasoning_effort")
    yield from _models.openai_model(body, effort, chat=True)
    if not 0 <= (body.get("temperature") or 0) <= 2:
        yield "temperature is not within 0 and 2"
    yield from tools(
        [tool.get("function", tool) for tool in body.get("tools", ()) if tool.get("type") == "function"]
    )
    if len(body.get("tools", ())) > _MOST_TOOLS:
        yield "too many tools"
    form = body.get("response_format") or {}
    if form.get("type") == "json_schema":
        yield from answer(form.get("json_schema", {}), body)
    if form.get("type") == "json_object" and "json" not in str(body.get("messages", "json")).lower():
        yield "JSON mode, and no message says JSON"


def _message(message: Mapping[str, Any]) -> Iterator[str]:
    role, content = str(message.get("role")), message.get("content")
    if role not in _PARTS:
        yield f"role {role!r}"
        return
    for part in content if isinstance(content, list) else ():
        # Only metadata written by hand brings what is no object.
        if isinstance(part, Mapping) and part.get("type") not in _PARTS[role]:
            yield f"a part {part.get('type')!r} in a message of role {role}"
    if content is None and not message.keys() & {"tool_calls", "function_call", "audio", "refusal"}:
        yield f"no content in a message of role {role}"
    for call in message.get("tool_calls") or ():
        if "function" in call and NAME.fullmatch(call["function"].get("name", "")) is None:
            yield f"a function is called {call['function'].get('name')!r}"


@lru_cache(None)
def _adapters() -> dict[str, Any]:
    from openai.types import chat
    from pydantic import TypeAdapter

    return {
        "user": TypeAdapter(chat.ChatCompletionUserMessageParam),
        "assistant": TypeAdapter(chat.ChatCompletionAssistantMessageParam),
        "system": TypeAdapter(chat.ChatCompletionSystemMessageParam),
        "tool": TypeAdapter(chat.ChatCompletionToolMessageParam),
    }


def by_type(message: Mapping[str, Any]) -> Iterator[str]:
    """Hold a message against the type that OpenAI's SDK has for it."""
    if (adapter := _adapters().get(str(message.get("role")))) is not None:
        try:
            _read(adapter.validate_python(message))
        except ValueError as error:
            yield str(error)


def _read(value: Any) -> Any:
    """Read what pydantic validates only as it is read."""
    if isinstance(value, dict):
        return {name: _read(inner) for name, inner in value.items()}
    return (
        value
        if isinstance(value, (str, bytes)) or not hasattr(value, "__iter__")
        else [_read(each) for each in value]
    )


def tools(functions: list[Mapping[str, Any]]) -> Iterator[str]:
    """Return what is refused of functions, in the flat form."""
    yield from _calls.doubled(function.get("name") for function in functions)
    for function in functions:
        if NAME.fullmatch(str(function.get("name"))) is None:
            yield f"a function is named {function.get('name')!r}"
        if function.get("parameters") is not None:
            rules = json_schema.OPENAI_STRICT if function.get("strict") else json_schema.OPENAI
            yield from json_schema.refusals(function["parameters"], rules)


def answer(form: Mapping[str, Any], body: Mapping[str, Any]) -> Iterator[str]:
    """Return what is refused of a ``json_schema`` format, in the flat form."""
    if NAME.fullmatch(str(form.get("name"))) is None:
        yield f"a format is named {form.get('name')!r}"
    if re.fullmatch(_models.NO_SCHEMAS, str(body.get("model"))):
        yield f"{body.get('model')} has no structured output"
    if form.get("schema") is not None:
        rules = json_schema.OPENAI_STRICT if form.get("strict") else json_schema.OPENAI
        yield from json_schema.refusals(form["schema"], rules)
