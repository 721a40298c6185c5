"""Writes Anthropic's errors: https://platform.claude.com/docs/en/api/errors"""

from collections.abc import Mapping
from typing import Any

import msgspec
from llmring_types.exceptions import LLMRingError

from llmring_providers.hosting.codec import ErrorAnswer
from llmring_providers.hosting.failures import Failure, Kind, failure_of

_WORDS: Mapping[Kind, tuple[str, str]] = {
    "bad_request": ("invalid_request_error", "The request is not valid."),
    "unsupported": ("invalid_request_error", "The request is not supported."),
    "too_large": ("request_too_large", "Request exceeds the maximum size"),
    "authentication": ("authentication_error", "invalid x-api-key"),
    "permission": (
        "permission_error",
        "Your API key does not have permission to use the specified resource.",
    ),
    "not_found": ("not_found_error", "The requested model does not exist."),
    "quota": ("billing_error", "There is an issue with your billing or payment information."),
    "rate_limit": ("rate_limit_error", "This request would exceed the rate limit for your organization."),
    "timeout": ("timeout_error", "Request timed out."),
    "server": ("api_error", "Internal server error"),
    "overloaded": ("overloaded_error", "Overloaded"),
    "gateway": ("api_error", "Internal server error"),
}
_STATUSES: Mapping[Kind, int] = {"overloaded": 529}


def error_document(error: LLMRingError) -> dict[str, Any]:
    """Return the document, which is also the data of an error event."""
    return _document(failure_of(error))


def _document(failure: Failure) -> dict[str, Any]:
    kind, words = _WORDS[failure.kind]
    message = failure.words or words
    return {"type": "error", "error": {"type": kind, "message": message}}


def error_answer(error: LLMRingError) -> ErrorAnswer:
    """Write an error; of an overload, with the status that is Anthropic's own."""
    failure = failure_of(error, _STATUSES)
    body = msgspec.json.encode(_document(failure))
    return ErrorAnswer(status=failure.status, body=body, headers=failure.headers)
