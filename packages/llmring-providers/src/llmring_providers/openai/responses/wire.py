"""The fields of the responses API that we read.

https://platform.openai.com/docs/api-reference/responses/object
https://platform.openai.com/docs/api-reference/responses-streaming
"""

from typing import Any

import msgspec


class IncompleteDetails(msgspec.Struct):
    reason: str | None = None


class Part(msgspec.Struct):
    """A part of a message (output_text, refusal) or of reasoning (summary_text, reasoning_text)."""

    type: str | None = None
    text: str | None = None
    refusal: str | None = None
    annotations: Any = None
    logprobs: Any = None


class Item(msgspec.Struct):
    """An output item with a neutral form. The others are only kept."""

    type: str
    id: str | None = None
    content: list[Part] | str | None = None
    """A text where a host of the same protocol makes it short."""
    summary: list[Part] | None = None
    call_id: str | None = None
    name: str | None = None
    arguments: Any = None
    input: str | None = None


class Response(msgspec.Struct):
    id: str | int | None = None
    model: str | None = None
    status: str | None = None
    output: list[dict[str, Any]] | None = None
    output_text: Any = None
    """Of the vendor's SDKs; some hosts send it, and nothing else."""
    usage: Any = None
    incomplete_details: IncompleteDetails | None = None
    error: Any = None
    service_tier: Any = None
    moderation: Any = None
    content_filters: Any = None
    """Azure: https://learn.microsoft.com/azure/ai-foundry/openai/concepts/content-filter"""
    tool_usage: Any = None
    input_transformations: Any = None
    prompt_cache_diagnostics: Any = None
    conversation: Any = None
    access_programs: Any = None


class StreamEvent(msgspec.Struct, gc=False):
    """One event. ``response`` is decoded only at the end: at the start it repeats the request."""

    type: str = ""
    delta: Any = None
    text: Any = None
    refusal: Any = None
    arguments: Any = None
    input: Any = None
    item: dict[str, Any] | None = None
    output_index: int | str | None = None
    item_id: str | None = None
    response: msgspec.Raw = msgspec.Raw()
    error: Any = None
    object: str | None = None


class Identity(msgspec.Struct):
    """Fields that only the first event has if the stream is cut."""

    id: str | int | None = None
    model: str | None = None


decode_response = msgspec.json.Decoder(Response).decode
decode_event = msgspec.json.Decoder(StreamEvent).decode
decode_identity = msgspec.json.Decoder(Identity).decode
