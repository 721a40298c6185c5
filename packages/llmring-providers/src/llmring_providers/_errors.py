"""From an HTTP status, headers and the provider's own words to our exception."""

import math
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple

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
    ProviderResponseError,
    ProviderServerError,
    ProviderTimeoutError,
    ProviderUnsupportedRequestError,
    ProxyAuthenticationError,
)

from llmring_providers._fit.fitting import displaces_media
from llmring_providers._http.replies import request_id
from llmring_providers._protocol import ChatCall

_BY_STATUS: Mapping[int, type[LLMRingError]] = {
    400: ProviderBadRequestError,
    401: ProviderAuthenticationError,
    402: ProviderQuotaError,
    403: ProviderPermissionError,
    404: ModelNotFoundError,
    407: ProxyAuthenticationError,
    408: ProviderTimeoutError,
    409: ProviderServerError,  # a conflict with another call: the vendors' SDKs try again
    413: ProviderRequestTooLargeError,
    422: ProviderBadRequestError,
    425: ProviderServerError,
    429: ProviderRateLimitError,
    498: ProviderOverloadedError,  # Groq's flex tier: https://console.groq.com/docs/errors
    499: ProviderServerError,  # a proxy on the way gave up
    503: ProviderOverloadedError,
    529: ProviderOverloadedError,
}
_LEAST_ERROR, _LEAST_SERVER_ERROR = 400, 500
_LONGEST_TEXT = 2000
_LONGEST_PAGE = 2**16
_LONGEST_READ = 2**14
"""No more of a message is looked through: hosts echo whole requests, and endless texts."""
_AMOUNT = (
    r"\d+(?:\.\d+)?\s*(?:milliseconds?|seconds?|minutes?|hours?|days?|secs?|mins?|hrs?|ms|s|m|h|d)(?![a-z])"
)
_WAIT = re.compile(rf"(?:try\s+again|retry)\s+(?:in|after)\s+((?:{_AMOUNT}[\s,]*)+)", re.IGNORECASE)
_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*(milli|ms|s|m|h|d)", re.IGNORECASE)
_SECONDS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001, "milli": 0.001}
_KEY = re.compile(r"\b(?:sk-|gsk_|xai-|AIza)[\w*/+=-]{6,}")
_UNSUPPORTED_CODE = re.compile(
    r"unsupported_|unknown_parameter|invalid_json_schema|invalid_function_parameters|invalid_image_format"
    r"|(?:string|array|object|integer|decimal)_above_max_|integer_below_min_"
)
UNSUPPORTED = re.compile(
    r"not support(?:ed)?\b|unsupported"  # all of them
    r"|unknown parameter|unrecognized request argument"  # OpenAI
    r"|extra inputs are not permitted|\binput_schema\b|too many strict tools"  # Anthropic
    r"|unknown name \S+ at|cannot find field"  # Gemini
    r"|invalid schema|schema is too complex"  # OpenAI; Anthropic and Gemini
    r"|(?:string|array) too long|is compatible only with|(?:above maximum|integer below minimum) value"  # OpenAI
    r"|exceeds \d+ MB maximum|image dimensions exceed|maximum of \d+ (?:PDF pages|blocks)"  # Anthropic
    r"|maximum allowed number of output tokens|max_tokens is too large|supported range is from"  # all three
    r"|is not enabled for",  # Gemini
    re.IGNORECASE,
)
"""Codes and texts of a 400 that name something which another model or provider may have. Only OpenAI has codes."""
TOO_LONG = re.compile(
    r"maximum (?:context|prompt) length"  # vLLM, DeepSeek, OpenRouter, Mistral; xAI
    r"|(?:prompt|input)(?: is)? too long"  # Anthropic, Ollama
    r"|(?:longer|greater) than the (?:model's )?context length"  # SGLang, LM Studio
    r"|exceeds? (?:the )?(?:available )?context (?:window|length|limit|size)"  # OpenAI, Ollama, Anthropic, llama.cpp
    r"|context window exceeds"  # MiniMax
    r"|exceeded model token limit"  # Moonshot
    r"|reduce the length of the messages"  # Groq, Cerebras
    r"|exceeds the maximum number of tokens"  # Gemini
    r"|prompt token count of \d+ exceeds",  # GitHub Copilot
    re.IGNORECASE,
)
"""The message of a 400 for a request larger than the context window, without a code.

One for all protocols: behind each of them stand gateways to the others' models.
"""
_TAG = re.compile(r"<(style|script)\b.*?</\1>|<[^>]*>", re.IGNORECASE | re.DOTALL)
_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)


def error_type(status: int) -> type[LLMRingError]:
    """Return the exception type that a status alone stands for."""
    found = _BY_STATUS.get(status)
    if found is not None:
        return found
    if status >= _LEAST_SERVER_ERROR:
        return ProviderServerError
    return ProviderBadRequestError if status >= _LEAST_ERROR else ProviderResponseError


def build(
    kind: type[LLMRingError],
    message: str,
    call: ChatCall,
    *,
    status: int | None = None,
    headers: Mapping[str, str] | None = None,
    code: str | None = None,
    retry_after: float | None = None,
    details: dict[str, Any] | None = None,
) -> LLMRingError:
    """Build an exception of this type with all that is known.

    A wait that is not given is looked for in the headers and, for a rate limit, in the message. A rejection that names
    something unsupported gets a type of its own.
    """
    headers = headers or {}
    message = message[:_LONGEST_READ]
    if kind is ProviderBadRequestError and (
        _UNSUPPORTED_CODE.match(code or "") or UNSUPPORTED.search(message) or displaces_media(call)
    ):
        kind = ProviderUnsupportedRequestError
    more: dict[str, Any] = {
        "provider": call.ref.provider,
        "model": call.ref.model,
        "status_code": status,
        "request_id": request_id(headers),
        "code": code,
        "details": details,
    }
    if issubclass(kind, (ProviderRateLimitError, ProviderServerError)):
        wait = retry_after if retry_after is not None else header_wait(headers)
        if wait is None and issubclass(kind, ProviderRateLimitError):
            wait = message_wait(message)
        more["retry_after"] = wait
    return kind(_text(kind, message, call), **more)


def _text(kind: type[LLMRingError], message: str, call: ChatCall) -> str:
    message = _KEY.sub("***", " ".join(message.split()))
    if len(message) > _LONGEST_TEXT:
        message = message[:_LONGEST_TEXT] + " …"
    if issubclass(kind, ModelNotFoundError):
        return f"model {call.ref.model!r} is not available: {message}"
    if issubclass(kind, ProviderPermissionError):
        return f"the key may not do this: {message}"
    if issubclass(kind, ProviderAuthenticationError):
        return f"the key was refused: {message}"
    if issubclass(kind, ProxyAuthenticationError):
        return f"a proxy asks for a name and a password: {message}"
    if issubclass(kind, ProviderQuotaError):
        return f"the account's quota is used up: {message}"
    return message


def plain_text(body: bytes) -> str:
    """Return an error body that is not JSON as a text to show: of a proxy's HTML page, its title or what it reads."""
    text = body[:_LONGEST_PAGE].decode("utf-8", "replace").strip()
    if not text.startswith("<"):
        return text
    title = _TITLE.search(text)
    return (title[1] if title is not None else _TAG.sub(" ", text)).strip()


def header_wait(headers: Mapping[str, str]) -> float | None:
    """Read ``retry-after-ms`` or ``retry-after`` (seconds or a date, RFC 9110 §10.2.3) as seconds from now."""
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    text = headers.get("retry-after")
    seconds = _number(text)
    if seconds is not None or not text:
        return seconds
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def message_wait(message: str) -> float | None:
    """Read the wait that some write only in the text: ``try again in 1m30.5s``, ``retry after 26 seconds``."""
    found = _WAIT.search(message)
    if found is None:
        return None
    return _seconds(found[1])


def stated_wait(headers: Mapping[str, str], names: Iterable[str]) -> float | None:
    """Read a wait from headers of the host's own: seconds or ``1m30.5s``; nothing where ``retry-after`` is."""
    if header_wait(headers) is not None:
        return None
    for name in names:
        if (seconds := span_of(headers.get(name, ""))) is not None:
            return seconds
    return None


def span_of(text: str) -> float | None:
    """Read seconds, or a span as ``1m30.5s``; ``None`` for anything else."""
    if (seconds := _number(text)) is not None:
        return seconds
    if _SPAN.sub("", text).strip() or not text:
        return None
    return _seconds(text)


def _seconds(span: str) -> float | None:
    """Return a span in seconds; ``None`` for one without an end, which hostile hosts write."""
    seconds = sum(float(amount) * _SECONDS[unit.lower()] for amount, unit in _SPAN.findall(span))
    return seconds if math.isfinite(seconds) else None


def _number(text: str | None) -> float | None:
    try:
        value = float(text) if text else None
    except ValueError:
        return None
    return value if value is not None and 0 <= value < float("inf") else None


class RpcDetails(NamedTuple):
    """Details of an error in Google's form: the reason of an ErrorInfo, the wait of a RetryInfo in seconds, violations.

    Vertex AI and Gemini's copy of OpenAI's protocol answer in it too: https://google.aip.dev/193
    """

    reason: str | None = None
    wait: float | None = None
    violations: tuple[Any, ...] = ()


def read_details(details: Any) -> RpcDetails:
    """Read the ``details`` of an error object; anything but a list of objects says nothing."""
    reason, wait, violations = None, None, list[Any]()
    for detail in details if isinstance(details, list) else ():
        if not isinstance(detail, Mapping):
            continue
        reason = reason or _said(detail.get("reason"))
        wait = _duration(detail["retryDelay"]) if "retryDelay" in detail else wait
        for name in ("violations", "fieldViolations"):
            if isinstance(detail.get(name), list):
                violations += detail[name]
    return RpcDetails(reason, wait, tuple(violations))


def _said(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _duration(delay: Any) -> float | None:
    """A duration: ``"48.9s"`` in JSON, ``{"seconds": …, "nanos": …}`` from some proxies."""
    if isinstance(delay, Mapping):
        seconds, nanos = delay.get("seconds", 0), delay.get("nanos", 0)
        delay = f"{seconds}.{nanos:09d}s" if isinstance(nanos, int) else f"{seconds}s"
    try:
        seconds = float(str(delay).removesuffix("s"))
    except ValueError:
        return None
    return seconds if 0 <= seconds < float("inf") else None
