"""Writes Google's errors.

https://ai.google.dev/gemini-api/docs/troubleshooting
https://google.aip.dev/193
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from llmring_types.exceptions import LLMRingError

from llmring_providers.hosting.codec import ErrorAnswer
from llmring_providers.hosting.failures import Failure, Kind, failure_of

_WORDS: Mapping[Kind, tuple[str, str]] = {
    "bad_request": ("INVALID_ARGUMENT", "Request contains an invalid argument."),
    "unsupported": ("INVALID_ARGUMENT", "The request is not supported."),
    "too_large": ("INVALID_ARGUMENT", "Request payload size exceeds the limit."),
    "authentication": ("UNAUTHENTICATED", "Request had invalid authentication credentials."),
    "permission": ("PERMISSION_DENIED", "The caller does not have permission."),
    "not_found": ("NOT_FOUND", "The model is not found for API version v1beta."),
    "quota": ("FAILED_PRECONDITION", "The account has no credit left."),
    "rate_limit": ("RESOURCE_EXHAUSTED", "Resource has been exhausted (e.g. check quota)."),
    "timeout": ("DEADLINE_EXCEEDED", "The request timed out. Please try again."),
    "server": ("INTERNAL", "An internal error has occurred."),
    "overloaded": ("UNAVAILABLE", "The model is overloaded. Please try again later."),
    "gateway": ("INTERNAL", "An internal error has occurred."),
}
_RETRY_INFO = "type.googleapis.com/google.rpc.RetryInfo"


def error_document(error: LLMRingError) -> dict[str, Any]:
    """Return the document, which is also an event of a stream."""
    return _document(failure_of(error))


def _document(failure: Failure) -> dict[str, Any]:
    word, words = _WORDS[failure.kind]
    error: dict[str, Any] = {"code": failure.status, "message": failure.words or words, "status": word}
    if failure.retry_after is not None:
        error["details"] = [{"@type": _RETRY_INFO, "retryDelay": f"{failure.retry_after:g}s"}]
    return {"error": error}


def error_answer(error: LLMRingError) -> ErrorAnswer:
    """Write an error. Google says in the body how long to wait, and in no header."""
    failure = failure_of(error)
    body = msgspec.json.encode(_document(failure))
    return ErrorAnswer(
        status=failure.status, body=body, headers={"content-type": "application/json; charset=UTF-8"}
    )
