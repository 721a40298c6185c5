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

from llmring_providers._errors import TOO_LONG, RpcDetails, build, error_type, plain_text, read_details
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

_TOO_LARGE = re.compile(r"exceeds the limit", re.IGNORECASE)
_BAD_REQUEST = 400


class _Said(NamedTuple):
    """Fields of an error object; ``word`` is the canonical one."""

    message: str = ""
    number: int | None = None
    word: str | None = None
    details: RpcDetails = RpcDetails()


def error(status: int, headers: Mapping[str, str], body: bytes, call: ChatCall) -> LLMRingError:
    """Translate an error answer, whatever its body is."""
    return _build(_read(body), status, headers, call, status=status)


def body_error(said: Any, call: ChatCall) -> LLMRingError:
    """Translate an error object that came with a status of success, or inside a stream."""
    read = _words(said)
    return _build(read, read.number, {}, call, status=None)


def bare_error(body: bytes, call: ChatCall) -> LLMRingError | None:
    """Return the error that a document without candidates is, where it has no ``error`` around it."""
    said = msgspec.json.decode(body)
    return (
        body_error({"message": said.get("message") or said.get("detail")}, call)
        if said.keys() & {"message", "detail"}
        else None
    )


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
        code=said.details.reason or said.word,
        retry_after=said.details.wait,
    )
    if said.details.violations:
        found.details["violations"] = list(said.details.violations)
    return found


def _kind(said: _Said, number: int | None) -> type[LLMRingError]:
    found = _BY_REASON.get(said.details.reason or "")
    if found is None and said.word in _UNUSUAL:
        found = ProviderServerError
    if found is None and number is not None and number >= _BAD_REQUEST:
        found = error_type(number)
        if number == _BAD_REQUEST and (TOO_LONG.search(said.message) or _TOO_LARGE.search(said.message)):
            found = ProviderRequestTooLargeError
    return found or _BY_WORD.get(said.word or "", ProviderServerError)


def _read(body: bytes) -> _Said:
    try:
        document = msgspec.json.decode(body)
    except DECODE_ERRORS:
        return _Said(plain_text(body))
    if isinstance(document, list) and document:  # so does streamGenerateContent answer without SSE
        document = document[0]
    return _words(document.get("error", document) if isinstance(document, Mapping) else document)


def _words(said: Any) -> _Said:
    if not isinstance(said, Mapping):
        return _Said(str(said))
    number, word = said.get("code"), said.get("status")
    return _Said(
        message=str(said.get("message") or said.get("detail") or ""),
        number=number if isinstance(number, int) else None,
        word=word if isinstance(word, str) and word else None,
        details=read_details(said.get("details")),
    )
