"""What of a conversation is sent: the newest that fits, never a call without its result."""

import hypothesis.strategies as st
import pytest
from hypothesis import given
from llmring import LLMRequest, Message
from llmring.conversation import trimmed
from llmring.tokens import estimate_tokens
from llmring_types import tool_call


def user(text: str = "q" * 40) -> Message:
    return Message.user(text)


def answer(text: str = "a" * 40) -> Message:
    return Message.assistant(text)


def round_of_tools(number: int) -> list[Message]:
    calls = [tool_call(f"c{number}.{place}", "f", "{}") for place in range(2)]
    results = [Message.tool(call["id"], "r" * 40) for call in calls]
    return [Message.assistant(tool_calls=calls), *results]


def size(*messages: Message) -> int:
    return estimate_tokens(LLMRequest(messages=list(messages)))


def test_what_fits_stays_as_it_is() -> None:
    messages = [Message.system("s"), user(), answer()]
    assert trimmed(messages, 1000) == messages
    assert trimmed([], 1000) == []


def test_the_oldest_turns_go_and_instructions_stay() -> None:
    system = Message.system("s")
    turns = [[user(f"{n}" * 40), answer()] for n in range(5)]
    messages = [system, *(message for turn in turns for message in turn)]
    kept = trimmed(messages, size(system, *turns[3], *turns[4]))
    assert kept == [system, *turns[3], *turns[4]]


def test_two_questions_in_a_row_are_one_turn() -> None:
    messages = [user(), answer(), user("1"), user("2")]
    assert trimmed(messages, size(user("1"), user("2"))) == [user("1"), user("2")]
    assert trimmed(messages, 0) == [user("1"), user("2")]


def test_instructions_take_up_room() -> None:
    system = Message.system("s" * 400)
    messages = [system, user(), answer(), user("1")]
    assert trimmed(messages, size(system, user("1"))) == [system, user("1")]


@pytest.mark.parametrize("limit", [0, 1, 20])
def test_the_last_question_stays_even_where_it_is_too_long(limit: int) -> None:
    assert trimmed([user(), answer(), user("long" * 100)], limit) == [user("long" * 100)]


def test_old_rounds_of_tools_go_with_their_results() -> None:
    rounds = [round_of_tools(number) for number in range(4)]
    messages = [user(), *(message for each in rounds for message in each)]
    kept = trimmed(messages, size(user(), *rounds[2], *rounds[3]))
    assert kept == [user(), *rounds[2], *rounds[3]]
    assert trimmed(messages, 0) == [user(), *rounds[3]]


@given(
    st.lists(st.sampled_from(["user", "assistant", "tools", "system"]), max_size=30),
    st.integers(min_value=0, max_value=400),
)
def test_no_result_is_without_its_call_and_no_order_changes(kinds: list[str], limit: int) -> None:
    messages: list[Message] = []
    for number, kind in enumerate(kinds):
        messages += (
            round_of_tools(number) if kind == "tools" else [Message(role=kind, content=f"{number} " * 10)]  # type: ignore[arg-type]
        )
    kept = trimmed(messages, limit)
    called = {call["id"] for message in kept for call in message.tool_calls or ()}
    answered = {message.tool_call_id for message in kept if message.role == "tool"}
    assert called == answered
    spoken = [message for message in messages if message.role != "system"]
    rest = [message for message in kept if message.role != "system"]
    assert [message for message in spoken if any(message is one for one in rest)] == rest
    assert sum(message.role == "system" for message in kept) == kinds.count("system")
    if len(rest) < len(spoken):
        assert rest[0].role == "user" or all(message.role != "user" for message in rest)
