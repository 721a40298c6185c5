"""The fields of messages and stream events that we read. Hosts that copy the protocol leave out or null any of them.

https://platform.claude.com/docs/en/api/messages
https://platform.claude.com/docs/en/build-with-claude/streaming
"""

from typing import Any

import msgspec

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
    server_tool_use: dict[str, Any] | None = None
    iterations: list[Any] | None = None


class Block(msgspec.Struct):
    """A content block of any type, as far as it has a neutral form."""

    type: str
    text: str | None = None
    thinking: str | None = None
    id: str | None = None
    name: str | None = None
    input: msgspec.Raw = ABSENT
    citations: Any = None
    caller: dict[str, Any] | None = None
    to: dict[str, Any] | None = None


class WireMessage(msgspec.Struct):
    """A whole message, or the empty one that a stream starts with."""

    type: str | None = None
    id: str | None = None
    model: str | None = None
    content: list[msgspec.Raw] | None = None
    stop_reason: str | None = None
    stop_sequence: str | None = None
    stop_details: dict[str, Any] | None = None
    container: dict[str, Any] | None = None
    context_management: dict[str, Any] | None = None
    usage: WireUsage | None = None
    error: Any = None
    request_id: str | None = None


class Delta(msgspec.Struct):
    """What an event adds to a block, or to the message."""

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
    stop_details: dict[str, Any] | None = None
    container: dict[str, Any] | None = None


class StreamEvent(msgspec.Struct):
    """One event of a stream."""

    type: str | None = None
    index: int | None = None
    message: WireMessage | None = None
    content_block: msgspec.Raw = ABSENT
    delta: Delta | None = None
    usage: WireUsage | None = None
    context_management: dict[str, Any] | None = None
    error: Any = None
    request_id: str | None = None


decode_block = msgspec.json.Decoder(Block).decode
decode_event = msgspec.json.Decoder(StreamEvent).decode
decode_json = msgspec.json.Decoder().decode
decode_message = msgspec.json.Decoder(WireMessage).decode
