"""OpenAI's errors, and those of the hosts that copy its protocol.

https://platform.openai.com/docs/guides/error-codes
https://learn.microsoft.com/azure/ai-foundry/openai/reference#api-error-codes
https://openrouter.ai/docs/api-reference/errors
"""

import re
from collections.abc import Mapping
from typing import Any

import msgspec
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
)

from llmring_providers._errors import (
    TOO_LONG,
    RpcDetails,
    build,
    error_type,
    plain_text,
    read_details,
    stated_wait,
)
from llmring_providers._json import DECODE_ERRORS
from llmring_providers._protocol import ChatCall

_BY_CODE: Mapping[str, type[LLMRingError]] = {
    "model_not_found": ModelNotFoundError,
    "model_not_available": ModelNotFoundError,  # Together
    "model_decommissioned": ModelNotFoundError,  # Groq
    "invalid_model": ModelNotFoundError,  # Mistral
    "context_length_exceeded": ProviderRequestTooLargeError,
    "exceed_context_size_error": ProviderRequestTooLargeError,
    "invalid_api_key": ProviderAuthenticationError,
    "insufficient_quota": ProviderQuotaError,
    "billing_hard_limit_reached": ProviderQuotaError,
    "billing_not_active": ProviderQuotaError,
    "API_KEY_INVALID": ProviderAuthenticationError,  # Gemini's copy of the protocol, with status 400
    "API_KEY_EXPIRED": ProviderAuthenticationError,
    # MiniMax: https://platform.minimax.io/docs/api-reference/errorcode
    "1002": ProviderRateLimitError,
    "1004": ProviderAuthenticationError,
    "1008": ProviderQuotaError,
    "1039": ProviderRateLimitError,
    "2013": ProviderBadRequestError,
}
"""Words that say more than the status."""

_WITHOUT_STATUS: Mapping[str, type[LLMRingError]] = {
    "rate_limit_exceeded": ProviderRateLimitError,
    "rate_limit_error": ProviderRateLimitError,
    "server_error": ProviderServerError,
    "server_is_overloaded": ProviderOverloadedError,
    "service_unavailable_error": ProviderOverloadedError,
    "overloaded_error": ProviderOverloadedError,
    "timeout": ProviderTimeoutError,
    "content_filter": ProviderBadRequestError,
    "invalid_request_error": ProviderBadRequestError,
    "authentication_error": ProviderAuthenticationError,
    "permission_error": ProviderPermissionError,
    "not_found_error": ModelNotFoundError,
    "bio_policy": ProviderBadRequestError,
    "data_residency_mismatch": ProviderBadRequestError,
    "misalignment_policy_violation": ProviderBadRequestError,
    "failed_to_download_image": ProviderBadRequestError,
}
_STATUS = re.compile(r"[45]\d\d")
_REJECTIONS = ("invalid_", "image_", "unsupported_", "empty_")
"""Prefixes of the codes by which a failed response blames the request."""


class _Words(msgspec.Struct):
    """Fields of an error object."""

    message: str = ""
    code: str | None = None
    kind: str | None = None
    number: int | None = None
    details: dict[str, Any] | None = None
    rpc: RpcDetails = RpcDetails()
    wait: float | None = None

    def known(self, *tables: Mapping[str, type[LLMRingError]]) -> type[LLMRingError] | None:
        for table in tables:
            for word in (self.code, self.kind, self.rpc.reason):
                found = table.get(word or "")
                if found is not None:
                    return found
        return None

    def build(self, kind: type[LLMRingError], plain: str, call: ChatCall, **about: Any) -> LLMRingError:
        """Build the exception, whose text is ``plain`` where the host gave no message."""
        message = self.message or plain
        if kind is ProviderBadRequestError and TOO_LONG.search(message):
            kind = ProviderRequestTooLargeError
        code = self.code or self.kind or self.rpc.reason
        wait = self.rpc.wait if self.wait is None else self.wait
        return build(kind, message, call, code=code, retry_after=wait, details=self.details, **about)


def error(status: int, headers: Mapping[str, str], body: bytes, call: ChatCall) -> LLMRingError:
    """Translate an error answer, whatever its body is."""
    try:
        words = _read(msgspec.json.decode(body))
    except DECODE_ERRORS:
        words = _Words()
    kind = words.known(_BY_CODE) or error_type(status)
    plain = plain_text(body) or f"HTTP status {status}"
    if call.quirks is not None and words.rpc.wait is None:
        words.wait = stated_wait(headers, call.quirks.wait_headers)
    return words.build(kind, plain, call, status=status, headers=headers)


def body_error(said: Any, call: ChatCall) -> LLMRingError:
    """Translate an error that came with a status of success, or inside a stream."""
    words = _read(said)
    kind = words.known(_BY_CODE, _WITHOUT_STATUS)
    if kind is None and (words.code or "").startswith(_REJECTIONS):
        kind = ProviderBadRequestError
    if kind is None:
        kind = error_type(words.number or 500)
    return words.build(kind, "the provider reported an error", call)


def _read(document: Any) -> _Words:
    """Read an error object, whether it stands alone, under ``error``, in a list, or is a mere text."""
    if isinstance(document, list) and document:
        document = document[0]
    if isinstance(document, Mapping):
        inner = document.get("error") or document.get("base_resp") or document
        document = {**document, "message": inner} if isinstance(inner, str) else inner  # xAI
    if not isinstance(document, Mapping):
        return _Words("" if document is None else str(document))
    code, kind, number = document.get("code"), document.get("type"), document.get("status")
    if "status_msg" in document:  # MiniMax
        code = str(document.get("status_code"))
    if isinstance(code, int):  # OpenRouter and vLLM put the HTTP status here
        code, number = None, code
    elif isinstance(code, str) and number is None and _STATUS.fullmatch(code):  # so does Azure, as a text
        number = int(code)
    return _Words(
        message=_message(document),
        code=None if code is None else str(code),
        kind=str(kind) if kind and kind != "error" else None,
        number=number if isinstance(number, int) else None,
        details=_details(document),
        rpc=read_details(document.get("details")),
    )


def _message(document: Mapping[str, Any]) -> str:
    message = document.get("message") or document.get("detail") or document.get("status_msg") or ""
    if not isinstance(message, str):
        message = msgspec.json.encode(message).decode()
    # OpenRouter says "Provider returned error" and puts what that provider said beside it.
    metadata = document.get("metadata")
    raw = metadata.get("raw") if isinstance(metadata, Mapping) else None
    return f"{message}: {raw}" if isinstance(raw, str) and raw else message


def _details(document: Mapping[str, Any]) -> dict[str, Any] | None:
    """The parameter that is to blame, what else OpenAI and OpenRouter say, and what Azure's content filter found.

    https://learn.microsoft.com/azure/ai-foundry/openai/concepts/content-filter
    """
    inner, metadata = document.get("innererror"), document.get("metadata")
    found = {name: document.get(name) for name in ("param", "misalignment")}
    if isinstance(metadata, Mapping):  # the raw words are in the message, without keys
        found["metadata"] = {name: value for name, value in metadata.items() if name != "raw"}
    found["content_filter_result"] = (
        inner.get("content_filter_result") if isinstance(inner, Mapping) else None
    )
    return {name: value for name, value in found.items() if value} or None
