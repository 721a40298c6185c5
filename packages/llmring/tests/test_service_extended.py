"""Sessions and their conversations in the form of llmring 1.4: in memory, and on the usage server."""

import logging
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import llmring
import pytest
from llmring import LLMRequest, LLMResponse, Message, Prices, Usage
from llmring.exceptions import AliasNotFoundError, ServerError
from llmring.service_extended import ConversationManager, LLMRingExtended, LLMRingSession
from llmring.testing import FakeProvider
from llmring_lockfile import bind
from usage_server import UsageServer


@pytest.fixture(autouse=True)
def lockfile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for alias in ("default", "assistant"):
        bind("llmring.lock", alias, f"fake:{alias}", create=True)


@pytest.fixture
async def double() -> AsyncIterator[UsageServer]:
    async with UsageServer() as double:
        yield double


def session(*replies: Any, **options: Any) -> tuple[LLMRingSession, FakeProvider]:
    made, provider = LLMRingSession(**options), FakeProvider(*replies)
    made.register_provider("fake", provider)
    return made, provider


def said(rows: list[dict[str, Any]]) -> list[tuple[str, Any]]:
    return [(row["role"], row["content"]) for row in rows]


TALK = [("system", "Be brief."), ("user", "1?"), ("assistant", "one"), ("user", "2?"), ("assistant", "two")]


async def test_a_conversation_is_kept_in_memory_without_a_server() -> None:
    ring, provider = session("one", "two")
    async with ring:
        manager = ConversationManager(ring)
        identifier = await manager.start_conversation("Counting", "Be brief.", "assistant")
        assert (await manager.send_message("1?")).content == "one"
        assert (await manager.send_message("2?", temperature=0.0, max_tokens=5)).content == "two"
        assert said(manager.get_history()) == TALK
        assert isinstance(identifier, UUID)
        assert manager.current_conversation_id == identifier
        found = await ring.get_conversation_history(identifier)
        assert found is not None
        assert (found["title"], found["system_prompt"]) == ("Counting", "Be brief.")
        assert said(found["messages"]) == TALK
        (row,) = await ring.list_conversations()
        assert (row["id"], row["message_count"]) == (str(identifier), 5)
        assert "messages" not in row
    first, second = (call.request for call in provider.calls)
    assert [call.ref.model for call in provider.calls] == ["assistant", "assistant"]
    assert (first.temperature, second.temperature, second.max_tokens) == (None, 0.0, 5)
    assert said([{"role": each.role, "content": each.content} for each in second.messages]) == TALK[:4]


async def test_a_conversation_on_the_server_is_stored_once_and_goes_on_in_another_session(
    double: UsageServer,
) -> None:
    prices = {"fake:*": Prices(input=Decimal(100_000), output=Decimal(0))}
    options: dict[str, Any] = {"server_url": double.url, "api_key": "llmr_pk_x", "prices": prices}
    ring, _ = session("one", "two", **options)
    async with ring:
        manager = ConversationManager(ring)
        identifier = await manager.start_conversation("Counting", "Be brief.", "assistant")
        assert identifier is not None
        await manager.send_message("1?")
        await manager.send_message("2?")
    usage = Usage(prompt_tokens=7, completion_tokens=3, total_tokens=10)
    three = LLMResponse(content="three", model="fake:assistant", finish_reason="stop", usage=usage)
    ring, provider = session(three, **options)
    async with ring:
        manager = ConversationManager(ring)
        assert await manager.load_conversation(identifier)
        assert said(manager.message_history) == TALK
        await manager.send_message("3?")
        assert len(provider.calls[0].request.messages) == 6
        found = await ring.get_conversation_history(identifier)
        assert found is not None
        assert said(found["messages"]) == [*TALK, ("user", "3?"), ("assistant", "three")]
        answer = found["messages"][-1]
        assert (answer["input_tokens"], answer["output_tokens"]) == (7, 3)
        about = {"model_used": "fake:assistant", "finish_reason": "stop", "cost": 0.7}
        assert answer["metadata"] == about
        assert [row["title"] for row in await ring.list_conversations()] == ["Counting"]
        assert not await manager.load_conversation(uuid4())


async def test_the_usage_of_a_conversation_names_it(double: UsageServer) -> None:
    ring, _ = session("one", "two", "three", server_url=double.url, api_key="k")
    async with ring:
        manager = ConversationManager(ring)
        identifier = await manager.start_conversation("Counting", "Be brief.", "assistant")
        await manager.send_message("1?")
        await ring.chat_with_conversation(LLMRequest([Message.user("2?")]), identifier, store_messages=False)
        await ring.chat(LLMRequest([Message.user("3?")]))
    first, second, other = double.store.rows["k"]
    for row in (first, second):
        assert (row["id_at_origin"], row["metadata"]["conversation_id"]) == (str(identifier), str(identifier))
    assert "conversation_id" not in other["metadata"]
    assert other["id_at_origin"] != str(identifier)


async def test_a_server_that_keeps_only_metadata_gets_no_content(double: UsageServer) -> None:
    ring, _ = session("one", server_url=double.url, api_key="k", message_logging_level="metadata")
    async with ring:
        identifier = await ring.create_conversation()
        await ring.chat_with_conversation(LLMRequest([Message.user("secret")]), identifier)
        assert identifier is not None
        assert await ConversationManager(ring).load_conversation(identifier)
        found = await ring.get_conversation_history(identifier)
    assert found is not None
    assert said(found["messages"]) == [("user", None), ("assistant", None)]


async def test_an_answer_is_not_lost_where_the_server_is_away(
    double: UsageServer, caplog: pytest.LogCaptureFixture
) -> None:
    ring, _ = session("one", "two", server_url=double.url, api_key="k", log_metadata=False)
    async with ring:
        stored = await ring.create_conversation()
        double.refusal = 503
        with caplog.at_level(logging.WARNING, "llmring.service_extended"):
            kept = await ring.create_conversation()
            request = LLMRequest([Message.user("1?")])
            assert (await ring.chat_with_conversation(request, stored)).content == "one"
            assert (await ring.chat_with_conversation(request, kept)).content == "two"
        assert [record.message.split(":")[0] for record in caplog.records] == [
            "the conversation is kept in memory only",
            f"messages of conversation {stored} were not stored",
        ]
        assert stored is not None
        assert kept is not None
        with pytest.raises(ServerError):
            await ring.get_conversation_history(stored)
        found = await ring.get_conversation_history(kept)
        assert found is not None
        assert said(found["messages"]) == [("user", "1?"), ("assistant", "two")]


async def test_conversations_that_are_not_wanted_are_not_kept() -> None:
    ring, _ = session("one", "two", enable_conversations=False)
    async with ring:
        manager = ConversationManager(ring)
        assert await manager.start_conversation("x") is None
        assert (await manager.send_message("1?")).content == "one"
        identifier = uuid4()
        await ring.chat_with_conversation(LLMRequest([Message.user("2?")]), identifier)
        assert await ring.get_conversation_history(identifier) is None


async def test_messages_that_are_not_to_be_stored_are_not() -> None:
    ring, _ = session("one")
    async with ring:
        identifier = await ring.create_conversation()
        assert identifier is not None
        await ring.chat_with_conversation(LLMRequest([Message.user("1?")]), identifier, store_messages=False)
        found = await ring.get_conversation_history(identifier)
        assert found is not None
        assert found["message_count"] == 0


async def test_a_question_that_fails_leaves_the_history_as_it_was() -> None:
    ring, _ = session("one", "two")
    async with ring:
        manager = ConversationManager(ring)
        await manager.send_message("1?")
        with pytest.raises(AliasNotFoundError):
            await manager.send_message("2?", model="nowhere")
        assert said(manager.get_history()) == [("user", "1?"), ("assistant", "one")]
        manager.clear_history()
        assert manager.get_history() == []


def test_the_name_of_before_1_0_reports_the_new_one() -> None:
    with pytest.warns(DeprecationWarning, match=r"LLMRingExtended is llmring\.LLMRingSession now"):
        assert isinstance(LLMRingExtended(), llmring.LLMRingSession)
