"""Differences between a recorded request and the one that our adapter writes once a codec has read it.

Each is a row: the protocol, why nothing is lost by it that the neutral form could carry, and the function that brings
both bodies into one spelling. What the rows do not level out has to be equal.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from interop.recordings import Protocol

Body = dict[str, Any]
_SHORTENED = re.compile(r"<shortened[^>]*>")
_SCHEMAS = frozenset({"parameters", "parametersJsonSchema", "input_schema", "schema", "format", "strict"})
_LIMITS = ("max_tokens", "max_completion_tokens", "max_output_tokens")
_SAID_BY_DEFAULT = {"stream": (True, False), "store": (False,), "think": ("medium",), "format": ("",)}


class Loss(NamedTuple):
    """One row; without a protocol it holds for all."""

    protocol: Protocol | None
    why: str
    levelled: Callable[[Body], Body]


def told(value: Any) -> Any:
    """Leave out what is null or an empty list, and blanks in what stands for bytes that were cut from a recording."""
    if isinstance(value, dict):
        return {name: told(inner) for name, inner in value.items() if inner is not None and inner != []}
    if isinstance(value, list):
        return [told(inner) for inner in value]
    if isinstance(value, str) and "<shortened" in value:
        return _SHORTENED.sub(lambda found: found[0].replace(" ", ""), value)
    return value


def _without_schemas(value: Any) -> Any:
    """Leave out schemas, which are rewritten for the vendor, and whether they are to be kept to."""
    if isinstance(value, dict):
        if "functionDeclarations" in value or value.keys() & {"parameters", "input_schema", "function"}:
            value = {name: inner for name, inner in value.items() if name not in _SCHEMAS}
        return {
            name: "a schema" if name in _SCHEMAS and isinstance(inner, dict) else _without_schemas(inner)
            for name, inner in value.items()
        }
    return [_without_schemas(inner) for inner in value] if isinstance(value, list) else value


def _of_tools(body: Body) -> Body:
    return body | {
        name: _without_schemas(body[name]) for name in ("tools", "text", "response_format") if name in body
    }


def _of_limits(body: Body) -> Body:
    """The neutral limit leaves reasoning out, so the adapter adds room for it, and knows which name a model takes."""
    limited = any(name in body for name in _LIMITS)
    left = {name: value for name, value in body.items() if name not in _LIMITS}
    return {**left, "limit": True} if limited else left


def _of_defaults(body: Body) -> Body:
    left = {name: value for name, value in body.items() if value not in _SAID_BY_DEFAULT.get(name, ())}
    return left | {"think": True} if body.get("think") == "medium" else left


def _of_chat_messages(body: Body) -> Body:
    messages = []
    for message in body["messages"]:
        role = "system" if message["role"] == "developer" else message["role"]
        messages.append(told({**message, "role": role, "content": message.get("content") or None}))
    return body | {"messages": messages}


def _without(*names: str) -> Callable[[Body], Body]:
    return lambda body: {name: value for name, value in body.items() if name not in names}


def _of_items(body: Body) -> Body:
    """Ids and statuses belong to the reasoning beside them; that in encrypted form is always asked for."""
    items = [
        {name: value for name, value in item.items() if name not in ("id", "status")}
        for item in body["input"]
    ]
    include = [name for name in body.get("include", []) if name != "reasoning.encrypted_content"]
    kept: Body = told(body | {"input": items, "include": include})
    return kept


def _blocks(messages: list[Body]) -> Iterator[Body]:
    for message in messages:
        content = message["content"]
        for block in content if isinstance(content, list) else [{"type": "text", "text": content}]:
            yield {"role": message["role"], **block}


def _of_blocks(body: Body) -> Body:
    """Results of tools are a message of their own, which the vendor joins with the user's next one."""
    return body | {"messages": list(_blocks(body["messages"]))}


def _of_thinking(body: Body) -> Body:
    """High is the default of adaptive thinking, none that of the others; the adapter asks for thoughts to be shown."""
    config, thinking = dict(body.get("output_config", {})), dict(body.get("thinking", {}))
    if config.get("effort") == "high" and thinking.get("type") == "adaptive":
        del config["effort"]
    if "output_format" in body:
        config["format"] = body["output_format"]
    if thinking.get("display") == "summarized":
        del thinking["display"]
    if thinking.get("type") == "disabled":
        thinking = {}
    left = _without("output_config", "thinking", "output_format")(body)
    return left | ({"output_config": config} if config else {}) | ({"thinking": thinking} if thinking else {})


def _of_thoughts(body: Body) -> Body:
    """Thoughts are not shown unless they are asked for."""
    generation = body.get("generationConfig", {})
    thinking = generation.get("thinkingConfig", {})
    if thinking.get("includeThoughts") is not False:
        return body
    rest = {name: value for name, value in thinking.items() if name != "includeThoughts"}
    return body | {"generationConfig": generation | {"thinkingConfig": rest}}


LOSSES = (
    Loss(None, "null and an empty list say nothing", told),
    Loss(None, "schemas are rewritten for the vendor", _of_tools),
    Loss(None, "some defaults are written out", _of_defaults),
    Loss("openai chat", "the neutral limit leaves reasoning out", _of_limits),
    Loss("openai responses", "the neutral limit leaves reasoning out", _of_limits),
    Loss("openai chat", "developer is a name of system; no content is an empty one", _of_chat_messages),
    Loss("openai chat", "the adapter wants the counts of every stream", _without("stream_options")),
    Loss("openai responses", "ids belong to stored answers", _of_items),
    Loss("anthropic", "results are a message of their own", _of_blocks),
    Loss("anthropic", "what is the default need not be said", _of_thinking),
    Loss("google", "the model is named by the path", _without("model")),
    Loss("google", "thoughts are hidden by default", _of_thoughts),
)


def levelled(protocol: Protocol, body: Body) -> Body:
    """Return a body without the differences of the rows."""
    for loss in LOSSES:
        if loss.protocol in (None, protocol):
            body = loss.levelled(body)
    return body
