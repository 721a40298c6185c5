"""A chat completion as the neutral response."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llmring_providers import ChatCall
from llmring_providers.openai.chat.response import decode
from llmring_types import LLMRequest, LLMResponse, Message, ModelRef, tool_call
from llmring_types.exceptions import (
    LLMRingError,
    MalformedResponseError,
    ProviderAuthenticationError,
    ProviderOverloadedError,
    ProviderRateLimitError,
    ProviderServerError,
)

Recorded = Callable[[str], bytes]
CALL = ChatCall(LLMRequest([Message(role="user", content="Hi")]), ModelRef("openai", "gpt-4o"))


def answer(
    message: dict[str, Any] | None = None, choice: dict[str, Any] | None = None, **more: Any
) -> LLMResponse:
    """Decode a completion of one choice."""
    whole = {"index": 0, "finish_reason": "stop", "message": message or {"content": "A"}, **(choice or {})}
    return decode(json.dumps({"id": "c", "choices": [whole], **more}).encode(), CALL)


RECORDINGS: list[Any] = [
    pytest.param(
        "chat-267f7e28c964",
        {
            "content": "OK",
            "finish_reason": "stop",
            "provider_finish_reason": "stop",
            "provider_model": "o4-mini-2025-04-16",
            "response_id": "chatcmpl-REDACTED_1",
            "native": None,
            "usage": {
                "prompt_tokens": 13,
                "completion_tokens": 19,
                "total_tokens": 32,
                "cache_read_input_tokens": 0,
                "reasoning_tokens": 0,
            },
        },
        id="text",
    ),
    pytest.param(
        "chat-cc02266ff824",
        {
            "content": "",
            "finish_reason": "tool_calls",
            "tool_calls": [
                tool_call("call_REDACTED_1", "alpha", '{"value": "red"}'),
                tool_call("call_REDACTED_2", "beta", '{"value": "blue"}'),
            ],
        },
        id="parallel calls",
    ),
    pytest.param(
        "chat-5a8ea5bea36e",
        {
            "finish_reason": "tool_calls",
            "provider_finish_reason": "function_call",
            "tool_calls": [tool_call("call_0", "add", '{"a": 1, "b": 1}')],
        },
        id="the legacy function call",
    ),
    pytest.param(
        "chat-6d38442d5334",
        {"tool_calls": [tool_call("call_QpgJRI5C9DcjExMNU6lrJPcu", "math_exp", '{"input":"4 + 4"}')]},
        id="the call of a custom tool",
    ),
    pytest.param(
        "chat-5c2d925c4806",
        {
            "content": "Hello! How can I help you today?",
            "reasoning": "The user is greeting me. I should respond in a friendly and helpful manner.",
        },
        id="reasoning",
    ),
    pytest.param(
        "chat-bcb8d5b4edfc",
        {"finish_reason": "content_filter", "provider_model": "gpt-35-turbo"},
        id="Azure's filter",
    ),
    pytest.param("chat-a86244f8d1f8", {"content": "Hello! How can I help you today?"}, id="a spoken answer"),
]


@pytest.mark.parametrize(("name", "expected"), RECORDINGS)
def test_a_recorded_answer_is_read(name: str, expected: dict[str, Any], recorded: Recorded) -> None:
    response = decode(recorded(name), CALL)
    assert response.model == "openai:gpt-4o"
    assert {field: getattr(response, field) for field in expected} == expected


def test_what_azure_filtered_is_kept(recorded: Recorded) -> None:
    native = decode(recorded("chat-bcb8d5b4edfc"), CALL).native or {}
    assert native["content_filter_results"]["hate"] == {"filtered": True, "severity": "high"}
    assert native["prompt_filter_results"][0]["content_filter_results"]["hate"]["filtered"] is False


def test_the_sound_of_a_spoken_answer_is_kept_and_only_its_id_travels_back(recorded: Recorded) -> None:
    native = decode(recorded("chat-a86244f8d1f8"), CALL).native or {}
    assert native["audio"]["data"] == "QUJDRA=="
    assert [
        (made.data, made.transcript) for made in LLMResponse(content="", model="m", native=native).audio
    ] == [(b"ABCD", "Hello! How can I help you today?")]
    assert native["replay"] == [
        {"audio": {"id": "audio_abc123", "transcript": "Hello! How can I help you today?"}}
    ]


def test_a_refusal_is_filtered_content_that_can_be_read() -> None:
    response = answer({"content": None, "refusal": "No."})
    assert (response.content, response.refusal) == ("No.", "No.")
    assert (response.finish_reason, response.provider_finish_reason) == ("content_filter", "stop")


FINISH = [
    ({"finish_reason": "stop"}, "stop", "stop"),
    ({"finish_reason": "length"}, "length", "length"),
    ({"finish_reason": "content_filter"}, "content_filter", "content_filter"),
    ({"finish_reason": "error"}, "error", "error"),
    ({"finish_reason": "eos"}, "stop", "eos"),
    ({"finish_reason": "model_length"}, "length", "model_length"),
    ({"finish_reason": "MAX_TOKENS"}, "length", "MAX_TOKENS"),
    ({"finish_reason": "SAFETY"}, "content_filter", "SAFETY"),
    ({"finish_reason": "sensitive"}, "content_filter", "sensitive"),
    ({"finish_reason": "refusal"}, "content_filter", "refusal"),
    ({"finish_reason": "content_filtered"}, "content_filter", "content_filtered"),
    ({"finish_reason": "guardrail_intervened"}, "content_filter", "guardrail_intervened"),
    ({"finish_reason": "RECITATION"}, "content_filter", "RECITATION"),
    ({"finish_reason": "BLOCKLIST"}, "content_filter", "BLOCKLIST"),
    ({"finish_reason": "SPII"}, "content_filter", "SPII"),
    ({"finish_reason": "IMAGE_SAFETY"}, "content_filter", "IMAGE_SAFETY"),
    ({"finish_reason": "PROHIBITED_CONTENT"}, "content_filter", "PROHIBITED_CONTENT"),
    (
        {"finish_reason": "content_filter: PROHIBITED_CONTENT"},
        "content_filter",
        "content_filter: PROHIBITED_CONTENT",
    ),
    (
        {"finish_reason": "function_call_filter: MALFORMED_FUNCTION_CALL"},
        "error",
        "function_call_filter: MALFORMED_FUNCTION_CALL",
    ),
    ({"finish_reason": "MALFORMED_FUNCTION_CALL"}, "error", "MALFORMED_FUNCTION_CALL"),
    ({"finish_reason": "UNEXPECTED_TOOL_CALL"}, "error", "UNEXPECTED_TOOL_CALL"),
    ({"finish_reason": "max_output_tokens"}, "length", "max_output_tokens"),
    ({"finish_reason": "model_context_window_exceeded"}, "length", "model_context_window_exceeded"),
    ({"finish_reason": "something new"}, "other", "something new"),
    ({"finish_reason": ""}, "stop", None),
    ({"finish_reason": None}, "stop", None),
    ({"finish_reason": None, "finish_details": {"type": "max_tokens"}}, "length", "max_tokens"),
]


def test_ids_that_are_numbers_are_ids() -> None:
    made = [{"id": 7, "function": {"name": "f"}}]
    body = json.dumps({"id": 5, "choices": [{"message": {"tool_calls": made}}]}).encode()
    response = decode(body, CALL)
    assert (response.response_id, response.tool_calls) == ("5", [tool_call("7", "f", "{}")])


@pytest.mark.parametrize(("choice", "neutral", "word"), FINISH)
def test_every_end_has_a_neutral_word(choice: dict[str, Any], neutral: str, word: str | None) -> None:
    response = answer(choice=choice)
    assert (response.finish_reason, response.provider_finish_reason) == (neutral, word)


def test_a_plain_end_with_calls_means_them_and_a_cut_one_stays_cut() -> None:
    calls = {"tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": ""}}]}
    assert answer(calls).finish_reason == "tool_calls"
    assert answer(calls, {"finish_reason": "length"}).finish_reason == "length"


ODD_CALLS = [
    pytest.param([{"id": "c", "function": {"name": "f"}}], [tool_call("c", "f", "{}")], id="no arguments"),
    pytest.param([{"id": "c", "function": {"name": "f", "arguments": {"a": 1}}}], [tool_call("c", "f", '{"a":1}')],
                 id="arguments as an object"),
    pytest.param([{"function": {"name": "f"}}, {"id": "", "function": {"name": "g"}}],
                 [tool_call("call_0", "f", "{}"), tool_call("call_1", "g", "{}")], id="no ids"),
    pytest.param([{"id": "c", "function": {"name": "f", "arguments": '{"a": '}}], [tool_call("c", "f", '{"a": ')],
                 id="broken JSON stays as the model wrote it"),
    pytest.param([{"id": "c"}], [tool_call("c", "", None)], id="nothing but an id"),
]  # fmt: skip


@pytest.mark.parametrize(("wire", "expected"), ODD_CALLS)
def test_odd_tool_calls_have_the_neutral_form(wire: list[Any], expected: list[Any]) -> None:
    assert answer({"content": None, "tool_calls": wire}).tool_calls == expected


MESSAGES = [
    pytest.param({"content": [{"type": "text", "text": "A"}, {"type": "text", "text": "B"}]}, "AB", None, id="parts"),
    pytest.param({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "T"}]},
                              {"type": "text", "text": "A"}]}, "A", "T", id="Mistral's thinking part"),
    pytest.param({"content": ["odd", {"type": "text", "text": 5}, {"type": "reference", "text": "x"}]}, "", None,
                 id="odd parts"),
    pytest.param({"content": "A", "reasoning": "R"}, "A", "R", id="reasoning"),
    pytest.param({"content": "A", "reasoning_content": "R", "reasoning": "R"}, "A", "R", id="reasoning twice"),
    pytest.param({"content": "A", "reasoning": {"odd": 1}}, "A", None, id="reasoning of another shape"),
    pytest.param({"content": None}, "", None, id="nothing"),
    pytest.param({"content": "A", "audio": "odd", "annotations": 5}, "A", None, id="odd extras"),
]  # fmt: skip


@pytest.mark.parametrize(("message", "text", "reasoning"), MESSAGES)
def test_where_text_and_reasoning_are(message: dict[str, Any], text: str, reasoning: str | None) -> None:
    response = answer(message)
    assert (response.content, response.reasoning) == (text, reasoning)


USAGE = [
    pytest.param({"prompt_tokens": 7, "completion_tokens": 3},
                 {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}, id="no total"),
    pytest.param({"prompt_tokens": 7.0, "completion_tokens": 3.0, "total_tokens": 11.0},
                 {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 11}, id="written as fractions"),
    pytest.param({"prompt_tokens": 7, "prompt_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 2}},
                 {"prompt_tokens": 7, "cache_read_input_tokens": 4, "cache_creation_input_tokens": 2}, id="cache"),
    pytest.param({"completion_tokens": 9, "completion_tokens_details": {"reasoning_tokens": 4}},
                 {"completion_tokens": 9, "reasoning_tokens": 4}, id="reasoning"),
]  # fmt: skip


@pytest.mark.parametrize(("wire", "expected"), USAGE)
def test_usage_has_the_neutral_keys(wire: dict[str, Any], expected: dict[str, int]) -> None:
    assert answer(usage=wire).usage == expected
    assert answer(choice={"usage": wire}).usage == expected  # where Moonshot puts it
    assert answer(x_groq={"usage": wire}).usage == expected


def test_reasoning_that_xai_counts_apart_is_part_of_the_completion() -> None:
    counted = {"completion_tokens_details": {"reasoning_tokens": 5}}
    apart = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 15, **counted}
    usage = answer(usage=apart).usage or {}
    assert (usage["completion_tokens"], usage["total_tokens"], usage["reasoning_tokens"]) == (8, 15, 5)


def test_no_usage_is_none() -> None:
    assert answer(usage=None).usage is None


def test_what_is_said_beyond_the_neutral_form_is_kept() -> None:
    response = answer(
        {"content": "A", "annotations": [{"type": "url_citation"}], "images": [{"type": "image_url"}]},
        {"logprobs": {"content": []}, "native_finish_reason": "STOP"},
        system_fingerprint="fp",
        service_tier="flex",
        provider="Nebius",
        citations=["https://a"],
        timings={"predicted_per_second": 52.9},
        usage={"prompt_tokens": 7, "cost": 0.1},
    )
    assert response.native == {
        "provider": "openai",
        "api": "chat",
        "system_fingerprint": "fp",
        "service_tier": "flex",
        "upstream": "Nebius",
        "citations": ["https://a"],
        "timings": {"predicted_per_second": 52.9},
        "usage": {"cost": 0.1},
        "logprobs": {"content": []},
        "native_finish_reason": "STOP",
        "annotations": [{"type": "url_citation"}],
        "images": [{"type": "image_url"}],
    }
    assert answer(service_tier="default").native is None


SIGNED = {
    "id": "c",
    "type": "function",
    "function": {"name": "f", "arguments": "{}"},
    "extra_content": {"google": {"thought_signature": "s"}},
}
THOUGHT = {"type": "thinking", "thinking": [{"type": "text", "text": "T"}], "closed": True}
REPLAYS = [
    pytest.param({"content": "A", "reasoning_details": [{"data": "x"}]}, {"reasoning_details": [{"data": "x"}]},
                 id="OpenRouter"),
    pytest.param({"tool_calls": [SIGNED]}, {"tool_calls": [SIGNED]}, id="Gemini's thought signature"),
    pytest.param({"reasoning_content": "R", "tool_calls": [{"id": "c", "function": {"name": "f"}}]},
                 {"reasoning_content": "R"}, id="DeepSeek between calls"),
    pytest.param({"reasoning_content": "R", "content": "A"}, {"reasoning_content": "R"}, id="DeepSeek at the end"),
    pytest.param({"reasoning": "R", "content": "A"}, {"reasoning": "R"}, id="under the other name"),
    pytest.param({"content": [THOUGHT, {"type": "text", "text": "A"}]}, {"content": [THOUGHT, {"type": "text", "text": "A"}]},
                 id="Mistral"),
    pytest.param({"content": [{"type": "text", "text": "A"}]}, None, id="text in parts"),
    pytest.param({"content": ["odd", THOUGHT]}, None, id="odd parts"),
]  # fmt: skip


@pytest.mark.parametrize(("message", "block"), REPLAYS)
def test_what_the_provider_wants_back_is_in_native(
    message: dict[str, Any], block: dict[str, Any] | None
) -> None:
    response = answer(message)
    assert (response.native or {}).get("replay") == ([block] if block else None)


MALFORMED = [
    b"",
    b"null",
    b"[]",
    b"{}",
    b'{"choices": []}',
    b'{"choices": null}',
    b'{"choices": 5}',
    b"<html>busy</html>",
    b'{"choices":[{"message":{"content":5}}]}',
    b"\xff\xfe",
    b'{"\x80": 1}',
    b'{"choices":' + b"[" * 5000,
]


@pytest.mark.parametrize("body", MALFORMED)
def test_what_is_no_completion_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedResponseError) as caught:
        decode(body, CALL)
    assert (caught.value.provider, caught.value.model) == ("openai", "gpt-4o")


FAILED = {
    "choices": [{"finish_reason": "error", "message": {"content": "Hel"}}],
    "error": {"message": "Lost", "code": 502},
}
ERRORS: list[Any] = [
    pytest.param(FAILED, ProviderServerError, "Lost", id="beside half an answer"),
    pytest.param({"error": {"message": "Busy", "code": 429}}, ProviderRateLimitError, "Busy", id="OpenRouter"),
    pytest.param({"error": "no such thing"}, ProviderServerError, "no such thing", id="a mere text"),
    pytest.param({"object": "error", "message": "Busy", "code": 503}, ProviderOverloadedError, "Busy", id="vLLM"),
    pytest.param({"code": "401", "message": "Who are you?"}, ProviderAuthenticationError, "Who are you", id="a message without choices"),
    pytest.param({"detail": "Not ready", "choices": None}, ProviderServerError, "Not ready", id="FastAPI"),
    pytest.param({"choices": [{"error": {"message": "Lost", "code": 502}}]}, ProviderServerError, "Lost", id="in the choice"),
]  # fmt: skip


@pytest.mark.parametrize(("document", "kind", "text"), ERRORS)
def test_an_error_with_status_200_is_an_error(document: Any, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text):
        decode(json.dumps(document).encode(), CALL)


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_random_bytes_raise_nothing_but_our_errors(body: bytes) -> None:
    with pytest.raises(LLMRingError):
        decode(body, CALL)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
_FIELDS = [
    "content",
    "refusal",
    "reasoning",
    "reasoning_details",
    "tool_calls",
    "function_call",
    "audio",
    "annotations",
]


@given(st.dictionaries(st.sampled_from(_FIELDS), _JSON))
def test_fields_of_any_shape_raise_nothing_but_our_errors(message: dict[str, Any]) -> None:
    try:
        response = answer(message)
    except LLMRingError:
        return
    json.dumps([response.native, response.tool_calls])
