"""Spans and metrics, read back from OpenTelemetry's SDK."""

import base64
import gc
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import llmring_lockfile
import msgspec
import pytest
from canned import Answer, Server, Stalling
from llmring import LLMRequest, LLMResponse, LLMRing, Message, Policy, RetryPolicy
from llmring._observing.telemetry import find_telemetry
from llmring.exceptions import ProviderOverloadedError
from llmring_types import tool_call
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import SpanKind, StatusCode
from records import record

HELLO = [Message(role="system", content="Be brief"), Message(role="user", content="Hello")]
SSE = {"content-type": "text/event-stream"}
CAPTURE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
CALL = tool_call("c1", "f", '{"a":1}')


class Collected:
    """What was reported."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        self.reader = InMemoryMetricReader()
        self.tracing = TracerProvider()
        self.tracing.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.metering = MeterProvider([self.reader])

    @property
    def spans(self) -> list[ReadableSpan]:
        return list(self.exporter.get_finished_spans())

    def points(self, name: str) -> list[tuple[dict[str, Any], float]]:
        """Attributes and sum of each data point of a metric."""
        data = self.reader.get_metrics_data()
        return [
            (dict(point.attributes or {}), point.sum)  # type: ignore[union-attr]
            for resource in (data.resource_metrics if data is not None else ())
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == name
            for point in metric.data.data_points
        ]


@pytest.fixture
def collected(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collected]:
    collected = Collected()
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: collected.tracing)
    monkeypatch.setattr(metrics, "get_meter_provider", lambda: collected.metering)
    yield collected
    collected.tracing.shutdown()
    collected.metering.shutdown()


def address(url: str) -> dict[str, Any]:
    """Where a server on loopback is."""
    host, _, port = url.removeprefix("http://").partition("/")[0].partition(":")
    return {"server.address": host, "server.port": int(port)}


def answer(**message: object) -> Answer:
    body = {
        "id": "chatcmpl-1",
        "model": "gpt-4o-mini-2024-07-18",
        "choices": [{"message": {"content": "Hi", **message}, "finish_reason": "stop"}],
        "usage": {
            "prompt_tokens": 1000,
            "completion_tokens": 100,
            "prompt_tokens_details": {"cached_tokens": 400},
            "completion_tokens_details": {"reasoning_tokens": 60},
        },
    }
    return Answer(msgspec.json.encode(body))


def ring_on(url: str) -> LLMRing:
    ring = LLMRing("tests", policy=Policy(retry=RetryPolicy(attempts=1)))
    ring.register_provider("openai", api_key="sk-secret", base_url=url)
    return ring


def ask(model: str = "openai:gpt-4o-mini", **fields: Any) -> LLMRequest:
    return LLMRequest(messages=HELLO, model=model, **fields)


async def test_a_call_is_a_span_by_the_conventions(
    server: Server, collected: Collected, lockfile: Path
) -> None:
    llmring_lockfile.bind(lockfile, "fast", "openai:gpt-4o-mini")
    server.answers = [answer()]
    request = ask(
        "fast",
        temperature=0.5,
        max_tokens=50,
        json_response=True,
        extra_params={"top_p": 0.9, "seed": 7, "stop": ["END"]},
    )
    async with ring_on(server.url) as ring:
        response = await ring.chat(request)
    (span,) = collected.spans
    assert response.usage is not None
    assert (span.name, span.kind, span.status.status_code) == (
        "chat gpt-4o-mini",
        SpanKind.CLIENT,
        StatusCode.UNSET,
    )
    found = dict(span.attributes or {})
    assert len(str(found.pop("llmring.call.id"))) == 32
    assert found == {
        **address(server.url),
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.max_tokens": 50,
        "gen_ai.request.top_p": 0.9,
        "gen_ai.request.seed": 7,
        "gen_ai.request.stop_sequences": ("END",),
        "gen_ai.output.type": "json",
        "gen_ai.response.id": "chatcmpl-1",
        "gen_ai.response.model": "gpt-4o-mini-2024-07-18",
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.usage.input_tokens": 1000,
        "gen_ai.usage.output_tokens": 100,
        "gen_ai.usage.cache_read.input_tokens": 400,
        "gen_ai.usage.reasoning.output_tokens": 60,
        "llmring.alias": "fast",
        "llmring.profile": "default",
        "llmring.origin": "tests",
        "llmring.cost.usd": response.usage["cost"],
        "llmring.attempts": ("openai:gpt-4o-mini ok",),
    }


async def test_the_span_has_the_times_of_the_call_and_is_the_callers_child(
    server: Server, collected: Collected
) -> None:
    server.answers = [answer()]
    tracer = collected.tracing.get_tracer("mine")
    async with ring_on(server.url) as ring:
        with tracer.start_as_current_span("outer") as outer:
            await ring.chat(ask())
    inner = next(span for span in collected.spans if span.name.startswith("chat"))
    outside = next(span for span in collected.spans if span.name == "outer")
    assert inner.parent is not None
    assert inner.parent.span_id == outer.get_span_context().span_id
    for span in (inner, outside):
        assert span.start_time is not None
        assert span.end_time is not None
    slack = 50_000_000  # two clocks: the wall's for the start, the steady one for the length
    assert outside.start_time - slack < inner.start_time < inner.end_time < outside.end_time + slack  # type: ignore[operator]


async def test_metrics_are_those_of_the_conventions(server: Server, collected: Collected) -> None:
    server.answers = [answer()]
    async with ring_on(server.url) as ring:
        await ring.chat(ask())
    shared = {
        **address(server.url),
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.response.model": "gpt-4o-mini-2024-07-18",
    }
    assert collected.points("gen_ai.client.token.usage") == [
        ({**shared, "gen_ai.token.type": "input"}, 1000),
        ({**shared, "gen_ai.token.type": "output"}, 100),
    ]
    ((attributes, seconds),) = collected.points("gen_ai.client.operation.duration")
    assert attributes == shared
    assert seconds > 0
    assert collected.points("gen_ai.client.operation.time_to_first_chunk") == []


async def test_a_stream_says_so_and_how_long_its_first_chunk_took(collected: Collected) -> None:
    async with LLMRing() as ring:
        async for _ in ring.chat_stream(ask("sim:demo")):
            pass
    (span,) = collected.spans
    assert span.attributes is not None
    assert span.attributes["gen_ai.request.stream"] is True
    ((_, seconds),) = collected.points("gen_ai.client.operation.time_to_first_chunk")
    assert span.attributes["gen_ai.response.time_to_first_chunk"] == seconds


async def test_a_failure_has_its_type_on_span_and_metric(server: Server, collected: Collected) -> None:
    server.answers = [Answer(b'{"error": {"message": "busy"}}', 503)]
    async with ring_on(server.url) as ring:
        with pytest.raises(ProviderOverloadedError):
            await ring.chat(ask())
    (span,) = collected.spans
    assert span.status.status_code is StatusCode.ERROR
    assert "busy" in str(span.status.description)
    assert span.attributes is not None
    assert span.attributes["error.type"] == "ProviderOverloadedError"
    assert span.attributes["llmring.attempts"] == ("openai:gpt-4o-mini error ProviderOverloadedError",)
    ((attributes, _),) = collected.points("gen_ai.client.operation.duration")
    assert attributes["error.type"] == "ProviderOverloadedError"


async def test_estimates_are_no_token_counts(collected: Collected) -> None:
    body = b'data: {"choices": [{"delta": {"content": "Hello"}}]}\n\n'
    async with Stalling(body) as stalling, ring_on(stalling.url) as ring:
        async for _ in ring.chat_stream(ask()):
            break
        gc.collect()
    (span,) = collected.spans
    assert not [name for name in span.attributes or {} if name.startswith("gen_ai.usage")]
    assert collected.points("gen_ai.client.token.usage") == []
    assert span.status.status_code is StatusCode.UNSET


def test_google_goes_by_the_name_of_the_conventions(collected: Collected) -> None:
    from llmring import ModelRef

    (telemetry,) = find_telemetry(content=False)
    telemetry(record(model=ModelRef("google", "gemini-2.5-flash")))
    assert (collected.spans[0].attributes or {})["gen_ai.provider.name"] == "gcp.gemini"


@pytest.mark.parametrize("operation", ["embeddings", "rerank"])
def test_embedding_and_reranking_go_by_their_own_names_and_have_no_answer_in_words(
    collected: Collected, operation: Literal["embeddings", "rerank"]
) -> None:
    (telemetry,) = find_telemetry(content=True)
    request = LLMRequest(messages=[Message(role="user", content="Hi")], max_tokens=1)
    telemetry(record(operation=operation, request=request))
    (span,) = collected.spans
    attributes = dict(span.attributes or {})
    assert span.name == f"{operation} gpt-4o-mini"
    assert attributes["gen_ai.operation.name"] == operation
    assert attributes["gen_ai.usage.input_tokens"] == 100
    assert "gen_ai.input.messages" in attributes
    assert not attributes.keys() & {
        "gen_ai.request.max_tokens",
        "gen_ai.usage.output_tokens",
        "gen_ai.response.finish_reasons",
        "gen_ai.output.messages",
    }
    ((counted, _),) = collected.points("gen_ai.client.token.usage")
    assert (counted["gen_ai.operation.name"], counted["gen_ai.token.type"]) == (operation, "input")


ADDRESSES: list[tuple[str | None, dict[str, object]]] = [
    ("https://api.openai.com/v1", {"server.address": "api.openai.com", "server.port": 443}),
    ("http://me:secret@[::1]:8080/v1", {"server.address": "::1", "server.port": 8080}),
    ("http://gateway/openai", {"server.address": "gateway", "server.port": 80}),
    ("http://gateway:none/", {}),
    ("", {}),
    (None, {}),
]


@pytest.mark.parametrize(("url", "expected"), ADDRESSES)
def test_the_address_is_host_and_port(
    collected: Collected, url: str | None, expected: dict[str, object]
) -> None:
    (telemetry,) = find_telemetry(content=False, base_url_of={"openai": url}.get)
    telemetry(record())
    attributes = collected.spans[0].attributes or {}
    assert {name: value for name, value in attributes.items() if name.startswith("server.")} == expected


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_what_a_host_repeats_of_a_key_is_on_no_span_and_in_no_metric(
    server: Server, collected: Collected, monkeypatch: pytest.MonkeyPatch, *, stream: bool
) -> None:
    """A stream repeats it in two halves."""
    monkeypatch.setenv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "true")
    key = "key-of-a-ring-0123456789"
    coded = base64.b64encode(f"Bearer {key}".encode()).decode()
    said = {"id": f"id-{key}", "model": coded}
    body = msgspec.json.encode({**said, "choices": [{"message": {"content": key}, "finish_reason": "stop"}]})
    if stream:
        halves = [{"delta": {"content": key[:9]}}, {"delta": {"content": key[9:]}, "finish_reason": "stop"}]
        events = [msgspec.json.encode({**said, "choices": [half]}) for half in halves]
        body = b"".join(b"data: %b\n\n" % event for event in (*events, b"[DONE]"))
    server.answers = [Answer(body)]
    async with LLMRing(f"origin {key}") as ring:
        ring.register_provider("openai", api_key=key, base_url=server.url)
        if stream:
            assert "".join([chunk.delta async for chunk in ring.chat_stream(ask())]) == key
        else:
            assert (await ring.chat(ask())).content == key
    (span,) = collected.spans
    measured = collected.points("gen_ai.client.operation.duration")
    shown = repr((span.name, dict(span.attributes or {}), measured))
    assert "REDACTED" in shown
    assert "gen_ai.output.messages" in shown
    assert key not in shown
    assert coded not in shown


async def test_content_is_left_out_unless_asked_for(server: Server, collected: Collected) -> None:
    server.answers = [answer()]
    async with ring_on(server.url) as ring:
        await ring.chat(ask())
    text = str(collected.spans[0].attributes)
    assert "Be brief" not in text
    assert "messages" not in text


@pytest.mark.parametrize("wish", ["true", "SPAN_ONLY", "span_and_event"])
async def test_content_is_told_in_the_form_of_the_conventions(
    server: Server, collected: Collected, monkeypatch: pytest.MonkeyPatch, wish: str
) -> None:
    monkeypatch.setenv(CAPTURE, wish)
    server.answers = [answer()]
    async with ring_on(server.url) as ring:
        await ring.chat(ask())
    attributes = collected.spans[0].attributes or {}
    assert json.loads(str(attributes["gen_ai.input.messages"])) == [
        {"role": "system", "parts": [{"type": "text", "content": "Be brief"}]},
        {"role": "user", "parts": [{"type": "text", "content": "Hello"}]},
    ]
    assert json.loads(str(attributes["gen_ai.output.messages"])) == [
        {"role": "assistant", "parts": [{"type": "text", "content": "Hi"}], "finish_reason": "stop"}
    ]


@pytest.mark.parametrize("wish", ["", "false", "no_content", "event_only"])
def test_other_wishes_are_none_for_spans(monkeypatch: pytest.MonkeyPatch, wish: str) -> None:
    from llmring._settings import Settings

    monkeypatch.setenv(CAPTURE, wish)
    assert Settings.from_environment().capture_content is False


def test_calls_their_results_reasoning_and_media_have_parts_of_their_own(collected: Collected) -> None:
    messages = [
        Message(
            role="user",
            content=[
                {"type": "text", "text": "Look"},
                {"type": "image_url", "image_url": {"url": "https://x/y.png"}},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
                {"type": "document", "source": {"media_type": "application/pdf", "data": "AAAA"}},
            ],
        ),
        Message(role="assistant", content=None, tool_calls=[CALL]),
        Message(role="tool", content="42", tool_call_id="c1"),
    ]
    said = LLMResponse(content="Done", model="a:b", reasoning="Hm", tool_calls=[CALL])
    (telemetry,) = find_telemetry(content=True)
    telemetry(record(request=LLMRequest(messages=messages, tools=[{"name": "f"}]), response=said))
    attributes = collected.spans[0].attributes or {}
    call = {"type": "tool_call", "id": "c1", "name": "f", "arguments": {"a": 1}}
    assert json.loads(str(attributes["gen_ai.input.messages"])) == [
        {
            "role": "user",
            "parts": [
                {"type": "text", "content": "Look"},
                {"type": "uri", "modality": "image", "uri": "https://x/y.png"},
                {"type": "image_url", "modality": "image", "mime_type": None},
                {"type": "document", "modality": "document", "mime_type": "application/pdf"},
            ],
        },
        {"role": "assistant", "parts": [call]},
        {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c1", "response": "42"}]},
    ]
    (output,) = json.loads(str(attributes["gen_ai.output.messages"]))
    assert output["parts"] == [
        {"type": "reasoning", "content": "Hm"},
        {"type": "text", "content": "Done"},
        call,
    ]
    assert json.loads(str(attributes["gen_ai.tool.definitions"])) == [{"name": "f"}]


@pytest.mark.parametrize(
    ("given", "told"),
    [({"stop": "END"}, ("END",)), ({"stop_sequences": ["a", "b"]}, ("a", "b")), ({"stop": 7}, None)],
)
def test_stop_words_are_a_list(
    collected: Collected, given: dict[str, Any], told: tuple[str, ...] | None
) -> None:
    (telemetry,) = find_telemetry(content=False)
    telemetry(record(request=LLMRequest(messages=[], extra_params=given)))
    assert (collected.spans[0].attributes or {}).get("gen_ai.request.stop_sequences") == told


CALLS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    (
        {"id": "c", "type": "custom", "custom": {"name": "x", "input": "y"}},
        {"id": "c", "name": "x", "arguments": "y"},
    ),
    (
        {"id": "c", "function": {"name": "f", "arguments": {"a": 1}}},
        {"id": "c", "name": "f", "arguments": {"a": 1}},
    ),
    ({"function": {"name": "f"}}, {"id": None, "name": "f", "arguments": None}),
    ({"id": "c", "function": {"name": "f", "arguments": "{"}}, {"id": "c", "name": "f", "arguments": "{"}),
]


@pytest.mark.parametrize(("call", "told"), CALLS)
def test_every_call_that_a_message_may_have_can_be_told(
    collected: Collected, call: dict[str, Any], told: dict[str, Any]
) -> None:
    message = Message(role="assistant", content=None, tool_calls=[call])  # type: ignore[list-item]
    (telemetry,) = find_telemetry(content=True)
    telemetry(record(request=LLMRequest(messages=[message])))
    (said,) = json.loads(str((collected.spans[0].attributes or {})["gen_ai.input.messages"]))
    assert said["parts"] == [{"type": "tool_call", **told}]


def test_media_in_the_result_of_a_tool_are_named_and_not_carried(collected: Collected) -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    message = Message(role="tool", content=[{"type": "text", "text": "Look"}, image], tool_call_id="c1")
    (telemetry,) = find_telemetry(content=True)
    telemetry(record(request=LLMRequest(messages=[message])))
    (said,) = json.loads(str((collected.spans[0].attributes or {})["gen_ai.input.messages"]))
    assert said["parts"][0]["response"] == [
        {"type": "text", "content": "Look"},
        {"type": "image_url", "modality": "image", "mime_type": None},
    ]


def test_content_that_cannot_be_written_leaves_the_rest_of_the_span(collected: Collected) -> None:
    request = LLMRequest(messages=[Message(role="user", content="half a \ud800 pair")])
    (telemetry,) = find_telemetry(content=True)
    telemetry(record(request=request, response=LLMResponse(content="Hi", model="a:b")))
    attributes = collected.spans[0].attributes or {}
    assert "gen_ai.input.messages" not in attributes
    assert "gen_ai.output.messages" in attributes


async def test_a_span_that_is_not_sampled_costs_no_content(
    collected: Collected, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collected, "tracing", TracerProvider(sampler=ALWAYS_OFF))
    monkeypatch.setattr(
        "llmring._observing.telemetry.content_attributes", lambda record: pytest.fail("not needed")
    )
    (telemetry,) = find_telemetry(content=True)
    telemetry(record())


async def test_a_provider_configured_after_the_ring_was_made_counts(
    collected: Collected, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as before:
        before.setattr(trace, "get_tracer_provider", trace.ProxyTracerProvider)
        before.setattr(metrics, "get_meter_provider", metrics.NoOpMeterProvider)
        ring = LLMRing()
    await ring.chat(ask("sim:demo"))
    await ring.close()
    assert len(collected.spans) == 1


def test_providers_of_the_api_itself_are_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for tracing in (trace.ProxyTracerProvider(), trace.NoOpTracerProvider()):
        monkeypatch.setattr(trace, "get_tracer_provider", lambda tracing=tracing: tracing)
        assert find_telemetry(content=False) == []
    assert type(metrics.get_meter_provider()).__module__.startswith("opentelemetry.metrics")


def test_metrics_alone_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader])
    monkeypatch.setattr(metrics, "get_meter_provider", lambda: provider)
    (telemetry,) = find_telemetry(content=False)
    telemetry(record())
    assert reader.get_metrics_data() is not None
    provider.shutdown()


def test_an_api_that_is_too_old_costs_one_warning(
    collected: Collected, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Old:
        def get_meter(self, name: str) -> "Old":
            return self

        def create_histogram(self, name: str, unit: str = "", description: str = "") -> None:
            pass

    monkeypatch.setattr(metrics, "get_meter_provider", Old)
    assert find_telemetry(content=False) == []
    assert "1.30" in caplog.text


@pytest.mark.unmeasured
def test_a_call_loads_nothing_of_opentelemetry() -> None:
    code = """
import asyncio, sys
from llmring import LLMRing, LLMRequest, Message

async def main():
    async with LLMRing() as ring:
        await ring.chat(LLMRequest(messages=[Message(role="user", content="Hi")], model="sim:demo"))

asyncio.run(main())
print([name for name in sys.modules if name.startswith(("opentelemetry", "sqlite3", "llmring._observing.telemetry"))])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
