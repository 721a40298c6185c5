"""Errors of Bedrock: https://docs.aws.amazon.com/bedrock/latest/APIReference/CommonErrors.html

Their name is in the header ``x-amzn-errortype``, in ``__type`` of the body, or in the name of an event.
"""

import re
from collections.abc import Mapping
from typing import Any

from llmring_types.exceptions import (
    LLMRingError,
    ModelNotFoundError,
    ProviderAuthenticationError,
    ProviderBadRequestError,
    ProviderOverloadedError,
    ProviderPermissionError,
    ProviderQuotaError,
    ProviderRateLimitError,
    ProviderRequestTooLargeError,
    ProviderServerError,
    ProviderTimeoutError,
    ProviderUnsupportedRequestError,
)

from llmring_providers._errors import TOO_LONG, build, error_type, plain_text
from llmring_providers._json import DECODE_ERRORS
from llmring_providers._protocol import ChatCall
from llmring_providers.bedrock.wire import decode_json

NAME_HEADER = "x-amzn-errortype"
_KINDS: Mapping[str, type[LLMRingError]] = {
    "AccessDenied": ProviderPermissionError,
    "ExpiredToken": ProviderAuthenticationError,
    "IncompleteSignature": ProviderAuthenticationError,
    "InternalFailure": ProviderServerError,
    "InternalServer": ProviderServerError,
    "InvalidClientTokenId": ProviderAuthenticationError,
    "InvalidSignature": ProviderAuthenticationError,
    "MissingAuthenticationToken": ProviderAuthenticationError,
    "ModelError": ProviderServerError,
    "ModelNotReady": ProviderOverloadedError,
    "ModelStreamError": ProviderServerError,
    "ModelTimeout": ProviderTimeoutError,
    "NotAuthorized": ProviderPermissionError,
    "OptInRequired": ProviderPermissionError,
    "RequestExpired": ProviderAuthenticationError,
    "ResourceNotFound": ModelNotFoundError,
    "ServiceQuotaExceeded": ProviderQuotaError,
    "ServiceUnavailable": ProviderOverloadedError,
    "Throttling": ProviderRateLimitError,
    "UnrecognizedClient": ProviderAuthenticationError,
    "Validation": ProviderBadRequestError,
}
"""By name, without ``Exception`` at its end."""

EXPIRED = frozenset({"ExpiredToken", "UnrecognizedClient", "InvalidClientTokenId"})
"""Names of refusals that other credentials may not meet."""

_TEXTS: tuple[tuple[type[LLMRingError], re.Pattern[str], type[LLMRingError]], ...] = (
    (
        ProviderBadRequestError,
        re.compile(r"input is too long|too many (?:total|input) (?:text )?(?:bytes|tokens)", re.IGNORECASE),
        ProviderRequestTooLargeError,
    ),
    (
        ProviderBadRequestError,
        re.compile(r"model identifier is invalid|on-demand throughput isn.t supported|end of its life"),
        ModelNotFoundError,
    ),
    (
        ProviderBadRequestError,
        re.compile(r"doesn.t support|not permitted|is deprecated for this model"),
        ProviderUnsupportedRequestError,
    ),
    (
        ProviderPermissionError,
        re.compile(r"API key is valid|token has expired|security token", re.IGNORECASE),
        ProviderAuthenticationError,
    ),
    (ProviderRateLimitError, re.compile(r"tokens per day", re.IGNORECASE), ProviderQuotaError),
)
"""Texts that say more than the name of their error: its type, the words, and the type that they mean."""
_LEAST_STATUS, _RATE_LIMIT = 500, 429


def error(status: int, headers: Mapping[str, str], body: bytes, call: ChatCall) -> LLMRingError:
    """Translate an error answer, whatever its body is."""
    try:
        document = decode_json(body)
    except DECODE_ERRORS:
        document = None
    if not isinstance(document, Mapping):
        document = {"message": plain_text(body)}
    return _error(document, call, name=headers.get(NAME_HEADER), status=status, headers=headers)


def reported_error(document: Any, call: ChatCall, *, name: str | None = None) -> LLMRingError:
    """Translate an error that came inside a stream, or with a status of success.

    Args:
        document: its body, or its text.
        call: that it answers.
        name: the name of its event.
    """
    said = document if isinstance(document, Mapping) else {"message": document}
    return _error(said, call, name=name)


def name_of(given: Any) -> str:
    """Return the name of an error without namespace, address and ``Exception``, its first letter large."""
    text = given if isinstance(given, str) else ""
    text = text.partition(":")[0].rpartition("#")[2].removesuffix("Exception")
    return text[:1].upper() + text[1:]


def _error(
    said: Mapping[str, Any],
    call: ChatCall,
    *,
    name: str | None,
    status: int | None = None,
    headers: Mapping[str, str] | None = None,
) -> LLMRingError:
    inner = said.get("Output")
    code = name_of(
        name or said.get("__type") or (inner.get("__type") if isinstance(inner, Mapping) else None)
    )
    message = next((str(said[each]) for each in ("message", "Message") if said.get(each)), "")
    original = said.get("originalMessage")
    if isinstance(original, str) and original not in message:
        message = f"{message} ({original})" if message else original
    kind = _KINDS.get(code)
    if kind is None or (kind is ProviderBadRequestError and status is not None):
        kind = ProviderServerError if status is None else error_type(status)
    kind = _told(kind, code, message, said)
    message = message or (f"HTTP status {status}" if status else "the provider reported an error")
    return build(kind, message, call, status=status, headers=headers, code=code or None)


def _told(kind: type[LLMRingError], code: str, message: str, said: Mapping[str, Any]) -> type[LLMRingError]:
    """Return what the text of an error says beyond its name."""
    if TOO_LONG.search(message) and kind is ProviderBadRequestError:
        return ProviderRequestTooLargeError
    original = said.get("originalStatusCode")
    if code in ("ModelError", "ModelStreamError") and isinstance(original, int):
        return error_type(original) if original == _RATE_LIMIT or original >= _LEAST_STATUS else kind
    return next((more for of, words, more in _TEXTS if kind is of and words.search(message)), kind)
