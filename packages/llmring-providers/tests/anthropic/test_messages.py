"""Conversations: the order of system messages, results in one turn, cache marks, and what travels back."""

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from llmring_providers import ChatCall
from llmring_providers.anthropic import AnthropicAdapter
from llmring_providers.anthropic.response import decode
from llmring_types import LLMRequest, LLMResponse, Message, ModelRef, ToolCall, tool_call
from llmring_types.exceptions import UnsupportedContentError

Encoded = Callable[..., tuple[dict[str, Any], tuple[str, ...]]]

CACHED = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}
MARK = CACHED
EDITED = "an assistant message was edited: its blocks beyond text, calls and first thinking were left out"


def system(content: Any, **more: Any) -> Message:
    return Message(role="system", content=content, **more)


def user(content: Any, **more: Any) -> Message:
    return Message(role="user", content=content, **more)


def assistant(content: Any = "", *calls: ToolCall, **more: Any) -> Message:
    return Message(role="assistant", content=content, tool_calls=list(calls) or None, **more)


def result(call_id: str, content: Any, **metadata: Any) -> Message:
    return Message(role="tool", tool_call_id=call_id, content=content, metadata=metadata or None)


def text(words: str, **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": words, **more}


def used(call_id: str, name: str = "f", **arguments: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": call_id, "name": name, "input": arguments}


def answered(call_id: str, content: Any = None, **more: Any) -> dict[str, Any]:
    block = {"type": "tool_result", "tool_use_id": call_id, **more}
    return block if content is None else {**block, "content": content}


CALL = tool_call("t1", "f", '{"a": 1}')
OTHER = tool_call("t2", "f", "")

SYSTEM = [
    pytest.param([system("a")], "a", id="one"),
    pytest.param([system("a"), system("b")], [text("a"), text("b")], id="several, in order"),
    pytest.param([system([text("a"), text("b")])], [text("a"), text("b")], id="parts"),
    pytest.param([system("a", metadata=CACHED)], [text("a", **MARK)], id="cached"),
    pytest.param(
        [system([text("a"), text("b")], metadata=CACHED), system("c")],
        [text("a"), text("b", **MARK), text("c")],
        id="the mark is on the last block of its message",
    ),
    pytest.param([system(""), system(" \n")], None, id="blank"),
]


@pytest.mark.parametrize(("messages", "expected"), SYSTEM)
def test_system_messages_before_the_first_turn(
    messages: list[Message], expected: Any, encoded: Encoded
) -> None:
    body, warnings = encoded(messages=[*messages, user("Hi")])
    assert body.get("system") == expected
    assert body["messages"] == [{"role": "user", "content": "Hi"}]
    assert warnings == ()


LATE = [system("first"), user("a"), assistant("b"), system("late"), user("c"), system("later"), assistant("d"), user("e")]  # fmt: skip


def test_system_messages_among_the_turns_move_to_the_prompt_of_older_models(encoded: Encoded) -> None:
    body, warnings = encoded(messages=LATE)
    assert body["system"] == [text("first"), text("late"), text("later")]
    assert [turn["role"] for turn in body["messages"]] == ["user", "assistant", "user", "assistant", "user"]
    assert warnings == (
        "a system message among the turns was moved to the system prompt: anthropic:claude-sonnet-4-5 takes none there",
    )


def test_system_messages_among_the_turns_end_their_user_turn_on_newer_models(encoded: Encoded) -> None:
    body, warnings = encoded(messages=[*LATE, system("end", metadata=CACHED)], model="claude-opus-4-8")
    assert body["system"] == "first"
    assert body["messages"] == [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "b"},
        {"role": "user", "content": "c"},
        {"role": "system", "content": [text("late"), text("later")]},
        {"role": "assistant", "content": "d"},
        {"role": "user", "content": "e"},
        {"role": "system", "content": [text("end", **MARK)]},
    ]
    assert warnings == ()


def test_a_system_message_between_two_answers_has_no_place_but_the_prompt(encoded: Encoded) -> None:
    body, warnings = encoded(
        messages=[user("a"), assistant("b"), system("s"), assistant("c"), user("d")], model="claude-opus-5"
    )
    assert body["system"] == "s"
    assert "moved to the system prompt" in warnings[0]


def test_a_system_message_after_results_stays_behind_all_of_them(encoded: Encoded) -> None:
    messages = [user("a"), assistant("", CALL, OTHER), result("t1", "x"), system("s"), result("t2", "y")]
    body, _ = encoded(messages=messages, model="claude-opus-5")
    assert body["messages"][2:] == [
        {"role": "user", "content": [answered("t1", "x"), answered("t2", "y")]},
        {"role": "system", "content": [text("s")]},
    ]


TURNS = [
    pytest.param(
        [assistant("I call.", CALL, OTHER), result("t1", "x"), result("t2", "y"), user("and?")],
        [
            {"role": "assistant", "content": [text("I call."), used("t1", a=1), used("t2")]},
            {"role": "user", "content": [answered("t1", "x"), answered("t2", "y")]},
            {"role": "user", "content": "and?"},
        ],
        id="results of one turn are one message",
    ),
    pytest.param(
        [assistant(None, CALL), result("t1", "x"), assistant(None, OTHER), result("t2", "y")],
        [
            {"role": "assistant", "content": [used("t1", a=1)]},
            {"role": "user", "content": [answered("t1", "x")]},
            {"role": "assistant", "content": [used("t2")]},
            {"role": "user", "content": [answered("t2", "y")]},
        ],
        id="results of two turns are two messages",
    ),
    pytest.param(
        [assistant("", CALL), result("t1", "no such city", is_error=True)],
        [
            {"role": "assistant", "content": [used("t1", a=1)]},
            {"role": "user", "content": [answered("t1", "no such city", is_error=True)]},
        ],
        id="a failed result",
    ),
    pytest.param(
        [assistant("", CALL, OTHER), result("t1", ""), result("t2", [])],
        [
            {"role": "assistant", "content": [used("t1", a=1), used("t2")]},
            {"role": "user", "content": [answered("t1"), answered("t2")]},
        ],
        id="results that say nothing",
    ),
    pytest.param(
        [assistant("", tool_call("functions.f:0", "f", "{}")), result("functions.f:0", "x")],
        [
            {"role": "assistant", "content": [used("functions_f_0")]},
            {"role": "user", "content": [answered("functions_f_0", "x")]},
        ],
        id="another provider's ids fit Anthropic's letters",
    ),
    pytest.param(
        [assistant("b", CALL, metadata=CACHED), result("t1", "x", **CACHED), user("c", metadata=CACHED)],
        [
            {"role": "assistant", "content": [text("b"), {**used("t1", a=1), **MARK}]},
            {"role": "user", "content": [answered("t1", "x", **MARK)]},
            {"role": "user", "content": [text("c", **MARK)]},
        ],
        id="cache marks",
    ),
    pytest.param(
        [assistant("b ", metadata=CACHED), user([text("c"), text("d")], metadata=CACHED)],
        [
            {"role": "assistant", "content": [text("b ", **MARK)]},
            {"role": "user", "content": [text("c"), text("d", **MARK)]},
        ],
        id="cache marks on the last part",
    ),
    pytest.param(
        [
            assistant([text("b"), {"type": "refusal", "refusal": "no"}, text(" ")]),
            user([text(""), text("c")]),
        ],
        [{"role": "assistant", "content": [text("b"), text("no")]}, {"role": "user", "content": [text("c")]}],
        id="blank parts are left out",
    ),
    pytest.param(
        [assistant("The answer is \n")],
        [{"role": "assistant", "content": "The answer is"}],
        id="an answer to be continued has no space at its end",
    ),
    pytest.param(
        [assistant([text("The answer is ")])],
        [{"role": "assistant", "content": [text("The answer is")]}],
        id="nor does one in parts",
    ),
]


@pytest.mark.parametrize(("messages", "expected"), TURNS)
def test_messages_become_turns(
    messages: list[Message], expected: list[dict[str, Any]], encoded: Encoded
) -> None:
    body, warnings = encoded(messages=[user("a"), *messages])
    assert body["messages"] == [{"role": "user", "content": "a"}, *expected]
    assert warnings == ()


@pytest.mark.parametrize(
    ("empty", "role"),
    [(user(" "), "user"), (user([]), "user"), (assistant(""), "assistant"), (assistant(None), "assistant")],
)
def test_an_empty_message_is_left_out_and_told(empty: Message, role: str, encoded: Encoded) -> None:
    body, warnings = encoded(messages=[user("a"), empty, empty])
    assert body["messages"] == [{"role": "user", "content": "a"}]
    assert warnings == (f"an empty message of the {role} was left out: Anthropic takes no blank text",)


def test_arguments_reach_the_wire_as_the_model_wrote_them(call_with: Callable[..., ChatCall]) -> None:
    written = '{"n":12345678901234567890123,"x":1.50}'
    call = call_with(messages=[user("a"), assistant("", tool_call("t", "f", written))])
    assert written.encode() in AnthropicAdapter().encode(call, stream=False).body


def test_arguments_that_are_no_object_are_sent_in_one(encoded: Encoded) -> None:
    body, warnings = encoded(messages=[user("a"), assistant("", tool_call("t", "f", '{"a": '))])
    assert body["messages"][1]["content"] == [used("t", INVALID_JSON='{"a": ')]
    assert "not a JSON object" in warnings[1]


def test_a_call_may_come_as_users_write_it_by_hand(encoded: Encoded) -> None:
    calls: Any = [{"function": {"name": "f", "arguments": {"a": 1}}}, {"id": "t", "function": {"name": "g"}}]
    message = Message(role="assistant", content=None, tool_calls=calls)
    body, _ = encoded(messages=[user("a"), message])
    assert body["messages"][1]["content"] == [
        {"type": "tool_use", "id": "call_0", "name": "f", "input": {"a": 1}},
        {"type": "tool_use", "id": "t", "name": "g", "input": {}},
    ]


def test_a_custom_call_of_another_provider_is_unsupported(call_with: Callable[..., ChatCall]) -> None:
    made: Any = {"id": "t", "type": "custom", "custom": {"name": "c", "input": "x"}}
    call = call_with(messages=[user("a"), Message(role="assistant", content="", tool_calls=[made])])
    with pytest.raises(UnsupportedContentError, match="only calls of functions") as caught:
        AnthropicAdapter().encode(call, stream=False)
    assert caught.value.part == "tool_calls"


# --------------------------------------------------------------------------- what travels back

THOUGHT = {"type": "thinking", "thinking": "Rome, surely.", "signature": "sig=="}
REDACTED = {"type": "redacted_thinking", "data": "enc=="}
SEARCH = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "q"}}
FOUND = {"type": "web_search_tool_result", "tool_use_id": "s", "content": [{"encrypted_content": "e=="}]}
CITED = {**text("It is."), "citations": [{"type": "web_search_result_location", "url": "https://x.example"}]}

ANSWERS = [
    pytest.param([THOUGHT, text("I call."), used("t1", a=1)], id="thinking and a call"),
    pytest.param([THOUGHT, REDACTED, used("t1", a=1), used("t2")], id="redacted thinking and calls"),
    pytest.param([SEARCH, FOUND, text("Well: "), CITED], id="a search with citations"),
    pytest.param([text("Well: "), THOUGHT, text("yes.")], id="thinking in between"),
    pytest.param(
        [{**used("t1", a=1), "caller": {"type": "code_execution_20260120", "tool_id": "c"}}], id="caller"
    ),
]


def answer(content: list[dict[str, Any]], **fields: Any) -> LLMResponse:
    call = ChatCall(LLMRequest(messages=[user("a")]), ModelRef("anthropic", "claude-sonnet-4-5"))
    return decode(json.dumps({"content": content, **fields}).encode(), call)


def through_json(message: Message) -> Message:
    return msgspec.json.decode(msgspec.json.encode(message), type=Message)


@pytest.mark.parametrize("content", ANSWERS)
def test_an_answer_is_sent_back_as_it_came(content: list[dict[str, Any]], encoded: Encoded) -> None:
    message = through_json(answer(content).to_message())
    results = [result(block["id"], "ok") for block in content if block["type"] == "tool_use"]
    body, warnings = encoded(messages=[user("a"), message, *results, user("b")])
    assert body["messages"][1] == {"role": "assistant", "content": content}
    assert warnings == ()


def test_blank_text_is_the_one_thing_that_is_not_sent_back(encoded: Encoded) -> None:
    message = answer([text("\n\n"), THOUGHT, text("\n\nyes")]).to_message()
    body, _ = encoded(messages=[user("a"), message, user("b")])
    assert body["messages"][1]["content"] == [THOUGHT, text("\n\nyes")]


def test_a_cache_mark_is_never_on_thinking(encoded: Encoded) -> None:
    message = answer([text("yes"), THOUGHT]).to_message()
    message.metadata = {**(message.metadata or {}), **CACHED}
    body, _ = encoded(messages=[user("a"), message, user("b")])
    assert body["messages"][1]["content"] == [text("yes", **MARK)]
    assert message.metadata["native"]["replay"] == [text("yes"), THOUGHT]


def test_thinking_at_the_end_is_cut(encoded: Encoded) -> None:
    """https://github.com/tailcallhq/forgecode/issues/2107: an answer whose limit ended it while it thought again."""
    message = answer([THOUGHT, text("yes"), REDACTED, THOUGHT], stop_reason="max_tokens").to_message()
    body, _ = encoded(messages=[user("a"), message, user("b")])
    assert body["messages"][1]["content"] == [THOUGHT, text("yes")]


def test_an_answer_of_thinking_alone_is_left_out(encoded: Encoded) -> None:
    message = answer([THOUGHT], stop_reason="max_tokens").to_message()
    body, warnings = encoded(messages=[user("a"), message, user("b")])
    assert [turn["role"] for turn in body["messages"]] == ["user", "user"]
    assert warnings == ("an empty message of the assistant was left out: Anthropic takes no blank text",)


@pytest.mark.parametrize("content", [[SEARCH, FOUND, text("So far")], [text("I look."), SEARCH]])
def test_a_turn_that_anthropic_paused_goes_back_to_go_on(content: list[dict[str, Any]]) -> None:
    """https://github.com/laravel/ai/pull/493: with text at its end, too, it is no answer begun by the caller."""
    message = answer(content, stop_reason="pause_turn").to_message()
    call = ChatCall(LLMRequest([user("a"), message]), ModelRef("anthropic", "claude-opus-4-8"))
    body = json.loads(AnthropicAdapter().encode(call, stream=False).body)
    assert body["messages"][1] == {"role": "assistant", "content": content}


def test_an_edited_text_replaces_the_old_one_behind_the_signed_thinking(encoded: Encoded) -> None:
    message = answer([THOUGHT, REDACTED, text("I call."), used("t1", a=1)]).to_message()
    message.content = "I call now."
    body, warnings = encoded(messages=[user("a"), message, result("t1", "x")])
    assert body["messages"][1]["content"] == [THOUGHT, REDACTED, text("I call now."), used("t1", a=1)]
    assert warnings == ()


def test_arguments_beyond_numbers_are_an_edit(encoded: Encoded) -> None:
    message = answer([THOUGHT, used("t1", a=1)]).to_message()
    message.tool_calls = [tool_call("t1", "f", '{"a": 1e999}')]
    body, _ = encoded(messages=[user("a"), message, result("t1", "x")])
    assert body["messages"][1]["content"][1]["input"] == {"a": float("inf")}


@pytest.mark.parametrize("arguments", ['{"a": 2}', "{}"])
def test_edited_arguments_replace_the_old_ones(arguments: str, encoded: Encoded) -> None:
    message = answer([THOUGHT, used("t1", a=1)]).to_message()
    message.tool_calls = [tool_call("t1", "f", arguments)]
    body, _ = encoded(messages=[user("a"), message, result("t1", "x")])
    assert body["messages"][1]["content"] == [THOUGHT, used("t1", **json.loads(arguments))]


def test_a_call_edited_by_hand_is_an_edit(encoded: Encoded) -> None:
    message = answer([THOUGHT, used("t1", a=1)]).to_message()
    calls: Any = [{"id": "t1", "function": {"name": "f", "arguments": {"a": 2}}}]
    message.tool_calls = calls
    body, _ = encoded(messages=[user("a"), message, result("t1", "x")])
    assert body["messages"][1]["content"] == [THOUGHT, used("t1", a=2)]


def test_arguments_written_otherwise_are_no_edit(encoded: Encoded) -> None:
    message = answer([THOUGHT, SEARCH, FOUND, used("t1", a=1)]).to_message()
    message.tool_calls = [tool_call("t1", "f", '{ "a" : 1 }')]
    body, warnings = encoded(messages=[user("a"), message, result("t1", "x")])
    assert body["messages"][1]["content"] == [THOUGHT, SEARCH, FOUND, used("t1", a=1)]
    assert warnings == ()


def test_hosted_blocks_of_an_edited_message_are_left_out_and_told(encoded: Encoded) -> None:
    message = answer([SEARCH, FOUND, CITED]).to_message()
    message.content = "It is not."
    body, warnings = encoded(messages=[user("a"), message, user("b")])
    assert body["messages"][1]["content"] == [text("It is not.")]
    assert warnings == (EDITED,)


def test_another_providers_private_blocks_are_left_out_and_told(encoded: Encoded) -> None:
    native = {"provider": "openai", "api": "responses", "replay": [{"type": "reasoning"}]}
    message = assistant("yes", metadata={"native": native})
    body, (warning,) = encoded(messages=[user("a"), message, message, user("b")])
    assert body["messages"][1]["content"] == [text("yes")]
    assert "openai responses" in warning


@pytest.mark.parametrize("replay", [5, [], [5, None, "x"], [{"no": "type"}], [{"type": 7}], {}])
def test_odd_native_data_is_not_sent(replay: Any, encoded: Encoded) -> None:
    message = assistant(
        "yes", metadata={"native": {"provider": "anthropic", "replay": replay, "container": 5}}
    )
    body, _ = encoded(messages=[user("a"), message, user("b")])
    assert body["messages"][1]["content"] == [text("yes")]


def test_a_container_goes_along_while_its_turn_is_unfinished(encoded: Encoded) -> None:
    message = answer([used("t1", a=1)], container={"id": "container_1"}).to_message()
    pending, _ = encoded(messages=[user("a"), message, result("t1", "x")])
    paused, _ = encoded(messages=[user("a"), answer([SEARCH], container={"id": "container_1"}).to_message()])
    over, _ = encoded(messages=[user("a"), message, result("t1", "x"), user("b")])
    foreign, _ = encoded(
        messages=[user("a"), assistant("b", metadata={"native": {"provider": "x", "container": {"id": "c"}}})]
    )
    assert (pending["container"], paused["container"]) == ("container_1", "container_1")
    assert "container" not in over
    assert "container" not in foreign
