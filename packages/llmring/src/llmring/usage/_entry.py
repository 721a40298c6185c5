"""One row of the log."""

import math
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from llmring._json import ENCODE_ERRORS
from llmring._records import CallRecord, Ending
from llmring._redaction import Redactor

_encode = msgspec.json.Encoder(enc_hook=repr).encode
_MOST = 2**63 - 1
_FIRST, _LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


class UsageEntry(msgspec.Struct, frozen=True, kw_only=True):
    """The usage of one call. The first fields are those that the usage server has; ``None`` is always unknown.

    Attributes:
        id: of the call.
        logged_at: the time of its start, ISO 8601 in UTC.
        provider: the one that answered, or was asked last.
        model: the model's name, without the provider.
        alias: the alias that was asked for, unless it was a ``provider:model``.
        profile: the lockfile's profile.
        origin: the application that asked.
        input_tokens: all of them, cached ones included.
        output_tokens: all of them, reasoning included.
        cached_input_tokens: those read from a cache.
        cost: US dollars.
        latency_ms: milliseconds to the end of the answer.
        first_chunk_ms: milliseconds to the first chunk of a stream.
        ending: ``answered``, ``failed`` or ``aborted``.
        error: the exception's class.
        finish_reason: the neutral word.
        streamed: the answer was asked for in chunks.
        estimated: tokens and cost are estimates in part or in whole.
        attempts: requests that were sent.
        failed_cost: estimated dollars for attempts that failed.
        metadata: JSON: the provider's ids, its name for the model, further counts, and the request's own metadata.
    """

    id: str
    logged_at: str
    provider: str | None = None
    model: str | None = None
    alias: str | None = None
    profile: str | None = None
    origin: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_input_tokens: int | None = None
    cost: float | None = None
    latency_ms: int | None = None
    first_chunk_ms: int | None = None
    ending: Ending = "answered"
    error: str | None = None
    finish_reason: str | None = None
    streamed: bool = False
    estimated: bool = False
    attempts: int = 1
    failed_cost: float = 0.0
    metadata: str = "{}"


def entry_of(record: CallRecord, secrets: Iterable[str] = ()) -> UsageEntry:
    """Return the row for a call. It never fails: what no column can hold is clamped, and ``metadata`` says so.

    Args:
        record: the call.
        secrets: values that are blotted out, should the host have repeated one.
    """
    usage, model, response = record.usage or {}, record.model, record.response
    clamped: list[str] = []

    def whole(name: str, value: object) -> int | None:
        return _within(name, value, clamped)

    numbers = {
        "input_tokens": whole("input_tokens", usage.get("prompt_tokens")),
        "output_tokens": whole("output_tokens", usage.get("completion_tokens")),
        "cached_input_tokens": whole("cached_input_tokens", usage.get("cache_read_input_tokens")),
        "latency_ms": whole("latency_ms", record.seconds * 1000),
        "first_chunk_ms": whole(
            "first_chunk_ms", None if record.first_chunk_s is None else record.first_chunk_s * 1000
        ),
    }
    return UsageEntry(
        id=_text(record.id),
        logged_at=_iso(record.started_at, clamped),
        provider=_text(model.provider) if model is not None else None,
        model=_text(model.model) if model is not None else None,
        alias=None if record.alias is None else _text(record.alias),
        profile=None if record.profile is None else _text(record.profile),
        origin=_text(record.origin),
        cost=_finite(usage.get("cost")),
        ending=record.ending,
        error=type(record.error).__name__ if record.error is not None else None,
        finish_reason=response.finish_reason if response is not None else None,
        streamed=record.streamed,
        estimated=record.estimated,
        attempts=sum(attempt.outcome != "skipped" for attempt in record.attempts),
        failed_cost=_finite(float(record.failed_cost)) or 0.0,
        **numbers,
        metadata=Redactor(secrets).text(_metadata(record, clamped)),
    )


def _metadata(record: CallRecord, clamped: Sequence[str]) -> str:
    usage, response = record.usage or {}, record.response
    found: dict[str, Any] = {
        name: usage.get(name)
        for name in ("cache_creation_input_tokens", "reasoning_tokens", "cost_status", "cost_source")
    }
    if response is not None:
        found["provider_model"] = response.provider_model
        found["response_id"] = response.response_id
        found["request_id"] = response.request_id
    found["clamped"] = clamped or None
    given = {
        name: _text(value) if isinstance(value, str) else value
        for name, value in found.items()
        if value is not None
    }
    try:
        return _encode(
            {**given, "request": record.request.metadata} if record.request.metadata else given
        ).decode()
    except ENCODE_ERRORS:
        return _encode(given).decode()


def _within(name: str, value: object, clamped: list[str]) -> int | None:
    """Return a count as SQLite holds it, in 64 bits; ``None`` for what is no number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value:  # noqa: PLR0124 - NaN
        return None
    if abs(value) > _MOST:
        clamped.append(name)
        return _MOST if value > 0 else -_MOST
    return round(value)


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _text(text: str) -> str:
    """Return the text with a mark in the place of what UTF-8 cannot hold."""
    return text.encode(errors="replace").decode()


def _iso(seconds: float, clamped: list[str]) -> str:
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        clamped.append("logged_at")
        moment = _FIRST if seconds < 0 else _LAST
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
