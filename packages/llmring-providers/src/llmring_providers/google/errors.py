"""Google's errors.

https://ai.google.dev/gemini-api/docs/troubleshooting
https://google.aip.dev/193
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec
from llmring_types.exceptions import (
    LLMRingError,
    ModelNotFoundError,
    ProviderAuthenticationError,
    ProviderBadRequestError,
    ProviderOverloadedError,
    ProviderPermissionError,
    ProviderRateLimitError,
    ProviderRequestTooLargeError,
    ProviderServerError,
)

from llmring_providers._errors import build, error_type
from llmring_providers._json import DECODE_ERRORS
from llmring_providers._protocol import ChatCall

_BY_REASON: Mapping[str, type[LLMRingError]] = {
    "API_KEY_INVALID": ProviderAuthenticationError,  # comes with status 400
    "API_KEY_EXPIRED": ProviderAuthenticationError,
}
_BY_WORD: Mapping[str, type[LLMRingError]] = {
    "ABORTED": ProviderServerError,
    "CANCELLED": ProviderServerError,
    "DEADLINE_EXCEEDED": ProviderServerError,
    "FAILED_PRECONDITION": ProviderBadRequestError,
    "INTERNAL": ProviderServerError,
    "INVALID_ARGUMENT": ProviderBadRequestError,
    "NOT_FOUND": ModelNotFoundError,
    "OUT_OF_RANGE": ProviderBadRequestError,
    "PERMISSION_DENIED": ProviderPermissionError,
    "RESOURCE_EXHAUSTED": ProviderRateLimitError,
    "UNAUTHENTICATED": ProviderAuthenticationError,
    "UNAVAILABLE": ProviderOverloadedError,
    "UNKNOWN": ProviderServerError,
}
"""The canonical words of google.rpc.Code, for errors without a number that HTTP knows."""

_UNUSUAL = frozenset({"ABORTED", "CANCELLED"})
"""Words whose HTTP status (409, 499) would make them the caller's fault."""

_TOO_LARGE = re.compile(r"exceeds the (?:maximum number of tokens|limit)", re.IGNORECASE)
_BAD_REQUEST = 400


class _Said(NamedTuple):
    """What an error object says.

    ``word`` is the canonical one, ``reason`` that of an ErrorInfo, ``wait`` that of a RetryInfo in seconds.
    """

    message: str = ""
    number: int | None = None
    word: str | None = None
    reason: str | None = None
    wait: float | None = None
    violations: tuple[Any, ...] = ()


def error(status: int, headers: Mapping[str, str], body: bytes, call: ChatCall) -> LLMRingError:
    """Translate an error answer, whatever its body is."""
    return _build(_read(body), status, headers, call, status=status)


def body_error(said: Any, call: ChatCall) -> LLMRingError:
    """Translate an error object that came with a status of success, or inside a stream."""
    read = _words(said)
    return _build(read, read.number, {}, call, status=None)


def _build(
    said: _Said, number: int | None, headers: Mapping[str, str], call: ChatCall, *, status: int | None
) -> LLMRingError:
    message = said.message or (f"HTTP status {status}" if status else "the provider reported an error")
    found = build(
        _kind(said, number),
        message,
        call,
        status=status,
        headers=headers,
        code=said.reason or said.word,
        retry_after=said.wait,
    )
    if said.violations:
        found.details["violations"] = list(said.violations)
    return found


def _kind(said: _Said, number: int | None) -> type[LLMRingError]:
    found = _BY_REASON.get(said.reason or "")
    if found is None and said.word in _UNUSUAL:
        found = ProviderServerError
    if found is None and number is not None and number >= _BAD_REQUEST:
        found = error_type(number)
        if number == _BAD_REQUEST and _TOO_LARGE.search(said.message):
            found = ProviderRequestTooLargeError
    return found or _BY_WORD.get(said.word or "", ProviderServerError)


def _read(body: bytes) -> _Said:
    try:
        document = msgspec.json.decode(body)
    except DECODE_ERRORS:
        return _Said(body.decode("utf-8", "replace"))
    if isinstance(document, list) and document:  # so does streamGenerateContent answer without SSE
        document = document[0]
    return _words(document.get("error", document) if isinstance(document, Mapping) else document)


def _words(said: Any) -> _Said:
    if not isinstance(said, Mapping):
        return _Said(str(said))
    number, word, message = said.get("code"), said.get("status"), said.get("message")
    details = said.get("details")
    reason, wait, violations = None, None, list[Any]()
    for detail in details if isinstance(details, list) else ():
        if not isinstance(detail, Mapping):
            continue
        reason = reason or _text(detail.get("reason"))
        wait = _seconds(detail["retryDelay"]) if "retryDelay" in detail else wait
        for name in ("violations", "fieldViolations"):
            if isinstance(detail.get(name), list):
                violations += detail[name]
    return _Said(
        message=str(message or ""),
        number=number if isinstance(number, int) else None,
        word=_text(word),
        reason=reason,
        wait=wait,
        violations=tuple(violations),
    )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _seconds(delay: Any) -> float | None:
    """A duration: ``"48.9s"`` in JSON, ``{"seconds": …, "nanos": …}`` from some proxies."""
    if isinstance(delay, Mapping):
        seconds, nanos = delay.get("seconds", 0), delay.get("nanos", 0)
        delay = f"{seconds}.{nanos:09d}s" if isinstance(nanos, int) else f"{seconds}s"
    try:
        seconds = float(str(delay).removesuffix("s"))
    except ValueError:
        return None
    return seconds if 0 <= seconds < float("inf") else None
