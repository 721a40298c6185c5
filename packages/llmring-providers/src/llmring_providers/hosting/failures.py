"""Exceptions of ours as what HTTP says of them: status, kind, words, wait.

Each protocol has words of its own for a kind; what kind an exception is, and which status it has, is the same for all.
"""

from collections.abc import Mapping
from typing import Literal

import msgspec
from llmring_types import exceptions as ours
from llmring_types.exceptions import LLMRingError, ProviderError

from llmring_providers._errors import UNSUPPORTED, error_type

Kind = Literal[
    "bad_request",
    "unsupported",
    "too_large",
    "authentication",
    "permission",
    "not_found",
    "quota",
    "rate_limit",
    "timeout",
    "server",
    "overloaded",
    "gateway",
]
STATUSES: Mapping[Kind, int] = {
    "bad_request": 400,
    "unsupported": 400,
    "too_large": 413,
    "authentication": 401,
    "permission": 403,
    "not_found": 404,
    "quota": 402,
    "rate_limit": 429,
    "timeout": 504,
    "server": 500,
    "overloaded": 503,
    "gateway": 502,
}
"""The status of a kind, where the error itself has none that means the same."""

_KINDS: tuple[tuple[type[LLMRingError], Kind], ...] = (
    (ours.ProviderPermissionError, "permission"),
    (ours.ProviderAuthenticationError, "authentication"),
    (ours.ProviderQuotaError, "quota"),
    (ours.ProviderRateLimitError, "rate_limit"),
    (ours.ProviderTimeoutError, "timeout"),
    (ours.ProviderConnectionError, "gateway"),
    (ours.ProviderOverloadedError, "overloaded"),
    (ours.ProviderServerError, "server"),
    (ours.ProviderRequestTooLargeError, "too_large"),
    (ours.ProviderUnsupportedRequestError, "unsupported"),
    (ours.ProviderBadRequestError, "bad_request"),
    (ours.ProviderResponseError, "gateway"),
    (ours.ModelCapabilityError, "unsupported"),
    (ours.ModelNotFoundError, "not_found"),
    (ours.ProviderNotFoundError, "not_found"),
    (ours.CircuitBreakerError, "overloaded"),
    (ours.BudgetExceededError, "quota"),
    (ours.CostTrackingError, "unsupported"),
    (ours.UnsupportedContentError, "unsupported"),
    (ours.AliasNotFoundError, "not_found"),
    (ours.ProfileNotFoundError, "not_found"),
    (ours.ValidationError, "bad_request"),
)
"""The first class that fits decides. What is in none of them is the host's own fault."""

_ERRORS = range(400, 600)
"""Statuses of errors that HTTP has; hosts and proxies make up others (https://www.rfc-editor.org/rfc/rfc9110#section-15)."""


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """An error on its way to a client.

    Attributes:
        kind: which a protocol's table of words is looked up by.
        status: of HTTP.
        message: the text; empty where the protocol's own words are to stand.
        retry_after: seconds after which another try may work.
    """

    kind: Kind
    status: int
    message: str = ""
    retry_after: float | None = None

    @property
    def words(self) -> str:
        """The text, for protocols that have no code: of something unsupported it must say so in words."""
        text = self.message
        if self.kind == "unsupported" and text and not UNSUPPORTED.search(text):
            return f"{text} (not supported)"
        return text

    @property
    def headers(self) -> Mapping[str, str]:
        """The content type, and ``retry-after`` (RFC 9110, section 10.2.3)."""
        json = {"content-type": "application/json"}
        return json if self.retry_after is None else {**json, "retry-after": f"{self.retry_after:g}"}


def failure_of(error: LLMRingError, statuses: Mapping[Kind, int] = STATUSES) -> Failure:
    """Describe an exception. Keys are in no message of ours, so the text may go to a client.

    Args:
        error: the exception.
        statuses: of the protocol, for the kinds where the error itself has none that means the same.
    """
    kind = _kind(type(error))
    status = error.status_code if isinstance(error, ProviderError) else None
    if status is None or status not in _ERRORS or _kind(error_type(status)) != kind:
        status = statuses.get(kind, STATUSES[kind])
    wait = getattr(error, "retry_after", None)
    return Failure(
        kind=kind,
        status=status,
        message=error.message,
        retry_after=wait if isinstance(wait, float | int) else None,
    )


def _kind(error: type[LLMRingError]) -> Kind:
    return next((kind for known, kind in _KINDS if issubclass(error, known)), "server")
