"""The fields of messages and stream events that we read. Hosts that copy the protocol leave out or null any of them.

``Any`` marks what is only kept: whatever its shape becomes, it must not cost the answer.

https://platform.claude.com/docs/en/api/messages
https://platform.claude.com/docs/en/build-with-claude/streaming
"""

from typing import Any

import msgspec

from llmring_providers._json import decoder_of

ABSENT = msgspec.Raw(b"")


class CacheCreation(msgspec.Struct):
    ephemeral_5m_input_tokens: int | None = None
    ephemeral_1h_input_tokens: int | None = None


class OutputDetails(msgspec.Struct):
    thinking_tokens: int | None = None


class WireUsage(msgspec.Struct):
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_creation: CacheCreation | None = None
    output_tokens_details: OutputDetails | None = None
    server_tool_use: Any = None
    iterations: Any = None
    fallback_credit: Any = None
    service_tier: Any = None
    inference_geo: Any = None
    speed: Any = None


class Block(msgspec.Struct):
    """A content block of any type, as far as it has a neutral form."""

    type: str
    text: str | None = None
    thinking: str | None = None
    id: str | None = None
    name: str | None = None
    input: msgspec.Raw = ABSENT
    citations: Any = None
    caller: Any = None
    toolset_name: Any = None
    to: Any = None


class Kind(msgspec.Struct):
    """The type of a block or event, where nothing else of it is as we know it."""

    type: str | None = None


class WireMessage(msgspec.Struct):
    """A whole message, or the empty one that a stream starts with."""

    type: str | None = None
    id: str | None = None
    model: str | None = None
    content: list[msgspec.Raw] | str | None = None
    """A text where a host of the same protocol makes it short."""
    stop_reason: str | None = None
    stop_sequence: str | None = None
    stop_details: Any = None
    container: Any = None
    context_management: Any = None
    input_transformations: Any = None
    diagnostics: Any = None
    usage: WireUsage | None = None
    error: Any = None
    request_id: str | None = None

    def blocks(self) -> list[msgspec.Raw]:
        """Return the content as blocks."""
        if isinstance(self.content, str):
            return [msgspec.Raw(msgspec.json.encode({"type": "text", "text": self.content}))]
        return self.content or []


class Delta(msgspec.Struct, gc=False):
    """A delta of a block, or of the message."""

    type: str | None = None
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    partial_json: str | None = None
    citation: Any = None
    content: Any = None
    encrypted_content: str | None = None
    stop_reason: str | None = None
    stop_sequence: str | None = None
    stop_details: Any = None
    container: Any = None


class StreamEvent(msgspec.Struct, gc=False):
    """One event of a stream."""

    type: str | None = None
    index: int | float | str | None = None
    """A number; some hosts write it as text."""
    message: WireMessage | None = None
    content_block: msgspec.Raw = ABSENT
    delta: Delta | None = None
    usage: WireUsage | None = None
    context_management: Any = None
    input_transformations: Any = None
    error: Any = None
    request_id: str | None = None


_decode_block = msgspec.json.Decoder(Block).decode
_decode_kind = msgspec.json.Decoder(Kind).decode
_READ = frozenset({"text", "thinking", "tool_use"})


def decode_block(raw: msgspec.Raw) -> Block:
    """Read a block; of one that has no neutral form, only the type must be as we know it.

    Raises:
        msgspec.DecodeError: it is not a block.
    """
    try:
        return _decode_block(raw)
    except msgspec.ValidationError:
        kind = _decode_kind(raw).type
        if kind is None or kind in _READ:
            raise
        return Block(kind)


def kind_of(event: bytes) -> str | None:
    """Return the type of an event that is not as we know it.

    Raises:
        msgspec.DecodeError: it is not an event.
    """
    return _decode_kind(event).type


decode_event = msgspec.json.Decoder(StreamEvent).decode
decode_lax_event = msgspec.json.Decoder(StreamEvent, strict=False).decode
"""Reads numbers that come as text, too."""
decode_json = msgspec.json.Decoder().decode
decode_message = msgspec.json.Decoder(WireMessage).decode
decode_lax_message = decoder_of(WireMessage)
"""Reads numbers that come as text, too."""
