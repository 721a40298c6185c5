"""OpenAI's errors: https://platform.openai.com/docs/guides/error-codes"""

from collections.abc import Mapping
from typing import Any

import msgspec
from llmring_types.exceptions import (
    LLMRingError,
    ModelNotFoundError,
    ProviderAuthenticationError,
    ProviderRateLimitError,
    ProviderRequestTooLargeError,
    ProviderServerError,
)

from llmring_providers._errors import build, error_type
from llmring_providers._protocol import ChatCall

_BY_CODE: Mapping[str, type[LLMRingError]] = {
    "model_not_found": ModelNotFoundError,
    "context_length_exceeded": ProviderRequestTooLargeError,
    "invalid_api_key": ProviderAuthenticationError,
    "rate_limit_exceeded": ProviderRateLimitError,
    "insufficient_quota": ProviderRateLimitError,
    "server_error": ProviderServerError,
}


def error(status: int, headers: Mapping[str, str], body: bytes, call: ChatCall) -> LLMRingError:
    """Translate an error answer, whatever its body is."""
    message, code = _read(body)
    kind = _BY_CODE.get(code or "") or error_type(status)
    return build(kind, message or f"HTTP status {status}", call, status=status, headers=headers, code=code)


def body_error(said: Any, call: ChatCall) -> LLMRingError:
    """Translate an error object that came with a status of success, or inside a stream."""
    message, code = _words(said)
    number = said.get("status") or said.get("code") if isinstance(said, Mapping) else None
    kind = _BY_CODE.get(code or "")
    if kind is None:
        kind = error_type(number) if isinstance(number, int) else ProviderServerError
    return build(kind, message or "the provider reported an error", call, code=code)


def _read(body: bytes) -> tuple[str, str | None]:
    try:
        document = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return body.decode("utf-8", "replace"), None
    if isinstance(document, list) and document:
        document = document[0]
    return _words(document.get("error", document) if isinstance(document, Mapping) else document)


def _words(said: Any) -> tuple[str, str | None]:
    if not isinstance(said, Mapping):
        return str(said), None
    message = said.get("message") or said.get("detail") or ""
    code = said.get("code") or said.get("type")
    return str(message), None if code is None else str(code)
