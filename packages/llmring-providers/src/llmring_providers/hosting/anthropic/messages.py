"""Anthropic's ``system`` and ``messages`` as neutral messages.

Results of tools are blocks in the user's messages there, and messages of their own here. An assistant message with
blocks beyond text and calls keeps all of them, to be replayed as they came.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from llmring_types import tool_call

from llmring_providers.hosting.answering import first_restored
from llmring_providers.hosting.reading import typed

VENDOR = "anthropic"
_PLAIN = {
    "text": frozenset({"type", "text", "cache_control", "citations"}),
    "tool_use": frozenset({"type", "id", "name", "input", "cache_control", "caller"}),
}
"""Blocks of the assistant, and their fields, that the neutral form carries."""

_Block = Mapping[str, Any]


def conversation(
    system: Any, messages: Iterable[Mapping[str, Any]], unread: list[str]
) -> list[dict[str, Any]]:
    """Return all messages as :class:`LLMRequest` reads them, oldest first."""
    read: list[dict[str, Any]] = []
    if system:
        read.append(_message("system", system))
    for place, message in enumerate(messages):
        role, content = message["role"], message["content"]
        unread += [f"messages[{place}].{name}" for name in message if name not in ("role", "content")]
        if isinstance(content, str):
            read.append({"role": role, "content": content})
        elif role == "assistant":
            read.append(_assistant(content))
        elif role == "user":
            read += _user(content)
        else:
            read.append(_message(role, content))
    return read


def _message(role: str, content: str | Sequence[_Block]) -> dict[str, Any]:
    """Return a message; the mark of its last block is that of the message."""
    if isinstance(content, str):
        return {"role": role, "content": content}
    parts = [_part(block) for block in content]
    message: dict[str, Any] = {"role": role, "content": parts}
    if parts and (mark := parts[-1].pop("cache_control", None)) is not None:
        message["metadata"] = {"cache_control": mark}
    return message


def _user(blocks: Sequence[_Block]) -> Iterable[dict[str, Any]]:
    """Yield the results and, between and behind them, what the user says, in order."""
    said: list[_Block] = []
    for block in blocks:
        if block.get("type") != "tool_result":
            said.append(block)
            continue
        if said:
            yield _message("user", said)
            said = []
        yield _result(block)
    if said or not blocks:
        yield _message("user", said)


def _result(block: _Block) -> dict[str, Any]:
    content = block.get("content")
    message: dict[str, Any] = {
        "role": "tool",
        "tool_call_id": block.get("tool_use_id"),
        "content": [_part(part) for part in typed(content, list[dict[str, Any]], "tool_result")]
        if isinstance(content, list)
        else content or "",
    }
    metadata = {name: block[name] for name in ("cache_control", "is_error") if block.get(name)}
    return {**message, "metadata": metadata} if metadata else message


def _part(block: _Block) -> dict[str, Any]:
    """Return a block as a part. An image is in OpenAI's form, which every adapter takes; the others stay themselves."""
    source = block.get("source")
    if block.get("type") != "image" or not isinstance(source, Mapping):
        return dict(block)
    url = source.get("url")
    if source.get("type") == "base64":
        url = f"data:{source.get('media_type')};base64,{source.get('data')}"
    if not isinstance(url, str):
        return dict(block)
    part: dict[str, Any] = {"type": "image_url", "image_url": {"url": url}}
    return {**part, "cache_control": block["cache_control"]} if block.get("cache_control") else part


def _assistant(given: Sequence[_Block]) -> dict[str, Any]:
    blocks, native = first_restored(list(given), "signature", "data")
    texts = [block for block in blocks if block.get("type") == "text"]
    calls = [
        tool_call(str(block.get("id") or ""), str(block.get("name") or ""), block.get("input"))
        for block in blocks
        if block.get("type") == "tool_use"
    ]
    message: dict[str, Any] = {"role": "assistant", "tool_calls": calls or None}
    if _is_plain(blocks):
        said = _message("assistant", texts)
        if (calls or native) and len(texts) == 1 and said["content"][0].keys() == {"type", "text"}:
            said["content"] = said["content"][0]["text"]
        message |= {**said, "content": said["content"] or None}
        if calls and (mark := blocks[-1].get("cache_control")) is not None:
            message["metadata"] = {"cache_control": mark}
        if native is not None:
            message["metadata"] = {**message.get("metadata", {}), "native": native}
        return message
    replay = [dict(block) for block in blocks if not _is_unsigned(block)]
    message["content"] = "".join(str(block.get("text") or "") for block in texts) or (None if calls else "")
    message["metadata"] = {"native": {"provider": VENDOR, "replay": replay}}
    return message


def _is_plain(blocks: Sequence[_Block]) -> bool:
    """Return whether texts, then calls are all there is, with nothing that the neutral form lacks."""
    kinds = [str(block.get("type")) for block in blocks]
    if kinds != sorted(kinds):  # "text" is before "tool_use"
        return False
    for at, (kind, block) in enumerate(zip(kinds, blocks, strict=True)):
        if kind not in _PLAIN or not block.keys() <= _PLAIN[kind] or block.get("citations"):
            return False
        caller = block.get("caller")
        if caller is not None and caller != {"type": "direct"}:
            return False
        if kind == "tool_use" and "cache_control" in block and at < len(blocks) - 1:
            return False
    return True


def _is_unsigned(block: _Block) -> bool:
    """Return whether it is a thought without a signature, as an answer of another protocol's model has."""
    return block.get("type") == "thinking" and not block.get("signature")
