"""Refusals by Anthropic's Messages API: https://platform.claude.com/docs/en/api/messages"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from validators import _calls, json_schema

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
_ID = re.compile(r"[a-zA-Z0-9_-]+")
_IMAGES = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
# https://platform.claude.com/docs/en/build-with-claude/effort
_EFFORTS = (
    (r"claude-opus-4-5.*", ("low", "medium", "high")),
    (r"claude-(?:opus|sonnet)-4-6.*", ("low", "medium", "high", "max")),
    (r"claude-(?:opus|sonnet|fable|mythos|haiku)-(?:4-[78]|5).*", ("low", "medium", "high", "xhigh", "max")),
)
_NO_SAMPLING = r"claude-(?:opus-4-[78]|(?:opus|sonnet|fable|mythos|haiku)-5).*"
_NO_PREFILL = r"claude-(?:opus|sonnet|fable|mythos|haiku)-(?:4-[6-9]|5).*"
_NOT_FORCED = r"claude-(?:(?:opus|sonnet)-5-5|(?:fable|mythos)-5-1).*"
_ONE_SAMPLER = r"claude-(?:opus-4-1|(?:opus|sonnet|haiku)-4-[5-9]).*"
_TOOK_ANY_RESULT = r"claude-3-opus.*"
_MOST_STRICT, _LEAST_BUDGET, _MOST_MARKS = 20, 1024, 4
_NO_BUDGET = r"claude-(?:opus-4-[78]|(?:opus|sonnet|fable|mythos|haiku)-5).*"
_NO_ADAPTIVE = r"claude-(?:3-7.*|(?:opus|sonnet|haiku)-4-[0-5](?:-.*)?)"
_THINKING = ("thinking", "redacted_thinking")


def refusals(path: str, body: Mapping[str, Any]) -> Iterator[str]:
    """Return the reasons for a 400 to a body."""
    del path
    if "max_tokens" in body and not body["max_tokens"] >= 1:
        yield "max_tokens is below 1"
    if not body.get("messages", [None]):
        yield "no messages"
    for message in body.get("messages", ()):
        yield from _message(message)
    shaped = [message for message in body.get("messages", ()) if isinstance(message, Mapping)]
    if not re.fullmatch(_TOOK_ANY_RESULT, str(body.get("model"))):
        yield from _calls.unpaired(_calls.of_anthropic(shaped), apart=True)
    yield from _calls.doubled(tool["name"] for tool in body.get("tools", ()) if "name" in tool)
    if any(block.get("text") == "" for block in body.get("system") or () if isinstance(block, dict)):
        yield "an empty text in the system prompt"
    yield from _model(body)
    yield from _thinking(body)
    yield from _caching(body)
    yield from _tools([tool for tool in body.get("tools", ()) if "input_schema" in tool])
    form = (body.get("output_config") or {}).get("format") or {}
    if form.get("type") == "json_schema":
        yield from json_schema.refusals(form.get("schema"), json_schema.ANTHROPIC_STRICT)


def _model(body: Mapping[str, Any]) -> Iterator[str]:
    model, effort = str(body.get("model")), (body.get("output_config") or {}).get("effort")
    for pattern, levels in _EFFORTS:
        if re.fullmatch(pattern, model) and effort is not None and effort not in levels:
            yield f"{model} has no effort {effort!r}"
    if body.get("temperature", 1) != 1 and re.fullmatch(_NO_SAMPLING, model):
        yield f"{model} takes no temperature"
    if {"temperature", "top_p"} <= body.keys() and re.fullmatch(_ONE_SAMPLER, model):
        yield "temperature and top_p cannot both be specified for this model"
    choice = body.get("tool_choice") or {}
    if choice.get("type") in ("any", "tool") and re.fullmatch(_NOT_FORCED, model):
        yield 'tool_choice: type "tool" and "any" are not supported for this model'
    turns = body.get("messages") or [{}]
    content = turns[-1].get("content") if turns[-1].get("role") == "assistant" else None
    if re.fullmatch(_NO_PREFILL, model) and content and _is_text(content):
        yield "This model does not support assistant message prefill"


def _is_text(content: Any) -> bool:
    if isinstance(content, str):
        return True
    paused = any(block.get("type") == "server_tool_use" for block in content)
    return content[-1].get("type") == "text" and not paused


def _marks(value: Any) -> Iterator[Mapping[str, Any]]:
    """Return the cache marks in Anthropic's order."""
    for block in value if isinstance(value, list) else ():
        if isinstance(block, Mapping):
            yield from _marks(block.get("content"))
            if block.get("cache_control"):
                yield block["cache_control"]


def _caching(body: Mapping[str, Any]) -> Iterator[str]:
    marks = [mark for place in ("tools", "system", "messages") for mark in _marks(body.get(place))]
    marks += [body["cache_control"]] if body.get("cache_control") else []
    if len(marks) > _MOST_MARKS:
        yield f"A maximum of 4 blocks with cache_control may be provided. Found {len(marks)}."
    longs = [mark.get("ttl") == "1h" for mark in marks]
    if longs != sorted(longs, reverse=True):
        yield "a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block"


def _thinking(body: Mapping[str, Any]) -> Iterator[str]:
    thinking, temperature = body.get("thinking") or {}, body.get("temperature", 1)
    if not 0 <= temperature <= 1:
        yield "temperature: range: 0..1"
    if temperature != 1 and thinking.get("type") in ("enabled", "adaptive"):
        yield "temperature beside thinking"
    model = str(body.get("model"))
    if thinking.get("type") == "enabled" and re.fullmatch(_NO_BUDGET, model):
        yield '"thinking.type.enabled" is not supported for this model'
    if thinking.get("type") == "adaptive" and re.fullmatch(_NO_ADAPTIVE, model):
        yield "adaptive thinking is not supported on this model"
    if thinking.get("type") == "enabled":
        budget = thinking.get("budget_tokens", 0)
        if not _LEAST_BUDGET <= budget < body.get("max_tokens", 10**9):
            yield f"a budget of {budget} with max_tokens {body.get('max_tokens')}"


def _message(message: Any) -> Iterator[str]:
    if not isinstance(message, Mapping):
        yield "Input does not match the expected shape"
        return
    role, content = message.get("role"), message.get("content")
    if role not in ("user", "assistant", "system"):
        yield f"role {role!r}"
    if content == "":
        yield "an empty message"
    last = content[-1] if isinstance(content, list) and content else {}
    if role == "assistant" and last.get("type") in _THINKING:
        yield "The final block in an assistant message cannot be `thinking`."
    for block in content if isinstance(content, list) else ():
        yield from _block(block, role)


def _block(block: Mapping[str, Any], role: Any) -> Iterator[str]:
    kind, source = block.get("type"), block.get("source")
    if kind == "text" and not block.get("text"):
        yield "an empty text"
    if kind == "tool_use":
        if _ID.fullmatch(block["id"]) is None or _NAME.fullmatch(block["name"]) is None:
            yield f"a call of {block['name']!r} with id {block['id']!r}"
        if not isinstance(block.get("input"), dict):
            yield "arguments that are no object"
    if kind == "image" and role == "assistant":
        yield "an image of the assistant"
    inline = kind == "image" and isinstance(source, dict) and source.get("type") == "base64"
    if inline and source is not None and source.get("media_type") not in _IMAGES:
        yield f"an image of {source.get('media_type')!r}"


def _tools(tools: list[Mapping[str, Any]]) -> Iterator[str]:
    strict = [tool for tool in tools if tool.get("strict")]
    if len(strict) > _MOST_STRICT:
        yield f"Too many strict tools ({len(strict)})"
    for tool in tools:
        if _NAME.fullmatch(str(tool.get("name"))) is None:
            yield f"a tool is named {tool.get('name')!r}"
        yield from json_schema.refusals(tool["input_schema"], json_schema.ANTHROPIC)
        if tool.get("strict"):
            yield from json_schema.refusals(tool["input_schema"], json_schema.ANTHROPIC_STRICT)
