"""Converse's ``system`` and ``messages`` as neutral messages.

Results of functions are blocks in the user's messages there, and messages of their own here. An assistant message with
blocks beyond text and calls keeps all of them, to be replayed as they came.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from llmring_types import tool_call

from llmring_providers.bedrock.parts import DOCUMENT_TYPES, IMAGE_TYPES
from llmring_providers.hosting.answering import restored

VENDOR = "bedrock"
_Block = Mapping[str, Any]
_UNNAMED = re.compile(r"Document(?: \d+)?")


def conversation(system: Any, messages: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return all messages as :class:`LLMRequest` reads them, oldest first."""
    read: list[dict[str, Any]] = []
    if system:
        read.append(_message("system", system))
    for message in messages:
        role, content = message["role"], message["content"]
        if role == "assistant":
            read.append(_assistant(content))
        elif role == "user":
            read += _user(content)
        else:
            read.append(_message(role, content))
    return read


def _message(role: str, blocks: Sequence[_Block]) -> dict[str, Any]:
    """Return a message; a mark for the cache at its end is that of the message, one within it that of its part."""
    parts: list[dict[str, Any]] = []
    for block in blocks:
        point = block.get("cachePoint")
        if not isinstance(point, Mapping):
            parts.append(_part(block))
        elif parts:
            parts[-1]["cache_control"] = mark_of(point)
    message: dict[str, Any] = {"role": role, "content": parts}
    if parts and (mark := parts[-1].pop("cache_control", None)) is not None:
        message["metadata"] = {"cache_control": mark}
    if len(parts) == 1 and parts[0].keys() == {"type", "text"}:
        message["content"] = parts[0]["text"]
    return message


def mark_of(point: Mapping[str, Any]) -> dict[str, Any]:
    """Return a mark in the form that adapters of other protocols take, too."""
    ttl = point.get("ttl")
    return {"type": "ephemeral"} if ttl is None else {"type": "ephemeral", "ttl": ttl}


def _user(blocks: Sequence[_Block]) -> Iterable[dict[str, Any]]:
    """Yield the results and, between and behind them, what the user says, in order."""
    said: list[_Block] = []
    for block in blocks:
        result = block.get("toolResult")
        if not isinstance(result, Mapping):
            said.append(block)
            continue
        if said:
            yield _message("user", said)
            said = []
        yield _result(result)
    if said or not blocks:
        yield _message("user", said)


def _result(result: Mapping[str, Any]) -> dict[str, Any]:
    blocks = [block for block in result.get("content") or () if isinstance(block, Mapping)]
    message = {**_message("tool", blocks), "tool_call_id": result.get("toolUseId")}
    if result.get("status") == "error":
        message["metadata"] = {**message.get("metadata", {}), "is_error": True}
    return message


def _part(block: _Block) -> dict[str, Any]:
    """Return a block as a part in a form that other adapters take; those of Converse's own stay themselves."""
    if isinstance(block.get("text"), str):
        return {"type": "text", "text": block["text"]}
    if "json" in block:
        return {"type": "text", "text": msgspec.json.encode(block["json"]).decode()}
    kind, inner = next(iter(block.items()), ("text", ""))
    inner = inner if isinstance(inner, Mapping) else {}
    source = inner.get("source")
    data = source.get("bytes") if isinstance(source, Mapping) else None
    form = str(inner.get("format"))
    if kind == "image" and data is not None and form in IMAGE_TYPES:
        return {"type": "image_url", "image_url": {"url": f"data:{IMAGE_TYPES[form]};base64,{data}"}}
    if kind == "document" and data is not None and form in DOCUMENT_TYPES:
        return _document(inner, {"type": "base64", "media_type": DOCUMENT_TYPES[form], "data": data})
    return {"type": kind, kind: dict(inner)}


def _document(inner: Mapping[str, Any], source: dict[str, Any]) -> dict[str, Any]:
    part: dict[str, Any] = {"type": "document", "source": source}
    name = str(inner.get("name"))
    if not _UNNAMED.fullmatch(name):
        part["title"] = name
    return part | {key: inner[key] for key in ("context", "citations") if key in inner}


def _assistant(given: Sequence[_Block]) -> dict[str, Any]:
    carried = [restored(_signature(block)) for block in given]
    blocks = [block for block, native in zip(given, carried, strict=True) if native is None]
    native = next((each for each in carried if each is not None), None)
    texts = [block for block in blocks if "text" in block or "cachePoint" in block]
    uses = [block["toolUse"] for block in blocks if isinstance(block.get("toolUse"), Mapping)]
    calls = [
        tool_call(str(use.get("toolUseId") or ""), str(use.get("name") or ""), use.get("input") or {})
        for use in uses
    ]
    message = {**_message("assistant", texts), "tool_calls": calls or None}
    message["content"] = message["content"] or (None if calls else "")
    if len(texts) + len(uses) < len(blocks):
        replay = [dict(block) for block in blocks if "cachePoint" not in block]
        native = {"provider": VENDOR, "replay": replay}
        message["content"] = "".join(str(block.get("text") or "") for block in texts) or message["content"]
    if native is not None:
        message["metadata"] = {**message.get("metadata", {}), "native": native}
    return message


def _signature(block: _Block) -> Any:
    thought = block.get("reasoningContent")
    if not isinstance(thought, Mapping):
        return None
    said = thought.get("reasoningText")
    return said.get("signature") if isinstance(said, Mapping) else thought.get("redactedContent")
