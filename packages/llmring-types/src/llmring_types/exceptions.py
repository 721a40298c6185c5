"""Every error that llmring raises.

Two properties belong to the type, not to the message: ``retryable`` (the same call may work a moment later) and
``fails_over`` (another member of the pool may answer).

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
│  ├─ AliasNotFoundError                  also ValueError
│  └─ ProfileNotFoundError                also ValueError
├─ ProviderError
│  ├─ ProviderNotFoundError
│  ├─ ProviderAuthenticationError
│  │  └─ ProviderPermissionError
│  ├─ ProviderRateLimitError              retryable, fails over
│  │  └─ ProviderQuotaError               fails over only
│  ├─ ProviderTimeoutError                retryable, fails over; also TimeoutError
│  ├─ ProviderConnectionError             retryable, fails over; also ConnectionError
│  └─ ProviderResponseError
│     ├─ ProviderBadRequestError
│     │  ├─ ProviderRequestTooLargeError   fails over, to a larger context
│     │  └─ ProviderUnsupportedRequestError  fails over
│     ├─ ProviderServerError              retryable, fails over
│     │  └─ ProviderOverloadedError
│     ├─ MalformedResponseError           retryable, fails over
│     │  └─ StreamInterruptedError
│     └─ StructuredOutputError
├─ ModelError
│  ├─ ModelNotFoundError                  fails over; also ProviderError
│  └─ ModelCapabilityError                fails over
├─ CircuitBreakerError                    fails over
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

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:  # the response module needs the errors above it
    from llmring_types._response import Attempt, LLMResponse

__all__ = [
    "AliasNotFoundError",
    "BudgetExceededError",
    "CassetteError",
    "CassetteMismatchError",
    "CircuitBreakerError",
    "ConfigurationError",
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
    "ProviderServerError",
    "ProviderTimeoutError",
    "ProviderUnsupportedRequestError",
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
    "UnsupportedContentError",
    "UntrustedAddressError",
    "ValidationError",
]


class LLMRingError(Exception):
    """The root. ``message`` says what happened, where, and what to do; it never contains a key.

    Attributes:
        original: the exception this one stands for, if any.
        details: further facts for programs.
        attempts: every pool member tried or skipped before this error was raised.
    """

    retryable: ClassVar[bool] = False
    fails_over: ClassVar[bool] = False

    def __init__(
        self, message: str, *, original: BaseException | None = None, details: dict[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.original = original
        self.details = details or {}
        self.attempts: Sequence[Attempt] = ()

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[Any, ...]:
        # Keyword-only arguments are not in ``args``, so pickle needs to be told how to come back.
        return _restore, (type(self), self.message, self.__dict__)


def _restore(kind: type[LLMRingError], message: str, state: dict[str, Any]) -> LLMRingError:
    error = kind.__new__(kind, message)
    error.args = (message,)
    error.__dict__.update(state)
    return error


class ConfigurationError(LLMRingError):
    """A setting is missing or contradicts another."""


class MissingSDKError(ConfigurationError, AttributeError):
    """Raw access needs the vendor's SDK, which is an extra and not installed."""


class UntrustedAddressError(ConfigurationError):
    """A key of the user's own would go to an address that a file of the current folder names. Nothing was sent.

    Attributes:
        file: the file that names the address.
    """

    def __init__(self, message: str, *, file: str = "", **more: Any) -> None:
        super().__init__(message, **more)
        self.file = file


class CassetteError(ConfigurationError):
    """A recording for tests is missing, or cannot be read or written."""


class CassetteMismatchError(CassetteError):
    """A test and its recording do not agree: a request is not in it, or one that is in it was not made.

    No failover hides it. ``differences`` names the places, as JSON paths, in which the closest request differs.
    """

    def __init__(self, message: str, *, differences: Sequence[str] = (), **more: Any) -> None:
        super().__init__(message, **more)
        self.differences = differences


class ValidationError(LLMRingError, ValueError):
    """A value that cannot be right, wherever it is sent."""

    def __init__(self, message: str, *, field: str | None = None, value: object = None, **more: Any) -> None:
        super().__init__(message, **more)
        self.field = field
        self.value = value


class MessageValidationError(ValidationError):
    """A message of a wrong role, type or shape."""


class ModelReferenceError(ValidationError):
    """A text that should be ``provider:model`` and is not."""

    def __init__(self, message: str, *, reference: str, **more: Any) -> None:
        super().__init__(message, field="model", value=reference, **more)
        self.reference = reference


class UnsupportedContentError(ValidationError):
    """A part of the request for which this provider has no place. Nothing was sent."""

    fails_over = True

    def __init__(self, message: str, *, provider: str, part: str, **more: Any) -> None:
        super().__init__(message, field=part, **more)
        self.provider = provider
        self.part = part


# --------------------------------------------------------------------------- lockfile


class LockfileError(LLMRingError):
    """Something about a lockfile.

    Attributes:
        path: the file, where there is one.
        key: the key path inside it, such as ``profiles.dev.bindings[0].models``.
        line: the line, counted from 1, where it is known.
    """

    def __init__(
        self,
        message: str,
        *,
        path: str | None = None,
        key: str | None = None,
        line: int | None = None,
        **more: Any,
    ) -> None:
        super().__init__(message, **more)
        self.path = path
        self.key = key
        self.line = line


class LockfileNotFoundError(LockfileError, FileNotFoundError):
    """There is no lockfile where one was named."""


class LockfileParseError(LockfileError, ValueError):
    """The file is not TOML or JSON, or not the shape of a lockfile."""


class LockfileVersionError(LockfileParseError):
    """The lockfile is of a version that this library does not know."""


class LockfileWriteError(LockfileError, OSError):
    """The lockfile cannot be written: read-only, bundled, or locked by another process."""


class LockfileExistsError(LockfileWriteError, FileExistsError):
    """A lockfile is already there, and nobody said to write over it."""


class AliasNotFoundError(LockfileError, ValueError):
    """The active profile does not bind this alias.

    Attributes:
        alias: the name asked for.
        profile: the profile looked in.
    """

    def __init__(self, message: str, *, alias: str, profile: str | None = None, **more: Any) -> None:
        super().__init__(message, **more)
        self.alias = alias
        self.profile = profile


class ProfileNotFoundError(LockfileError, ValueError):
    """The lockfile has no such profile."""


# --------------------------------------------------------------------------- providers


class ProviderError(LLMRingError):
    """Something about a provider, told from its status, headers and body.

    Attributes:
        provider: its name.
        model: the model asked for, without the provider.
        status_code: the HTTP status; ``None`` where there was no answer or the error came inside a stream.
        request_id: the provider's id of the request, for its support.
        code: the provider's own word for the error.
        partial: what had come of a stream before the error: text, tool calls, usage.
    """

    def __init__(
        self,
        message: str,
        *,
        provider: str = "",
        model: str | None = None,
        status_code: int | None = None,
        request_id: str | None = None,
        code: str | None = None,
        **more: Any,
    ) -> None:
        super().__init__(message, **more)
        self.provider = provider
        self.model = model
        self.status_code = status_code
        self.request_id = request_id
        self.code = code
        self.partial: LLMResponse | None = None

    def __str__(self) -> str:
        return f"[{self.provider}] {self.message}" if self.provider else self.message


class ProviderNotFoundError(ProviderError):
    """No provider of this name is configured: its key is missing, or the name is wrong."""


class ProviderAuthenticationError(ProviderError):
    """The key is missing, wrong or expired (401)."""


class ProviderPermissionError(ProviderAuthenticationError):
    """The key may not do this (403)."""


class ProviderRateLimitError(ProviderError):
    """Too many requests or tokens (429). ``retry_after`` is the provider's wish in seconds, or ``None``."""

    retryable = True
    fails_over = True

    def __init__(self, message: str, *, retry_after: float | None = None, **more: Any) -> None:
        super().__init__(message, **more)
        self.retry_after = retry_after


class ProviderQuotaError(ProviderRateLimitError):
    """The account's quota or credit is used up (402, or a 429 that says so): waiting a moment does not help."""

    retryable = False


class ProviderTimeoutError(ProviderError, TimeoutError):
    """The answer, its first chunk or its next one did not come in time. ``timeout`` is the limit in seconds."""

    retryable = True
    fails_over = True

    def __init__(self, message: str, *, timeout: float | None = None, **more: Any) -> None:
        super().__init__(message, **more)
        self.timeout = timeout


class ProviderConnectionError(ProviderError, ConnectionError):
    """No connection, or it broke before an answer began.

    ``sent`` is ``False`` where no byte of the request can have reached the provider; what may have may be billed.
    """

    retryable = True
    fails_over = True

    def __init__(self, message: str, *, sent: bool = True, **more: Any) -> None:
        super().__init__(message, **more)
        self.sent = sent


class ProviderResponseError(ProviderError):
    """The provider answered with an error, or with something that is not an answer."""


class ProviderBadRequestError(ProviderResponseError):
    """The provider rejects the request as it stands (400, 422): another try would be rejected too."""


class ProviderRequestTooLargeError(ProviderBadRequestError):
    """The request is larger than the provider or the model takes (413, or the context window).

    Failover passes over members whose context window is known to be no larger.
    """

    fails_over = True


class ProviderUnsupportedRequestError(ProviderBadRequestError):
    """The provider or the model lacks something that the request uses: a parameter, a schema, a kind of content.

    Another member of the pool may have it.
    """

    fails_over = True


class ProviderServerError(ProviderResponseError):
    """The provider failed (5xx). ``retry_after`` is its wish in seconds, or ``None``."""

    retryable = True
    fails_over = True

    def __init__(self, message: str, *, retry_after: float | None = None, **more: Any) -> None:
        super().__init__(message, **more)
        self.retry_after = retry_after


class ProviderOverloadedError(ProviderServerError):
    """The provider or the model is overloaded (503, 529)."""


class MalformedResponseError(ProviderResponseError):
    """The answer is not what the protocol says."""

    retryable = True
    fails_over = True


class StreamInterruptedError(MalformedResponseError):
    """The stream ended without its terminal event: what came is not the whole answer. It is in ``partial``."""


class StructuredOutputError(ProviderResponseError):
    """The answer breaks the schema that was asked for, or is not JSON.

    Attributes:
        raw_text: the answer as it came.
        response: the response that carried it, with usage and cost.
    """

    def __init__(
        self, message: str, *, raw_text: str, response: "LLMResponse | None" = None, **more: Any
    ) -> None:
        super().__init__(message, **more)
        self.raw_text = raw_text
        self.response = response


class ModelError(LLMRingError):
    """Something about a model."""


class ModelNotFoundError(ModelError, ProviderError):
    """The provider does not know the model, or does not offer it with this key (404)."""

    fails_over = True


class ModelCapabilityError(ModelError, ProviderError):
    """The model cannot do what the request or the binding needs. Nothing was sent."""

    fails_over = True


class CircuitBreakerError(LLMRingError):
    """The model failed so often lately that it is left alone for a while. Nothing was sent.

    Attributes:
        provider: whose breaker is open.
        retry_after: seconds until a probe is let through.
        failure_count: failures in a row.
    """

    fails_over = True

    def __init__(
        self, message: str, *, provider: str, retry_after: float, failure_count: int, **more: Any
    ) -> None:
        super().__init__(message, **more)
        self.provider = provider
        self.retry_after = retry_after
        self.failure_count = failure_count


# --------------------------------------------------------------------------- cost, registry, usage server


class CostTrackingError(LLMRingError):
    """Strict cost is on and the price of this call cannot be known. Nothing was sent."""

    def __init__(self, message: str, *, model: str, cost_status: str, **more: Any) -> None:
        super().__init__(message, **more)
        self.model = model
        self.cost_status = cost_status


class BudgetExceededError(CostTrackingError):
    """This call would break a budget. Nothing was sent."""


class RegistryError(LLMRingError):
    """Something about the model registry."""


class RegistryConnectionError(RegistryError):
    """The registry cannot be reached. What was known before stays in use."""


class RegistryNotFoundError(RegistryError):
    """The registry does not publish this provider, or not this version."""


class RegistryValidationError(RegistryError):
    """The registry's document does not follow its protocol."""


class RegistryStaleError(RegistryError):
    """The registry's data is older than allowed. ``age_days`` is infinite where it has no date."""

    def __init__(
        self,
        message: str,
        *,
        provider: str,
        updated_at: str | None = None,
        age_days: float = float("inf"),
        **more: Any,
    ) -> None:
        super().__init__(message, **more)
        self.provider = provider
        self.updated_at = updated_at
        self.age_days = age_days


class ServerError(LLMRingError):
    """Something about the usage server."""

    def __init__(
        self, message: str, *, status_code: int | None = None, endpoint: str | None = None, **more: Any
    ) -> None:
        super().__init__(message, **more)
        self.status_code = status_code
        self.endpoint = endpoint


class ServerConnectionError(ServerError):
    """The usage server cannot be reached."""


class ServerTimeoutError(ServerConnectionError, TimeoutError):
    """The usage server did not answer in time. What was sent to it may have been stored."""


class ServerAuthenticationError(ServerError):
    """The usage server does not take the key."""


class ServerResponseError(ServerError):
    """The usage server refused or its answer is not what its protocol says."""
