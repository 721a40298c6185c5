"""Conversations: what is sent, what is kept, and what they cost."""

import os
import stat
from pathlib import Path
from typing import Any

import pytest
from llmring import ConfigurationError, LLMResponse, LLMRing, Message, ProviderAuthenticationError
from llmring.conversation import Conversation
from llmring.exceptions import ProviderServerError, ValidationError
from llmring.testing import FakeProvider
from llmring_lockfile import bind
from llmring_types import Usage, tool_call


def talk_with(*replies: Any, **options: Any) -> tuple[Conversation, FakeProvider]:
    ring, provider = LLMRing(), FakeProvider(*replies)
    ring.register_provider("fake", provider)
    ring.register_provider("other", provider)
    return Conversation(ring, "fake:x", **options), provider


def priced(text: str, cost: float | None) -> LLMResponse:
    return LLMResponse(content=text, model="fake:x", finish_reason="stop", usage=Usage(cost=cost))


def contents(messages: list[Message]) -> list[Any]:
    return [message.content for message in messages]


async def test_each_question_is_sent_with_all_that_was_said() -> None:
    talk, provider = talk_with("one", "two", system="Be brief.", options={"temperature": 0.5})
    assert (await talk.send("1?")).content == "one"
    await talk.send("2?", temperature=0.0)
    assert contents(talk.messages) == ["Be brief.", "1?", "one", "2?", "two"]
    first, second = (call.request for call in provider.calls)
    assert contents(second.messages) == ["Be brief.", "1?", "one", "2?"]
    assert (first.temperature, second.temperature) == (0.5, 0.0)
    talk.instruct("Be long.")
    assert contents(talk.messages) == ["Be long.", "1?", "one", "2?", "two"]


async def test_a_failed_question_leaves_the_conversation_as_it_was() -> None:
    talk, _ = talk_with("one", ProviderAuthenticationError("401", provider="fake"))
    await talk.send("1?")
    with pytest.raises(ProviderAuthenticationError):
        await talk.send("2?")
    assert contents(talk.messages) == ["1?", "one"]
    with pytest.raises(ValidationError, match="nothing to send"):
        await talk.send()


async def test_a_stream_is_kept_once_it_is_whole() -> None:
    talk, _ = talk_with("one two", "left", ["cut", ProviderServerError("500", provider="fake")])
    stream = talk.stream("1?")
    text = "".join([chunk.delta async for chunk in stream])
    assert (text, stream.response is not None) == ("one two", True)
    assert contents(talk.messages) == ["1?", "one two"]
    async with talk.stream("2?") as left:
        await anext(left)
    with pytest.raises(ProviderServerError):
        async for _ in talk.stream("3?"):
            pass
    assert contents(talk.messages) == ["1?", "one two"]


async def test_a_branch_goes_its_own_way() -> None:
    talk, _ = talk_with("one", "two", tools=[add])
    await talk.send("1?")
    branch = talk.branch()
    assert branch.tools == [add]
    await branch.send("2?")
    assert contents(talk.messages) == ["1?", "one"]
    assert contents(branch.messages) == ["1?", "one", "2?", "two"]


async def test_the_model_may_change_in_the_middle() -> None:
    talk, provider = talk_with("one", "two", "three")
    await talk.send("1?")
    talk.model = "other:y"
    await talk.send("2?")
    await talk.send("3?", model="fake:z")
    assert [str(call.ref) for call in provider.calls] == ["fake:x", "other:y", "fake:z"]


async def test_all_that_is_sent_goes_by_the_profile(tmp_path: Path) -> None:
    path = tmp_path / "llmring.lock"
    bind(path, "assistant", "fake:default", create=True)
    bind(path, "assistant", "fake:dev", profile="dev")
    provider = FakeProvider("1", "2", "3", "4", "5")
    async with LLMRing(lockfile_path=path) as ring:
        ring.register_provider("fake", provider)
        talk = Conversation(ring, "assistant", profile="dev")
        for tools in ((), (add,)):
            talk.tools = tools
            await talk.send("whole?")
            assert [chunk async for chunk in talk.stream("in chunks?")]
        await Conversation.from_json(talk.to_json(), ring).send("from a file?")
    assert [call.ref.model for call in provider.calls] == ["dev"] * 5


async def test_only_what_fits_is_sent_and_all_is_kept() -> None:
    talk, provider = talk_with("a" * 400, max_tokens=150)
    for number in range(4):
        await talk.send(f"{number}?")
    assert contents(provider.calls[-1].request.messages) == ["2?", "a" * 400, "3?"]
    assert len(talk.messages) == 8


def add(a: int, b: int) -> int:
    return a + b


CALLS = LLMResponse(
    content="",
    model="fake:x",
    finish_reason="tool_calls",
    tool_calls=[tool_call("c", "add", '{"a": 1, "b": 2}')],
)


async def test_tools_run_and_their_messages_are_kept() -> None:
    talk, provider = talk_with("hello", CALLS, "3", tools=[add], max_tokens=1000)
    await talk.send("Hi")
    response = await talk.send("1+2?")
    assert response.content == "3"
    assert [message.role for message in talk.messages] == [
        "user",
        "assistant",
        "user",
        "assistant",
        "tool",
        "assistant",
    ]
    assert provider.calls[-1].request.tools is not None


async def test_tools_run_within_a_stream_too() -> None:
    talk, provider = talk_with("hello", CALLS, "It is 3.", tools=[add], max_tokens=1000)
    await talk.send("Hi")
    stream = talk.stream("1+2?")
    chunks = [chunk async for chunk in stream]
    assert "".join(chunk.delta for chunk in chunks) == "It is 3."
    assert [chunk.finish_reason for chunk in chunks if chunk.finish_reason] == ["tool_calls", "stop"]
    assert stream.response is not None
    assert stream.response.content == "It is 3."
    assert contents(talk.messages) == ["Hi", "hello", "1+2?", None, "3", "It is 3."]
    assert [call.request.tools is not None for call in provider.calls] == [True] * 3
    assert await anext(stream, None) is None
    assert len(talk.messages) == 6


async def test_a_stream_of_a_run_is_kept_with_its_last_chunk_and_not_before() -> None:
    talk, _ = talk_with(
        CALLS, "3", CALLS, ProviderAuthenticationError("401", provider="fake"), "left", tools=[add]
    )
    async with talk.stream("1+2?") as stream:
        async for chunk in stream:
            if chunk.finish_reason == "stop":
                break
    assert contents(talk.messages) == ["1+2?", None, "3", "3"]
    stream = talk.stream("2+1?")
    with pytest.raises(ProviderAuthenticationError):
        [chunk async for chunk in stream]
    assert await anext(stream, None) is None
    async with talk.stream("0+3?") as stream:
        await anext(stream)
    assert await anext(stream, None) is None
    assert len(talk.messages) == 4


async def test_an_appended_response_is_counted() -> None:
    talk, _ = talk_with()
    talk.append(Message.user("1?"))
    talk.append(priced("one", 0.25))
    talk.append(priced("more", 0.25))
    assert (contents(talk.messages), talk.cost) == (["1?", "one", "more"], 0.5)
    talk.append(priced("free?", None))
    assert talk.cost is None


async def test_an_appended_message_is_sent_without_another() -> None:
    talk, provider = talk_with("one")
    talk.append(Message.user("1?"))
    await talk.send()
    assert contents(provider.calls[0].request.messages) == ["1?"]
    assert contents(talk.messages) == ["1?", "one"]


async def test_costs_add_up_until_one_is_not_known(tmp_path: Path) -> None:
    ring = LLMRing()
    talk = Conversation(ring, "fake:x")
    assert talk.cost == 0
    talk._keep([], [priced("a", 0.25), priced("b", 0.5)])
    assert talk.branch().cost == 0.75
    talk._keep([], [priced("c", None)])
    talk.save(tmp_path / "t.json")
    assert (talk.branch().cost, Conversation.load(tmp_path / "t.json", ring).cost) == (None, None)


async def test_a_file_keeps_all_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    native = {"openai": {"items": [1]}}
    talk, _ = talk_with("one", profile="dev", max_tokens=9000, options={"temperature": 0.1})
    talk.append(Message(role="assistant", content="begun", metadata={"native": native}))
    await talk.send("1?")
    path = tmp_path / "talk.json"
    talk.save(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    loaded = Conversation.load(path, talk.ring)
    assert loaded.messages == talk.messages
    assert (loaded.model, loaded.profile, loaded.max_tokens) == ("fake:x", "dev", 9000)
    assert loaded.options == {"temperature": 0.1}
    assert "3 messages" in repr(loaded)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b'{"messages": 1}',
        b"\xff",
        b"[" * 5000,
        b'{"version": 0}',
        b'{"max_tokens": -1}',
        b'{"cost": -0.01}',
        b'{"cost": 1e999}',
        b'{"cost": NaN}',
        b'{"unpriced": -1}',
        b'{"unpriced": 0.5}',
    ],
)
def test_what_is_no_conversation_is_told_as_such(data: bytes) -> None:
    with pytest.raises(ConfigurationError, match="no stored conversation"):
        Conversation.from_json(data, LLMRing())


def test_what_json_cannot_carry_is_named_before_anything_is_written(tmp_path: Path) -> None:
    talk, _ = talk_with(messages=[Message.user("half of a pair: \ud83d")])
    with pytest.raises(ValidationError, match="cannot be written as JSON"):
        talk.save(tmp_path / "talk.json")
    assert not list(tmp_path.iterdir())


def test_a_later_form_is_not_guessed_at() -> None:
    with pytest.raises(ConfigurationError, match="update llmring"):
        Conversation.from_json(b'{"version": 2}', LLMRing())


def test_a_file_with_options_that_no_request_has_is_refused() -> None:
    for name in ("base_url", "messages"):
        with pytest.raises(ConfigurationError, match=name):
            Conversation.from_json(f'{{"options": {{"{name}": []}}}}', LLMRing())


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with names are POSIX")
def test_a_file_that_is_too_large_is_not_read_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llmring.conversation._conversation._LARGEST", 10)
    path = tmp_path / "talk.json"
    path.write_bytes(b'{"model":1}')
    with pytest.raises(ConfigurationError, match="more than 10 bytes"):
        Conversation.load(path, LLMRing())


def test_a_pipe_is_no_conversation_and_is_not_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (pipe, Path("/dev/zero"), tmp_path):
        with pytest.raises(ConfigurationError, match="not a regular file"):
            Conversation.load(path, LLMRing())


async def test_options_that_cannot_be_are_refused_before_anything_is_sent() -> None:
    with pytest.raises(ValidationError, match="max_tokens must be 1 or more"):
        talk_with(max_tokens=0)
    talk, provider = talk_with("one")
    with pytest.raises(ValidationError, match="send has no option zzz"):
        await talk.send("1?", zzz=1)
    assert not provider.calls
