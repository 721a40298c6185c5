"""Errors of calls: providers, models, breakers and budgets."""

from typing import TYPE_CHECKING, Any

from llmring_types._exceptions import LLMRingError, LockfileError, with_command

if TYPE_CHECKING:  # the response module needs the errors above it
    from llmring_types._response import LLMResponse


class ProviderError(LLMRingError):
    """Something about a provider, by its status, headers and body.

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
        return with_command(f"[{self.provider}] {self.message}" if self.provider else self.message)


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


class ProxyAuthenticationError(ProviderConnectionError):
    """A proxy asks for a name and a password, or does not take those that it got (407). The text names the proxy."""

    retryable = False
    fails_over = False


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


class ProviderResponseTooLargeError(ProviderResponseError):
    """The answer is larger than ``max_response_bytes`` allows, decompressed or not. It was not read to its end.

    ``limit`` is the limit in bytes.
    """

    fails_over = True

    def __init__(self, message: str, *, limit: int | None = None, **more: Any) -> None:
        super().__init__(message, **more)
        self.limit = limit


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


class BatchError(ProviderResponseError):
    """A request that was sent in a batch got no answer of its own. ``batch_id`` is the provider's, if it gave one."""

    def __init__(self, message: str, *, batch_id: str | None = None, **more: Any) -> None:
        super().__init__(message, **more)
        self.batch_id = batch_id


class BatchExpiredError(BatchError):
    """The batch expired before the request was processed. It costs nothing, and may be submitted again."""

    retryable = True
    fails_over = True


class BatchCancelledError(BatchError):
    """The batch was cancelled before the request was processed. It costs nothing."""


class BatchRejectedError(BatchError):
    """The provider refused the batch as a whole, and processed none of its requests."""


class BatchQueueFullError(BatchRejectedError):
    """The account has as much in unfinished batches as it may: the same batch may be taken once others have ended."""

    retryable = True
    fails_over = True


class ModelError(LLMRingError):
    """Something about a model."""


class ModelNotFoundError(ModelError, ProviderError):
    """The provider does not know the model, or does not offer it with this key (404)."""

    fails_over = True


class AliasNotFoundError(LockfileError, ModelNotFoundError, ValueError):
    """The active profile does not bind this alias.

    Attributes:
        alias: the name asked for.
        profile: the profile looked in.
    """

    fails_over = False

    def __init__(self, message: str, *, alias: str, profile: str | None = None, **more: Any) -> None:
        super().__init__(message, **more)
        self.alias = alias
        self.profile = profile


class UnknownProviderError(ProviderNotFoundError, AliasNotFoundError):
    """The name before the colon is neither a provider nor a package that the lockfile extends."""


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


class ToolLoopError(LLMRingError):
    """A run of tools came to one of its limits before the model gave its answer. ``run`` has what was done."""


class ConversationNotFoundError(LLMRingError):
    """There is no stored conversation of this id."""


class CostTrackingError(LLMRingError):
    """Strict cost is on and the price of this call cannot be known. Nothing was sent."""

    def __init__(self, message: str, *, model: str, cost_status: str, **more: Any) -> None:
        super().__init__(message, **more)
        self.model = model
        self.cost_status = cost_status


class BudgetExceededError(CostTrackingError):
    """This call would break a budget. Nothing was sent."""
