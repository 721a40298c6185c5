"""A provider added as one row of the table while the program runs: every list, price, log record and span knows it."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import llmring_lockfile as lockfiles
import pytest
from llmring import LLMRequest, LLMRing, Message, provider_status
from llmring.logging import detect_provider
from llmring.registry import PROVIDERS, Registry
from llmring.suggest import suggest_aliases
from llmring.testing import Simulator
from llmring.usage import stats
from llmring_cli import run
from llmring_providers import BUILTIN
from llmring_types import ModelRef
from llmring_types.hosts import Host, Protocol, register, unregister
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

MODEL = "acme:gpt-4o-mini"
LOCKFILE = f'[[profiles.default.bindings]]\nalias = "fast"\nmodels = ["{MODEL}"]\n'
HELLO = [Message(role="user", content="Hello")]


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator() as running:
        yield running


@pytest.fixture
def acme(simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    row = Host(
        name="acme",
        title="Acme",
        protocol="openai",
        key_variables=("ACME_KEY",),
        base_url_variables=("ACME_URL",),
        default_url=f"{simulator.url}/v1",
        price_list="openai",
        listed=True,
        telemetry_name="acme.ai",
        sdk_modules=("acme_sdk",),
        suggestion_rank=0,
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ACME_KEY", "k-acme")
    monkeypatch.setenv("LLMRING_USAGE_LOG", str(tmp_path / "usage.db"))
    Path("llmring.lock").write_text(LOCKFILE)
    register(row)
    yield row
    unregister("acme")


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    exporter, tracing = InMemorySpanExporter(), TracerProvider()
    tracing.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: tracing)
    return exporter


@pytest.mark.usefixtures("acme")
async def test_a_chat_through_it_is_priced_logged_and_traced(
    simulator: Simulator, spans: InMemorySpanExporter
) -> None:
    async with LLMRing() as ring:
        response = await ring.chat(LLMRequest(model="fast", messages=HELLO))
        streamed = [chunk async for chunk in ring.chat_stream(LLMRequest(model=MODEL, messages=HELLO))]
    assert response.model == MODEL
    assert (response.usage or {})["cost_status"] == "priced"
    assert (streamed[-1].usage or {})["cost_status"] == "priced"
    assert [request.headers["authorization"] for request in simulator.requests] == ["Bearer k-acme"] * 2
    assert [(row.group, row.calls) for row in stats(Path("usage.db"), "model")] == [((MODEL,), 2)]
    assert [(span.attributes or {})["gen_ai.provider.name"] for span in spans.get_finished_spans()] == [
        "acme.ai"
    ] * 2


@pytest.mark.parametrize("protocol", sorted({*get_args(Protocol)} - {"local"}))  # a server of its own
async def test_a_row_on_any_protocol_answers_in_a_ring_that_was_made_before(
    simulator: Simulator, protocol: Protocol, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LATE_KEY", "k-late")  # without one, a host of Bedrock's protocol looks for AWS's own
    path = "/v1" if protocol == "openai" else ""
    async with LLMRing() as ring:
        url, keys = f"{simulator.url}{path}", ("LATE_KEY",)
        register(Host(name="late", protocol=protocol, default_url=url, key_variables=keys, keyless=True))
        try:
            response = await ring.chat(LLMRequest(model="late:small", messages=HELLO))
            chunks = [
                chunk async for chunk in ring.chat_stream(LLMRequest(model="late:small", messages=HELLO))
            ]
        finally:
            unregister("late")
    assert response.model == chunks[-1].model == "late:small"
    assert "simulated" in (response.content or "")
    assert len(simulator.requests) == (0 if protocol == "sim" else 2)


@pytest.mark.usefixtures("acme")
def test_every_list_has_it(simulator: Simulator) -> None:
    status = {row.name: row for row in provider_status()}
    assert status["acme"].configured
    assert "acme" in BUILTIN
    assert "acme" in PROVIDERS
    assert lockfiles.is_reference(MODEL)
    assert lockfiles.check(lockfiles.parse(LOCKFILE)).findings == ()
    assert simulator.environment["ACME_URL"] == f"{simulator.url}/v1"
    assert simulator.environment["ACME_KEY"] == "simulated-key"
    facts = Registry().facts("acme", "gpt-4o-mini")
    assert facts is not None
    assert (facts.provider, facts.prices.input is None) == ("acme", False)
    listed = suggest_aliases(["openai", "acme"], Registry().models)
    assert listed["default"][0].provider == "openai"  # nothing is published for Acme
    assert detect_provider(type("Answer", (), {"__module__": "acme_sdk.types"})()) == "acme"


@pytest.mark.usefixtures("acme")
def test_every_command_knows_it(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO()))

    def output(*arguments: str) -> str:
        assert run(arguments) == 0
        return capsys.readouterr().out

    assert {"name": "acme", "configured": True}.items() <= {
        row["name"]: row for row in json.loads(output("providers", "--json"))
    }["acme"].items()
    assert {"name": "acme", "key": "set", "proved": False}.items() <= {
        row["name"]: row for row in json.loads(output("hosts", "--json"))
    }["acme"].items()
    output("bind", "other", "acme:org/model:free")
    assert output("unbind", "other") == ""
    doctor = json.loads(output("doctor", "--json"))
    assert [alias["resolves_to"] for alias in doctor["aliases"]] == [MODEL]
    assert "acme" in {row["name"] for row in doctor["providers"]}
    assert "acme" in {row["provider"] for row in doctor["registry"]}
    assert output("lock", "check") == ""
    assert output("list", "--provider", "acme", "--live").splitlines()
    assert "simulated answer" in output("chat", "Hello", "--model", MODEL)
    assert "openai" in {row["name"] for row in json.loads(output("providers", "--json"))}
    assert "gpt-4o-mini" in output("info", MODEL)


def test_without_its_row_nothing_knows_it() -> None:
    assert "acme" not in {row.name for row in provider_status()}
    assert not lockfiles.is_reference(MODEL)
    assert Registry().facts("acme", "gpt-4o-mini") is None
    assert str(ModelRef.parse(MODEL)) == MODEL
