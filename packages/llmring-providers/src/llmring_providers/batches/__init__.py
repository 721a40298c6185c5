"""Batch APIs of every vendor that has one: pure codecs, found by the name of the host."""

from collections.abc import Mapping

from llmring_providers.batches.anthropic import AnthropicBatches
from llmring_providers.batches.calls import (
    BatchApi,
    BatchCodec,
    BatchGroup,
    BatchLimits,
    BatchLine,
    BatchPage,
    BatchResult,
    BatchState,
    BatchStatus,
    ResultKind,
    RunsBatches,
)
from llmring_providers.batches.gemini import GeminiBatches
from llmring_providers.batches.openai import OpenAIBatches

__all__ = [
    "AnthropicBatches",
    "BatchApi",
    "BatchCodec",
    "BatchGroup",
    "BatchLimits",
    "BatchLine",
    "BatchPage",
    "BatchResult",
    "BatchState",
    "BatchStatus",
    "GeminiBatches",
    "OpenAIBatches",
    "ResultKind",
    "RunsBatches",
    "batch_codec",
]

_CODECS: Mapping[str, BatchCodec] = {
    "openai": OpenAIBatches(),
    "anthropic": AnthropicBatches(),
    "google": GeminiBatches(),
}


def batch_codec(provider: str) -> BatchCodec | None:
    """Return the form of a provider's batches; ``None`` where it has none."""
    return _CODECS.get(provider)
