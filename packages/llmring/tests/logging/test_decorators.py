"""The decorators, against the double of the usage server."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import openai.types.chat
import pytest
from llmring import Message, log_llm_call, log_llm_stream
from llmring.exceptions import ConfigurationError
from llmring.logging import _report, flush
from usage_server import UsageServer

KEY = "llmr_pk_secret"
LOG, CONVERSATION = "/api/v1/log", "/api/v1/conversations/log"
COMPLETION = openai.types.chat.ChatCompletion.model_validate(
    {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "gpt-4o-mini-2024-07-18",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hi"}}],
        "usage": {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100},
    }
)


def chunk(text: str, reason: str | None = None) -> openai.types.chat.ChatCompletionChunk:
    return openai.types.chat.ChatCompletionChunk.model_validate(
        {
            "id": "c1",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": "gpt-4o-mini",
            "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": reason}],
            "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10} if reason else None,
        }
    )


@pytest.fixture
async def double(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[UsageServer]:
    monkeypatch.setattr(_report, "_logs", {})
    async with UsageServer() as double:
        yield double
        await flush()


async def test_a_call_is_reported_and_its_result_is_not_touched(double: UsageServer) -> None:
    @log_llm_call(double.url, KEY, alias="fast")
    async def summarize(text: str) -> object:
        """Shortens."""
        return COMPLETION

    assert await summarize("long") is COMPLETION
    assert (summarize.__name__, summarize.__doc__) == ("summarize", "Shortens.")
    await flush()
    (row,) = double.store.rows[KEY]
    assert (row["provider"], row["model"], row["alias"]) == ("openai", "gpt-4o-mini-2024-07-18", "fast")
    assert (row["input_tokens"], row["output_tokens"]) == (1000, 100)
    assert row["cost"] == pytest.approx((1000 * 0.15 + 100 * 0.60) / 1e6)
    assert row["origin"] == "llmring-decorator"
    assert [asked.path for asked in double.asked] == [LOG]


async def test_the_report_does_not_keep_the_caller_waiting(double: UsageServer) -> None:
    double.answering.clear()

    @log_llm_call(double.url, KEY)
    async def call() -> object:
        return COMPLETION

    await call()
    assert double.asked == []
    await double.arrived.wait()
    double.answering.set()
    await flush()
    assert len(double.store.rows[KEY]) == 1


QUESTIONS: list[tuple[dict[str, Any], list[tuple[str, str]]]] = [
    ({"messages": [{"role": "developer", "content": "Be brief"}, {"role": "user", "content": "Hi"}]}, [("system", "Be brief"), ("user", "Hi")]),
    ({"messages": [{"role": "user", "content": [{"type": "text", "text": "Look"}]}]}, [("user", "Look")]),
    ({"contents": ["one", "two"]}, [("user", "one"), ("user", "two")]),
    ({"input": "Hi"}, [("user", "Hi")]),
    ({"prompt": "Hi"}, [("user", "Hi")]),
    ({"other": "Hi"}, []),
    ({"messages": [Message(role="user", content="Hi"), 7]}, [("user", "Hi")]),
    ({"messages": 7}, []),
]  # fmt: skip


@pytest.mark.parametrize(("given", "said"), QUESTIONS)
async def test_a_conversation_has_what_was_asked_as_far_as_the_arguments_tell(
    double: UsageServer, given: dict[str, Any], said: list[tuple[str, str]]
) -> None:
    @log_llm_call(double.url, KEY, log_conversations=True, origin="mine")
    async def call(**kwargs: Any) -> object:
        return COMPLETION

    await call(**given)
    await flush()
    (exchange,) = double.posted(CONVERSATION)
    assert [(message["role"], message["content"]) for message in exchange["messages"]] == said
    assert exchange["response"]["content"] == "Hi"
    assert double.posted(LOG)[0]["origin"] == "mine"


async def test_a_stream_is_reported_with_its_text_when_it_has_ended(double: UsageServer) -> None:
    @log_llm_stream(double.url, KEY, log_conversations=True)
    async def stream(messages: list[dict[str, str]]) -> AsyncGenerator[object, None]:
        yield chunk("Hel")
        yield chunk("lo", "stop")

    chunks = [each async for each in stream([{"role": "user", "content": "Hi"}])]
    assert len(chunks) == 2
    await flush()
    (exchange,), (row,) = double.posted(CONVERSATION), double.posted(LOG)
    assert (exchange["response"]["content"], exchange["response"]["finish_reason"]) == ("Hello", "stop")
    assert (row["input_tokens"], row["output_tokens"], row["metadata"]["streamed"]) == (7, 3, True)


async def test_a_stream_that_is_left_is_reported_with_what_had_come_and_is_closed(
    double: UsageServer,
) -> None:
    closed = False

    @log_llm_stream(double.url, KEY)
    async def stream() -> AsyncGenerator[object, None]:
        nonlocal closed
        try:
            yield chunk("Hello " * 40)
            yield chunk("more", "stop")
        finally:
            closed = True

    async for _ in (opened := stream()):
        break
    await opened.aclose()
    await flush()
    (row,) = double.posted(LOG)
    assert (row["metadata"]["ending"], row["metadata"]["estimated"]) == ("aborted", True)
    assert row["output_tokens"] == 60
    assert closed


async def test_an_error_of_the_function_passes_through(double: UsageServer) -> None:
    @log_llm_call(double.url, KEY)
    async def call() -> object:
        raise RuntimeError("mine")

    @log_llm_stream(double.url, KEY)
    async def stream() -> AsyncGenerator[object, None]:
        yield chunk("Hel")
        raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        await call()
    with pytest.raises(RuntimeError, match="mine"):
        [each async for each in stream()]
    await flush()
    (row,) = double.posted(LOG)
    assert row["metadata"]["ending"] == "failed"


async def test_wrong_arguments_are_the_functions_own_error(double: UsageServer) -> None:
    @log_llm_call(double.url, KEY)
    async def call(text: str) -> object:
        return COMPLETION

    with pytest.raises(TypeError, match="missing 1 required positional argument: 'text'"):
        await call()  # type: ignore[call-arg]


async def test_what_is_of_no_sdk_passes_through_with_a_warning(
    double: UsageServer, caplog: pytest.LogCaptureFixture
) -> None:
    @log_llm_call(double.url, KEY)
    async def call() -> str:
        return "text"

    @log_llm_stream(double.url, KEY)
    async def stream() -> AsyncGenerator[object, None]:
        yield "text"
        yield "more"

    assert await call() == "text"
    assert [each async for each in stream()] == ["text", "more"]
    await flush()
    assert double.asked == []
    assert len(caplog.records) == 2


async def test_a_server_that_is_away_is_one_warning(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_report, "_logs", {})

    @log_llm_call("http://127.0.0.1:1", KEY)
    async def call() -> object:
        return COMPLETION

    for _ in range(5):
        assert await call() is COMPLETION
    await flush()
    assert len(caplog.records) == 1
    assert KEY not in caplog.text


async def test_both_flags_off_report_nothing(double: UsageServer) -> None:
    @log_llm_call(double.url, KEY, log_metadata=False)
    async def call() -> object:
        return COMPLETION

    assert await call() is COMPLETION
    await flush()
    assert double.asked == []


async def test_functions_with_one_server_share_its_connections(double: UsageServer) -> None:
    for _ in range(3):
        log_llm_call(double.url, KEY)
    assert len(_report._logs) == 1


async def test_the_environment_names_server_and_key(
    double: UsageServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLMRING_SERVER_URL", double.url)
    monkeypatch.setenv("LLMRING_API_KEY", KEY)

    @log_llm_call()
    async def call() -> object:
        return COMPLETION

    await asyncio.gather(call(), call())
    await flush()
    assert len(double.store.rows[KEY]) == 2


def test_without_a_server_it_says_so() -> None:
    with pytest.raises(ConfigurationError, match="LLMRING_SERVER_URL"):
        log_llm_call()


def test_other_functions_are_refused_when_they_are_decorated() -> None:
    def plain() -> None: ...

    async def coroutine() -> None: ...

    with pytest.raises(TypeError, match="coroutine functions"):
        log_llm_call("http://h")(plain)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="async generator functions"):
        log_llm_stream("http://h")(coroutine)  # type: ignore[arg-type]
