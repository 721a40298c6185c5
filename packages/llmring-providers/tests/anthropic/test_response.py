"""Whole messages become neutral responses."""

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llmring_providers import ChatCall
from llmring_providers.anthropic.response import decode
from llmring_types import LLMRequest, LLMResponse, Message, ModelRef
from llmring_types.exceptions import (
    LLMRingError,
    MalformedResponseError,
    ProviderBadRequestError,
    ProviderOverloadedError,
)

CALL = ChatCall(
    LLMRequest(messages=[Message(role="user", content="hi")]), ModelRef("anthropic", "claude-opus-5")
)


def message(**fields: Any) -> bytes:
    whole = {"type": "message", "role": "assistant", "content": [], "stop_reason": "end_turn", **fields}
    return json.dumps(whole).encode()


def read(**fields: Any) -> LLMResponse:
    return decode(message(**fields), CALL)


RECORDED = [
    pytest.param(
        "c675777f56a9",
        {
            "content": "Hello! 👋 How can I help you today?",
            "finish_reason": "stop",
            "provider_finish_reason": "end_turn",
            "provider_model": "claude-haiku-4-5-20251001",
            "native": None,
        },
        id="text",
    ),
    pytest.param(
        "cf5d996169de",
        {
            "content": "The beautiful city of ",
            "finish_reason": "stop",
            "provider_finish_reason": "stop_sequence",
        },
        id="stop sequence: end space is the model's",
    ),
    pytest.param(
        "34ffd22aa5d4",
        {
            "content": 'THE BEST-SELLING BOOK OF ALL TIME IS "DON QUIXOTE"',
            "reasoning": "Let me think about the best selling book of all time.",
        },
        id="thinking",
    ),
    pytest.param("c74c2d1795ed", {"content": "OK", "reasoning": None}, id="redacted thinking"),
    pytest.param(
        "2de8feb62c0c",
        {
            "content": "I'll get the weather and elevation information for Denver.",
            "finish_reason": "tool_calls",
            "provider_finish_reason": "tool_use",
            "tool_calls": [
                {
                    "id": "toolu_01BBTvQnxdxk7vPHD1ytXyGs",
                    "type": "function",
                    "function": {"name": "get_weather", "arguments": '{"city":"Denver"}'},
                },
                {
                    "id": "toolu_017Q9pGQ9Hx126pyyLLnVqJV",
                    "type": "function",
                    "function": {"name": "get_elevation", "arguments": '{"city":"Denver"}'},
                },
            ],
            "native": None,
        },
        id="parallel calls",
    ),
    pytest.param(
        "b8c633501a54",
        {
            "usage": {
                "prompt_tokens": 13,
                "completion_tokens": 21,
                "total_tokens": 34,
                "cache_read_input_tokens": 1,
                "cache_creation_input_tokens": 2,
                "cache_creation_5m_tokens": 2,
                "cache_creation_1h_tokens": 0,
            }
        },
        id="cache reads and writes are part of the prompt",
    ),
]


@pytest.mark.parametrize(("ending", "expected"), RECORDED)
def test_a_recorded_message_is_read(
    ending: str, expected: dict[str, Any], recording: Callable[[str], dict[str, Any]]
) -> None:
    response = decode(recording(ending)["response"]["body_text"].encode(), CALL)
    assert {name: getattr(response, name) for name in expected} == expected
    assert response.model == "anthropic:claude-opus-5"
    assert response.response_id is not None


@pytest.mark.parametrize("ending", ["34ffd22aa5d4", "c74c2d1795ed", "1a7f110b418b"])
def test_blocks_that_say_more_than_the_neutral_form_are_kept_as_they_came(
    ending: str, recording: Callable[[str], dict[str, Any]]
) -> None:
    body = recording(ending)["response"]["body_text"]
    response = decode(body.encode(), CALL)
    assert response.native is not None
    assert response.native["provider"] == "anthropic"
    assert response.native["replay"] == json.loads(body)["content"]


@pytest.mark.parametrize(
    ("word", "called", "neutral"),
    [
        ("end_turn", False, "stop"),
        ("stop_sequence", False, "stop"),
        ("end_turn", True, "tool_calls"),
        ("tool_use", True, "tool_calls"),
        ("max_tokens", True, "length"),
        ("model_context_window_exceeded", False, "length"),
        ("refusal", False, "content_filter"),
        ("pause_turn", False, "other"),
        ("compaction", False, "other"),
        ("a_word_of_tomorrow", False, "other"),
        (None, False, "stop"),
        (None, True, "tool_calls"),
    ],
)
def test_every_word_for_an_end_has_a_neutral_one(word: str | None, called: bool, neutral: str | None) -> None:
    content = [{"type": "tool_use", "id": "t", "name": "f", "input": {}}] if called else []
    response = read(content=content, stop_reason=word)
    assert (response.finish_reason, response.provider_finish_reason) == (neutral, word)


def test_usage_splits_cache_writes_and_tells_thinking_tokens() -> None:
    usage = {
        "input_tokens": 10,
        "cache_read_input_tokens": 100,
        "cache_creation_input_tokens": 1000,
        "cache_creation": {"ephemeral_5m_input_tokens": 400, "ephemeral_1h_input_tokens": 600},
        "output_tokens": 7,
        "output_tokens_details": {"thinking_tokens": 5},
    }
    assert read(usage=usage).usage == {
        "prompt_tokens": 1110,
        "completion_tokens": 7,
        "total_tokens": 1117,
        "cache_read_input_tokens": 100,
        "cache_creation_input_tokens": 1000,
        "cache_creation_5m_tokens": 400,
        "cache_creation_1h_tokens": 600,
        "reasoning_tokens": 5,
    }


def test_thinking_tokens_are_told_where_nothing_went_into_the_cache() -> None:
    usage = read(
        usage={"input_tokens": 3, "output_tokens": 7, "output_tokens_details": {"thinking_tokens": 5}}
    ).usage
    assert usage == {"prompt_tokens": 3, "completion_tokens": 7, "total_tokens": 10, "reasoning_tokens": 5}


@pytest.mark.parametrize("thinking", [{}, {"thinking": None}, {"thinking": ""}])
def test_a_block_of_thoughts_that_are_withheld_is_no_text(thinking: dict[str, Any]) -> None:
    block = {"type": "thinking", "signature": "EqQB", **thinking}
    response = read(content=[block, {"type": "text", "text": "OK"}])
    assert (response.content, response.reasoning) == ("OK", None)
    assert response.native is not None
    assert response.native["replay"][0] == block


def test_counts_that_a_host_writes_as_text_are_read() -> None:
    counts = {"input_tokens": "3", "output_tokens": "7", "cache_read_input_tokens": "2"}
    more = {"server_tool_use": {"web_search_requests": "1"}}
    assert read(usage={**counts, **more}).usage == {
        "prompt_tokens": 5,
        "completion_tokens": 7,
        "total_tokens": 12,
        "cache_read_input_tokens": 2,
        "web_searches": 1,
    }
    turn = {"type": "compaction", "input_tokens": "3", "output_tokens": "7"}
    assert "compaction" in (read(usage={**counts, "iterations": [turn]}).usage or {})


def test_a_count_that_was_not_reported_is_absent() -> None:
    assert read(usage={"output_tokens": 7, "cache_read_input_tokens": None}).usage == {"completion_tokens": 7}
    assert read(usage={"input_tokens": 3}).usage == {"prompt_tokens": 3}
    assert read().usage is None


@pytest.mark.parametrize(
    ("iterations", "compaction"),
    [
        (
            [
                {
                    "type": "compaction",
                    "input_tokens": 100,
                    "output_tokens": 83,
                    "cache_read_input_tokens": 55096,
                    "cache_creation_input_tokens": 7,
                    "cache_creation": {"ephemeral_5m_input_tokens": 3, "ephemeral_1h_input_tokens": 4},
                },
                {"type": "message", "input_tokens": 181, "output_tokens": 8},
            ],
            {
                "prompt_tokens": 55203,
                "completion_tokens": 83,
                "total_tokens": 55286,
                "cache_read_input_tokens": 55096,
                "cache_creation_input_tokens": 7,
                "cache_creation_5m_tokens": 3,
                "cache_creation_1h_tokens": 4,
            },
        ),
        (
            [{"type": "compaction", "input_tokens": 2, "output_tokens": 1}] * 2,
            {"prompt_tokens": 4, "completion_tokens": 2, "total_tokens": 6},
        ),
        ([{"type": "advisor_message", "model": "claude-opus-4-8", "input_tokens": 2518}], None),
        ([{"type": "compaction", "input_tokens": "many"}], None),
        ([{"type": "compaction"}, None, "x"], None),
        (5, None),
    ],
    ids=["with a cache", "two", "another model's", "no number", "no counts", "no list"],
)
def test_compactions_are_counted_apart_from_the_answer(iterations: Any, compaction: Any) -> None:
    usage = read(usage={"input_tokens": 181, "output_tokens": 8, "iterations": iterations}).usage
    plain = {"prompt_tokens": 181, "completion_tokens": 8, "total_tokens": 189}
    assert usage == (plain if compaction is None else {**plain, "compaction": compaction})


def test_a_refusal_tells_why() -> None:
    details = {"type": "refusal", "category": "bio", "explanation": "This could do harm."}
    response = read(stop_reason="refusal", stop_details=details)
    assert response.refusal == "This could do harm."
    assert response.native == {"provider": "anthropic", "stop_details": details}


def test_what_has_no_neutral_place_is_in_native() -> None:
    response = read(
        stop_sequence="END",
        container={"id": "container_1", "expires_at": "2026-12-01T00:00:00Z"},
        diagnostics={"cache_miss_reason": {"type": "model_changed", "cache_missed_input_tokens": 7}},
        usage={"server_tool_use": {"web_search_requests": 2}, "iterations": [{"type": "message"}, {"type": "compaction"}]},
    )  # fmt: skip
    assert response.native == {
        "provider": "anthropic",
        "stop_sequence": "END",
        "container": {"id": "container_1", "expires_at": "2026-12-01T00:00:00Z"},
        "diagnostics": {"cache_miss_reason": {"type": "model_changed", "cache_missed_input_tokens": 7}},
        "server_tool_use": {"web_search_requests": 2},
        "iterations": [{"type": "message"}, {"type": "compaction"}],
    }


def test_how_an_answer_was_made_is_told_where_it_has_another_price() -> None:
    usual = {
        "service_tier": "standard",
        "inference_geo": "global",
        "speed": "standard",
        "iterations": [{"type": "message"}],
    }
    assert read(usage={**usual, "server_tool_use": {"web_search_requests": 0}}).native is None
    assert read(usage={"inference_geo": "not_available", "iterations": None}).native is None
    other = {
        "service_tier": "priority",
        "inference_geo": "us",
        "speed": "fast",
        "iterations": [{"type": "compaction", "input_tokens": 83555}],
        "fallback_credit": {"status": "applied"},
    }
    assert read(usage=other).native == {"provider": "anthropic", **other}


def test_what_was_done_to_the_request_is_told() -> None:
    done = [{"type": "thinking_dropped", "path": "messages.2.content.0", "reason": "prefix_binding_mismatch"}]
    assert read(input_transformations=done).native == {"provider": "anthropic", "input_transformations": done}


def test_a_block_of_tomorrow_is_kept_whatever_its_shape() -> None:
    blocks = [
        {"type": "a_block_of_tomorrow", "text": {"odd": 1}, "id": 5, "caller": "nobody"},
        {"type": "text", "text": "A"},
        {"type": "tool_use", "id": "t", "name": "f", "input": {}, "caller": "nobody"},
    ]
    response = read(content=blocks)
    assert (response.content, response.native) == ("A", {"provider": "anthropic", "replay": blocks})


def test_odd_extras_do_not_cost_the_answer() -> None:
    odd = {"stop_details": "x", "container": "c", "context_management": [1]}
    response = read(
        content=[{"type": "text", "text": "A"}],
        stop_reason="refusal",
        usage={"iterations": 5, "server_tool_use": [1]},
        **odd,
    )
    assert (response.content, response.refusal) == ("A", None)
    assert response.native == {"provider": "anthropic", **odd, "iterations": 5, "server_tool_use": [1]}


@pytest.mark.parametrize(
    ("more", "kept"),
    [
        ({"caller": None, "toolset_name": None}, False),
        ({"caller": {"type": "direct"}}, False),
        ({"caller": {"type": "code_execution_20260120"}}, True),
        ({"toolset_name": "computer"}, True),
    ],
)
def test_a_call_by_code_or_of_a_toolset_is_kept_as_it_is(more: dict[str, Any], kept: bool) -> None:
    block = {"type": "tool_use", "id": "t", "name": "f", "input": {}, **more}
    response = read(content=[block])
    assert response.native == ({"provider": "anthropic", "replay": [block]} if kept else None)


@pytest.mark.parametrize(
    ("written", "arguments"),
    [('{"n": 12345678901234567890123, "x": 1.50}',) * 2, ("{}", "{}"), ("null", "{}")],
)
def test_arguments_stay_as_the_model_wrote_them(written: str, arguments: str) -> None:
    block = f'{{"type":"tool_use","id":"t","name":"f","input":{written}}}'
    response = decode(f'{{"content":[{block}]}}'.encode(), CALL)
    assert response.tool_calls is not None
    assert response.tool_calls[0]["function"]["arguments"] == arguments


def test_a_call_without_input_has_an_empty_object() -> None:
    response = read(content=[{"type": "tool_use", "id": "t", "name": "f"}])
    assert response.tool_calls is not None
    assert response.tool_calls[0]["function"]["arguments"] == "{}"


def test_calls_of_a_host_that_gives_no_ids_have_some_of_their_own() -> None:
    block = {"type": "tool_use", "name": "f", "input": {}}
    calls = read(content=[block, {**block, "id": "t"}, {**block, "id": ""}]).tool_calls
    assert [call["id"] for call in calls or ()] == ["call_0", "t", "call_2"]


def test_an_error_with_a_status_of_success_is_an_error() -> None:
    body = {
        "type": "error",
        "error": {"type": "overloaded_error", "message": "Overloaded"},
        "request_id": "req_1",
    }
    with pytest.raises(ProviderOverloadedError, match="Overloaded") as caught:
        decode(json.dumps(body).encode(), CALL)
    assert caught.value.request_id == "req_1"
    with pytest.raises(ProviderBadRequestError):
        decode(b'{"error": {"type": "invalid_request_error", "message": "no"}}', CALL)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"<html>",
        b'{"content": 5}',
        b'{"content": [5]}',
        b'{"content": [{"type": "text", "text": 5}]}',
        b'{"content": [{"text": "of no type"}]}',
        b"\xff",
    ],
)
def test_what_is_no_message_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedResponseError) as caught:
        decode(body, CALL)
    assert (caught.value.provider, caught.value.model) == ("anthropic", "claude-opus-5")


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
        ["type", "text", "id", "name", "input", "content", "usage", "stop_reason", "citations", "error", "caller"]
    ), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(st.binary(max_size=60) | _JSON.map(lambda value: json.dumps(value).encode()) | _JSON.map(
    lambda value: json.dumps({"type": "message", "content": value}).encode()
))  # fmt: skip
def test_no_bytes_raise_anything_but_our_errors(body: bytes) -> None:
    with suppress(LLMRingError):
        decode(body, CALL)
