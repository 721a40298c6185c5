"""Streams through the facade, over real HTTP on loopback."""

import asyncio
import gc
import threading
from contextlib import aclosing
from pathlib import Path

import anyio
import llmring_lockfile
import msgspec
import pytest
from canned import Answer, Server, Stalling
from llmring import BreakerPolicy, ChatStream, LLMRequest, LLMRing, Message, Policy, RetryPolicy, StreamChunk
from llmring.exceptions import (
    MalformedResponseError,
    ProviderOverloadedError,
    ProviderServerError,
    ProviderTimeoutError,
    StreamInterruptedError,
    StructuredOutputError,
)
from llmring.testing import HANG, FakeProvider, Reply
from llmring_providers.testing import FakeStream

ONCE = Policy(retry=RetryPolicy(attempts=1))
REQUEST = LLMRequest(messages=[Message(role="user", content="Hello")], model="openai:gpt-4o-mini")
SSE = {"content-type": "text/event-stream"}


def event(**choice: object) -> bytes:
    return b"data: " + msgspec.json.encode({"id": "c1", "choices": [choice] if choice else []}) + b"\n\n"


HEL, LO = event(delta={"content": "Hel"}), event(delta={"content": "lo"})
STOP = event(delta={}, finish_reason="stop")
USAGE = (
    b"data: "
    + msgspec.json.encode({"choices": [], "usage": {"prompt_tokens": 1000, "completion_tokens": 10}})
    + b"\n\n"
)
DONE = b"data: [DONE]\n\n"
WHOLE = HEL + LO + STOP + USAGE + DONE


def ring_on(server: Server, policy: Policy = ONCE) -> LLMRing:
    ring = LLMRing(policy=policy)
    ring.register_provider("openai", api_key="k", base_url=server.url)
    return ring


async def drain(stream: ChatStream) -> list[StreamChunk]:
    return [chunk async for chunk in stream]


async def test_the_last_chunk_has_what_a_whole_answer_has(server: Server) -> None:
    server.answers = [Answer(WHOLE, headers=SSE)]
    async with ring_on(server) as ring:
        stream = ring.chat_stream(REQUEST)
        chunks = await drain(stream)
    assert "".join(chunk.delta for chunk in chunks) == "Hello"
    last = chunks[-1]
    assert (last.finish_reason, last.total_tokens, last.model) == ("stop", 1010, "openai:gpt-4o-mini")
    assert last.usage is not None
    assert last.usage["cost"] == pytest.approx((1000 * 0.15 + 10 * 0.60) / 1e6)
    assert last.attempts is not None
    assert [attempt.outcome for attempt in last.attempts] == ["ok"]
    assert all(chunk.usage is None for chunk in chunks[:-1])
    assert stream.response is not None
    assert (stream.response.content, stream.response.usage) == ("Hello", last.usage)
    assert server.asked[0]["stream"] is True


async def test_a_stream_that_is_started_has_its_first_chunk_still(server: Server) -> None:
    server.answers = [Answer(WHOLE, headers=SSE)]
    async with ring_on(server) as ring:
        stream = await ring.chat_stream(REQUEST).start()
        assert stream.attempts[-1].outcome == "ok"
        assert await stream.start() is stream
        assert "".join(chunk.delta for chunk in await drain(stream)) == "Hello"
        await stream.aclose()
        assert await drain(await stream.start()) == []
    assert len(server.asked) == 1


async def test_an_error_before_the_first_chunk_is_raised_at_the_start(server: Server) -> None:
    server.answers = [Answer(b"{}", status=503)]
    async with ring_on(server) as ring:
        stream = ring.chat_stream(REQUEST)
        with pytest.raises(ProviderServerError) as first:
            await stream.start()
        with pytest.raises(ProviderServerError) as second:
            await stream.start()
        with pytest.raises(ProviderServerError) as third:
            await drain(stream)
        with pytest.raises(ProviderServerError) as fourth:
            await anext(stream.text())
        assert second.value is third.value is fourth.value is first.value
    assert len(server.asked) == len(first.value.attempts)


async def test_the_text_of_a_stream_comes_without_empty_pieces(server: Server) -> None:
    server.answers = [Answer(WHOLE, headers=SSE)]
    async with ring_on(server) as ring:
        stream = ring.chat_stream(REQUEST)
        assert [piece async for piece in stream.text()] == ["Hel", "lo"]
    assert stream.response is not None
    assert stream.response.cost == 0.000156


async def test_a_text_that_is_left_closes_its_stream() -> None:
    provider = FakeProvider("Hello")
    ring = LLMRing()
    ring.register_provider("openai", provider)
    stream = ring.chat_stream(REQUEST)
    async with aclosing(stream.text()) as pieces:
        assert await anext(pieces)
    assert await drain(stream) == []


CUTS: list[tuple[bytes, bool, str]] = [
    (HEL + LO, False, "Hello"),
    (HEL + LO, True, "Hello"),
    (HEL + LO[:-9], False, "Hel"),
]


@pytest.mark.parametrize(("body", "cut", "text"), CUTS)
async def test_a_cut_stream_is_an_error_with_what_came_before(
    server: Server, body: bytes, text: str, *, cut: bool
) -> None:
    server.answers = [Answer(body, headers=SSE, cut=cut)]
    async with ring_on(server) as ring:
        with pytest.raises(StreamInterruptedError) as caught:
            await drain(ring.chat_stream(REQUEST))
    assert caught.value.partial is not None
    assert caught.value.partial.content == text
    assert [attempt.error for attempt in caught.value.attempts] == ["StreamInterruptedError"]


async def test_an_empty_body_is_a_cut(server: Server) -> None:
    server.answers = [Answer(b"", headers=SSE)]
    async with ring_on(server) as ring:
        with pytest.raises(StreamInterruptedError):
            await drain(ring.chat_stream(REQUEST))


async def test_malformed_data_is_an_error_with_what_came_before(server: Server) -> None:
    server.answers = [Answer(HEL + b"data: {oh\n\n" + DONE, headers=SSE)]
    async with ring_on(server) as ring:
        with pytest.raises(MalformedResponseError) as caught:
            await drain(ring.chat_stream(REQUEST))
    assert caught.value.partial is not None
    assert caught.value.partial.content == "Hel"


async def test_an_error_event_is_a_typed_error_with_what_came_before(server: Server) -> None:
    server.answers = [Answer(HEL + b'data: {"error": {"message": "boom"}}\n\n', headers=SSE)]
    async with ring_on(server) as ring:
        with pytest.raises(ProviderServerError, match="boom") as caught:
            await drain(ring.chat_stream(REQUEST))
    assert caught.value.partial is not None
    assert caught.value.partial.content == "Hel"


async def test_before_the_first_chunk_the_pool_fails_over_and_after_it_not(
    server: Server, lockfile: Path
) -> None:
    llmring_lockfile.bind(lockfile, "safe", "openai:gpt-4o-mini,sim:demo")
    request = LLMRequest(messages=REQUEST.messages, model="safe")
    async with ring_on(server) as ring:
        server.answers = [Answer(b"", headers=SSE), Answer(b"{}", 503), Answer(HEL, headers=SSE)]
        for error in ("StreamInterruptedError", "ProviderOverloadedError"):
            chunks = await drain(ring.chat_stream(request))
            assert chunks[-1].model == "sim:demo"
            assert chunks[-1].attempts is not None
            assert [attempt.error for attempt in chunks[-1].attempts] == [error, None]
        with pytest.raises(StreamInterruptedError):
            await drain(ring.chat_stream(request))


async def test_a_status_of_failure_is_its_error(server: Server) -> None:
    server.answers = [Answer(b'{"error": {"message": "busy"}}', 503)]
    async with ring_on(server) as ring:
        with pytest.raises(ProviderOverloadedError, match="busy"):
            await drain(ring.chat_stream(REQUEST))


async def test_a_stall_in_the_middle_is_a_timeout_with_what_came_before() -> None:
    async with Stalling(HEL) as stalling, LLMRing(policy=ONCE) as ring:
        ring.register_provider("openai", api_key="k", base_url=stalling.url)
        request = LLMRequest(messages=REQUEST.messages, model=REQUEST.model, timeout=0.05)
        with pytest.raises(ProviderTimeoutError) as caught:
            await drain(ring.chat_stream(request))
        assert caught.value.partial is not None
        assert caught.value.partial.content == "Hel"
        async with asyncio.timeout(5):
            await stalling.gone.wait()


async def test_a_stall_before_the_first_chunk_is_a_timeout() -> None:
    async with (
        Stalling(b"") as stalling,
        LLMRing(policy=Policy(first_chunk_timeout_s=0.05, retry=RetryPolicy(attempts=1))) as ring,
    ):
        ring.register_provider("openai", api_key="k", base_url=stalling.url)
        with pytest.raises(ProviderTimeoutError):
            await drain(ring.chat_stream(REQUEST))
        async with asyncio.timeout(5):
            await stalling.gone.wait()


async def test_leaving_the_loop_early_closes_the_connection_at_once() -> None:
    async with Stalling(HEL) as stalling, LLMRing(policy=ONCE) as ring:
        ring.register_provider("openai", api_key="k", base_url=stalling.url)
        async for chunk in ring.chat_stream(REQUEST):
            assert chunk.delta == "Hel"
            break
        gc.collect()
        async with asyncio.timeout(5):
            await stalling.gone.wait()


async def test_closing_a_stream_ends_it() -> None:
    async with Stalling(HEL) as stalling, LLMRing(policy=ONCE) as ring:
        ring.register_provider("openai", api_key="k", base_url=stalling.url)
        async with ring.chat_stream(REQUEST) as stream:
            await anext(stream)
        await stream.aclose()
        assert [chunk async for chunk in stream] == []
        assert stream.response is None
        async with asyncio.timeout(5):
            await stalling.gone.wait()


async def test_cancelling_closes_the_connection_and_leaves_no_task() -> None:
    async with Stalling(HEL) as stalling, LLMRing(policy=ONCE) as ring:
        ring.register_provider("openai", api_key="k", base_url=stalling.url)
        stream = ring.chat_stream(REQUEST)
        await anext(stream)
        waiting = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        async with asyncio.timeout(5):
            await stalling.gone.wait()


# ---------------------------------------------------------------------- with a provider without HTTP

FAKE = LLMRequest(messages=REQUEST.messages, model="fake:m")


def ring_with(*replies: Reply, policy: Policy = ONCE) -> tuple[LLMRing, FakeProvider]:
    fake = FakeProvider(*replies)
    ring = LLMRing(policy=policy)
    ring.register_provider("fake", fake)
    return ring, fake


async def test_a_stream_that_was_closed_gives_nothing_more_even_where_more_has_come(server: Server) -> None:
    server.answers = [Answer(WHOLE, headers=SSE)]
    async with ring_on(server) as ring:
        stream = ring.chat_stream(REQUEST)
        assert (await anext(stream)).delta == "Hel"
        await stream.aclose()
        assert await drain(stream) == []
        assert stream.response is None


async def test_leaving_the_block_closes_a_stream_that_is_still_held() -> None:
    ring, fake = ring_with("one two three")
    async with ring.chat_stream(FAKE) as stream:
        await anext(stream)
    assert fake.streams[0].closed
    assert await drain(stream) == []


async def test_a_stream_is_given_back_once_and_ends_again_and_again() -> None:
    ring, fake = ring_with("one")
    stream = ring.chat_stream(FAKE)
    assert len(await drain(stream)) == 2
    assert (fake.streams[0].finished, fake.streams[0].closed) == (True, False)
    fake.streams[0].finished = False
    assert await drain(stream) == []
    assert not fake.streams[0].finished


async def test_an_answer_that_breaks_its_schema_closes_its_stream() -> None:
    ring, fake = ring_with("no json")
    asked = msgspec.structs.replace(FAKE, response_format=dict[str, int])
    stream = ring.chat_stream(asked)
    with pytest.raises(StructuredOutputError) as caught:
        await drain(stream)
    assert fake.streams[0].closed
    assert [one.error for one in caught.value.attempts] == ["StructuredOutputError"]


class Ticking:
    """A clock that goes on by a second whenever it is looked at."""

    time = 1000.0

    def now(self) -> float:
        self.time += 1
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.time += seconds


async def test_an_attempt_that_fails_in_the_middle_took_all_of_its_time() -> None:
    ring, _ = ring_with(("one", "two", ProviderServerError("down", provider="fake")))
    clock = ring._chat.failover.clock = Ticking()

    async def read() -> None:
        async for _ in ring.chat_stream(FAKE):
            clock.time += 50

    with pytest.raises(ProviderServerError) as caught:
        await read()
    assert 100 < caught.value.attempts[0].seconds < 110


@pytest.fixture
def read_halfway() -> tuple[FakeProvider, LLMRing]:
    provider = FakeProvider(["Hello ", HANG])
    ring = LLMRing(policy=Policy(max_concurrent={"fake": 1}, breaker=BreakerPolicy(failures=1)))
    ring.register_provider("fake", provider)
    return provider, ring


FAKE = LLMRequest(messages=REQUEST.messages, model="fake:model", timeout=None)


@pytest.mark.parametrize("read", [0, 1])
async def test_a_stream_has_one_reader_at_a_time(read: int) -> None:
    provider = FakeProvider([*["Hello "] * read, HANG])
    ring = LLMRing()
    ring.register_provider("fake", provider)
    stream = ring.chat_stream(FAKE)
    for _ in range(read):
        await anext(stream)
    reader = asyncio.create_task(anext(stream))
    await asyncio.sleep(0)
    with pytest.raises(RuntimeError, match="one reader"):
        await anext(stream)
    assert len(provider.calls) == 1
    assert not provider.streams[0].closed
    reader.cancel()
    await asyncio.wait([reader])


async def test_a_stream_that_is_closed_while_it_is_read_is_no_failure_of_the_model(server: Server) -> None:
    async with Stalling(HEL) as stalling:
        ring = LLMRing(policy=Policy(breaker=BreakerPolicy(failures=1)))
        ring.register_provider("openai", api_key="k", base_url=stalling.url)
        stream = ring.chat_stream(REQUEST)
        await anext(stream)
        reader = asyncio.create_task(anext(stream))
        await asyncio.sleep(0)
        await stream.aclose()
        with pytest.raises(StreamInterruptedError) as caught:
            await reader
        assert caught.value.partial is not None
        assert caught.value.partial.content == "Hel"
        assert [attempt.outcome for attempt in caught.value.attempts] == ["ok"]
        await anext(ring.chat_stream(REQUEST))  # the breaker is closed
        await ring.close()


async def test_a_stream_that_another_thread_lets_go_of_is_closed_in_its_own(
    read_halfway: tuple[FakeProvider, LLMRing], monkeypatch: pytest.MonkeyPatch
) -> None:
    closed_in = list[int]()
    monkeypatch.setattr(FakeStream, "close", lambda _: closed_in.append(threading.get_ident()))
    provider, ring = read_halfway
    streams = [ring.chat_stream(FAKE)]
    await anext(streams[0])
    waiting = asyncio.create_task(anext(ring.chat_stream(FAKE)))
    thread = threading.Thread(target=streams.clear)
    thread.start()
    thread.join()
    assert closed_in == []
    await waiting  # the place is free
    assert closed_in[0] == threading.get_ident()
    assert len(provider.calls) == 2


async def test_a_place_is_given_back_also_where_a_stream_fails_to_close(
    read_halfway: tuple[FakeProvider, LLMRing], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: FakeStream) -> None:
        raise RuntimeError("mine")

    _, ring = read_halfway
    stream = ring.chat_stream(FAKE)
    await anext(stream)
    with monkeypatch.context() as patch:
        patch.setattr(FakeStream, "close", fail)
        with pytest.raises(RuntimeError, match="mine"):
            await stream.aclose()
    second = ring.chat_stream(FAKE)
    await anext(second)
    await second.aclose()


def test_a_stream_that_outlives_its_loop_can_be_let_go_of_anywhere(
    read_halfway: tuple[FakeProvider, LLMRing],
) -> None:
    provider, ring = read_halfway
    streams = [ring.chat_stream(FAKE)]

    async def read() -> None:
        await anext(streams[0])

    for backend in ("asyncio", "trio"):
        anyio.run(read, backend=backend)
        thread = threading.Thread(target=streams.clear)
        thread.start()
        thread.join()
        assert provider.streams[-1].closed
        streams.append(ring.chat_stream(FAKE))
