"""The gateway as those see it who look after it: health, readiness, metrics, live calls, traces."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import anyio
import anyio.lowlevel
import llmring_lockfile
import pytest
from asgi import Event, Reply, ask
from gateways import ANTHROPIC, CHAT, CLAUDE, HELLO, OPENAI, STREAMED, WORDS, ring_of
from llmring import LLMRing
from llmring.serve import KeyStore, app
from llmring_providers.sim import Rule, faults
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture
def keys(tmp_path: Path) -> Iterator[KeyStore]:
    with KeyStore(tmp_path / "serve.db") as store:
        yield store


async def test_it_is_alive_whoever_asks_and_ready_until_it_ends(keys: KeyStore) -> None:
    keys.create()
    async with ring_of() as ring:
        gateway = app(ring, keys=keys)
        for path in ("/healthz", "/readyz"):
            assert (await ask(gateway, path, client=("10.0.0.7", 1))).status == 200
        gateway.drain()
        assert (await ask(gateway, "/healthz")).status == 200
        draining = await ask(gateway, "/readyz")
    assert (draining.status, draining.body) == (503, b"ending\n")


async def test_a_call_that_ends_with_its_server_is_refused_in_the_form_of_its_protocol() -> None:
    async with ring_of(Rule(fault=faults.Stall())) as ring:
        gateway = app(ring)
        for draining in (False, True):
            call = asyncio.ensure_future(ask(gateway, ANTHROPIC, CLAUDE))
            while not gateway.live.under_way:
                await anyio.lowlevel.checkpoint()
            if draining:
                gateway.drain()
            call.cancel()
            if draining:
                reply = await call
            else:
                with pytest.raises(asyncio.CancelledError):
                    await call
    assert (reply.status, reply.json["error"]["type"]) == (503, "overloaded_error")
    assert reply.headers["retry-after"] == "1"


async def test_a_stream_that_ends_with_its_server_does_not_look_finished() -> None:
    began, reply = asyncio.Event(), Reply()

    async def send(event: Event) -> None:
        reply.take(event)
        if event["type"] == "http.response.body":
            began.set()

    async with ring_of(Rule(fault=faults.Stall(after=3))) as ring:
        gateway = app(ring)
        call = asyncio.ensure_future(
            ask(lambda scope, receive, _: gateway(scope, receive, send), OPENAI, CHAT | STREAMED)
        )
        await began.wait()
        gateway.drain()
        call.cancel()
        await call
    assert (reply.status, reply.whole) == (200, False)


async def test_a_lockfile_that_breaks_is_reported_and_the_last_good_one_served_until_the_next(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lockfile = tmp_path / "llmring.lock"
    llmring_lockfile.bind(lockfile, "fast", "sim:one", create=True)
    async with LLMRing(lockfile_path=lockfile) as ring:
        gateway = app(ring)
        assert (await ask(gateway, OPENAI, CHAT)).headers["llmring-model"] == "sim:one"
        lockfile.write_text("version = ")
        for _ in range(2):
            ring.clear_alias_cache()  # in place of waiting a second
            for body, path in ((CHAT, OPENAI), (None, "/v1/models")):
                assert (await ask(gateway, path, body)).status == 200
            ready = await ask(gateway, "/readyz")
            assert (ready.status, ready.body) == (
                200,
                b"ready; the lockfile cannot be read, so the last good one is served\n",
            )
            assert b"\nllmring_lockfile_broken 1\n" in (await ask(gateway, "/metrics")).body
        assert caplog.text.count(str(lockfile)) == 1
        lockfile.unlink()
        llmring_lockfile.bind(lockfile, "fast", "sim:two", create=True)
        ring.clear_alias_cache()
        assert (await ask(gateway, OPENAI, CHAT)).headers["llmring-model"] == "sim:two"
        assert (await ask(gateway, "/readyz")).body == b"ready\n"
        assert b"\nllmring_lockfile_broken 0\n" in (await ask(gateway, "/metrics")).body
    assert caplog.messages[-1] == "the lockfile can be read again, and is served"


async def test_a_lockfile_that_breaks_before_a_package_of_it_was_read_hides_its_names(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "lib"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "llmring.lock").write_text("version = ")
    monkeypatch.syspath_prepend(str(tmp_path))
    lockfile = tmp_path / "llmring.lock"
    lockfile.write_text('[extends]\npackages = ["lib"]\n')
    async with LLMRing(lockfile_path=lockfile) as ring:
        reply = await ask(app(ring), OPENAI, {**CHAT, "model": "lib:fast"})
    assert (reply.status, reply.headers["retry-after"]) == (503, "5")
    assert str(tmp_path) not in reply.body.decode()
    assert str(package) in caplog.text


async def test_metrics_count_requests_calls_tokens_dollars_and_failed_attempts() -> None:
    broken = Rule(model="bad", fault=faults.Status(status=503))
    async with ring_of(broken, Rule(answer=WORDS)) as ring:
        gateway = app(ring)
        reply = await ask(gateway, OPENAI, {**CHAT, "model": "safe"})
        await ask(gateway, OPENAI, CHAT | STREAMED)
        await ask(gateway, OPENAI, {**CHAT, "model": "none"})
        shown = await ask(gateway, "/metrics")
    assert shown.headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = shown.body.decode().splitlines()
    for line in (
        "llmring_workers 1",
        "llmring_calls_under_way 0",
        'llmring_requests_total{protocol="openai_chat",operation="chat",status="200"} 2',
        'llmring_requests_total{protocol="openai_chat",operation="chat",status="404"} 1',
        'llmring_calls_total{alias="safe",model="sim:good",ending="answered"} 1',
        'llmring_attempt_errors_total{model="sim:bad",error="ProviderOverloadedError"} 1',
        f'llmring_cost_dollars_total{{alias="safe",model="sim:good"}} {float(reply.headers["llmring-cost"]):.12g}',
        'llmring_call_seconds_bucket{alias="fast",model="sim:small",le="+Inf"} 1',
        'llmring_first_chunk_seconds_count{alias="fast",model="sim:small"} 1',
    ):
        assert line in lines
    assert len({line for line in lines if line.startswith("# TYPE ")}) == 11


async def test_names_that_clients_make_up_fill_no_memory_and_break_no_line() -> None:
    async with ring_of() as ring:
        gateway = app(ring, direct_models=True)
        for number in range(1100):
            await ask(gateway, OPENAI, {**CHAT, "model": f'sim:"\n{number}'})
        lines = (await ask(gateway, "/metrics")).body.decode().splitlines()
    calls = [line for line in lines if line.startswith("llmring_calls_total{")]
    assert len(calls) == 1001
    assert 'llmring_calls_total{alias="other",model="other",ending="other"} 100' in calls
    assert r'llmring_calls_total{alias="",model="sim:\"\n7",ending="answered"} 1' in calls


@pytest.mark.parametrize(("secret", "status"), [(None, 401), ("llmr-wrong", 401), ("right", 200)])
async def test_metrics_are_for_holders_of_a_key(keys: KeyStore, secret: str | None, status: int) -> None:
    made = keys.create()
    headers = {} if secret is None else {"x-api-key": made.secret if secret == "right" else secret}
    async with ring_of() as ring:
        assert (await ask(app(ring, keys=keys), "/metrics", headers=headers)).status == status
        assert (await ask(app(ring), "/metrics", headers={"host": "evil.example"})).status == 403


async def test_calls_under_way_and_ended_are_known_without_their_content(keys: KeyStore) -> None:
    made = keys.create()
    headers = {"x-api-key": made.secret}
    async with ring_of(Rule(until=1, fault=faults.Stall()), Rule(fault=faults.Status(status=500))) as ring:
        gateway = app(ring, keys=keys)
        async with anyio.create_task_group() as group:

            async def call() -> None:
                await ask(gateway, OPENAI, CHAT, headers=headers)

            group.start_soon(call)
            await anyio.wait_all_tasks_blocked()
            (live,) = gateway.live.under_way.values()
            group.cancel_scope.cancel()
        await ask(gateway, OPENAI, CHAT, headers=headers)
        await ask(gateway, OPENAI, {**CHAT, "messages": []}, headers=headers)
    assert (live.protocol, live.model, live.key, live.streamed) == ("openai_chat", "fast", made.key.id, False)
    assert gateway.live.under_way == {}
    assert [(ended.ending, ended.error) for ended in gateway.live.recent] == [
        ("aborted", "CancelledError"),
        ("failed", "ProviderServerError"),
    ]
    assert gateway.live.recent[1].attempts[0].status_code == 500
    assert HELLO[0]["content"] not in repr(gateway.live.recent)


async def test_the_trace_of_the_client_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
    monkeypatch.setattr(trace, "get_tracer", lambda *_, **__: provider.get_tracer("llmring"))
    async with ring_of() as ring:
        headers = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}
        await ask(app(ring), OPENAI, CHAT, headers=headers)
        await ask(app(ring), OPENAI, CHAT)
    below, alone = exporter.get_finished_spans()
    assert below.context is not None
    assert below.parent is not None
    assert (f"{below.context.trace_id:032x}", below.parent.span_id) == (TRACE, 0xB7AD6B7169203331)
    assert alone.parent is None
