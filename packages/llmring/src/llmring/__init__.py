"""Say what you want done, not which model does it: one async client for every LLM provider."""

from importlib import import_module
from typing import TYPE_CHECKING

from llmring_types.exceptions import (
    AliasNotFoundError,
    BudgetExceededError,
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
from llmring_types.lazy import load_on_use

from llmring import exceptions

if TYPE_CHECKING:
    from llmring_types import (
        Attempt,
        EmbeddingRequest,
        EmbeddingResponse,
        LLMRequest,
        LLMResponse,
        Message,
        ModelFacts,
        ModelRef,
        Prices,
        RankedDocument,
        RerankRequest,
        RerankResponse,
        StreamChunk,
        ToolCall,
        Usage,
    )

    from llmring import schemas
    from llmring._money.accounts import BudgetState
    from llmring._policy import BreakerPolicy, Policy, RetryPolicy
    from llmring._records import CallRecord, Observer
    from llmring._ring import LLMRing
    from llmring._settings import (
        ProviderAccess,
        ServerAccess,
        open_registry,
        provider_access,
        server_access,
        usage_log_path,
    )
    from llmring._status import ProviderStatus, provider_status
    from llmring._stream import ChatStream
    from llmring._sync import SyncChatStream, SyncLLMRing
    from llmring.logging import log_llm_call, log_llm_stream

    __version__: str

__all__ = [
    "AliasNotFoundError",
    "Attempt",
    "BreakerPolicy",
    "BudgetExceededError",
    "BudgetState",
    "CallRecord",
    "ChatStream",
    "CircuitBreakerError",
    "ConfigurationError",
    "CostTrackingError",
    "EmbeddingRequest",
    "EmbeddingResponse",
    "LLMRequest",
    "LLMResponse",
    "LLMRing",
    "LLMRingError",
    "LockfileError",
    "Message",
    "ModelFacts",
    "ModelNotFoundError",
    "ModelRef",
    "Observer",
    "Policy",
    "Prices",
    "ProviderAccess",
    "ProviderAuthenticationError",
    "ProviderConnectionError",
    "ProviderError",
    "ProviderNotFoundError",
    "ProviderRateLimitError",
    "ProviderResponseError",
    "ProviderStatus",
    "ProviderTimeoutError",
    "RankedDocument",
    "RerankRequest",
    "RerankResponse",
    "RetryPolicy",
    "ServerAccess",
    "StreamChunk",
    "StreamInterruptedError",
    "StructuredOutputError",
    "SyncChatStream",
    "SyncLLMRing",
    "ToolCall",
    "UnsupportedContentError",
    "Usage",
    "ValidationError",
    "__version__",
    "exceptions",
    "log_llm_call",
    "log_llm_stream",
    "open_registry",
    "provider_access",
    "provider_status",
    "schemas",
    "server_access",
    "usage_log_path",
]

if not TYPE_CHECKING:
    # The ring and what it stands on take ten times as long to import as the errors above. Whoever only asks for a
    # setting, asks the registry or prices a call (most commands of llmring-cli, for example) does without, so
    # each is loaded when it is first used.
    _load, __dir__ = load_on_use(
        globals(),
        {
            "llmring._money.accounts": ("BudgetState",),
            "llmring._policy": ("BreakerPolicy", "Policy", "RetryPolicy"),
            "llmring._records": ("CallRecord", "Observer"),
            "llmring._ring": ("LLMRing",),
            "llmring._settings": (
                "ProviderAccess",
                "ServerAccess",
                "open_registry",
                "provider_access",
                "server_access",
                "usage_log_path",
            ),
            "llmring._status": ("ProviderStatus", "provider_status"),
            "llmring._stream": ("ChatStream",),
            "llmring._sync": ("SyncChatStream", "SyncLLMRing"),
            "llmring.logging": ("log_llm_call", "log_llm_stream"),
            "llmring_types": (
                "Attempt",
                "EmbeddingRequest",
                "EmbeddingResponse",
                "LLMRequest",
                "LLMResponse",
                "Message",
                "ModelFacts",
                "ModelRef",
                "Prices",
                "RankedDocument",
                "RerankRequest",
                "RerankResponse",
                "StreamChunk",
                "ToolCall",
                "Usage",
            ),
        },
    )

    def __getattr__(name: str) -> object:
        if name == "schemas":
            return import_module("llmring.schemas")
        if name == "__version__":  # it takes longer than all the rest of this module
            from importlib.metadata import version  # noqa: PLC0415

            return version("llmring")
        return _load(name)
