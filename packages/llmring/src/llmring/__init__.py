"""Say what you want done, not which model does it: one async client for every LLM provider."""

from importlib import import_module
from typing import TYPE_CHECKING

from llmring_types.exceptions import (
    AliasNotFoundError,
    BudgetExceededError,
    CircuitBreakerError,
    ConfigurationError,
    ConversationNotFoundError,
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
    ServerConnectionError,
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
    from llmring._access import ProviderAccess, ProviderStatus, provider_access, provider_status
    from llmring._money.accounts import BudgetState
    from llmring._policy import BreakerPolicy, CachePolicy, Pace, Policy, RetryPolicy
    from llmring._records import CallRecord, Observer
    from llmring._ring import LLMRing
    from llmring._settings import ServerAccess, open_registry, server_access, usage_log_path
    from llmring._stream import ChatStream
    from llmring._sync import SyncLLMRing
    from llmring._sync_streams import SyncChatStream
    from llmring.file_utils import (
        analyze_image,
        compare_images,
        create_base64_image_content,
        create_data_url,
        create_image_content,
        create_multi_image_content,
        encode_file_to_base64,
        extract_text_from_image,
        get_file_mime_type,
        validate_image_file,
    )
    from llmring.logging import log_llm_call, log_llm_stream
    from llmring.service_extended import ConversationManager, LLMRingExtended, LLMRingSession

    __version__: str

__all__ = [
    "AliasNotFoundError",
    "Attempt",
    "BreakerPolicy",
    "BudgetExceededError",
    "BudgetState",
    "CachePolicy",
    "CallRecord",
    "ChatStream",
    "CircuitBreakerError",
    "ConfigurationError",
    "ConversationManager",
    "ConversationNotFoundError",
    "CostTrackingError",
    "EmbeddingRequest",
    "EmbeddingResponse",
    "LLMRequest",
    "LLMResponse",
    "LLMRing",
    "LLMRingError",
    "LLMRingExtended",
    "LLMRingSession",
    "LockfileError",
    "Message",
    "ModelFacts",
    "ModelNotFoundError",
    "ModelRef",
    "Observer",
    "Pace",
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
    "ServerConnectionError",
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
    "analyze_image",
    "compare_images",
    "create_base64_image_content",
    "create_data_url",
    "create_image_content",
    "create_multi_image_content",
    "encode_file_to_base64",
    "exceptions",
    "extract_text_from_image",
    "get_file_mime_type",
    "log_llm_call",
    "log_llm_stream",
    "open_registry",
    "provider_access",
    "provider_status",
    "schemas",
    "server_access",
    "usage_log_path",
    "validate_image_file",
]

if not TYPE_CHECKING:
    # The ring and what it stands on take ten times as long to import as the errors above. Whoever only asks for a
    # setting, asks the registry or prices a call (most commands of llmring-cli, for example) does without, so
    # each is loaded when it is first used.
    _load, __dir__ = load_on_use(
        globals(),
        {
            "llmring._access": ("ProviderAccess", "ProviderStatus", "provider_access", "provider_status"),
            "llmring._money.accounts": ("BudgetState",),
            "llmring._policy": ("BreakerPolicy", "CachePolicy", "Pace", "Policy", "RetryPolicy"),
            "llmring._records": ("CallRecord", "Observer"),
            "llmring._ring": ("LLMRing",),
            "llmring._settings": ("ServerAccess", "open_registry", "server_access", "usage_log_path"),
            "llmring._stream": ("ChatStream",),
            "llmring._sync": ("SyncLLMRing",),
            "llmring._sync_streams": ("SyncChatStream",),
            "llmring.file_utils": (
                "analyze_image",
                "compare_images",
                "create_base64_image_content",
                "create_data_url",
                "create_image_content",
                "create_multi_image_content",
                "encode_file_to_base64",
                "extract_text_from_image",
                "get_file_mime_type",
                "validate_image_file",
            ),
            "llmring.logging": ("log_llm_call", "log_llm_stream"),
            "llmring.service_extended": ("ConversationManager", "LLMRingExtended", "LLMRingSession"),
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
        if name in {"BaseLLMProvider", "FileMetadata", "FileUploadResponse"}:
            from llmring._moved import original  # noqa: PLC0415 - deprecated

            return original(name)
        return _load(name)
