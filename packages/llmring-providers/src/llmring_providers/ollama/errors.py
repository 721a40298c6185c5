"""Ollama's errors: ``{"error": text}`` under a status, or as a line of a stream: https://docs.ollama.com/api/errors"""

import re
from collections.abc import Mapping
from typing import Any

import msgspec
from llmring_types.exceptions import (
    LLMRingError,
    ModelNotFoundError,
    ProviderAuthenticationError,
    ProviderBadRequestError,
    ProviderRequestTooLargeError,
    ProviderServerError,
)

from llmring_providers._errors import TOO_LONG, build, error_type, plain_text
from llmring_providers._json import DECODE_ERRORS
from llmring_providers._protocol import ChatCall

_TOO_LONG = re.compile(r"exceed\w* .*context", re.IGNORECASE)


def error(status: int, headers: Mapping[str, str], body: bytes, call: ChatCall) -> LLMRingError:
    """Translate an error answer, whatever its body is."""
    said = _read(body)
    message = _words(said) if said is not None else ""
    kind = error_type(status)
    if kind is ProviderBadRequestError and (TOO_LONG.search(message) or _TOO_LONG.search(message)):
        kind = ProviderRequestTooLargeError
    if kind is ModelNotFoundError and not message:
        message = "the server knows no /api/chat; is the base URL that of an Ollama server?"
    elif kind is ModelNotFoundError:
        message += f"; install it with: ollama pull {call.ref.model}"
    elif kind is ProviderAuthenticationError:
        message += "; sign in with: ollama signin, or give an API key of ollama.com"
    return build(kind, message or _plain(status, body), call, status=status, headers=headers)


def body_error(said: Any, call: ChatCall) -> LLMRingError:
    """Translate an error that came with a status of success, or inside a stream; its text is all there is."""
    return build(ProviderServerError, _words(said) or "the server reported an error", call)


def _read(body: bytes) -> Any:
    try:
        document = msgspec.json.decode(body)
    except DECODE_ERRORS:
        return None
    return document.get("error") if isinstance(document, Mapping) else None


def _words(said: Any) -> str:
    if isinstance(said, Mapping):
        said = said.get("message") or said
    return str(said)


def _plain(status: int, body: bytes) -> str:
    return plain_text(body) or f"HTTP status {status}"
