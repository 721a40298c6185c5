"""The API as type checkers see it: mypy reads this file as it reads users' code, and it runs."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Any, assert_type

from llmring import (
    CallRecord,
    ChatStream,
    LLMRequest,
    LLMResponse,
    LLMRing,
    Message,
    Policy,
    ProviderRateLimitError,
    RetryPolicy,
    StreamChunk,
    ToolCall,
    Usage,
    log_llm_stream,
)
from llmring.exceptions import ModelNotFoundError
from llmring.testing import HANG, FakeProvider

ASKED = LLMRequest(model="fake:model", messages=[Message(role="user", content="Hello!")], timeout=None)


def note(record: CallRecord) -> None:
    """An observer may be a function."""


class Notes:
    """Or an object that keeps something back."""

    def __call__(self, record: CallRecord) -> None:
        pass

    async def aclose(self) -> None:
        pass


async def test_calls_and_streams_have_their_types() -> None:
    async with LLMRing(timeout=300.0, observers=[note, Notes(), lambda record: None]) as ring:
        assert_type(ring, LLMRing)
        ring.register_provider("fake", FakeProvider("Hi", ["a", HANG], lambda call: "last"))
        response = await ring.chat(ASKED, profile=None)
        assert_type(response, LLMResponse)
        assert_type(response.usage, Usage | None)
        assert_type(response.total_tokens, int | None)
        assert_type(response.tool_calls, list[ToolCall] | None)
        history = [*ASKED.messages, response.to_message()]
        assert_type(history, list[Message])
        async for chunk in ring.chat_stream(ASKED):
            assert_type(chunk, StreamChunk)
            break
        async with ring.chat_stream(ASKED) as stream:
            assert_type(stream, ChatStream)
            async for chunk in stream:
                assert_type(chunk.delta, str)
            assert_type(stream.response, LLMResponse | None)
    assert (history[-1].content, stream.response and stream.response.content) == ("Hi", "last")


def test_the_client_of_the_sdk_may_be_asked_for() -> None:
    class WithClient(FakeProvider):
        client = "mine"

    ring = LLMRing(policy=Policy(retry=RetryPolicy(attempts=3), budget_usd=5, max_concurrent={"openai": 4}))
    ring.register_provider("mine", WithClient())
    assert ring.get_provider("mine").client == "mine"


def test_errors_have_their_attributes() -> None:
    limited = ProviderRateLimitError("slow", provider="openai", retry_after=2)
    assert_type(limited.retry_after, float | None)
    assert_type(ModelNotFoundError("none").provider, str)
    assert limited.retry_after == 2


def test_a_generator_may_be_annotated_as_an_iterator() -> None:
    async def words(count: int) -> AsyncIterator[str]:
        for _ in range(count):
            yield "word"

    watched = log_llm_stream("http://127.0.0.1:9")(words)
    typed: Callable[[int], AsyncGenerator[str, Any]] = watched
    assert typed is watched
