"""Answers of real hosts, recorded by others: the row of each reads its own."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from llmring_providers import ChatCall, Provider, ProviderSettings, ProviderStream, find_factory
from llmring_providers.embeddings import EmbeddingCall, Embeds
from llmring_providers.transport import HttpRequest, HttpResponse
from llmring_types import LLMRequest, LLMResponse, Message, ModelRef, StreamChunk
from llmring_types.exceptions import ProviderBadRequestError
from llmring_types.hosts import HOSTS

RECORDED = msgspec.json.decode((Path(__file__).parent / "recordings" / "hosts.json").read_bytes())
WHOLE: list[Mapping[str, Any]] = RECORDED["whole"]
STREAMS: list[Mapping[str, Any]] = RECORDED["streams"]
EMBEDDED: list[Mapping[str, Any]] = RECORDED["embeddings"]
RUN = {"local": "run", "sim": "run"}
DOCUMENTED = "the vendor's documented example"


class Replaying:
    """Answers every request with one body."""

    def __init__(self, body: bytes) -> None:
        self.status = 200
        self.headers: Mapping[str, str] = {"content-type": "application/json"}
        self._body, self._pieces = body, iter([body])
        self.urls: list[str] = []
        self.sent: list[bytes] = []

    async def send(self, request: HttpRequest) -> HttpResponse:
        self.urls.append(request.url)
        self.sent.append(request.body)
        return HttpResponse(self.status, self.headers, self._body)

    async def open(self, request: HttpRequest) -> "Replaying":
        self.urls.append(request.url)
        return self

    async def read(self) -> bytes:
        return next(self._pieces, b"")

    async def finish(self) -> None:
        """Nothing is held."""

    def close(self) -> None:
        self._pieces = iter(())

    async def aclose(self) -> None:
        """Nothing is held."""


def call(host: str, model: str) -> ChatCall:
    return ChatCall(LLMRequest([Message(role="user", content="Hello")], max_tokens=10), ModelRef(host, model))


def names_of(tool_calls: Sequence[Mapping[str, Any]] | None) -> str | None:
    return " ".join(one["function"]["name"] for one in tool_calls) if tool_calls else None


def framed(events: Sequence[object], *, done: bool = True) -> bytes:
    lines = [b"data: " + msgspec.json.encode(event) for event in events]
    return b"\n\n".join([*lines, *([b"data: [DONE]"] if done else []), b""])


def provider_of(recorded: Mapping[str, Any], transport: Replaying) -> Provider:
    name = recorded["host"]
    settings = ProviderSettings(
        name=name, transport=transport, api_key="key", base_url=recorded.get("base_url")
    )
    return find_factory(name)(settings)


def url_of(recorded: Mapping[str, Any]) -> str:
    return recorded.get("url") or f"{HOSTS[recorded['host']].default_url}/chat/completions"


def identity(recorded: Mapping[str, Any], document: Mapping[str, Any]) -> tuple[str | None, str]:
    """The id and the model that the host names, under OpenAI's names or Gemini's."""
    found = recorded.get("id") or document.get("id") or document.get("responseId") or None
    return found, recorded.get("model") or document.get("model") or document["modelVersion"]


@pytest.mark.parametrize("recorded", WHOLE, ids=lambda row: row["host"])
def test_a_recorded_answer_is_read(recorded: Mapping[str, Any]) -> None:
    name, body = recorded["host"], recorded["body"]
    transport = Replaying(msgspec.json.encode(body))
    provider = provider_of(recorded, transport)
    answer: LLMResponse = asyncio.run(provider.chat(call(name, recorded.get("asked") or body["model"])))
    assert transport.urls == [url_of(recorded)]
    assert (answer.content, answer.usage, answer.finish_reason) == (
        recorded["text"],
        recorded["usage"],
        recorded["finish_reason"],
    )
    assert names_of(answer.tool_calls) == recorded.get("tool")
    assert answer.reasoning == recorded.get("reasoning", answer.reasoning)
    assert (answer.response_id, answer.provider_model) == identity(recorded, body)


@pytest.mark.parametrize("recorded", STREAMS, ids=lambda row: row["host"])
def test_a_recorded_stream_is_read(recorded: Mapping[str, Any]) -> None:
    name, events = recorded["host"], recorded["events"]
    transport = Replaying(framed(events, done=recorded.get("done", True)))

    async def read() -> list[StreamChunk]:
        provider = provider_of(recorded, transport)
        stream = await provider.stream(call(name, recorded.get("asked") or events[0]["model"]))
        chunks: list[StreamChunk] = []
        while received := await stream.receive():
            chunks += received
        return chunks

    chunks = asyncio.run(read())
    assert transport.urls == [url_of(recorded)]
    assert "".join(chunk.delta or "" for chunk in chunks) == recorded["text"]
    last = chunks[-1]
    assert (last.usage, last.finish_reason) == (recorded["usage"], recorded["finish_reason"])
    assert names_of(last.tool_calls) == recorded.get("tool")
    assert (last.response_id, last.provider_model) == identity(recorded, events[0])


@pytest.mark.parametrize("recorded", EMBEDDED, ids=lambda row: row["host"])
def test_recorded_embeddings_are_asked_for_and_read(recorded: Mapping[str, Any]) -> None:
    transport, asked = Replaying(msgspec.json.encode(recorded["body"])), recorded["asked"]
    provider = provider_of(recorded, transport)
    assert isinstance(provider, Embeds)
    ref = ModelRef(recorded["host"], asked["model"])
    purpose = recorded.get("purpose") or asked.get("input_type")
    vectors = asyncio.run(provider.embed(EmbeddingCall(asked["input"], ref, purpose=purpose)))
    assert (transport.urls, msgspec.json.decode(transport.sent[0])) == ([recorded["url"]], asked)
    assert vectors.embeddings == [pytest.approx(recorded["vector"], abs=1e-5)]
    assert vectors.tokens == recorded["tokens"]


def test_every_recording_names_its_source_and_its_licence_or_is_the_vendors_example() -> None:
    for row in [*WHOLE, *STREAMS, *EMBEDDED, RECORDED["failing_stream"]]:
        if row["source"].startswith("https://github.com/"):
            assert row["licence"].startswith(("MIT", "Apache-2.0"))
        else:
            assert row["licence"] == DOCUMENTED


def test_a_recorded_stream_that_fails_after_its_reason_to_end_is_an_error() -> None:
    recorded = RECORDED["failing_stream"]
    body = b": " + recorded["comment"].encode() + b"\n\n" + framed(recorded["events"])
    name = recorded["host"]

    async def read() -> list[str]:
        provider = find_factory(name)(ProviderSettings(name=name, transport=Replaying(body), api_key="key"))
        stream = await provider.stream(call(name, "minimax/minimax-m2:free"))
        thoughts: list[str] = []
        with pytest.raises(ProviderBadRequestError, match="Token limit reached"):
            await drain(stream, thoughts)
        return thoughts

    async def drain(stream: ProviderStream, thoughts: list[str]) -> None:
        while chunks := await stream.receive():
            thoughts += [chunk.reasoning or "" for chunk in chunks]

    assert "".join(asyncio.run(read())).startswith("We need")


def test_a_row_is_proved_by_what_is_recorded_here_and_by_nothing_else() -> None:
    proofs = {row["host"]: (row["source"], kind_of(row)) for row in [*STREAMS, *WHOLE, *EMBEDDED]}
    others = [host for host in HOSTS.values() if not host.is_vendor and host.protocol != "bedrock"]
    proved = {host.name: (host.proof, host.proof_kind) for host in others if host.is_proved}
    assert proved == proofs


def kind_of(recorded: Mapping[str, Any]) -> str:
    return "documented" if recorded["licence"].endswith(DOCUMENTED) else "recorded"


def test_a_row_says_what_kind_of_proof_it_has() -> None:
    assert all((host.proof is None) is (host.proof_kind is None) for host in HOSTS.values())
    others = {host.name: host.proof_kind for host in HOSTS.values() if host.is_vendor}
    assert others == {**dict.fromkeys(("openai", "anthropic", "google", "ollama"), "recorded"), **RUN}
    assert HOSTS["bedrock"].proof_kind == "recorded"


@pytest.mark.parametrize("name", RUN)
def test_what_runs_here_names_its_tests(name: str) -> None:
    assert list((Path(__file__).parents[3] / str(HOSTS[name].proof)).glob("test_*.py"))
