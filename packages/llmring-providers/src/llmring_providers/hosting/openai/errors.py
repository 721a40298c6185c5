"""Errors, the list of models and the count of tokens, which both of OpenAI's protocols share.

https://platform.openai.com/docs/guides/error-codes
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from llmring_types.exceptions import LLMRingError, ProviderError

from llmring_providers.hosting.codec import ErrorAnswer, Stamp
from llmring_providers.hosting.failures import Failure, Kind, failure_of

_WORDS: Mapping[Kind, tuple[str, str | None, str]] = {
    "bad_request": ("invalid_request_error", None, "The request is not valid."),
    "unsupported": ("invalid_request_error", "unsupported_value", "The request is not supported."),
    "too_large": ("invalid_request_error", "context_length_exceeded", "The request is too large."),
    "authentication": ("invalid_request_error", "invalid_api_key", "Incorrect API key provided."),
    "permission": (
        "invalid_request_error",
        None,
        "You do not have access to this resource.",
    ),
    "not_found": (
        "invalid_request_error",
        "model_not_found",
        "The model does not exist or you do not have access to it.",
    ),
    "quota": ("insufficient_quota", "insufficient_quota", "You exceeded your current quota."),
    "rate_limit": ("requests", "rate_limit_exceeded", "Rate limit reached."),
    "timeout": ("server_error", None, "The request timed out."),
    "server": ("server_error", None, "The server had an error while processing your request."),
    "overloaded": (
        "service_unavailable_error",
        "server_is_overloaded",
        "Our servers are currently overloaded. Please try again later.",
    ),
    "gateway": ("server_error", None, "The server had an error while processing your request."),
}
"""Type, code and usual text."""
_STATUSES: Mapping[Kind, int] = {"quota": 429}
"""OpenAI tells a used-up quota from a rate limit by the code alone."""

COUNTED = b'{"object":"response.input_tokens","input_tokens":%d}'
"""https://platform.openai.com/docs/api-reference/responses/input-tokens"""


def error_object(error: LLMRingError) -> dict[str, Any]:
    """Return the error object."""
    return _object(failure_of(error), error)


def _object(failure: Failure, error: LLMRingError) -> dict[str, Any]:
    kind, code, words = _WORDS[failure.kind]
    if code is None and isinstance(error, ProviderError):
        code = error.code
    return {
        "message": failure.message or words,
        "type": kind,
        "param": error.details.get("param"),
        "code": code,
    }


def error_answer(error: LLMRingError) -> ErrorAnswer:
    """Write an error."""
    failure = failure_of(error, _STATUSES)
    body = msgspec.json.encode({"error": _object(failure, error)})
    return ErrorAnswer(status=failure.status, body=body, headers=failure.headers)


def models(names: Sequence[str], stamp: Stamp) -> bytes:
    """Return the list of models; https://platform.openai.com/docs/api-reference/models/list"""
    data = [
        {"id": name, "object": "model", "created": stamp.created, "owned_by": "llmring"} for name in names
    ]
    return msgspec.json.encode({"object": "list", "data": data})
