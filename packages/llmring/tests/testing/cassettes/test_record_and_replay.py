"""Recording calls, and answering the same calls from the recording."""

import asyncio
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from llmring import LLMRequest, LLMResponse, LLMRing, Message, StreamChunk
from llmring.exceptions import (
    CassetteError,
    CassetteMismatchError,
    ConfigurationError,
    LLMRingError,
    ProviderServerError,
)
from llmring.testing import (
    Answer,
    Call,
    FakeProvider,
    Rule,
    Script,
    Simulator,
    faults,
    record,
    refuse_network,
    replay,
)
from llmring_providers.sim import SimTransport
from llmring_providers.sim.transport import SimStream
from llmring_providers.transport import HttpRequest
from openai import AsyncOpenAI

SCRIPT = Script(
    rules=(
        Rule(model="long", answer=Answer(text="one two three four", chunk_size=4)),
        Rule(model="first-fails", until=1, fault=faults.Status(status=500)),
        Rule(model="calls", answer=Answer(tool_calls=(Call("look", {"at": "über 好"}),), chunk_size=3)),
    )
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cassettes" / "deep" / "one.json"


def ask(text: str = "Hello", model: str = "openai:m", **fields: Any) -> LLMRequest:
    return LLMRequest(messages=[Message(role="user", content=text)], model=model, **fields)


def ring(script: Script = SCRIPT, key: str = "a-key") -> LLMRing:
    ring = LLMRing(transport=SimTransport(script))
    for provider in ("openai", "anthropic", "google"):
        ring.register_provider(provider, api_key=key)
    return ring


async def said(ring: LLMRing, *texts: str, model: str = "openai:m") -> list[str]:
    return [(await ring.chat(ask(text, model))).content for text in texts]


async def chunks(ring: LLMRing, request: LLMRequest) -> list[StreamChunk]:
    return [chunk async for chunk in ring.chat_stream(request)]


def text_of(path: Path) -> str:
    return path.read_text()


def beside(path: Path) -> list[str]:
    return [file.name for file in path.parent.iterdir()]


def interactions(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(text_of(path))["interactions"]
    return found


# ---------------------------------------------------------------------- what comes back


@pytest.mark.parametrize(
    "model", ["openai:calls", "anthropic:calls", "google:calls", "ollama:calls", "sim:calls"]
)
async def test_an_answer_comes_back_whole_and_streamed(model: str, path: Path) -> None:
    def seen(response: LLMResponse) -> LLMResponse:
        return msgspec.structs.replace(response, attempts=[])

    async def both(ring: LLMRing) -> tuple[LLMResponse, list[StreamChunk]]:
        streamed = await chunks(ring, ask(model=model))
        streamed[-1].attempts = None
        return seen(await ring.chat(ask(model=model))), streamed

    with record(path):
        recorded = await both(ring())
    with replay(path):
        replayed = await both(ring(Script(rules=(Rule(answer=Answer(text="not this")),)), key="any"))
    assert replayed == recorded


class Noting(SimTransport):
    """Keeps what was asked of it and the pieces of its answers."""

    def __init__(self, script: Script) -> None:
        super().__init__(script)
        self.asked: list[HttpRequest] = []
        self.pieces: list[bytes] = []

    async def open(self, request: HttpRequest) -> SimStream:
        self.asked.append(request)
        stream = await super().open(request)
        reading = stream.read

        async def read() -> bytes:
            self.pieces.append(await reading())
            return self.pieces[-1]

        stream.read = read  # type: ignore[method-assign]
        return stream


async def test_chunks_keep_their_boundaries(path: Path) -> None:
    script = Script(rules=(Rule(answer=Answer(text="über 好 " * 9), fault=faults.Drip(size=7, seconds=0)),))
    origin = Noting(script)
    one = LLMRing(transport=origin)
    one.register_provider("anthropic", api_key="a-key")
    with record(path):
        await chunks(one, ask(model="anthropic:m"))
    assert len(origin.pieces) > 100
    with replay(path) as replayed:
        stream = await replayed.through(SimTransport(), provider="anthropic", secret="").open(origin.asked[0])
        assert [await stream.read() for _ in origin.pieces] == origin.pieces


async def test_the_same_request_is_answered_in_the_order_of_the_recording(path: Path) -> None:
    with record(path):
        response = await ring().chat(ask(model="openai:first-fails"))
    assert [one.status_code for one in response.attempts] == [500, None]
    with replay(path):
        response = await ring(Script()).chat(ask(model="openai:first-fails"))
    assert [one.status_code for one in response.attempts] == [500, None]


async def test_calls_side_by_side_are_told_apart_by_what_they_ask(path: Path) -> None:
    texts = [f"number {number}" for number in range(20)]
    with record(path):
        recorded = await said(ring(), *texts)
    one = ring(Script())
    with replay(path):
        replayed = await asyncio.gather(*(said(one, text) for text in reversed(texts)))
    assert [answer for [answer] in reversed(replayed)] == recorded


async def test_rings_and_sdk_clients_that_others_made_are_recorded_too(path: Path) -> None:
    async with Simulator() as simulator, LLMRing() as ring:
        client = AsyncOpenAI(api_key="the-clients-own-key", base_url=simulator.base_url("openai"))
        ring.register_provider("openai", client=client)
        with record(path):
            recorded = await said(ring, "Hello, the-clients-own-key")
        simulator.requests.clear()
        with replay(path):
            assert await said(ring, "Hello, the-clients-own-key") == [
                recorded[0].replace("the-clients-own-key", "REDACTED")
            ]
        assert simulator.requests == []
        await client.close()
    assert "the-clients-own-key" not in text_of(path)


async def test_lists_of_models_are_recorded_too(path: Path) -> None:
    provider: Any = ring().get_provider("openai")
    with record(path):
        recorded = await provider.models()
    with replay(path):
        assert await provider.models() == recorded
    assert interactions(path)[0]["request"]["method"] == "GET"


async def test_a_provider_without_http_is_not_recorded(path: Path) -> None:
    one = ring()
    one.register_provider("fake", FakeProvider())
    with record(path) as recording:
        await one.chat(ask(model="fake:m"))
        assert len(recording) == 0


# ---------------------------------------------------------------------- what does not match


async def mismatch(path: Path, call: Callable[[LLMRing], Any]) -> CassetteMismatchError:
    """Record one call, and replay another one in its place."""
    with record(path):
        await said(ring(), "Is it warm in Bern?")
    with pytest.raises(CassetteMismatchError) as caught, replay(path):
        await call(ring())
    return caught.value


async def test_a_request_that_is_not_in_it_is_told_with_the_closest_one(path: Path) -> None:
    error = await mismatch(path, lambda ring: ring.chat(ask("Is it warm in Basel?", temperature=0.5)))
    assert list(error.differences) == [
        '$.messages[0].content: recorded "Is it warm in Bern?", asked "Is it warm in Basel?"',
        "$.temperature: not recorded, asked 0.5",
    ]
    assert "interactions[0]" in str(error)
    assert str(path) in str(error)
    assert all(line in str(error) for line in error.differences)


async def test_a_mismatch_fails_over_to_nobody_and_is_not_tried_again(path: Path) -> None:
    error = await mismatch(path, lambda ring: ring.chat(ask("something else")))
    assert [one.error for one in error.attempts] == ["CassetteMismatchError"]


async def test_another_model_or_host_or_way_of_asking_is_a_mismatch(path: Path) -> None:
    error = await mismatch(path, lambda ring: ring.chat(ask("Is it warm in Bern?", "anthropic:m")))
    assert error.differences[0].startswith("URL: recorded https://api.openai.com/v1/chat/completions, asked ")
    error = await mismatch(path, lambda ring: chunks(ring, ask("Is it warm in Bern?")))
    assert "$.stream: not recorded, asked true" in error.differences


async def test_many_differences_are_not_all_shown(path: Path) -> None:
    tools = [
        {"type": "function", "function": {"name": f"f{number}", "parameters": {}}} for number in range(3)
    ]
    conversation = [Message(role="user", content=str(number)) for number in range(20)]
    error = await mismatch(
        path, lambda ring: ring.chat(LLMRequest(messages=conversation, model="openai:m", tools=tools))
    )
    assert len(error.differences) == 21
    assert "\n  and 11 more\n" in str(error)


async def test_a_request_that_comes_once_too_often_is_told(path: Path) -> None:
    error = await mismatch(path, lambda ring: said(ring, "Is it warm in Bern?", "Is it warm in Bern?"))
    assert "once more" in str(error)
    assert "interactions[0]" in str(error)


async def test_what_nobody_asked_for_is_told_at_the_end(path: Path) -> None:
    with record(path):
        await said(ring(), "one", "two", "three")
    with (
        pytest.raises(
            CassetteMismatchError, match=r"2 of the 3 .*interactions\[0\] POST .*interactions\[2\]"
        ),
        replay(path),
    ):
        await said(ring(), "two")


async def test_a_mismatch_that_the_program_swallows_is_told_at_the_end(path: Path) -> None:
    async def swallow(ring: LLMRing) -> None:
        await said(ring, "Is it warm in Bern?")
        with pytest.raises(LLMRingError):
            await said(ring, "Is it warm in Basel?")

    assert "Basel" in str(await mismatch(path, swallow))


async def test_another_error_is_not_hidden_by_what_does_not_match(path: Path) -> None:
    with record(path):
        await said(ring(), "one")
    with pytest.raises(ZeroDivisionError) as caught, replay(path):
        raise ZeroDivisionError
    assert "were not asked for" in caught.value.__notes__[0]


async def test_reading_on_where_the_recording_was_left_is_a_mismatch(path: Path) -> None:
    async def first(ring: LLMRing) -> str:
        async with ring.chat_stream(ask(model="anthropic:long")) as stream:
            return (await anext(stream)).delta

    with record(path):
        recorded = await first(ring())
    assert interactions(path)[0]["answer"]["ending"] == "unread"
    with replay(path):
        assert await first(ring()) == recorded
    with pytest.raises(CassetteMismatchError, match="read no further"), replay(path):
        await chunks(ring(), ask(model="anthropic:long"))


# ---------------------------------------------------------------------- the file


async def test_the_file_is_written_also_when_the_block_fails_later(path: Path) -> None:
    async def fail_later() -> None:
        await said(ring(), "one")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), record(path):
        await fail_later()
    assert len(interactions(path)) == 1


def test_a_block_that_fails_before_it_asks_leaves_what_was_there(path: Path) -> None:
    with pytest.raises(ZeroDivisionError), record(path):
        raise ZeroDivisionError
    assert not path.exists()
    with record(path):
        pass
    assert interactions(path) == []
    with replay(path):
        pass


async def test_an_empty_cassette_matches_nothing(path: Path) -> None:
    with record(path):
        pass
    with pytest.raises(CassetteMismatchError, match="which is empty"), replay(path):
        await said(ring(), "one")


async def test_the_same_calls_make_the_same_file(path: Path) -> None:
    with record(path):
        await said(ring(), "one", "two")
    before = text_of(path)
    with record(path):
        await said(ring(key="another-key"), "one", "two")
    assert text_of(path) == before
    assert beside(path) == [path.name]


async def test_what_was_not_sent_is_not_recorded(path: Path) -> None:
    one = LLMRing()
    one.register_provider("openai", api_key="k")
    with record(path) as recording, refuse_network(), pytest.raises(ConfigurationError):
        await said(one, "one")
    assert len(recording) == 0
    assert interactions(path) == []
    await one.close()


UNREADABLE = [
    ("", "truncated"),
    ("{}", "version"),
    ('{"version": 2, "interactions": []}', "version"),
    ('{"version": 1, "interactions": [{"provider": "openai"}]}', r"interactions\[0\]"),
    (
        '{"version": 1, "interactions": [{"provider": "p", "request": {"method": "GET", "url": "u"}, "answer": 1}]}',
        "answer",
    ),
]


@pytest.mark.parametrize(("text", "place"), UNREADABLE)
def test_a_file_that_is_no_cassette_is_told(text: str, place: str, tmp_path: Path) -> None:
    path = tmp_path / "broken.json"
    path.write_text(text)
    with pytest.raises(CassetteError, match=place) as caught, replay(path):
        pass
    assert str(path) in str(caught.value)


def test_a_missing_cassette_is_told_with_what_makes_one(tmp_path: Path) -> None:
    with (
        pytest.raises(CassetteError, match=r"no cassette .*none\.json.*record"),
        replay(tmp_path / "none.json"),
    ):
        pass


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CassetteError, match="cannot be written"), record(tmp_path / "file" / "one.json"):
        pass


def damage(path: Path) -> None:
    document = json.loads(path.read_text())
    document["interactions"][0]["answer"]["body"] = [{"base64": "!"}]
    path.write_text(json.dumps(document))


async def test_base64_that_was_damaged_by_hand_is_told(path: Path) -> None:
    with record(path):
        await said(ring(), "one")
    damage(path)
    with pytest.raises(CassetteError, match="base64"), replay(path):
        await said(ring(), "one")


async def test_an_error_keeps_its_headers(path: Path) -> None:
    script = Script(rules=(Rule(fault=faults.Status(status=503, retry_after=0)),))
    for block, answering in ((record, script), (replay, Script())):
        with pytest.raises(ProviderServerError) as caught, block(path):
            await said(ring(answering), "one")
        assert (caught.value.retry_after, caught.value.status_code) == (0, 503)
        assert caught.value.request_id


@pytest.mark.parametrize("content", [b"[" * 100_000, b'{"version": 1, "interactions": ' + b"[" * 100_000])
def test_a_cassette_that_is_nested_without_end_is_one_typed_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "one.json"
    path.write_bytes(content)
    with pytest.raises(CassetteError, match="cannot be read"), replay(path):
        pass


@pytest.mark.skipif(os.name != "posix", reason="POSIX modes and named pipes")
def test_a_cassette_is_its_owners_alone_and_is_read_from_a_file_only(path: Path) -> None:
    old = os.umask(0)
    try:
        with record(path):
            asyncio.run(ring().chat(ask()))
    finally:
        os.umask(old)
    assert path.stat().st_mode & 0o777 == 0o600
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(CassetteError, match="there is no cassette"), replay(path):
        pass
