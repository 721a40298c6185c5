"""A record in the words of the usage server's protocol. Pure.

Its database takes less than its interface says; what it would answer with status 500 is made to fit here:
long names are cut, U+0000 is replaced, counts and cost stay within its column types, and content that is a
list of parts becomes text.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from llmring_types import LLMResponse, Message

from llmring._records import CallRecord

_LONGEST = {"provider": 50, "model": 255, "alias": 128, "profile": 64, "origin": 255, "id_at_origin": 255}
_LONGEST_TITLE_PART = 255
"""``alias`` and ``provider:model`` of a conversation."""
_MOST_TOKENS = 2**31 - 1
_MOST_DOLLARS = 99.99999999
_NUL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")
_encode = msgspec.json.Encoder(enc_hook=repr).encode


def is_reportable(record: CallRecord) -> bool:
    """Return whether there is something to store: the server has no place for calls that used nothing."""
    return record.usage is not None and record.model is not None


def usage_row(record: CallRecord, conversation_id: str | None) -> bytes:
    """Return the body of ``POST /api/v1/log``.

    The cost is left out where it is not known: the server then looks for a price by itself, in the registry.
    """
    usage, model = record.usage or {}, record.model
    row: dict[str, Any] = {
        "model": model.model if model else "",
        "provider": model.provider if model else "",
        "input_tokens": _count(usage.get("prompt_tokens")),
        "output_tokens": _count(usage.get("completion_tokens")),
        "cached_input_tokens": _count(usage.get("cache_read_input_tokens")),
        "origin": record.origin,
        "latency_ms": _count(round(record.seconds * 1000)),
        "id_at_origin": conversation_id or record.id,
        "metadata": _row_metadata(record, conversation_id),
    }
    if record.alias is not None:
        row["alias"] = record.alias
    if record.profile is not None:
        row["profile"] = record.profile
    cost = _cost(usage)
    if cost is not None:
        row["cost"] = cost
    for name, longest in _LONGEST.items():
        if name in row:
            row[name] = row[name][:longest]
    return _json(row)


def conversation(record: CallRecord) -> bytes:
    """Return the body of ``POST /api/v1/conversations/log``: the whole exchange, which becomes a new conversation."""
    return _json(
        {
            "messages": [_message(message) for message in record.request.messages],
            "response": _response(record),
            "metadata": _conversation_metadata(record),
        }
    )


def new_conversation(
    *, title: str | None, system_prompt: str | None, model: str, temperature: float, max_tokens: int | None
) -> bytes:
    """Return the body of ``POST /api/v1/conversations/``."""
    return _json(
        {
            "title": title and title[:500],
            "system_prompt": system_prompt,
            "model_alias": model[:255],
            "temperature": temperature,
            "max_tokens": max_tokens,
        }
    )


def batch_of_messages(
    conversation_id: str, messages: Sequence[Message], response: LLMResponse, *, level: str
) -> bytes:
    """Return the body of ``POST …/messages/batch``: messages, of which the last is the answer, with its usage."""
    rows = [{**_message(message), "metadata": _message(message)["metadata"] or {}} for message in messages]
    usage = response.usage or {}
    cost = _cost(usage)
    rows[-1] |= {
        "input_tokens": _count(usage.get("prompt_tokens")),
        "output_tokens": _count(usage.get("completion_tokens")),
        "metadata": {
            "model_used": response.model,
            "finish_reason": response.finish_reason,
            **({} if cost is None else {"cost": cost}),
        },
    }
    return _json({"conversation_id": conversation_id, "messages": rows, "logging_level": level})


def as_text(content: object) -> str | None:
    """Flatten the content of a message: texts as they are, a word in brackets for each other part."""
    if content is None or isinstance(content, str):
        return content
    if not isinstance(content, list):
        return str(content)
    return "\n".join(_part(part) for part in content)


def _row_metadata(record: CallRecord, conversation_id: str | None) -> dict[str, Any]:
    response = record.response
    metadata: dict[str, Any] = {
        "model_alias": str(record.model),
        "finish_reason": response.finish_reason if response is not None else None,
    }
    if conversation_id is not None:
        metadata["conversation_id"] = conversation_id
    if record.ending != "answered":
        metadata["ending"] = record.ending
    if record.error is not None:
        metadata["error"] = type(record.error).__name__
    if record.estimated:
        metadata["estimated"] = True
    if record.streamed:
        metadata["streamed"] = True
    if len(record.attempts) > 1:
        metadata["attempts"] = len(record.attempts)
    if record.failed_cost:
        metadata["failed_cost"] = float(record.failed_cost)
    if record.request.metadata:
        metadata["request"] = record.request.metadata
    return metadata


def _message(message: Message) -> dict[str, Any]:
    metadata = {name: value for name, value in (message.metadata or {}).items() if name != "native"}
    if message.tool_call_id is not None:
        metadata["tool_call_id"] = message.tool_call_id  # the server drops the field of this name
    return {
        "role": message.role,
        "content": as_text(message.content),
        "tool_calls": message.tool_calls,
        "tool_call_id": message.tool_call_id,
        "timestamp": message.timestamp,
        "metadata": metadata or None,
    }


def _response(record: CallRecord) -> dict[str, Any]:
    response = record.response or LLMResponse(content="", model="")
    answer: dict[str, Any] = {
        "content": response.content or response.refusal or "",
        "model": str(record.model),
        "finish_reason": response.finish_reason,
        "usage": record.usage,
    }
    if response.tool_calls:
        answer["tool_calls"] = response.tool_calls
    return answer


def _conversation_metadata(record: CallRecord) -> dict[str, Any]:
    usage, model = record.usage or {}, record.model
    metadata: dict[str, Any] = {
        "provider": model.provider if model else "",
        "model": model.model[: _LONGEST_TITLE_PART - len(model.provider) - 1] if model else "",
        "alias": record.alias[:_LONGEST_TITLE_PART] if record.alias else None,
        "profile": record.profile,
        "origin": record.origin,
        "input_tokens": _count(usage.get("prompt_tokens")),
        "output_tokens": _count(usage.get("completion_tokens")),
        "cached_tokens": _count(usage.get("cache_read_input_tokens")),
    }
    cost = _cost(usage)
    if cost is not None:
        parts = usage.get("cost_breakdown", {})
        metadata["cost"] = cost
        metadata["input_cost"] = parts.get("input", 0.0) + parts.get("long_context_input", 0.0)
        metadata["output_cost"] = parts.get("output", 0.0)
    return metadata


def _part(part: object) -> str:
    if not isinstance(part, Mapping):
        return str(part)
    kind = part.get("type")
    if kind == "text":
        return str(part.get("text", ""))
    if kind == "image_url":
        image = part.get("image_url")
        url = image.get("url") if isinstance(image, Mapping) else image
        if isinstance(url, str) and not url.startswith("data:"):
            return f"[image {url}]"
        return "[image]"
    source = part.get("source")
    medium = source.get("media_type") if isinstance(source, Mapping) else None
    return f"[{kind} {medium}]" if medium else f"[{kind}]"


def _cost(usage: Mapping[str, Any]) -> float | None:
    """Return the dollars; a local model's are zero, as the server would find by asking the registry four times."""
    cost: float | None = usage.get("cost")
    if cost is None:
        return 0.0 if usage.get("cost_status") == "local_model" else None
    return min(cost, _MOST_DOLLARS)


def _count(value: int | None) -> int:
    return min(value or 0, _MOST_TOKENS)


def _json(body: Mapping[str, Any]) -> bytes:
    """Encode; values without a form in JSON become their ``repr``, and U+0000 the replacement character."""
    data = _encode(body)
    return _NUL.sub(rb"\1\\ufffd", data) if b"\\u0000" in data else data
