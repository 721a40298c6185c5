"""The provider that gives scripted replies."""

import anyio
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from llmring_providers import ChatCall
from llmring_providers.testing import HANG, FakeProvider, Reply
from llmring_types import LLMRequest, LLMResponse, Message, ModelRef, StreamChunk, collect, tool_call
from llmring_types.exceptions import ProviderRateLimitError, StreamInterruptedError


def ask(text: str = "Hi") -> ChatCall:
    return ChatCall(LLMRequest(messages=[Message(role="user", content=text)]), ModelRef("fake", "m"))


async def chunks_of(fake: FakeProvider) -> list[StreamChunk]:
    stream = await fake.stream(ask())
    chunks: list[StreamChunk] = []
    while got := await stream.receive():
        chunks += got
    await stream.finish()
    return chunks


WHOLE = LLMResponse(
    content="Well, hello  there\n",
    model="",
    reasoning="greet",
    refusal="no",
    tool_calls=[tool_call("c1", "f", {"a": 1})],
    usage={"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
    provider_finish_reason="done",
    provider_model="m-1",
    response_id="r1",
    request_id="q1",
    native={"provider": "fake", "kept": True},
    parsed={"a": 1},
    warnings=["dropped"],
)


@pytest.mark.parametrize(
    ("reply", "content", "finish"),
    [
        ("Hello, you", "Hello, you", "stop"),
        ("", "", "stop"),
        (WHOLE, WHOLE.content, "tool_calls"),
        (LLMResponse(content="cut", model="", finish_reason="length"), "cut", "length"),
        (["Hel", "lo"], "Hello", "stop"),
        (["Hel", StreamChunk(delta="lo", finish_reason="length")], "Hello", "length"),
        ([], "", "stop"),
        (StreamChunk(delta="lo"), "lo", "stop"),
        (lambda call: f"You said {call.request.messages[-1].content}", "You said Hi", "stop"),
        (lambda _: lambda _: "twice", "twice", "stop"),
    ],
)
async def test_a_reply_is_the_same_whole_and_streamed(reply: Reply, content: str, finish: str) -> None:
    fake = FakeProvider(reply)
    whole = await fake.chat(ask())
    assert (whole.content, whole.finish_reason, whole.model) == (content, finish, "fake:m")
    chunks = await chunks_of(fake)
    assert collect(chunks) == whole
    assert [chunk.finish_reason for chunk in chunks if chunk.finish_reason] == [chunks[-1].finish_reason]


def test_a_whole_response_is_given_with_all_that_it_says() -> None:
    whole = anyio.run(FakeProvider(WHOLE).chat, ask())
    assert whole == msgspec.structs.replace(WHOLE, model="fake:m", finish_reason="tool_calls")


@given(st.text())
def test_a_text_is_streamed_without_loss(text: str) -> None:
    assert collect(anyio.run(chunks_of, FakeProvider(text))).content == text


async def test_replies_come_in_order_and_the_last_one_stays() -> None:
    fake = FakeProvider("one", ProviderRateLimitError("slow down", retry_after=3.0, provider="fake"), "three")
    assert (await fake.chat(ask())).content == "one"
    with pytest.raises(ProviderRateLimitError) as caught:
        await fake.chat(ask())
    assert caught.value.retry_after == 3.0
    assert (await fake.chat(ask())).content == "three"
    assert (await fake.chat(ask())).content == "three"


async def test_without_a_reply_it_says_hello() -> None:
    assert (await FakeProvider().chat(ask())).content == "Hello"


async def test_it_keeps_what_it_was_asked_as_it_was_then() -> None:
    fake = FakeProvider(name="acme")
    messages = [Message(role="user", content="one")]
    await fake.chat(ChatCall(LLMRequest(messages=messages, temperature=0.5), ModelRef("acme", "m")))
    messages.append(Message(role="user", content="two"))
    [call] = fake.calls
    assert [message.content for message in call.request.messages] == ["one"]
    assert (call.request.temperature, str(call.ref), fake.name) == (0.5, "acme:m", "acme")


async def test_each_failure_is_a_fresh_one() -> None:
    error = ProviderRateLimitError("slow down", provider="fake")
    fake = FakeProvider(error)
    for ask_it in (fake.chat, fake.stream):
        with pytest.raises(ProviderRateLimitError, match="slow down") as caught:
            await ask_it(ask())
        assert caught.value is not error
        assert caught.value.provider == "fake"
    assert not fake.streams


async def test_a_stream_can_break_in_the_middle() -> None:
    fake = FakeProvider(["Hel", StreamInterruptedError("cut", provider="fake")])
    stream = await fake.stream(ask())
    [chunk] = await stream.receive()
    assert chunk.delta == "Hel"
    with pytest.raises(StreamInterruptedError):
        await stream.receive()
    assert stream.closed
    assert not await stream.receive()
    with pytest.raises(StreamInterruptedError):
        await fake.chat(ask())


async def test_what_has_been_gathered_can_be_seen() -> None:
    usage = StreamChunk(usage={"prompt_tokens": 1}, response_id="r1")
    stream = await FakeProvider(["Hel", usage, "lo"]).stream(ask())
    assert stream.partial() == StreamChunk(model="fake:m")
    await stream.receive()
    await stream.receive()
    assert stream.partial() == StreamChunk(model="fake:m", usage={"prompt_tokens": 1}, response_id="r1")


async def test_it_knows_how_streams_and_itself_were_left() -> None:
    fake = FakeProvider()
    await chunks_of(fake)
    left = await fake.stream(ask())
    left.close()
    left.close()
    assert not await left.receive()
    assert [(stream.finished, stream.closed) for stream in fake.streams] == [(True, False), (False, True)]
    assert not fake.closed
    await fake.aclose()
    assert fake.closed


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("reply", [HANG, ["Hel", HANG]])
def test_what_hangs_ends_when_it_is_cancelled(backend: str, reply: Reply) -> None:
    fake = FakeProvider(reply)

    async def main() -> None:
        for work in (fake.chat, stream):
            with anyio.move_on_after(0.02) as scope:
                await work(ask())
            assert scope.cancelled_caught

    async def stream(call: ChatCall) -> None:
        opened = await fake.stream(call)
        while await opened.receive():
            pass

    anyio.run(main, backend=backend)
    assert fake.cancelled == 2


async def test_replies_can_be_changed_at_any_time() -> None:
    fake = FakeProvider("one")
    assert (await fake.chat(ask())).content == "one"
    fake.replies = ["two", "three"]
    assert [(await fake.chat(ask())).content for _ in range(3)] == ["two", "three", "three"]
    fake.replies = []
    assert (await fake.chat(ask())).content == "Hello"


async def test_what_callers_write_into_an_answer_is_not_in_the_next() -> None:
    last = StreamChunk(finish_reason="stop", usage={"prompt_tokens": 1})
    answer = LLMResponse(content="Hi", model="", usage={"prompt_tokens": 1})
    whole, streamed = FakeProvider(answer), FakeProvider(last)
    for _ in range(2):
        response = await whole.chat(ask())
        assert (response.usage, response.warnings) == ({"prompt_tokens": 1}, [])
        assert response.usage is not None
        response.usage["cost"] = 1.0
        response.warnings.append("odd")
        (chunk,) = await chunks_of(streamed)
        assert chunk.usage == {"prompt_tokens": 1}
        assert chunk.usage is not None
        chunk.usage["cost"] = 1.0
    assert (answer.usage, answer.warnings, last.usage) == ({"prompt_tokens": 1}, [], {"prompt_tokens": 1})
