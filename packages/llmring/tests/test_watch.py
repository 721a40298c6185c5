"""What observers get to know of calls, however they end."""

import asyncio
import gc
import logging
from decimal import Decimal
from pathlib import Path

import llmring_lockfile
import msgspec
import pytest
import trio
from canned import Answer, Server, Stalling
from llmring import CallRecord, LLMRequest, LLMRing, Message, ModelRef, Policy, RetryPolicy, StreamChunk
from llmring.exceptions import (
    AliasNotFoundError,
    ProviderConnectionError,
    ProviderOverloadedError,
    ProviderTimeoutError,
    StreamInterruptedError,
    StructuredOutputError,
)
from llmring.testing import FakeProvider

ONCE = Policy(retry=RetryPolicy(attempts=1))
TEXT = "Tell me a story. " * 25  # 425 characters: about 110 tokens with what a message costs by itself
ASKED = LLMRequest(messages=[Message(role="user", content=TEXT)], model="openai:gpt-4o-mini")
INPUT = Decimal("0.15") / 1_000_000
OUTPUT = Decimal("0.60") / 1_000_000
SSE = {"content-type": "text/event-stream"}
HELLO = b'data: {"id": "c1", "model": "gpt-4o-mini-1", "choices": [{"delta": {"content": "Hello"}}]}\n\n'
STOP = b'data: {"id": "c1", "choices": [{"delta": {}, "finish_reason": "stop"}]}\n\n'
USAGE = b'data: {"choices": [], "usage": {"prompt_tokens": 50, "completion_tokens": 5}}\n\n'
DONE = b"data: [DONE]\n\n"


def answer(text: str = "Hi", **usage: int) -> Answer:
    body = {
        "id": "c1",
        "model": "gpt-4o-mini-1",
        "choices": [{"message": {"content": text}, "finish_reason": "stop"}],
        "usage": usage or None,
    }
    return Answer(msgspec.json.encode(body), headers={"x-request-id": "req_1"})


class Kept(list[CallRecord]):
    """Records in the order in which they came."""

    def __call__(self, record: CallRecord) -> None:
        self.append(record)


def ring_on(url: str, kept: Kept, policy: Policy = ONCE) -> LLMRing:
    ring = LLMRing("tests", policy=policy, observers=[kept])
    ring.register_provider("openai", api_key="sk-secret", base_url=url)
    return ring


@pytest.fixture
def kept() -> Kept:
    return Kept()


async def test_an_answered_call_is_told_with_all_there_is_to_know(
    server: Server, kept: Kept, lockfile: Path
) -> None:
    llmring_lockfile.bind(lockfile, "story", "openai:gpt-4o-mini", profile="prod")
    server.answers = [answer(prompt_tokens=100, completion_tokens=10)]
    request = LLMRequest(messages=ASKED.messages, model="story", metadata={"user": 1})
    async with ring_on(server.url, kept) as ring:
        response = await ring.chat(request, profile="prod")
    (record,) = kept
    assert (record.origin, record.alias, record.profile) == ("tests", "story", "prod")
    assert (record.ending, record.streamed, record.error) == ("answered", False, None)
    assert record.model == ModelRef("openai", "gpt-4o-mini")
    assert record.response == response
    assert record.attempts == tuple(response.attempts)
    assert (record.usage, record.estimated) == (response.usage, False)
    assert record.cost == 100 * INPUT + 10 * OUTPUT
    assert record.failed_cost == 0
    assert record.request.metadata == {"user": 1}
    assert len(record.id) == 32
    assert record.seconds > 0
    assert record.first_chunk_s is None


async def test_each_call_has_an_id_of_its_own(kept: Kept) -> None:
    async with LLMRing(observers=[kept]) as ring:
        for _ in range(3):
            await ring.chat(LLMRequest(messages=ASKED.messages, model="sim:demo"))
    assert len({record.id for record in kept}) == 3


async def test_an_answer_without_usage_is_estimated(server: Server, kept: Kept) -> None:
    server.answers = [answer("word " * 80)]
    async with ring_on(server.url, kept) as ring:
        response = await ring.chat(ASKED)
    (record,) = kept
    assert response.usage is None
    assert record.estimated
    assert record.usage is not None
    assert (record.usage["prompt_tokens"], record.usage["completion_tokens"]) == (110, 100)
    assert record.cost == 110 * INPUT + 100 * OUTPUT


async def test_a_failed_call_is_told_with_its_error(server: Server, kept: Kept) -> None:
    server.answers = [Answer(b"{}", 503)]
    async with ring_on(server.url, kept) as ring:
        with pytest.raises(ProviderOverloadedError) as caught:
            await ring.chat(ASKED)
    (record,) = kept
    assert (record.ending, record.error, record.usage) == ("failed", caught.value, None)
    assert record.model == ModelRef("openai", "gpt-4o-mini")
    assert record.attempts == caught.value.attempts
    assert record.failed_cost == 0  # a server error is not billed


async def test_an_answer_that_breaks_the_schema_was_paid_for(server: Server, kept: Kept) -> None:
    server.answers = [answer("no json", prompt_tokens=100, completion_tokens=10)]
    async with ring_on(server.url, kept) as ring:
        with pytest.raises(StructuredOutputError):
            await ring.chat(
                LLMRequest(messages=ASKED.messages, model=ASKED.model, response_format=dict[str, int])
            )
    (record,) = kept
    assert (record.ending, record.estimated, record.failed_cost) == ("failed", False, Decimal(0))
    assert record.cost == 100 * INPUT + 10 * OUTPUT
    assert record.response is not None
    assert record.response.content == "no json"


async def test_an_attempt_without_an_answer_may_be_billed_for_its_input(kept: Kept) -> None:
    async with Stalling(None) as silent, ring_on(silent.url, kept) as ring:
        request = LLMRequest(messages=ASKED.messages, model=ASKED.model, timeout=0.01)
        with pytest.raises(ProviderTimeoutError):
            await ring.chat(request)
    (record,) = kept
    assert (record.usage, record.failed_cost) == (None, 110 * INPUT)


async def test_a_failed_attempt_counts_beside_the_answer_of_the_next(
    server: Server, kept: Kept, lockfile: Path
) -> None:
    llmring_lockfile.bind(lockfile, "safe", "openai:gpt-4o-mini,sim:demo")
    server.answers = [Answer(b"no json")]
    async with ring_on(server.url, kept) as ring:
        await ring.chat(LLMRequest(messages=ASKED.messages, model="safe"))
    (record,) = kept
    assert record.model == ModelRef("sim", "demo")
    assert [attempt.error for attempt in record.attempts] == ["MalformedResponseError", None]
    assert record.failed_cost == 110 * INPUT


async def test_of_two_calls_that_raced_both_are_accounted_for(
    server: Server, kept: Kept, lockfile: Path
) -> None:
    llmring_lockfile.bind(lockfile, "fast", "openai:gpt-4o-mini,ollama:llama3")
    body = {"message": {"content": "Hi"}, "done": True, "done_reason": "stop", "prompt_eval_count": 1}
    server.answers = [Answer(msgspec.json.encode({**body, "eval_count": 1}))]
    async with Stalling(None) as silent, ring_on(silent.url, kept, Policy(hedge_after_s=0.01)) as ring:
        ring.register_provider("ollama", base_url=server.url)
        await ring.chat(LLMRequest(messages=ASKED.messages, model="fast"))
    (record,) = kept
    assert record.model == ModelRef("ollama", "llama3")
    assert [attempt.outcome for attempt in record.attempts] == ["cancelled", "ok"]
    assert record.failed_cost == 110 * INPUT


async def test_nobody_there_costs_nothing(kept: Kept) -> None:
    async with ring_on("http://127.0.0.1:1", kept) as ring:
        with pytest.raises(ProviderConnectionError):
            await ring.chat(ASKED)
    assert kept[0].failed_cost == 0


async def test_a_cancelled_call_is_told_as_aborted_with_what_was_tried(kept: Kept) -> None:
    async with Stalling(None) as silent, ring_on(silent.url, kept) as ring:
        task = asyncio.create_task(ring.chat(ASKED))
        await silent.reached.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    (record,) = kept
    assert (record.ending, record.usage) == ("aborted", None)
    assert [attempt.outcome for attempt in record.attempts] == ["cancelled"]
    assert record.failed_cost == 110 * INPUT


def test_a_call_cancelled_by_trio_is_told_too(kept: Kept) -> None:
    class Never:
        name = "openai"

        async def chat(self, call: object) -> None:
            await trio.sleep_forever()

        async def aclose(self) -> None:
            await trio.lowlevel.checkpoint()

    async def main() -> None:
        ring = LLMRing(observers=[kept])
        ring.register_provider("openai", Never())  # type: ignore[arg-type]
        with trio.move_on_after(0.01):
            await ring.chat(ASKED)

    trio.run(main)
    assert [record.ending for record in kept] == ["aborted"]


async def test_a_mistake_that_sends_nothing_is_no_call(kept: Kept, lockfile: Path) -> None:
    async with LLMRing(observers=[kept]) as ring:
        with pytest.raises(AliasNotFoundError):
            await ring.chat(LLMRequest(messages=ASKED.messages, model="nobody"))
    assert kept == []


async def test_a_stream_is_told_when_its_last_chunk_has_come(server: Server, kept: Kept) -> None:
    server.answers = [Answer(HELLO + STOP + USAGE + DONE, headers=SSE)]
    async with ring_on(server.url, kept) as ring:
        stream = ring.chat_stream(ASKED)
        async for _ in stream:
            pass
    (record,) = kept
    assert (record.ending, record.streamed, record.estimated) == ("answered", True, False)
    assert record.cost == 50 * INPUT + 5 * OUTPUT
    assert record.response == stream.response
    assert record.first_chunk_s is not None
    assert 0 < record.first_chunk_s <= record.seconds


async def test_a_stream_that_is_never_read_is_no_call(kept: Kept) -> None:
    async with LLMRing(observers=[kept]) as ring:
        await ring.chat_stream(LLMRequest(messages=ASKED.messages, model="sim:demo")).aclose()
    assert kept == []


async def test_a_stream_that_fails_before_its_first_chunk_is_told(server: Server, kept: Kept) -> None:
    server.answers = [Answer(b"{}", 503)]
    async with ring_on(server.url, kept) as ring:
        with pytest.raises(ProviderOverloadedError):
            await anext(ring.chat_stream(ASKED))
    (record,) = kept
    assert (record.ending, record.streamed, record.first_chunk_s) == ("failed", True, None)


async def test_a_cut_stream_is_told_with_what_had_come_and_its_estimate(server: Server, kept: Kept) -> None:
    server.answers = [Answer(HELLO, headers=SSE)]
    async with ring_on(server.url, kept) as ring:
        with pytest.raises(StreamInterruptedError) as caught:
            async for _ in ring.chat_stream(ASKED):
                pass
    (record,) = kept
    assert (record.ending, record.error, record.estimated) == ("failed", caught.value, True)
    assert record.attempts == caught.value.attempts
    assert [attempt.outcome for attempt in record.attempts] == ["error"]
    assert record.response is not None
    assert record.response.content == "Hello"
    assert record.cost == 110 * INPUT + 1 * OUTPUT
    assert record.failed_cost == 0  # its usage is there already


async def test_a_stream_that_is_left_is_told_as_aborted_with_its_estimate(kept: Kept) -> None:
    async with Stalling(HELLO) as stalling, ring_on(stalling.url, kept) as ring:
        async for _ in ring.chat_stream(ASKED):
            break
        gc.collect()
    (record,) = kept
    assert (record.ending, record.error, record.estimated) == ("aborted", None, True)
    assert [attempt.outcome for attempt in record.attempts] == ["cancelled"]
    assert record.response is not None
    assert (record.response.content, record.response.provider_model) == ("Hello", "gpt-4o-mini-1")
    assert record.cost == 110 * INPUT + 1 * OUTPUT


class AtOnce:
    """A provider whose whole stream comes in one piece."""

    name = "openai"

    async def stream(self, call: object) -> "AtOnce":
        return self

    async def receive(self) -> list[StreamChunk]:
        last = StreamChunk(finish_reason="stop", usage={"prompt_tokens": 50, "completion_tokens": 5})
        return [StreamChunk(delta="Hel"), StreamChunk(delta="lo"), last]

    def partial(self) -> StreamChunk:
        return StreamChunk(model="openai:gpt-4o-mini")

    def close(self) -> None:
        pass

    async def aclose(self) -> None:
        pass


async def test_what_had_come_of_a_stream_counts_read_or_not(kept: Kept) -> None:
    async with LLMRing(observers=[kept]) as ring:
        ring.register_provider("openai", AtOnce())  # type: ignore[arg-type]
        async with ring.chat_stream(ASKED) as stream:
            assert (await anext(stream)).delta == "Hel"
    (record,) = kept
    assert (record.ending, record.estimated) == ("aborted", False)
    assert record.response is not None
    assert record.response.content == "Hello"
    assert record.cost == 50 * INPUT + 5 * OUTPUT


async def test_a_cancelled_stream_is_told_once(kept: Kept) -> None:
    async with Stalling(HELLO) as stalling, ring_on(stalling.url, kept) as ring:
        stream = ring.chat_stream(ASKED)
        await anext(stream)
        task = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await stream.aclose()
        del stream
        gc.collect()
    assert [record.ending for record in kept] == ["aborted"]


async def test_a_streamed_answer_that_breaks_its_schema_is_told_once_and_was_paid_for(
    server: Server, kept: Kept
) -> None:
    server.answers = [Answer(HELLO + STOP + USAGE + DONE, headers=SSE)]
    request = LLMRequest(messages=ASKED.messages, model=ASKED.model, response_format=dict[str, int])
    async with ring_on(server.url, kept) as ring:
        with pytest.raises(StructuredOutputError):
            async for _ in ring.chat_stream(request):
                pass
    (record,) = kept
    assert (record.ending, record.estimated) == ("failed", False)
    assert record.cost == 50 * INPUT + 5 * OUTPUT


async def test_an_observer_that_fails_is_logged_and_the_others_are_told(
    kept: Kept, caplog: pytest.LogCaptureFixture
) -> None:
    def failing(record: CallRecord) -> None:
        raise RuntimeError("mine")

    async with LLMRing(observers=[failing, kept]) as ring:
        response = await ring.chat(LLMRequest(messages=ASKED.messages, model="sim:demo"))
    assert response.content
    assert len(kept) == 1
    assert [(entry.levelno, entry.name) for entry in caplog.records] == [(logging.ERROR, "llmring")]


async def test_closing_the_ring_awaits_observers_that_keep_something_back() -> None:
    class Keeping:
        closed = False

        def __call__(self, record: CallRecord) -> None:
            pass

        async def aclose(self) -> None:
            self.closed = True

    keeping = Keeping()
    async with LLMRing(observers=[keeping]):
        pass
    assert keeping.closed


async def test_an_observer_that_fails_to_close_keeps_no_other_from_delivering() -> None:
    class Closing:
        def __init__(self, error: Exception | None = None) -> None:
            self.error = error
            self.closed = False

        def __call__(self, record: CallRecord) -> None:
            pass

        async def aclose(self) -> None:
            self.closed = True
            if self.error is not None:
                raise self.error

    first, second = Closing(RuntimeError("mine")), Closing()
    provider = FakeProvider()
    ring = LLMRing(observers=[first, second])
    ring.register_provider("fake", provider)
    with pytest.raises(RuntimeError, match="mine"):
        await ring.close()
    assert (first.closed, second.closed, provider.closed) == (True, True, True)


async def test_a_record_is_not_changed_by_what_the_caller_does_later(kept: Kept) -> None:
    request = LLMRequest(messages=[Message(role="user", content="Hi")], model="sim:demo")
    async with LLMRing(observers=[kept]) as ring:
        response = await ring.chat(request)
    content = response.content
    request.messages.append(response.to_message())
    response.content = "changed"
    (record,) = kept
    assert len(record.request.messages) == 1
    assert record.response is not None
    assert record.response.content == content
    with pytest.raises(AttributeError):
        record.origin = "other"  # type: ignore[misc]


async def test_without_observers_no_call_is_watched() -> None:
    async with LLMRing() as ring:
        request = LLMRequest(messages=ASKED.messages, model="sim:demo")
        route = ring._chat.router.route(request.model, None)
        assert ring._chat.watcher.begin(request, route) is None
