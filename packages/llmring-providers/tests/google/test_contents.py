"""Messages as turns, and what comes back in them from earlier answers."""

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from llmring_providers import ChatCall, WireRequest
from llmring_providers.google import GoogleAdapter
from llmring_providers.google.request import encode
from llmring_providers.google.response import decode
from llmring_providers.google.stream import GenerateStreamDecoder
from llmring_types import LLMRequest, LLMResponse, Message, ModelRef, collect, tool_call
from llmring_types.exceptions import UnsupportedContentError

PNG = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
INLINE = {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}}
SKIP = "skip_thought_signature_validator"
WIRE = WireRequest(path="", body=b"")


def call_part(name: str, call_id: str | None = None, **args: Any) -> dict[str, Any]:
    function: dict[str, Any] = {"name": name, "args": args}
    return {"functionCall": function | ({"id": call_id} if call_id else {})}


def result_part(name: str, response: Any, call_id: str | None = None, **more: Any) -> dict[str, Any]:
    function: dict[str, Any] = {"name": name, "response": response, **more}
    return {"functionResponse": function | ({"id": call_id} if call_id else {})}


def user(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"role": "user", "parts": list(parts)}


def model(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"role": "model", "parts": list(parts)}


def text(said: str) -> dict[str, Any]:
    return {"text": said}


ROWS = [
    pytest.param(
        [
            Message(role="user", content="A"),
            Message(role="assistant", content="B"),
            Message(role="user", content=[{"type": "text", "text": "C"}, PNG]),
        ],
        [user(text("A")), model(text("B")), user(text("C"), INLINE)],
        id="roles and parts",
    ),
    pytest.param(
        [Message(role="user", content="A"), Message(role="user", content="B")],
        [user(text("A")), user(text("B"))],
        id="neighbouring turns of the user stay",
    ),
    pytest.param(
        [
            Message(role="assistant", content="A"),
            Message(role="assistant", content=None, tool_calls=[tool_call("1", "f", "{}")]),
            Message(role="tool", content="", tool_call_id="1"),
        ],
        [model(text("A"), call_part("f", "1")), user(result_part("f", {"output": ""}, "1"))],
        id="neighbouring turns of the model are one",
    ),
    pytest.param(
        [
            Message(role="assistant", content="A", tool_calls=[tool_call("1", "f", '{"a":1.0}'), tool_call("2", "g", "")]),
            Message(role="tool", content="2", tool_call_id="2"),
            Message(role="tool", content='{"b": 12345678901234567890123}', tool_call_id="1"),
            Message(role="user", content="B"),
        ],
        [
            model(text("A"), call_part("f", "1", a=1.0), call_part("g", "2")),
            user(
                result_part("f", {"b": 12345678901234567890123}, "1"), result_part("g", {"output": "2"}, "2")
            ),
            user(text("B")),
        ],
        id="results are one turn, in the order of their calls",
    ),
    pytest.param(
        [
            Message(role="assistant", content="", tool_calls=[tool_call("1", "f", "{}")]),
            Message(role="tool", content="a", tool_call_id="1"),
            Message(role="assistant", content="", tool_calls=[tool_call("1", "g", "{}")]),
            Message(role="tool", content="b", tool_call_id="1"),
        ],
        [
            model(call_part("f", "1")),
            user(result_part("f", {"output": "a"}, "1")),
            model(call_part("g", "1")),
            user(result_part("g", {"output": "b"}, "1")),
        ],
        id="a result belongs to the last call of its id",
    ),
    pytest.param(
        [
            Message(role="assistant", content="", tool_calls=[tool_call(each, each, "{}") for each in "xyzt"]),
            Message(role="tool", content="[1]", tool_call_id="x"),
            Message(role="tool", content="{broken", tool_call_id="y", metadata={"is_error": True}),
            Message(role="tool", content='{"code": 7}', tool_call_id="z", metadata={"is_error": True}),
            Message(role="tool", content="", metadata={"is_error": False}),
        ],
        [
            model(*(call_part(each, each) for each in "xyzt")),
            user(
                result_part("x", {"output": "[1]"}, "x"),
                result_part("y", {"error": "{broken"}, "y"),
                result_part("z", {"error": {"code": 7}}, "z"),
                result_part("t", {"output": ""}, "t"),
            )
        ],
        id="lists, failures, a result without the id of its call",
    ),
    pytest.param(
        [
            Message(role="assistant", content="", tool_calls=[tool_call("1", "f", "{}")]),
            Message(role="tool", content=[{"type": "text", "text": "see"}, PNG], tool_call_id="1"),
        ],
        [model(call_part("f", "1")), user(result_part("f", {"output": "see"}, "1")), user(INLINE)],
        id="an image in a result stands beside it",
    ),
    pytest.param(
        [Message(role="assistant", content=[{"type": "refusal", "refusal": "No."}])],
        [model(text("No."))],
        id="refusals",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("messages", "turns"), ROWS)
def test_messages_become_turns(
    messages: list[Message], turns: list[Any], call_with: Callable[..., ChatCall]
) -> None:
    asked = Message(role="user", content="?")  # the model never speaks first
    wire = encode(call_with(messages=[asked, *messages]), stream=False)
    assert json.loads(wire.body) == {"contents": [user(text("?")), *turns]}
    assert wire.warnings == ()


def test_system_messages_are_one_instruction_in_their_order(call_with: Callable[..., ChatCall]) -> None:
    messages = [
        Message(role="system", content="A"),
        Message(role="user", content="B"),
        Message(role="system", content=[{"type": "text", "text": "C"}]),
    ]
    assert json.loads(encode(call_with(messages=messages), stream=False).body) == {
        "contents": [user(text("B"))],
        "systemInstruction": {"parts": [text("A"), text("C")]},
    }


def test_gemini_3_takes_images_inside_results(call_with: Callable[..., ChatCall]) -> None:
    messages = [
        Message(role="assistant", content="", tool_calls=[tool_call("1", "f", "{}")]),
        Message(role="tool", content=[PNG], tool_call_id="1"),
    ]
    body = json.loads(encode(call_with("gemini-3-flash", messages=messages), stream=False).body)
    assert body["contents"][2:] == [user(result_part("f", {"output": ""}, "1", parts=[INLINE]))]


def test_numbers_in_arguments_and_results_go_out_as_they_were_written(
    call_with: Callable[..., ChatCall],
) -> None:
    written = '{"big":123456789012345678901234567890,"float":1.0}'
    messages = [
        Message(role="assistant", content="", tool_calls=[tool_call("1", "f", written)]),
        Message(role="tool", content=written, tool_call_id="1"),
    ]
    assert encode(call_with(messages=messages), stream=False).body.count(written.encode()) == 2


@pytest.mark.parametrize(
    ("message", "part"),
    [
        (Message(role="user", content=[{"type": "text"}]), "text"),
        (Message(role="user", content=[{"type": "thinking", "thinking": "x"}]), "thinking"),
        (Message(role="assistant", content="", tool_calls=[{"id": "x", "type": "custom", "custom": {}}]), "tool_calls"),  # type: ignore[typeddict-item]
        (Message(role="user", content="\ud800"), "body"),
    ],
)  # fmt: skip
def test_what_has_no_place_is_named(message: Message, part: str, call_with: Callable[..., ChatCall]) -> None:
    with pytest.raises(UnsupportedContentError) as caught:
        encode(call_with(messages=[message]), stream=False)
    assert (caught.value.part, caught.value.provider) == (part, "google")


# --------------------------------------------------------------------------- what travels back


def next_turn(
    said: Message, *after: Message, call_with: Callable[..., ChatCall], name: str = "gemini-3-pro"
) -> tuple[list[Any], tuple[str, ...]]:
    """The turns of the next request, after the conversation went through JSON, and the warnings."""
    calls = said.tool_calls if not after and said.tool_calls else []
    results = [Message(role="tool", tool_call_id=made["id"], content="") for made in calls]
    talk = [Message(role="user", content="Hi"), said, *after, *results]
    messages = msgspec.json.decode(msgspec.json.encode(talk), type=list[Message])
    wire = encode(call_with(name, messages=messages), stream=False)
    turns = json.loads(wire.body)["contents"][1:]
    return turns[:-1] if results else turns, wire.warnings


RECORDED = [("95d8f7110046", False), ("b412682ef4c8", False), ("d2a224c0b59d", False), ("8484ae234d91", False),
            ("eb3fa012a0db", True), ("6fc6a1f90f3c", True)]  # fmt: skip


def response_of(body: bytes, call: ChatCall, *, stream: bool) -> LLMResponse:
    if not stream:
        return decode(body, call, WIRE)
    decoder = GenerateStreamDecoder(call, WIRE)
    return collect([*decoder.feed(body), *decoder.close()])


@pytest.mark.parametrize(("name", "stream"), RECORDED)
def test_signed_parts_go_back_on_the_very_parts(
    name: str,
    stream: bool,
    recorded: Callable[[str], bytes],
    call: ChatCall,
    call_with: Callable[..., ChatCall],
) -> None:
    body = recorded(name)
    response = response_of(body, call, stream=stream)
    results = [
        Message(role="tool", content="{}", tool_call_id=made["id"]) for made in response.tool_calls or ()
    ]
    turns, warnings = next_turn(response.to_message(), *results, call_with=call_with)
    events = body.decode().split("data: ")[1:] if stream else [body]
    parts = [
        part
        for event in events
        for part in json.loads(event)["candidates"][0]["content"]["parts"]
        if part != {"text": ""}
    ]
    assert turns[0] == model(*parts)
    assert warnings == ()
    expected = [
        result_part(made["name"], {}, made.get("id"))
        for made in (part["functionCall"] for part in parts if "functionCall" in part)
    ]
    assert turns[1:] == ([user(*expected)] if expected else [])


SIGNED = json.dumps(
    {
        "candidates": [
            {
                "content": {
                    "parts": [
                        {"text": "I look.", "thoughtSignature": "t"},
                        {**call_part("f", a=1), "thoughtSignature": "s"},
                        call_part("f", a=2),
                    ]
                },
                "finishReason": "STOP",
            }
        ]
    }
).encode()


def test_a_changed_text_loses_its_signature_and_unchanged_calls_keep_theirs(
    call: ChatCall, call_with: Callable[..., ChatCall]
) -> None:
    message = decode(SIGNED, call, WIRE).to_message()
    message.content = "I have looked."
    turns, warnings = next_turn(message, call_with=call_with)
    assert turns == [
        model(
            text("I have looked."),
            {**call_part("f", a=1), "thoughtSignature": "s"},
            call_part("f", a=2),
        )
    ]
    assert warnings == ()


def test_a_changed_call_is_sent_as_it_is_now(call: ChatCall, call_with: Callable[..., ChatCall]) -> None:
    message = decode(SIGNED, call, WIRE).to_message()
    assert message.tool_calls is not None
    message.tool_calls = [tool_call("other", "f", {"a": 3}), message.tool_calls[1]]
    turns, warnings = next_turn(message, call_with=call_with)
    assert turns == [
        model(
            text("I look."), {**call_part("f", "other", a=3), "thoughtSignature": SKIP}, call_part("f", a=2)
        )
    ]
    assert warnings == ("tool calls without a thought signature are sent without the reasoning behind them",)


FOREIGN = Message(
    role="assistant",
    content="Hm.",
    tool_calls=[tool_call("1", "f", "{}"), tool_call("2", "g", "{}")],
    metadata={"native": {"provider": "anthropic", "replay": [{"type": "thinking"}]}},
)


def test_calls_of_another_provider_carry_the_word_that_they_have_no_signature(
    call_with: Callable[..., ChatCall],
) -> None:
    turns, warnings = next_turn(FOREIGN, call_with=call_with, name="gemini-3-pro")
    assert turns == [
        model(text("Hm."), {**call_part("f", "1"), "thoughtSignature": SKIP}, call_part("g", "2"))
    ]
    assert warnings == (
        "private reasoning or other blocks of anthropic were left out: google:gemini-3-pro cannot read them",
        "tool calls without a thought signature are sent without the reasoning behind them",
    )


def test_models_that_do_not_check_signatures_get_none_made_up(call_with: Callable[..., ChatCall]) -> None:
    turns, _ = next_turn(FOREIGN, call_with=call_with, name="gemini-2.5-pro")
    assert turns == [model(text("Hm."), call_part("f", "1"), call_part("g", "2"))]


def test_arguments_that_somebody_broke_are_not_those_of_the_answer(
    call: ChatCall, call_with: Callable[..., ChatCall]
) -> None:
    message = decode(SIGNED, call, WIRE).to_message()
    assert message.tool_calls is not None
    message.tool_calls[0]["function"]["arguments"] = '{"a":'
    turns, warnings = next_turn(message, call_with=call_with)
    (_, first, second) = turns[0]["parts"]
    assert first["functionCall"]["args"] == {"INVALID_JSON": '{"a":'}
    assert second == call_part("f", a=2)
    assert any("not a JSON object" in warning for warning in warnings)


def test_a_broken_replay_of_an_empty_message_is_left_out(call_with: Callable[..., ChatCall]) -> None:
    native = {"provider": "google", "replay": [{"functionCall": None}]}
    turns, warnings = next_turn(
        Message(role="assistant", content="", metadata={"native": native}), call_with=call_with
    )
    assert turns == []
    assert "a message without content was left out: Gemini takes no empty text" in warnings


def test_an_empty_question_that_is_sent_is_not_said_to_be_left_out(
    call_with: Callable[..., ChatCall],
) -> None:
    wire = encode(call_with(messages=[Message(role="user", content="")]), stream=False)
    assert json.loads(wire.body) == {"contents": [user(text(""))]}
    assert wire.warnings == ()


def test_vertex_is_not_asked_what_nobody_says(call_with: Callable[..., ChatCall]) -> None:
    call = call_with(
        model="publishers/google/models/gemini-2.5-pro", messages=[Message(role="user", content="")]
    )
    with pytest.raises(UnsupportedContentError, match="no message says anything"):
        encode(call, stream=False)


def test_empty_texts_are_left_out(call_with: Callable[..., ChatCall]) -> None:
    parts = [{"type": "text", "text": ""}, PNG]
    talk = [
        Message(role="system", content=""),
        Message(role="user", content=parts),
        Message(role="assistant", content=""),
    ]
    body = json.loads(encode(call_with(messages=talk), stream=False).body)
    assert body == {"contents": [user(INLINE)]}


@pytest.mark.parametrize(
    "replay", ["x", {}, [1], [{"functionCall": 1}], [{"functionCall": {"name": "f", "args": 3}}]]
)
def test_a_replay_that_somebody_broke_is_left_out(replay: Any, call_with: Callable[..., ChatCall]) -> None:
    message = Message(
        role="assistant",
        content="A",
        tool_calls=[tool_call("1", "f", "{}")],
        metadata={"native": {"provider": "google", "replay": replay}},
    )
    turns, _ = next_turn(message, call_with=call_with, name="gemini-2.5-pro")
    assert turns == [model(text("A"), call_part("f", "1"))]


CALLED = Message(role="assistant", content=None, tool_calls=[tool_call("a", "f", "{}")])
RESULT = Message(role="tool", tool_call_id="a", content="r")


@pytest.mark.parametrize("model", ["gemini-2.5-flash", "gemini-3-pro-preview"])
@pytest.mark.parametrize(
    "talk",
    [
        pytest.param([CALLED, RESULT], id="https://github.com/google-gemini/gemini-cli/issues/11814"),
        pytest.param([Message(role="system", content="s"), CALLED, RESULT], id="https://github.com/diegosouzapw/OmniRoute/pull/13573"),
        pytest.param([Message(role="assistant", content="Hello"), Message(role="user", content="x")], id="https://github.com/NousResearch/hermes-agent/issues/55427"),
    ],
)  # fmt: skip
def test_a_conversation_that_the_model_begins_gets_a_turn_of_the_user_first(
    talk: list[Message], model: str
) -> None:
    wire = GoogleAdapter().encode(ChatCall(LLMRequest(talk), ModelRef("google", model)), stream=False)
    turns = json.loads(wire.body)["contents"]
    assert turns[0] == {
        "role": "user",
        "parts": [{"text": "[The beginning of the conversation is missing.]"}],
    }
    assert turns[1]["role"] == "model"
    assert any("was put first as the user's" in warning for warning in wire.warnings)


def test_a_conversation_that_a_cache_begins_stays_as_it_is() -> None:
    request = LLMRequest([CALLED, RESULT], cache={"cached_content": "cachedContents/1"})
    wire = GoogleAdapter().encode(ChatCall(request, ModelRef("google", "gemini-2.5-flash")), stream=False)
    assert json.loads(wire.body)["contents"][0]["role"] == "model"


def test_an_empty_turn_of_the_user_stays_before_the_model_s_first(call_with: Callable[..., ChatCall]) -> None:
    talk = [Message(role="user", content=""), CALLED, RESULT]
    wire = encode(call_with(messages=talk), stream=False)
    turns = json.loads(wire.body)["contents"]
    assert turns[0] == user(text(""))
    assert [turn["role"] for turn in turns] == ["user", "model", "user"]
    assert wire.warnings == ()
