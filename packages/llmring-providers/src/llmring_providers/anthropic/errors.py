"""Anthropic's errors: https://platform.claude.com/docs/en/api/errors"""

from collections.abc import Mapping
from typing import Any

from llmring_types.exceptions import (
    LLMRingError,
    ModelNotFoundError,
    ProviderAuthenticationError,
    ProviderBadRequestError,
    ProviderError,
    ProviderOverloadedError,
    ProviderPermissionError,
    ProviderQuotaError,
    ProviderRateLimitError,
    ProviderRequestTooLargeError,
    ProviderServerError,
)

from llmring_providers._errors import TOO_LONG, build, error_type, plain_text, read_details
from llmring_providers._json import DECODE_ERRORS
from llmring_providers._protocol import ChatCall
from llmring_providers.anthropic.wire import decode_json

_BY_TYPE: Mapping[str, type[LLMRingError]] = {
    "authentication_error": ProviderAuthenticationError,
    "billing_error": ProviderQuotaError,
    "permission_error": ProviderPermissionError,
    "not_found_error": ModelNotFoundError,
    "request_too_large": ProviderRequestTooLargeError,
    "rate_limit_error": ProviderRateLimitError,
    "timeout_error": ProviderServerError,
    "api_error": ProviderServerError,
    "overloaded_error": ProviderOverloadedError,
}
"""``invalid_request_error`` is not here: it also comes with statuses that say more."""

_BY_DETAIL: Mapping[str, type[LLMRingError]] = {
    "contract_spend_limit_reached": ProviderQuotaError,
    "enforced_spend_limit_reached": ProviderQuotaError,
    "organization_on_hold": ProviderPermissionError,
}
"""``details.error_code``, where it says more than type and status: no wait lifts a limit on spending."""

_LEAST_STATUS = 400
_NO_CREDIT = "credit balance is too low"
"""The message of a 400 when the account's credit is used up."""


def error(status: int, headers: Mapping[str, str], body: bytes, call: ChatCall) -> LLMRingError:
    """Translate an error answer, whatever its body is."""
    try:
        document = decode_json(body)
    except DECODE_ERRORS:
        document = None
    if isinstance(document, list) and document:  # Vertex AI
        document = document[0]
    if not isinstance(document, Mapping):
        document = {"error": plain_text(body)}
    said = document.get("error") or document
    return _error(said, call, status=status, headers=headers, request_id=document.get("request_id"))


def reported_error(said: Any, call: ChatCall, *, request_id: str | None = None) -> LLMRingError:
    """Translate an error object that came inside a stream, or with a status of success."""
    return _error(said, call, request_id=request_id)


def _error(
    said: Any,
    call: ChatCall,
    *,
    status: int | None = None,
    headers: Mapping[str, str] | None = None,
    request_id: Any = None,
) -> LLMRingError:
    words = said if isinstance(said, Mapping) else {"message": said}
    message, code, details = (
        _text(words.get("message") or words.get("detail")),
        words.get("type"),
        words.get("details"),
    )
    code = code if isinstance(code, str) else None
    kind = _BY_DETAIL.get(_detail(details)) or _BY_TYPE.get(code or "")
    if kind is None:
        kind = _without_status(code, words.get("code")) if status is None else error_type(status)
    if kind is ProviderBadRequestError and TOO_LONG.search(message):
        kind = ProviderRequestTooLargeError
    elif kind is ProviderBadRequestError and _NO_CREDIT in message:
        kind = ProviderQuotaError
    message = message or (f"HTTP status {status}" if status else "the provider reported an error")
    wait = read_details(details).wait
    built = build(kind, message, call, status=status, headers=headers, code=code, retry_after=wait)
    built.details.update(details if isinstance(details, Mapping) else {})
    if isinstance(built, ProviderError) and built.request_id is None and isinstance(request_id, str):
        built.request_id = request_id  # the body repeats it, and proxies drop headers
    return built


def _without_status(code: str | None, number: Any) -> type[LLMRingError]:
    """Return what an error that came without an HTTP status stands for; Vertex AI says one inside it."""
    if code == "invalid_request_error":
        return ProviderBadRequestError
    return error_type(number) if isinstance(number, int) and number >= _LEAST_STATUS else ProviderServerError


def _detail(details: Any) -> str:
    return str(details.get("error_code")) if isinstance(details, Mapping) else ""


def _text(said: Any) -> str:
    return "" if said is None else str(said)
