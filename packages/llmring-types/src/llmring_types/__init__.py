"""Messages, requests, responses, model references and errors shared by the llmring packages."""

from typing import TYPE_CHECKING

from llmring_types import exceptions
from llmring_types.lazy import load_on_use

if TYPE_CHECKING:
    from llmring_types._collect import ChunkCollector, collect
    from llmring_types._embeddings import (
        EmbeddingRequest,
        EmbeddingResponse,
        RankedDocument,
        RerankRequest,
        RerankResponse,
    )
    from llmring_types._facts import CAPABILITIES, ModelFacts, Prices
    from llmring_types._media import Media
    from llmring_types._messages import Message, Role
    from llmring_types._rate_limits import RateLimit, RateLimits
    from llmring_types._refs import ModelRef
    from llmring_types._request import LLMRequest, ReasoningEffort
    from llmring_types._response import (
        Attempt,
        FinishReason,
        LLMResponse,
        Parsed,
        StreamChunk,
        TokenCounts,
        Usage,
    )
    from llmring_types._tools import FunctionCall, ToolCall, function_spec, tool_call


__all__ = [
    "CAPABILITIES",
    "Attempt",
    "ChunkCollector",
    "EmbeddingRequest",
    "EmbeddingResponse",
    "FinishReason",
    "FunctionCall",
    "LLMRequest",
    "LLMResponse",
    "Media",
    "Message",
    "ModelFacts",
    "ModelRef",
    "Parsed",
    "Prices",
    "RankedDocument",
    "RateLimit",
    "RateLimits",
    "ReasoningEffort",
    "RerankRequest",
    "RerankResponse",
    "Role",
    "StreamChunk",
    "TokenCounts",
    "ToolCall",
    "Usage",
    "collect",
    "exceptions",
    "function_spec",
    "tool_call",
]

if not TYPE_CHECKING:
    # Whoever only catches errors does without msgspec, so the types are loaded when they are first used.
    __getattr__, __dir__ = load_on_use(
        globals(),
        {
            "llmring_types._collect": ("ChunkCollector", "collect"),
            "llmring_types._embeddings": (
                "EmbeddingRequest",
                "EmbeddingResponse",
                "RankedDocument",
                "RerankRequest",
                "RerankResponse",
            ),
            "llmring_types._facts": ("CAPABILITIES", "ModelFacts", "Prices"),
            "llmring_types._media": ("Media",),
            "llmring_types._messages": ("Message", "Role"),
            "llmring_types._rate_limits": ("RateLimit", "RateLimits"),
            "llmring_types._refs": ("ModelRef",),
            "llmring_types._request": ("LLMRequest", "ReasoningEffort"),
            "llmring_types._response": (
                "Attempt",
                "FinishReason",
                "LLMResponse",
                "Parsed",
                "StreamChunk",
                "TokenCounts",
                "Usage",
            ),
            "llmring_types._tools": ("FunctionCall", "ToolCall", "function_spec", "tool_call"),
        },
    )
