"""Every error that llmring raises.

Two properties belong to the type, not to the message: ``retryable`` (the same call may work a moment later) and
``fails_over`` (another member of the pool may answer). The tree::

    LLMRingError
    ├─ ConfigurationError
    │  ├─ CassetteError
    │  │  └─ CassetteMismatchError
    │  ├─ UntrustedAddressError
    │  └─ MissingSDKError                     also AttributeError: ``hasattr(provider, "client")`` is then False
    ├─ ValidationError                        also ValueError
    │  ├─ MessageValidationError
    │  ├─ ModelReferenceError
    │  └─ UnsupportedContentError             fails over
    ├─ LockfileError
    │  ├─ LockfileNotFoundError               also FileNotFoundError
    │  ├─ LockfileParseError                  also ValueError
    │  │  └─ LockfileVersionError
    │  ├─ LockfileWriteError                  also OSError
    │  │  └─ LockfileExistsError              also FileExistsError
    │  └─ ProfileNotFoundError                also ValueError
    ├─ ProviderError
    │  ├─ ProviderNotFoundError
    │  ├─ ProviderAuthenticationError
    │  │  └─ ProviderPermissionError
    │  ├─ ProviderRateLimitError              retryable, fails over
    │  │  └─ ProviderQuotaError               fails over only
    │  ├─ ProviderTimeoutError                retryable, fails over; also TimeoutError
    │  ├─ ProviderConnectionError             retryable, fails over; also ConnectionError
    │  │  └─ ProxyAuthenticationError         neither
    │  └─ ProviderResponseError
    │     ├─ ProviderBadRequestError
    │     │  ├─ ProviderRequestTooLargeError   fails over, to a larger context
    │     │  └─ ProviderUnsupportedRequestError  fails over
    │     ├─ ProviderServerError              retryable, fails over
    │     │  └─ ProviderOverloadedError
    │     ├─ ProviderResponseTooLargeError    fails over
    │     ├─ MalformedResponseError           retryable, fails over
    │     │  └─ StreamInterruptedError
    │     ├─ StructuredOutputError
    │     └─ BatchError
    │        ├─ BatchExpiredError             retryable, fails over
    │        ├─ BatchCancelledError
    │        └─ BatchRejectedError
    │           └─ BatchQueueFullError        retryable, fails over
    ├─ ModelError
    │  ├─ ModelNotFoundError                  fails over; also ProviderError
    │  │  └─ AliasNotFoundError               does not; also LockfileError, ValueError
    │  │     └─ UnknownProviderError          also ProviderNotFoundError
    │  └─ ModelCapabilityError                fails over
    ├─ CircuitBreakerError                    fails over
    ├─ ToolLoopError
    ├─ ConversationNotFoundError
    ├─ CostTrackingError
    │  └─ BudgetExceededError
    ├─ RegistryError
    │  ├─ RegistryConnectionError
    │  ├─ RegistryNotFoundError
    │  ├─ RegistryValidationError
    │  └─ RegistryStaleError
    └─ ServerError
       ├─ ServerConnectionError
       │  └─ ServerTimeoutError               also TimeoutError
       ├─ ServerAuthenticationError
       └─ ServerResponseError
"""

from llmring_types._call_exceptions import (
    AliasNotFoundError,
    BatchCancelledError,
    BatchError,
    BatchExpiredError,
    BatchQueueFullError,
    BatchRejectedError,
    BudgetExceededError,
    CircuitBreakerError,
    ConversationNotFoundError,
    CostTrackingError,
    MalformedResponseError,
    ModelCapabilityError,
    ModelError,
    ModelNotFoundError,
    ProviderAuthenticationError,
    ProviderBadRequestError,
    ProviderConnectionError,
    ProviderError,
    ProviderNotFoundError,
    ProviderOverloadedError,
    ProviderPermissionError,
    ProviderQuotaError,
    ProviderRateLimitError,
    ProviderRequestTooLargeError,
    ProviderResponseError,
    ProviderResponseTooLargeError,
    ProviderServerError,
    ProviderTimeoutError,
    ProviderUnsupportedRequestError,
    ProxyAuthenticationError,
    StreamInterruptedError,
    StructuredOutputError,
    ToolLoopError,
    UnknownProviderError,
)
from llmring_types._exceptions import (
    CassetteError,
    CassetteMismatchError,
    ConfigurationError,
    LLMRingError,
    LockfileError,
    LockfileExistsError,
    LockfileNotFoundError,
    LockfileParseError,
    LockfileVersionError,
    LockfileWriteError,
    MessageValidationError,
    MissingSDKError,
    ModelReferenceError,
    ProfileNotFoundError,
    RegistryConnectionError,
    RegistryError,
    RegistryNotFoundError,
    RegistryStaleError,
    RegistryValidationError,
    ServerAuthenticationError,
    ServerConnectionError,
    ServerError,
    ServerResponseError,
    ServerTimeoutError,
    UnsupportedContentError,
    UntrustedAddressError,
    ValidationError,
)

__all__ = [
    "AliasNotFoundError",
    "BatchCancelledError",
    "BatchError",
    "BatchExpiredError",
    "BatchQueueFullError",
    "BatchRejectedError",
    "BudgetExceededError",
    "CassetteError",
    "CassetteMismatchError",
    "CircuitBreakerError",
    "ConfigurationError",
    "ConversationNotFoundError",
    "CostTrackingError",
    "LLMRingError",
    "LockfileError",
    "LockfileExistsError",
    "LockfileNotFoundError",
    "LockfileParseError",
    "LockfileVersionError",
    "LockfileWriteError",
    "MalformedResponseError",
    "MessageValidationError",
    "MissingSDKError",
    "ModelCapabilityError",
    "ModelError",
    "ModelNotFoundError",
    "ModelReferenceError",
    "ProfileNotFoundError",
    "ProviderAuthenticationError",
    "ProviderBadRequestError",
    "ProviderConnectionError",
    "ProviderError",
    "ProviderNotFoundError",
    "ProviderOverloadedError",
    "ProviderPermissionError",
    "ProviderQuotaError",
    "ProviderRateLimitError",
    "ProviderRequestTooLargeError",
    "ProviderResponseError",
    "ProviderResponseTooLargeError",
    "ProviderServerError",
    "ProviderTimeoutError",
    "ProviderUnsupportedRequestError",
    "ProxyAuthenticationError",
    "RegistryConnectionError",
    "RegistryError",
    "RegistryNotFoundError",
    "RegistryStaleError",
    "RegistryValidationError",
    "ServerAuthenticationError",
    "ServerConnectionError",
    "ServerError",
    "ServerResponseError",
    "ServerTimeoutError",
    "StreamInterruptedError",
    "StructuredOutputError",
    "ToolLoopError",
    "UnknownProviderError",
    "UnsupportedContentError",
    "UntrustedAddressError",
    "ValidationError",
]

for _name in __all__:
    globals()[_name].__module__ = __name__  # tracebacks and pickles name the place that users import from
