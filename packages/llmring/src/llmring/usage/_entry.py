"""One row of the log."""

from datetime import UTC, datetime
from typing import Any

import msgspec

from llmring._records import CallRecord, Ending

_encode = msgspec.json.Encoder(enc_hook=repr).encode
_UNWRITABLE = (TypeError, ValueError, OverflowError, RecursionError)


class UsageEntry(msgspec.Struct, frozen=True, kw_only=True):
    """What one call used. The first fields are those that the usage server has; ``None`` is always unknown.

    Attributes:
        id: of the call.
        logged_at: when it began, ISO 8601 in UTC.
        provider: who answered, or was asked last.
        model: the model's name, without the provider.
        alias: what was asked for, unless it was a ``provider:model``.
        profile: the lockfile's profile.
        origin: who asked.
        input_tokens: all of them, cached ones included.
        output_tokens: all of them, reasoning included.
        cached_input_tokens: those read from a cache.
        cost: US dollars.
        latency_ms: until the whole answer had come.
        first_chunk_ms: until a stream's first chunk.
        ending: ``answered``, ``failed`` or ``aborted``.
        error: the exception's class.
        finish_reason: the neutral word.
        streamed: the answer was asked for in chunks.
        estimated: tokens and cost are estimates in part or in whole.
        attempts: requests that were sent.
        failed_cost: estimated dollars for attempts that came to nothing.
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


def entry_of(record: CallRecord) -> UsageEntry:
    """Return the row for a call."""
    usage, model, response = record.usage or {}, record.model, record.response
    return UsageEntry(
        id=record.id,
        logged_at=_iso(record.started_at),
        provider=model.provider if model is not None else None,
        model=model.model if model is not None else None,
        alias=record.alias,
        profile=record.profile,
        origin=record.origin,
        input_tokens=usage.get("prompt_tokens"),
        output_tokens=usage.get("completion_tokens"),
        cached_input_tokens=usage.get("cache_read_input_tokens"),
        cost=usage.get("cost"),
        latency_ms=_milliseconds(record.seconds),
        first_chunk_ms=_milliseconds(record.first_chunk_s),
        ending=record.ending,
        error=type(record.error).__name__ if record.error is not None else None,
        finish_reason=response.finish_reason if response is not None else None,
        streamed=record.streamed,
        estimated=record.estimated,
        attempts=sum(attempt.outcome != "skipped" for attempt in record.attempts),
        failed_cost=float(record.failed_cost),
        metadata=_metadata(record),
    )


def _metadata(record: CallRecord) -> str:
    usage, response = record.usage or {}, record.response
    found: dict[str, Any] = {
        name: usage.get(name)
        for name in ("cache_creation_input_tokens", "reasoning_tokens", "cost_status", "cost_source")
    }
    if response is not None:
        found["provider_model"] = response.provider_model
        found["response_id"] = response.response_id
        found["request_id"] = response.request_id
    given = {name: value for name, value in found.items() if value is not None}
    try:
        return _encode(
            {**given, "request": record.request.metadata} if record.request.metadata else given
        ).decode()
    except _UNWRITABLE:
        return _encode(given).decode()


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)
