"""Whole answers: recorded ones, and forms that older and other servers give."""

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from llmring_providers import ChatCall
from llmring_providers.ollama.response import decode
from llmring_types import LLMRequest, Message, ModelRef, tool_call
from llmring_types.exceptions import LLMRingError, MalformedResponseError, ProviderServerError

RECORDED = [
    pytest.param(
        "0fff0586a94b",
        {
            "model": "ollama:qwen3:4b",
            "provider_model": "qwen3:4b",
            "finish_reason": "stop",
            "provider_finish_reason": "stop",
            "reasoning": None,
            "tool_calls": None,
            "usage": {"prompt_tokens": 172, "completion_tokens": 32, "total_tokens": 204},
        },
        ("{\n", "22°C."),
        id="json schema together with tools",
    ),
    pytest.param(
        "f2686acc93ba",
        {
            "finish_reason": "tool_calls",
            "provider_finish_reason": "stop",
            "tool_calls": [
                tool_call("call_REDACTED_1", "repeat_text", '{"text":"banana","times":3}'),
                tool_call("call_REDACTED_2", "repeat_text", '{"text":"banana","times":3}'),
            ],
            "usage": {"prompt_tokens": 203, "completion_tokens": 1332, "total_tokens": 1535},
        },
        ("Okay, let's see.", "So the answer is:\n\n"),
        id="the same tool called twice",
    ),
    pytest.param(
        "d78564bff9e0",
        {
            "finish_reason": "stop",
            "usage": {"prompt_tokens": 83, "completion_tokens": 1558, "total_tokens": 1641},
        },
        ("The first train leaves Station A", "**138 km from Station A**."),
        id="with thinking",
    ),
    pytest.param(
        "f31c15361fd1",
        {
            "model": "ollama:qwen3:4b",
            "provider_model": "llama3",
            "finish_reason": "stop",
            "usage": {"completion_tokens": 79},
        },
        ("A joke about OpenTelemetry!", "techie joke)"),
        id="a server that leaves out the prompt's count",
    ),
    pytest.param(
        "6fb955be9a58",
        {"finish_reason": "stop", "tool_calls": None, "reasoning": None},
        ("Okay, let me see.", "The result of adding 2 and 3 is 5."),
        id="after a tool result",
    ),
]


@pytest.mark.parametrize(("name", "fields", "text"), RECORDED)
def test_a_recorded_answer_is_read(
    name: str,
    fields: dict[str, Any],
    text: tuple[str, str],
    recorded: Callable[[str], bytes],
    call: ChatCall,
) -> None:
    response = decode(recorded(name), call)
    assert {field: getattr(response, field) for field in fields} == fields
    assert response.content.startswith(text[0])
    assert text[1] in response.content


def test_thinking_is_reasoning_and_goes_back_with_the_message(
    recorded: Callable[[str], bytes], call: ChatCall
) -> None:
    response = decode(recorded("d78564bff9e0"), call)
    assert response.reasoning is not None
    assert response.reasoning.startswith("Okay, let's try to figure out")
    assert response.native is not None
    assert response.native["replay"] == [{"thinking": response.reasoning}]


def test_the_servers_timings_are_kept_in_nanoseconds(
    recorded: Callable[[str], bytes], call: ChatCall
) -> None:
    response = decode(recorded("0fff0586a94b"), call)
    assert response.native is not None
    assert response.native == {
        "provider": "ollama",
        "timings": {
            "total_duration": 1164634958,
            "load_duration": 148749625,
            "prompt_eval_duration": 248357042,
            "eval_duration": 469802920,
        },
    }


def answer(**fields: Any) -> bytes:
    """Write an answer of one document."""
    return json.dumps(
        {"model": "m", "message": {"role": "assistant", "content": "Hi"}, "done": True, **fields}
    ).encode()


def test_counts_that_a_host_writes_as_text_are_read(call: ChatCall) -> None:
    response = decode(answer(prompt_eval_count="3", eval_count="4", total_duration="5"), call)
    assert response.usage == {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
    assert (response.native or {})["timings"] == {"total_duration": 5}


@pytest.mark.parametrize(
    ("word", "called", "expected"),
    [
        ("stop", False, "stop"),
        ("stop", True, "tool_calls"),
        ("length", False, "length"),
        ("length", True, "length"),
        ("something new", False, "other"),
        (None, False, "stop"),
        (None, True, "tool_calls"),
    ],
)
def test_every_done_reason_has_its_neutral_word(
    word: str | None, called: bool, expected: str, call: ChatCall
) -> None:
    calls = [{"function": {"name": "f", "arguments": {}}}] if called else []
    message = {"role": "assistant", "content": "", "tool_calls": calls}
    response = decode(answer(message=message, done_reason=word), call)
    assert response.finish_reason == expected
    assert response.provider_finish_reason == word


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ('{"b":1.0,"a":123456789012345678901234567890}', '{"b":1.0,"a":123456789012345678901234567890}'),
        ("{}", "{}"),
        ("null", "{}"),
        ('""', "{}"),
        ('"{\\"a\\": 1}"', '{"a": 1}'),
    ],
    ids=["digits and order are kept", "no arguments", "null", "empty text", "an object in a text"],
)
def test_arguments_become_json_text(arguments: str, expected: str, call: ChatCall) -> None:
    body = '{"message":{"tool_calls":[{"function":{"name":"f","arguments":' + arguments + '}}]},"done":true}'
    (one,) = decode(body.encode(), call).tool_calls or []
    assert one["function"] == {"name": "f", "arguments": expected}


def test_calls_without_an_id_get_one_that_the_conversation_has_not_used() -> None:
    earlier = Message(role="assistant", content="", tool_calls=[tool_call("call_2", "f", "{}")])
    call = ChatCall(LLMRequest([earlier]), ModelRef("ollama", "m"))
    calls = [
        {"function": {"name": "f"}},
        {"id": "call_1", "function": {"name": "g"}},
        {"id": "", "function": {}},
    ]
    body = answer(message={"tool_calls": calls})
    ids = [one["id"] for one in decode(body, call).tool_calls or []]
    assert ids == ["call_3", "call_1", "call_4"]
    assert ids == [one["id"] for one in decode(body, call).tool_calls or []]


def test_an_id_that_is_a_number_is_an_id(call: ChatCall) -> None:
    made = [{"id": 7, "function": {"name": "f"}}, {"function": {"name": "g"}}]
    response = decode(json.dumps({"message": {"tool_calls": made}, "done": True}).encode(), call)
    assert [each["id"] for each in response.tool_calls or ()] == ["7", "call_1"]


def test_who_answered_behind_the_server_is_kept(call: ChatCall) -> None:
    body = b'{"message":{"content":"A"},"done":true,"remote_model":"gpt-oss:120b","remote_host":"https://ollama.com:443"}'
    native = {"provider": "ollama", "remote_model": "gpt-oss:120b", "remote_host": "https://ollama.com:443"}
    assert decode(body, call).native == native


def test_logprobs_and_images_are_kept(call: ChatCall) -> None:
    logprobs = [{"token": "Hi", "logprob": -0.1}]
    response = decode(answer(logprobs=logprobs, message={"content": "", "images": ["aGk="]}), call)
    assert response.native == {"provider": "ollama", "logprobs": logprobs, "images": ["aGk="]}


def test_an_answer_that_comes_in_lines_is_joined(recorded: Callable[[str], bytes], call: ChatCall) -> None:
    response = decode(recorded("6e0632c2626e"), call)
    assert response.content == "Hello there! How can I help you today? 😊"
    assert response.usage == {"prompt_tokens": 11, "completion_tokens": 12, "total_tokens": 23}
    assert response.finish_reason == "stop"


def test_an_answer_over_several_lines_of_one_document_is_read(call: ChatCall) -> None:
    body = json.dumps(json.loads(answer(done_reason="stop")), indent=2).encode()
    assert decode(body, call).content == "Hi"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "not a chat answer"),
        (b"<html>502 Bad Gateway</html>", "not a chat answer"),
        (b"<html>\n502\n</html>", "not a chat answer"),
        (b"[]", "not a chat answer"),
        (b"{}", "no message"),
        (b'{"done":true}', "no message"),
        (b'{"message":{"content":"half"},"done":false}', "ends before"),
        (b'{"message":{"content":"half"},"done":false}\n{"message":{"content":"x"},"done":false}', "ends before"),
        (b'{"message":{"content":3},"done":true}', "not a chat answer"),
        (b"[" * 100_000, "not a chat answer"),
    ],
)  # fmt: skip
def test_what_is_no_answer_says_so(body: bytes, words: str, call: ChatCall) -> None:
    with pytest.raises(MalformedResponseError, match=words) as caught:
        decode(body, call)
    assert (caught.value.provider, caught.value.model) == ("ollama", "qwen3:4b")


def test_an_error_with_a_status_of_success_is_an_error(call: ChatCall) -> None:
    with pytest.raises(ProviderServerError, match="model runner has unexpectedly stopped"):
        decode(b'{"error":"model runner has unexpectedly stopped"}', call)


def test_a_response_survives_json(recorded: Callable[[str], bytes], call: ChatCall) -> None:
    message = decode(recorded("d78564bff9e0"), call).to_message()
    assert msgspec.json.decode(msgspec.json.encode(message), type=Message) == message


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
FIELDS = ("message", "done", "done_reason", "error", "eval_count", "logprobs", "model", "content", "tool_calls",
          "thinking", "function", "arguments", "id", "name", "images")  # fmt: skip
NEARLY = st.recursive(
    JSON,
    lambda inner: st.dictionaries(st.sampled_from(FIELDS), inner, max_size=6) | st.lists(inner, max_size=2),
    max_leaves=12,
)


@given(st.binary() | NEARLY.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_give_an_answer_or_one_of_our_errors(body: bytes) -> None:
    call = ChatCall(LLMRequest([Message(role="user", content="Hi")]), ModelRef("ollama", "m"))
    try:
        response = decode(body, call)
    except LLMRingError:
        return
    msgspec.json.encode(response)
