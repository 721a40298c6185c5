"""Errors and the list of models, which both of OpenAI's protocols share.

https://platform.openai.com/docs/guides/error-codes
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from llmring_providers.sim.dialect import FIXED_TIME, of_status

_OVERLOADED = (
    "service_unavailable_error",
    "server_is_overloaded",
    "Our servers are currently overloaded. Please try again later.",
)
_ERRORS: Mapping[int, tuple[str, str | None, str]] = {
    400: ("invalid_request_error", None, "The request is not valid."),
    401: ("invalid_request_error", "invalid_api_key", "Incorrect API key provided."),
    403: ("invalid_request_error", "unsupported_country_region_territory", "Country not supported."),
    404: (
        "invalid_request_error",
        "model_not_found",
        "The model does not exist or you do not have access to it.",
    ),
    413: ("invalid_request_error", "request_too_large", "The request is too large."),
    429: ("requests", "rate_limit_exceeded", "Rate limit reached."),
    500: ("server_error", None, "The server had an error while processing your request."),
    503: _OVERLOADED,
    529: _OVERLOADED,
}


def error_body(status: int, message: str | None) -> dict[str, Any]:
    """Return the error object for a status."""
    kind, code, words = of_status(_ERRORS, status)
    return {"message": message or words, "type": kind, "param": None, "code": code}


def models(names: Sequence[str]) -> bytes:
    """Return the list of models; https://platform.openai.com/docs/api-reference/models/list"""
    data = [{"id": name, "object": "model", "created": FIXED_TIME, "owned_by": "llmring"} for name in names]
    return msgspec.json.encode({"object": "list", "data": data})
