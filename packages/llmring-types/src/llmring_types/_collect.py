"""Chunks back into one response."""

from collections.abc import Iterable
from typing import Any

from llmring_types._response import LLMResponse, StreamChunk

_CLOSING = (
    "usage",
    "finish_reason",
    "tool_calls",
    "parsed",
    "provider_finish_reason",
    "provider_model",
    "response_id",
    "request_id",
    "native",
    "rate_limits",
    "attempts",
    "warnings",
)


class ChunkCollector:
    """Takes chunks as they come and gives the response so far; a cut stream's error carries it as ``partial``.

    Text pieces are joined only when asked for, so a chunk costs the same however long the stream is.
    """

    def __init__(self) -> None:
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._refusal: list[str] = []
        self._closing: dict[str, Any] = {}

    def add(self, *chunks: StreamChunk) -> None:
        """Take the next chunks."""
        text, closing = self._text, self._closing
        for chunk in chunks:
            if chunk.delta:
                text.append(chunk.delta)
            if chunk.reasoning:
                self._reasoning.append(chunk.reasoning)
            if chunk.refusal:
                self._refusal.append(chunk.refusal)
            if chunk.model is not None:
                closing["model"] = chunk.model
            if not _is_piece(chunk):
                said = ((name, getattr(chunk, name)) for name in _CLOSING)
                closing.update((name, value) for name, value in said if value is not None)

    def response(self) -> LLMResponse:
        """Return what has come so far as one response."""
        return LLMResponse(
            content="".join(self._text),
            reasoning="".join(self._reasoning) or None,
            refusal="".join(self._refusal) or None,
            **{"model": "", **self._closing},
        )


def _is_piece(chunk: StreamChunk) -> bool:
    """Return whether a chunk has none of the closing fields: written out, since every chunk is asked."""
    return (
        chunk.finish_reason is None
        and chunk.usage is None
        and chunk.tool_calls is None
        and chunk.parsed is None
        and chunk.provider_finish_reason is None
        and chunk.provider_model is None
        and chunk.response_id is None
        and chunk.request_id is None
        and chunk.native is None
        and chunk.rate_limits is None
        and chunk.attempts is None
        and chunk.warnings is None
    )


def collect(chunks: Iterable[StreamChunk]) -> LLMResponse:
    """Join the chunks of a whole stream into the response that the same call without streaming would give."""
    collector = ChunkCollector()
    collector.add(*chunks)
    return collector.response()
