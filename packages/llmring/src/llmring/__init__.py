"""Say what you want done, not which model does it: one async client for every LLM provider."""

from llmring_types import (
    Attempt,
    LLMRequest,
    LLMResponse,
    Message,
    ModelFacts,
    ModelRef,
    StreamChunk,
    ToolCall,
    Usage,
)
from llmring_types.exceptions import (
    AliasNotFoundError,
    CircuitBreakerError,
    ConfigurationError,
    CostTrackingError,
    LLMRingError,
    LockfileError,
    ModelNotFoundError,
    ProviderAuthenticationError,
    ProviderConnectionError,
    ProviderError,
    ProviderNotFoundError,
    ProviderRateLimitError,
    ProviderResponseError,
    ProviderTimeoutError,
    StreamInterruptedError,
    StructuredOutputError,
    UnsupportedContentError,
    ValidationError,
)

from llmring import exceptions, schemas
from llmring._policy import BreakerPolicy, Policy, RetryPolicy
from llmring._ring import LLMRing
from llmring._settings import ProviderAccess, ProviderStatus, provider_access, provider_status
from llmring._stream import ChatStream

__all__ = [
    "AliasNotFoundError",
    "Attempt",
    "BreakerPolicy",
    "ChatStream",
    "CircuitBreakerError",
    "ConfigurationError",
    "CostTrackingError",
    "LLMRequest",
    "LLMResponse",
    "LLMRing",
    "LLMRingError",
    "LockfileError",
    "Message",
    "ModelFacts",
    "ModelNotFoundError",
    "ModelRef",
    "Policy",
    "ProviderAccess",
    "ProviderAuthenticationError",
    "ProviderConnectionError",
    "ProviderError",
    "ProviderNotFoundError",
    "ProviderRateLimitError",
    "ProviderResponseError",
    "ProviderStatus",
    "ProviderTimeoutError",
    "RetryPolicy",
    "StreamChunk",
    "StreamInterruptedError",
    "StructuredOutputError",
    "ToolCall",
    "UnsupportedContentError",
    "Usage",
    "ValidationError",
    "__version__",
    "exceptions",
    "provider_access",
    "provider_status",
    "schemas",
]


def __getattr__(name: str) -> str:
    if name == "__version__":  # looked up only when asked for: it costs more than the rest of this module
        from importlib.metadata import version  # noqa: PLC0415

        return version("llmring")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
