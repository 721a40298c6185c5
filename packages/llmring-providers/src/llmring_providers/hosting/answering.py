"""Helpers of the writers: whose content an answer carries, and its texts and calls in the forms that protocols want."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
from llmring_types import FinishReason, LLMResponse, StreamChunk, ToolCall, Usage
from llmring_types.hosts import HOSTS

from llmring_providers._json import DECODE_ERRORS

_NOTHING: Mapping[str, Any] = {}
Answer = LLMResponse | StreamChunk


def is_own(answer: Answer, vendor: str) -> bool:
    """Return whether the answer came in the protocol of this vendor, by the table of hosts."""
    provider = (answer.model or "").partition(":")[0]
    host = HOSTS.get(provider)
    own = HOSTS.get(vendor)
    if host is None or own is None:
        return provider == vendor
    return host.protocol == own.protocol


def own_native(answer: Answer, vendor: str, api: str | None = None) -> Mapping[str, Any]:
    """Return the content beyond the neutral form, if it is of this protocol: nobody else can read it."""
    native = answer.native
    if not isinstance(native, Mapping) or native.get("api") != api or not is_own(answer, vendor):
        return _NOTHING
    return native


def replayed(native: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the blocks that the client is to send back unchanged."""
    blocks = native.get("replay")
    return [block for block in blocks if isinstance(block, dict)] if isinstance(blocks, list) else []


def finish_word(
    answer: Answer,
    vendor: str,
    words: Mapping[FinishReason, str],
    meaning: Callable[[str], FinishReason | None],
) -> str:
    """Return why the answer ended, in the protocol's words; the provider's own word where it is of this protocol.

    Args:
        answer: a response or a last chunk.
        vendor: of the protocol.
        words: for each neutral reason, the word of the protocol.
        meaning: what the adapter of the protocol understands by a word.
    """
    word, reason = answer.provider_finish_reason, answer.finish_reason or "stop"
    if word and is_own(answer, vendor) and meaning(word) == reason:
        return word
    return words.get(reason, reason)


def text_of(response: LLMResponse) -> str:
    """Return the text without the refusal that ends it."""
    refusal = response.refusal
    if refusal and response.content.endswith(refusal):
        return response.content[: -len(refusal)]
    return response.content


def arguments_of(call: ToolCall) -> Any:
    """Return the arguments as an object for the encoder; text that is none stands under ``arguments``."""
    text = call["function"]["arguments"]
    try:
        if isinstance(msgspec.json.decode(text), dict):
            return msgspec.Raw(text.encode())
    except (*DECODE_ERRORS, UnicodeEncodeError):
        pass
    return {"arguments": text}


def count(usage: Usage | None, name: str) -> int:
    """Return a count, 0 where it was not reported."""
    value = usage.get(name) if usage else None
    return value if isinstance(value, int) else 0


def counted(usage: Usage, names: Mapping[str, str]) -> dict[str, Any]:
    """Return the counts that were reported, each under the name that the protocol has for it."""
    said: Mapping[str, Any] = usage
    return {name: said[ours] for name, ours in names.items() if said.get(ours) is not None}


def without_nothing(**fields: Any) -> dict[str, Any]:
    """Return the fields that are not ``None``."""
    return {name: value for name, value in fields.items() if value is not None}


def moment(seconds: int) -> str:
    """Return a moment in the form of RFC 3339."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
