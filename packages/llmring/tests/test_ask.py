"""One-line questions, and requests that are none."""

from typing import Any, get_type_hints

import msgspec
import pytest
from llmring import LLMRequest, LLMResponse, LLMRing
from llmring._ask import AskOptions
from llmring.exceptions import StructuredOutputError, ValidationError
from llmring.testing import FakeProvider
from llmring_lockfile import Lockfile
from llmring_types import tool_call


@pytest.fixture
def fake() -> FakeProvider:
    return FakeProvider("Hello")


@pytest.fixture
def ring(fake: FakeProvider) -> LLMRing:
    made = LLMRing(lockfile=Lockfile())
    made.register_provider("fake", fake)
    return made


async def test_ask_sends_one_text_with_the_options_and_returns_the_text(
    ring: LLMRing, fake: FakeProvider
) -> None:
    assert await ring.ask("Hi", model="fake:x", temperature=0.5, max_tokens=9) == "Hello"
    [call] = fake.calls
    sent = call.request
    assert [(message.role, message.content) for message in sent.messages] == [("user", "Hi")]
    assert (sent.temperature, sent.max_tokens) == (0.5, 9)


class City(msgspec.Struct):
    name: str


async def test_a_type_is_answered_with_an_instance(ring: LLMRing) -> None:
    ring.register_provider("fake", FakeProvider('{"name": "Bern"}', "null"))
    assert await ring.ask("Capital?", model="fake:x", response_format=City) == City("Bern")
    optional: object = City | None
    assert await ring.ask("Capital?", model="fake:x", response_format=optional) is None


async def test_a_schema_is_answered_with_its_text(ring: LLMRing) -> None:
    ring.register_provider("fake", FakeProvider('{"name": "Bern"}'))
    answer = await ring.ask("Capital?", model="fake:x", response_format={"type": "json_object"})
    assert answer == '{"name": "Bern"}'


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"refusal": "I will not."}, "it refused: I will not."),
        ({"tool_calls": [tool_call("1", "look", "{}")], "finish_reason": "tool_calls"}, "it calls tools"),
        ({"finish_reason": "content_filter"}, "it ended with content_filter"),
    ],
)
async def test_what_is_no_answer_of_the_type_is_an_error_with_the_response(
    ring: LLMRing, fields: dict[str, Any], problem: str
) -> None:
    ring.register_provider("fake", FakeProvider(LLMResponse(content="", model="fake:x", **fields)))
    with pytest.raises(StructuredOutputError, match=problem) as caught:
        await ring.ask("Capital?", model="fake:x", response_format=City)
    assert caught.value.response is not None


def test_the_sync_ring_asks_too(fake: FakeProvider) -> None:
    with LLMRing.sync(lockfile=Lockfile()) as ring:
        ring.register_provider("fake", fake)
        assert ring.ask("Hi", model="fake:x") == "Hello"
        ring.register_provider("fake", FakeProvider('{"name": "Bern"}'))
        assert ring.ask("Capital?", model="fake:x", response_format=City) == City("Bern")


def test_ask_has_every_option_of_a_request_with_its_type() -> None:
    fields = get_type_hints(LLMRequest)
    del fields["messages"], fields["response_format"]  # which decides what is returned
    assert get_type_hints(AskOptions) == fields


async def test_an_unknown_option_is_named_and_nothing_is_sent(ring: LLMRing, fake: FakeProvider) -> None:
    with pytest.raises(ValidationError, match=r"no option temprature; it has model, temperature"):
        await ring.ask("Hi", model="fake:x", temprature=0.5)  # type: ignore[call-overload]
    assert fake.calls == []


async def test_messages_are_no_question(ring: LLMRing) -> None:
    with pytest.raises(ValidationError, match=r"one text; got list\. Send messages with ring\.chat"):
        await ring.ask([{"role": "user", "content": "Hi"}])  # type: ignore[call-overload]


@pytest.mark.parametrize("request_", ["Hi", [], {"messages": []}, None])
async def test_what_is_no_request_is_refused_with_the_way_to_send_it(ring: LLMRing, request_: Any) -> None:
    with pytest.raises(ValidationError, match=r"got \w+\. For one text: ring\.ask\(text, model=…\)"):
        await ring.chat(request_)
    with pytest.raises(ValidationError, match=r"got \w+\. For one text: ring\.ask"):
        async for _ in ring.chat_stream(request_):
            pass
