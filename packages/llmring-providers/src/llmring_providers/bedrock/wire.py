"""The fields of answers and stream events that we read. ``Any`` marks what is only kept.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html
"""

from typing import Any

import msgspec

from llmring_providers._json import decoder_of


class CacheDetail(msgspec.Struct, rename="camel"):
    ttl: str | None = None
    input_tokens: int | None = None


class WireUsage(msgspec.Struct, rename="camel"):
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_write_input_tokens: int | None = None
    cache_details: list[CacheDetail] | None = None


class WireMessage(msgspec.Struct):
    content: list[dict[str, Any]] | None = None


class WireOutput(msgspec.Struct):
    message: WireMessage | None = None


class Ending(msgspec.Struct, rename="camel"):
    """All that an answer has besides its message: at the top of a whole one, in the last two events of a stream."""

    stop_reason: str | None = None
    usage: WireUsage | None = None
    service_tier: Any = None
    metrics: Any = None
    trace: Any = None
    performance_config: Any = None
    additional_model_response_fields: Any = None


class WireAnswer(Ending):
    output: WireOutput | None = None


class ReasoningDelta(msgspec.Struct, rename="camel", gc=False):
    text: str | None = None
    signature: str | None = None
    redacted_content: str | None = None


class ToolUseDelta(msgspec.Struct, gc=False):
    input: str | None = None


class Delta(msgspec.Struct, rename="camel", gc=False):
    text: str | None = None
    tool_use: ToolUseDelta | None = None
    reasoning_content: ReasoningDelta | None = None
    citation: Any = None
    tool_result: Any = None
    image: Any = None


class BlockEvent(msgspec.Struct, rename="camel", gc=False):
    """The beginning, or a piece, of a block."""

    content_block_index: int = 0
    start: dict[str, Any] | None = None
    delta: Delta | None = None


decode_answer = decoder_of(WireAnswer)
decode_ending = decoder_of(Ending)
decode_block = decoder_of(BlockEvent)
decode_json = msgspec.json.Decoder().decode
