"""Parts of answers in the forms that protocols want: texts, calls, finish reasons, and blocks of another vendor.

A gateway may answer in the client's protocol with a model of another vendor. What that model wants to see again in the
next turn, such as encrypted reasoning, nobody else can read; but every protocol has a field that clients send back as
it came. There it travels as a signature, and the codec that reads the next request puts it back into the message.
"""

import base64
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
from llmring_types import FinishReason, LLMResponse, StreamChunk, ToolCall, Usage
from llmring_types.hosts import HOSTS

from llmring_providers._json import DECODE_ERRORS

_NOTHING: Mapping[str, Any] = {}
Answer = LLMResponse | StreamChunk
_MARK = b"llmring1:"
_BEGIN = base64.b64encode(_MARK).decode()
"""Nine bytes are twelve letters, so whatever follows, it begins like this."""
_KEPT = ("provider", "api", "host", "replay")
_OF_URLS = str.maketrans("-_", "+/")


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


def moment(seconds: int) -> str:
    """Return a moment in the form of RFC 3339."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class _Native(msgspec.Struct):
    provider: str
    replay: list[dict[str, Any]]
    api: str | None = None
    host: str | None = None


def carried(answer: Answer, vendor: str, api: str | None = None) -> str:
    """Return what another vendor wants back, in base64; empty where there is nothing, or it is this protocol's own."""
    native = answer.native
    if not isinstance(native, Mapping) or own_native(answer, vendor, api) or not replayed(native):
        return ""
    kept = {name: native[name] for name in _KEPT if native.get(name) is not None}
    return base64.b64encode(_MARK + msgspec.json.encode(kept)).decode()


def restored(signature: Any) -> dict[str, Any] | None:
    """Return the ``native`` content of a message that a signature carries; ``None`` for any other signature."""
    if not isinstance(signature, str) or not signature.startswith(_BEGIN):
        return None
    try:  # some clients write the alphabet for URLs
        data = base64.b64decode(signature.translate(_OF_URLS) + "=" * (-len(signature) % 4))
        native = msgspec.json.decode(data.removeprefix(_MARK), type=_Native)
    except (ValueError, *DECODE_ERRORS):  # no base64, letters beyond ASCII, or no such JSON
        return None
    said: dict[str, Any] = msgspec.to_builtins(native)
    return {name: value for name, value in said.items() if value is not None}


def first_restored(blocks: list[Any], *names: str) -> tuple[list[Any], dict[str, Any] | None]:
    """Return the blocks without those that carry something under one of these names, and what the first one carries."""
    found = [restored(next((block[name] for name in names if block.get(name)), None)) for block in blocks]
    left = [block for block, native in zip(blocks, found, strict=True) if native is None]
    return left, next((native for native in found if native is not None), None)
