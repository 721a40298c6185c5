"""OpenTelemetry: a span and metrics for each call, by the semantic conventions for generative AI.

https://github.com/open-telemetry/semantic-conventions-genai/blob/main/docs/gen-ai/gen-ai-spans.md, which has a name for
embedding (``embeddings``) and none for reranking: ``rerank`` is ours, as it allows. Nothing here imports
OpenTelemetry unless the application has: without a configured provider there is no observer, and no cost.
"""

import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol
from urllib.parse import urlsplit

from llmring_types import LLMRequest
from llmring_types.hosts import host_of

from llmring._observing.telemetry_content import content_attributes
from llmring._records import CallRecord
from llmring._redaction import Redactor
from llmring._settings import known_secrets

_SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
_TOKENS = tuple(4**power for power in range(14))
_NANOSECONDS = 1_000_000_000
_PARAMETERS = ("frequency_penalty", "presence_penalty", "seed", "top_k", "top_p")


class _Histogram(Protocol):
    def record(self, amount: float, attributes: Mapping[str, Any]) -> None: ...


def _nowhere(provider: str) -> str | None:  # noqa: ARG001 - what stands in for it knows
    return None


def find_telemetry(
    *,
    content: bool,
    base_url_of: Callable[[str], str | None] = _nowhere,
    secrets: Callable[[], Iterable[str]] = known_secrets,
) -> list["Telemetry"]:
    """Return the observer, where the application has configured a provider of traces or of metrics; else nothing.

    It is looked for among what is loaded. The API's own classes stand for a provider that nobody has configured.
    """
    trace, metrics = sys.modules.get("opentelemetry.trace"), sys.modules.get("opentelemetry.metrics")
    traced = trace is not None and _is_configured(trace.get_tracer_provider())
    measured = metrics is not None and _is_configured(metrics.get_meter_provider())
    if not traced and not measured:
        return []
    try:
        return [Telemetry(content=content, base_url_of=base_url_of, secrets=secrets)]
    except TypeError:  # an argument that earlier versions do not take
        import logging  # noqa: PLC0415 - only for this

        logging.getLogger("llmring").warning("no telemetry: it needs opentelemetry-api 1.30 or later")
        return []


def _is_configured(provider: object) -> bool:
    return not type(provider).__module__.startswith(("opentelemetry.trace", "opentelemetry.metrics"))


class Telemetry:
    """Reports a call as a span that has ended already, with the call's own times, below the caller's span.

    Args:
        content: put the messages and the answer on the span.
        base_url_of: returns the base URL of a provider.
        secrets: returns the values that must be on no span or metric, should a host repeat one.
    """

    def __init__(
        self,
        *,
        content: bool,
        base_url_of: Callable[[str], str | None],
        secrets: Callable[[], Iterable[str]],
    ) -> None:
        from opentelemetry import metrics, trace  # noqa: PLC0415 - an optional dependency, loaded by the application

        self._content = content
        self._base_url_of = base_url_of
        self._secrets = secrets
        self._kind = trace.SpanKind.CLIENT
        self._status = trace.Status
        self._error = trace.StatusCode.ERROR
        self._tracer = trace.get_tracer_provider().get_tracer("llmring")
        meter = metrics.get_meter_provider().get_meter("llmring")
        self._duration: _Histogram = meter.create_histogram(
            "gen_ai.client.operation.duration",
            unit="s",
            description="GenAI operation duration.",
            explicit_bucket_boundaries_advisory=_SECONDS,
        )
        self._first_chunk: _Histogram = meter.create_histogram(
            "gen_ai.client.operation.time_to_first_chunk",
            unit="s",
            description="Time to receive the first chunk of a stream.",
            explicit_bucket_boundaries_advisory=_SECONDS,
        )
        self._tokens: _Histogram = meter.create_histogram(
            "gen_ai.client.token.usage",
            unit="{token}",
            description="Number of input and output tokens used.",
            explicit_bucket_boundaries_advisory=_TOKENS,
        )

    def __call__(self, record: CallRecord, /) -> None:
        redactor = Redactor(self._secrets())
        identity = _redacted(_identity(record, self._base_url_of), redactor)
        self._trace(record, identity, redactor)
        self._measure(record, identity, redactor)

    def _trace(self, record: CallRecord, identity: Mapping[str, Any], redactor: Redactor) -> None:
        started = round(record.started_at * _NANOSECONDS)
        span = self._tracer.start_span(
            f"{record.operation} {identity['gen_ai.request.model']}",
            kind=self._kind,
            attributes={**identity, **_redacted(_asked(record), redactor)},
            start_time=started,
        )
        if span.is_recording():
            span.set_attributes(_redacted(_answered(record), redactor))
            if self._content:
                span.set_attributes(_redacted(content_attributes(record), redactor))
            if record.error is not None:
                span.set_attribute("error.type", type(record.error).__name__)
                if record.ending == "failed":
                    span.set_status(self._status(self._error, _text(str(record.error), redactor)))
        span.end(started + round(record.seconds * _NANOSECONDS))

    def _measure(self, record: CallRecord, identity: Mapping[str, Any], redactor: Redactor) -> None:
        served = record.response.provider_model if record.response is not None else None
        attributes = dict(identity)
        if served:
            attributes["gen_ai.response.model"] = _text(served, redactor)
        usage = record.usage
        if usage is not None and not record.estimated:
            for kind, count in (
                ("input", usage.get("prompt_tokens")),
                ("output", usage.get("completion_tokens")),
            ):
                if count is not None and (kind == "input" or record.operation == "chat"):
                    self._tokens.record(count, {**attributes, "gen_ai.token.type": kind})
        if record.first_chunk_s is not None:
            self._first_chunk.record(record.first_chunk_s, attributes)
        if record.error is not None:
            attributes["error.type"] = type(record.error).__name__
        self._duration.record(record.seconds, attributes)


def _redacted(attributes: Mapping[str, Any], redactor: Redactor) -> dict[str, Any]:
    """Return the attributes without secrets, which a host may have repeated anywhere."""
    found = dict(attributes)
    for name, value in attributes.items():
        if isinstance(value, str):
            found[name] = _text(value, redactor)
        elif isinstance(value, list):
            found[name] = [_text(each, redactor) for each in value]
    return found


def _text(text: str, redactor: Redactor) -> str:
    """Return the text without secrets, and with a mark in the place of what UTF-8 cannot hold."""
    return redactor.text(text.encode(errors="replace").decode())


def _identity(record: CallRecord, base_url_of: Callable[[str], str | None]) -> dict[str, Any]:
    """Return the attributes that spans and metrics share; samplers see them."""
    model = record.model
    provider = model.provider if model is not None else "llmring"
    return {
        "gen_ai.operation.name": record.operation,
        "gen_ai.provider.name": host_of(provider).telemetry_name or provider,
        "gen_ai.request.model": model.model if model is not None else record.alias or "",
        **_server(base_url_of(provider)),
    }


def _server(url: str | None) -> dict[str, Any]:
    """The address as the conventions have it: host and port, of a user and a password nothing."""
    try:
        parts = urlsplit(url or "")
        port = parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    except ValueError:  # the call has failed over this already
        return {}
    if parts.hostname is None or port is None:
        return {}
    return {"server.address": parts.hostname, "server.port": port}


def _asked(record: CallRecord) -> dict[str, Any]:
    request = record.request
    found: dict[str, Any] = {
        "gen_ai.request.max_tokens": request.max_tokens if record.operation == "chat" else None,
        "gen_ai.request.temperature": request.temperature,
        "gen_ai.request.stream": True if record.streamed else None,
        "gen_ai.output.type": "json"
        if request.json_response or request.response_format is not None
        else None,
        "gen_ai.request.stop_sequences": _stop_sequences(request),
        "llmring.alias": record.alias,
        "llmring.profile": record.profile,
        "llmring.origin": record.origin,
        "llmring.call.id": record.id,
    }
    for name in _PARAMETERS:
        value = request.extra_params.get(name)
        if isinstance(value, (int, float)):
            found[f"gen_ai.request.{name}"] = value
    return {name: value for name, value in found.items() if value is not None}


def _stop_sequences(request: LLMRequest) -> list[str] | None:
    stop = request.extra_params.get("stop") or request.extra_params.get("stop_sequences")
    if isinstance(stop, str):
        return [stop]
    return [str(each) for each in stop] if isinstance(stop, (list, tuple)) else None


def _answered(record: CallRecord) -> dict[str, Any]:
    usage, response = record.usage or {}, record.response
    found: dict[str, Any] = {
        "gen_ai.response.time_to_first_chunk": record.first_chunk_s,
        "llmring.attempts": [
            f"{attempt.model} {attempt.outcome}{f' {attempt.error}' if attempt.error else ''}"
            for attempt in record.attempts
        ],
    }
    if not record.estimated:
        found |= {
            "gen_ai.usage.input_tokens": usage.get("prompt_tokens"),
            "gen_ai.usage.output_tokens": usage.get("completion_tokens")
            if record.operation == "chat"
            else None,
            "gen_ai.usage.cache_read.input_tokens": usage.get("cache_read_input_tokens"),
            "gen_ai.usage.cache_creation.input_tokens": usage.get("cache_creation_input_tokens"),
            "gen_ai.usage.reasoning.output_tokens": usage.get("reasoning_tokens"),
        }
    found["llmring.cost.usd"] = usage.get("cost")
    if response is not None:
        found["gen_ai.response.id"] = response.response_id
        found["gen_ai.response.model"] = response.provider_model
        found["gen_ai.response.finish_reasons"] = (
            [response.finish_reason] if response.finish_reason and record.operation == "chat" else None
        )
    return {name: value for name, value in found.items() if value is not None}
