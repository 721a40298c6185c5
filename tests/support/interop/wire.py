"""Request bodies brought into one spelling, where the vendor documents that two spellings mean the same.

Nothing else is touched: what is left must be equal. Each rule stands beside its reason.
"""

import base64
import re
from collections.abc import Callable
from typing import Any

from interop.recordings import Protocol
from interop.requests.google import json_schema

_Body = dict[str, Any]
_NOTE = re.compile(r" \{[^{}]*\}$")


def normalised(protocol: Protocol, body: _Body) -> _Body:
    """Return a copy in the one spelling of its protocol."""
    rules: Callable[[_Body], _Body] = _RULES[protocol]
    return rules(_without(body, stream=False))


def _without(value: _Body, **defaults: Any) -> _Body:
    """Leave out what says no more than its absence."""
    return {name: item for name, item in value.items() if name not in defaults or item != defaults[name]}


def _openai_chat(body: _Body) -> _Body:
    """One part of text is a text, and no content is a null one."""
    messages = [{"content": None, **message} for message in body["messages"]]
    return body | {"messages": [_flat(message, "text") for message in messages]}


def _flat(message: _Body, kind: str) -> _Body:
    match message.get("content"):
        case [{"type": found, "text": text, **more}] if found == kind and not more:
            return message | {"content": text}
    return message


def _openai_responses(body: _Body) -> _Body:
    """Instructions are a system message at the beginning, and items with a role are messages.

    Two things llmring says although the recorded client did not: ``store: false``, since nothing is to stay at OpenAI,
    and ``strict: false`` where nobody asked for strict functions, since here, unlike anywhere else, they are
    the default.
    """
    body = _without(body, store=False, instructions="")
    items = [_item(item) for item in body["input"]]
    if "instructions" in body:
        items.insert(0, {"role": "system", "content": body.pop("instructions")})
    body["input"] = items
    if "tools" in body:
        body["tools"] = [{"strict": False, **tool} for tool in body["tools"]]
    return body


def _item(item: _Body) -> _Body:
    """Id and status of a finished message say nothing; those of a call stand beside the reasoning that led to it."""
    if item.get("type") == "function_call_output":
        return {name: value for name, value in item.items() if name != "status"}
    if "role" not in item:
        return item
    message = {"role": item["role"], "content": item["content"]}
    return _flat(message, "output_text" if item["role"] == "assistant" else "input_text")


def _anthropic(body: _Body) -> _Body:
    """A text is one block of text, and a result is not an error unless it says so."""
    turns = [turn | {"content": _blocks(turn["content"])} for turn in body["messages"]]
    normal = body | {"messages": turns}
    if "system" in body:
        normal["system"] = _blocks(body["system"])
    return normal


def _blocks(content: str | list[_Body]) -> list[_Body]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return [_without(block, is_error=False) for block in content]


def _google(body: _Body) -> _Body:
    """Proto3 JSON: names in either case, bytes in either base64, and defaults that may be left out.

    The role of an instruction is ignored (https://ai.google.dev/api/generate-content#request-body), text in
    two parts is the same text, and a schema may be given in Gemini's older language under a name of its own.
    """
    normal: _Body = _without(_proto(body), generationConfig={})
    if "systemInstruction" in normal:
        normal["systemInstruction"].pop("role", None)
    for turn in normal["contents"]:
        turn["parts"] = _joined(turn["parts"])
    for tool in normal.get("tools", ()):
        tool["functionDeclarations"] = [
            _declared(declared) for declared in tool.get("functionDeclarations", ())
        ]
    config = normal.get("generationConfig", {})
    if "responseSchema" in config:
        config["responseJsonSchema"] = json_schema(config.pop("responseSchema"))
    return normal


def _proto(value: Any) -> Any:
    if isinstance(value, list):
        return [_proto(item) for item in value]
    if not isinstance(value, dict):
        return value
    # the caller's own names stay as they are
    kept = ("args", "response", "parameters", "parametersJsonSchema", "responseSchema", "responseJsonSchema")
    named = {_camel(name): item for name, item in value.items()}
    normal = {name: item if name in kept else _proto(item) for name, item in named.items()}
    if "thoughtSignature" in normal:
        normal["thoughtSignature"] = base64.urlsafe_b64decode(
            normal["thoughtSignature"].replace("+", "-").replace("/", "_") + "=="
        )
    return _without(normal, thought=False)


def _camel(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(word.capitalize() for word in tail)


def _joined(parts: list[_Body]) -> list[_Body]:
    joined: list[_Body] = []
    for part in parts:
        if joined and joined[-1].keys() == part.keys() == {"text"}:
            joined[-1] = {"text": joined[-1]["text"] + part["text"]}
        else:
            joined.append(part)
    return joined


def _declared(declared: _Body) -> _Body:
    normal = _without(declared, description="")
    if "parameters" in normal:
        normal["parametersJsonSchema"] = json_schema(normal.pop("parameters"))
    return normal


def _ollama(body: _Body) -> _Body:
    """An empty text is none. The SDK knows neither ids of calls nor all words of JSON Schema, and drops both."""
    body = _without(body, options={}, tools=[])
    body["messages"] = [_said(message) for message in body["messages"]]
    if "tools" in body:
        body["tools"] = [{**tool, "function": _function(tool["function"])} for tool in body["tools"]]
    return body


def _said(message: _Body) -> _Body:
    said = _without({name: value for name, value in message.items() if name != "tool_call_id"}, content="")
    if "tool_calls" in said:
        said["tool_calls"] = [{"function": call["function"]} for call in said["tool_calls"]]
    return said


def _function(function: _Body) -> _Body:
    parameters = _only(function["parameters"], "type", "$defs", "items", "required", "properties")
    parameters["properties"] = {
        name: _undescribed(_only(schema, "type", "items", "description", "enum"))
        for name, schema in parameters["properties"].items()
    }
    return function | {"parameters": parameters}


def _undescribed(schema: _Body) -> _Body:
    """Leave out the note in braces in which llmring describes what the SDK, like the server, drops."""
    if "description" not in schema:
        return schema
    return schema | {"description": _NOTE.sub("", schema["description"])}


def _only(value: _Body, *names: str) -> _Body:
    return {name: item for name, item in value.items() if name in names}


_RULES = {
    "openai chat": _openai_chat,
    "openai responses": _openai_responses,
    "anthropic": _anthropic,
    "google": _google,
    "ollama": _ollama,
}
