"""Whole answers: recorded ones, and whatever else the protocol allows."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llmring_providers import ChatCall, WireRequest
from llmring_providers.google.response import decode
from llmring_types import LLMRequest, Message, ModelRef, tool_call
from llmring_types.exceptions import LLMRingError, MalformedResponseError, ProviderOverloadedError

RECORDED = [
    pytest.param(
        "0bfea4f031ee",
        {
            "content": "",
            "finish_reason": "length",
            "provider_finish_reason": "MAX_TOKENS",
            "provider_model": "gemini-2.5-pro",
            "response_id": "fH8oaunbEbr9qtsPjYGX4A0",
            "usage": {"prompt_tokens": 15, "completion_tokens": 2, "total_tokens": 17, "reasoning_tokens": 2},
            "native": None,
        },
        id="nothing but thoughts before the limit",
    ),
    pytest.param(
        "ed6edb97f7ff",
        {
            "content": "",
            "finish_reason": "content_filter",
            "provider_finish_reason": "SAFETY",
            "usage": {"prompt_tokens": 14, "completion_tokens": 0, "total_tokens": 14},
        },
        id="blocked, and a count that was left out is zero",
    ),
    pytest.param(
        "b412682ef4c8",
        {
            "finish_reason": "tool_calls",
            "provider_finish_reason": "STOP",
            "tool_calls": [
                tool_call("call_id_REDACTED_1_1_0", "fetch_motto", "{}"),
                tool_call("call_id_REDACTED_1_1_1", "fetch_config", "{}"),
            ],
            "usage": {"prompt_tokens": 86, "completion_tokens": 80, "total_tokens": 166, "reasoning_tokens": 59},
            "native": {
                "provider": "google",
                "replay": [
                    {
                        "functionCall": {"args": {}, "name": "fetch_motto"},
                        "thoughtSignature": "signature_REDACTED_1",
                    },
                    {"functionCall": {"args": {}, "name": "fetch_config"}},
                ],
                "finishMessage": "Model generated function call(s).",
            },
        },
        id="parallel calls without ids",
    ),
    pytest.param(
        "95d8f7110046",
        {"finish_reason": "tool_calls", "tool_calls": [tool_call("x8i00o1q", "get_user_country", "{}")]},
        id="a call with the provider's id",
    ),
    pytest.param(
        "8484ae234d91",
        {
            "content": "The number is 169.",
            "finish_reason": "stop",
            "tool_calls": None,
            "usage": {"prompt_tokens": 99, "completion_tokens": 60, "total_tokens": 159, "reasoning_tokens": 35},
            "native": {
                "provider": "google",
                "replay": [
                    {"executableCode": {"code": "result = 13 * 13\nprint(f'{result=}')\n", "language": "PYTHON"}},
                    {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "result=169\n"}},
                    {"text": "The number is 169."},
                ],
                "usageMetadata": {"toolUsePromptTokenCount": 79},
            },
        },
        id="code that Gemini ran counts as input",
    ),
    pytest.param(
        "ccf678c6aab5",
        {
            "content": "Paris.",
            "usage": {
                "prompt_tokens": 3520,
                "completion_tokens": 44,
                "total_tokens": 3564,
                "cache_read_input_tokens": 3512,
                "reasoning_tokens": 42,
            },
        },
        id="cache reads",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("name", "fields"), RECORDED)
def test_a_recorded_answer_is_read(
    name: str, fields: dict[str, Any], recorded: Callable[[str], bytes], call: ChatCall, wire: WireRequest
) -> None:
    response = decode(recorded(name), call, wire)
    assert {field: getattr(response, field) for field in fields} == fields
    assert response.model == "google:gemini-2.5-flash"


def test_thoughts_are_reasoning_and_not_text(
    recorded: Callable[[str], bytes], call: ChatCall, wire: WireRequest
) -> None:
    response = decode(recorded("d2a224c0b59d"), call, wire)
    assert response.content.startswith("A solar eclipse occurs when")
    assert response.reasoning is not None
    assert response.reasoning.startswith("**My Concise Eclipse Explanation**")
    assert response.native is not None
    assert [part.keys() for part in response.native["replay"]] == [
        {"text", "thought"},
        {"text", "thoughtSignature"},
    ]


def test_grounding_and_fetched_pages_are_kept(
    recorded: Callable[[str], bytes], call: ChatCall, wire: WireRequest
) -> None:
    native = decode(recorded("61a01d9407e3"), call, wire).native
    assert native is not None
    assert native.keys() == {"provider", "groundingMetadata", "urlContextMetadata", "usageMetadata"}
    assert native["urlContextMetadata"]["urlMetadata"][0]["retrievedUrl"] == "https://ai.pydantic.dev"


def test_log_probabilities_are_kept(
    recorded: Callable[[str], bytes], call: ChatCall, wire: WireRequest
) -> None:
    native = decode(recorded("c4277a9c6e1c"), call, wire).native
    assert native is not None
    assert native["avgLogprobs"] == -6.569555282592773
    assert native["logprobsResult"]["chosenCandidates"][0]["token"] == "Hello"


def answer(*parts: dict[str, Any], **candidate: Any) -> bytes:
    content = {"role": "model", "parts": list(parts)}
    return json.dumps({"candidates": [{"content": content, "finishReason": "STOP", **candidate}]}).encode()


FINISH = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "CONTINUATION": "length",
    "SAFETY": "content_filter",
    "RECITATION": "content_filter",
    "LANGUAGE": "content_filter",
    "BLOCKLIST": "content_filter",
    "PROHIBITED_CONTENT": "content_filter",
    "SPII": "content_filter",
    "IMAGE_SAFETY": "content_filter",
    "IMAGE_PROHIBITED_CONTENT": "content_filter",
    "IMAGE_RECITATION": "content_filter",
    "MODEL_ARMOR": "content_filter",
    "ESCALATION": "content_filter",
    "PUP_LIMITED_DISABLED": "content_filter",
    "MALFORMED_FUNCTION_CALL": "error",
    "MALFORMED_RESPONSE": "error",
    "MISSING_THOUGHT_SIGNATURE": "error",
    "TOO_MANY_TOOL_CALLS": "error",
    "UNEXPECTED_TOOL_CALL": "error",
    "OTHER": "other",
    "IMAGE_OTHER": "other",
    "NO_IMAGE": "other",
    "FINISH_REASON_UNSPECIFIED": "other",
    "SOMETHING_NEW": "other",
}


@pytest.mark.parametrize(("word", "neutral"), FINISH.items())
def test_every_finish_word_has_its_meaning(
    word: str, neutral: str, call: ChatCall, wire: WireRequest
) -> None:
    response = decode(answer({"text": "x"}, finishReason=word), call, wire)
    assert (response.finish_reason, response.provider_finish_reason) == (neutral, word)


def test_the_sdk_knows_no_other_finish_words() -> None:
    types = pytest.importorskip("google.genai.types")
    assert {word.value for word in types.FinishReason} <= FINISH.keys()


@pytest.mark.parametrize(
    ("number", "word", "neutral"),
    [
        (1, "STOP", "stop"),
        (2, "MAX_TOKENS", "length"),
        (12, "UNEXPECTED_TOOL_CALL", "error"),
        (14, "IMAGE_PROHIBITED_CONTENT", "content_filter"),
        (17, "IMAGE_RECITATION", "content_filter"),
        (77, "77", "other"),
    ],
)
def test_words_may_come_as_numbers(
    number: int, word: str, neutral: str, call: ChatCall, wire: WireRequest
) -> None:
    response = decode(answer({"text": "x"}, finishReason=number), call, wire)
    assert (response.finish_reason, response.provider_finish_reason) == (neutral, word)


def test_a_cut_off_call_stays_a_cut_off(call: ChatCall, wire: WireRequest) -> None:
    response = decode(
        answer({"functionCall": {"name": "f", "args": {}}}, finishReason="MAX_TOKENS"), call, wire
    )
    assert response.finish_reason == "length"


def test_a_blocked_prompt_is_a_content_filter(call: ChatCall, wire: WireRequest) -> None:
    feedback = {"blockReason": "PROHIBITED_CONTENT", "safetyRatings": []}
    body = {"promptFeedback": feedback, "usageMetadata": {"promptTokenCount": 4, "totalTokenCount": 4}}
    response = decode(json.dumps(body).encode(), call, wire)
    assert (response.content, response.finish_reason) == ("", "content_filter")
    assert response.provider_finish_reason == "PROHIBITED_CONTENT"
    assert response.usage == {"prompt_tokens": 4, "completion_tokens": 0, "total_tokens": 4}
    assert response.native == {"provider": "google", "promptFeedback": feedback}


def test_a_feedback_without_candidates_is_a_block_whatever_its_reason(
    call: ChatCall, wire: WireRequest
) -> None:
    """https://ai.google.dev/api/generate-content#v1beta.GenerateContentResponse"""
    feedback = {"blockReasonMessage": "Not this."}
    response = decode(json.dumps({"candidates": [], "promptFeedback": feedback}).encode(), call, wire)
    assert (response.finish_reason, response.provider_finish_reason) == ("content_filter", None)
    assert response.native == {"provider": "google", "promptFeedback": feedback}
    rated = {
        "candidates": [{"content": {"parts": [{"text": "A"}]}}],
        "promptFeedback": {"safetyRatings": [{}]},
    }
    assert decode(json.dumps(rated).encode(), call, wire).finish_reason is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"<html>",
        b'{"candidates":[]}',
        b'{"candidates":[{"content":{"parts":["x"]}}]}',
        b'{"candidates":[{"content":{"parts":[{"functionCall":"f"}]}}]}',
        b'{"candidates":[{"content":{"parts":[{"functionCall":{"args":{}}}]}}]}',
        b'{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":[1]}}]}}]}',
        b'{"promptFeedback":{},"usageMetadata":{}}',
        b'{"candidates":[{"content":{"parts":[{"text":"\xff"}]}}]}',
    ],
)
def test_what_is_no_answer_is_malformed(body: bytes, call: ChatCall, wire: WireRequest) -> None:
    with pytest.raises(MalformedResponseError):
        decode(body, call, wire)


def test_an_error_with_a_status_of_success_is_typed(call: ChatCall, wire: WireRequest) -> None:
    body = b'{"error":{"code":503,"message":"The model is overloaded.","status":"UNAVAILABLE"}}'
    with pytest.raises(ProviderOverloadedError, match="overloaded"):
        decode(body, call, wire)


def test_only_the_first_candidate_is_the_answer(call: ChatCall, wire: WireRequest) -> None:
    candidates = [{"index": index, "content": {"parts": [{"text": str(index)}]}} for index in (1, 0)]
    assert decode(json.dumps({"candidates": candidates}).encode(), call, wire).content == "0"


def test_generated_ids_differ_between_the_turns_of_a_conversation(
    call: ChatCall, call_with: Callable[..., ChatCall], wire: WireRequest
) -> None:
    body = answer({"functionCall": {"name": "f"}}, {"functionCall": {"name": "f"}})
    later = call_with(messages=[Message(role="user", content="x")] * 3)
    ids = [one["id"] for each in (call, later) for one in decode(body, each, wire).tool_calls or ()]
    assert len(set(ids)) == 4
    assert decode(body, call, wire) == decode(body, call, wire)


def test_arguments_that_are_absent_are_an_empty_object(call: ChatCall, wire: WireRequest) -> None:
    response = decode(answer({"functionCall": {"name": "f", "id": "x"}}), call, wire)
    assert response.tool_calls == [tool_call("x", "f", "{}")]


@pytest.mark.parametrize("text", ["", "Let me see.", None])
def test_a_call_that_has_a_text_beside_it_is_a_call(
    text: str | None, call: ChatCall, wire: WireRequest
) -> None:
    part = {
        "text": text,
        "functionCall": {"name": "f", "args": {"a": 1}, "id": "x"},
        "thoughtSignature": "s==",
    }
    response = decode(answer(part), call, wire)
    assert response.tool_calls == [tool_call("x", "f", '{"a":1}')]
    assert (response.content, response.finish_reason) == (text or "", "tool_calls")
    assert response.native == {"provider": "google", "replay": [part]}


def test_generated_media_are_kept_for_the_user_and_the_next_turn(call: ChatCall, wire: WireRequest) -> None:
    image = {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}}
    response = decode(answer({"text": "Here:"}, image, {}), call, wire)
    assert response.content == "Here:"
    assert response.native == {"provider": "google", "replay": [{"text": "Here:"}, image]}
    assert [(made.media_type, made.data) for made in response.images] == [("image/png", b"\x89PNG\r\n\x1a\n")]


ERROR_FREE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "text": ERROR_FREE,
        "thought": ERROR_FREE,
        "thoughtSignature": ERROR_FREE,
        "functionCall": ERROR_FREE
        | st.fixed_dictionaries(
            {},
            optional={
                "name": ERROR_FREE,
                "args": ERROR_FREE,
                "willContinue": st.booleans(),
                "partialArgs": st.lists(
                    st.fixed_dictionaries(
                        {"jsonPath": st.sampled_from(["$.a", "$.a[0]", "$.a[1].b", "$", "x", "$[0]"])},
                        optional={"stringValue": st.text(), "numberValue": st.integers()},
                    )
                ),
            },
        ),
    },
)


@given(
    st.binary()
    | st.builds(
        lambda parts, candidate, usage: json.dumps(
            {"candidates": [{"content": {"parts": parts}, **candidate}], "usageMetadata": usage}
        ).encode(),
        st.lists(FIELDS, max_size=4),
        st.dictionaries(st.sampled_from(["finishReason", "index", "groundingMetadata", "x"]), ERROR_FREE),
        st.dictionaries(
            st.sampled_from(["promptTokenCount", "totalTokenCount", "promptTokensDetails"]), ERROR_FREE
        ),
    )
)
def test_any_bytes_give_a_response_or_one_of_our_errors(body: bytes) -> None:
    call = ChatCall(LLMRequest([Message(role="user", content="Hi")]), ModelRef("google", "gemini-3-pro"))
    for notes in ({}, {"answer_schema": {"type": "array"}}):
        try:
            response = decode(body, call, WireRequest(path="", body=b"", notes=notes))
        except LLMRingError:
            continue
        assert json.loads(json.dumps(response.native)) == response.native
