"""A response object as the neutral response."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llmring_providers import ChatCall
from llmring_providers.openai.responses.response import decode
from llmring_types import LLMRequest, LLMResponse, Message, ModelRef, tool_call
from llmring_types.exceptions import (
    LLMRingError,
    MalformedResponseError,
    ProviderBadRequestError,
    ProviderRateLimitError,
    ProviderServerError,
)

Recorded = Callable[[str], bytes]
ASKED = [Message(role="user", content="Hi")]
MODEL = ModelRef("openai", "gpt-5")
CALL = ChatCall(LLMRequest(ASKED, tools=[{"type": "custom", "name": "math_exp"}]), MODEL)


def message(*parts: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"type": "message", "id": "msg_1", "role": "assistant", "content": list(parts), **fields}


def text(said: str, **fields: Any) -> dict[str, Any]:
    return {"type": "output_text", "text": said, **fields}


def answer(*output: dict[str, Any], **fields: Any) -> LLMResponse:
    return decode(
        json.dumps({"id": "r", "status": "completed", "output": list(output), **fields}).encode(), CALL
    )


RECORDINGS: list[Any] = [
    pytest.param(
        "responses-a2f8cd5a277b",
        {
            "content": "I'm sorry, I can't assist with that.",
            "refusal": "I'm sorry, I can't assist with that.",
            "finish_reason": "content_filter",
            "provider_finish_reason": "completed",
            "provider_model": "gpt-4o-2024-08-06",
            "response_id": "resp_REDACTED_1",
            "native": None,
            "usage": {
                "prompt_tokens": 43,
                "completion_tokens": 11,
                "total_tokens": 54,
                "cache_read_input_tokens": 0,
                "cache_creation_input_tokens": 0,
                "reasoning_tokens": 0,
            },
        },
        id="refusal",
    ),
    pytest.param(
        "responses-d8c4a7fb3a77",
        {
            "content": "",
            "finish_reason": "tool_calls",
            "tool_calls": [tool_call("call_TMnrMVzeKwybZDgKqUngmqm8", "get_file", "{}")],
            "reasoning": None,
        },
        id="a call after encrypted reasoning",
    ),
    pytest.param(
        "responses-85d22c0cdb41",
        {
            "content": "",
            "finish_reason": "length",
            "provider_finish_reason": "max_output_tokens",
            # Reasoning without an answer after it would be refused in the next turn.
            "native": None,
        },
        id="nothing but reasoning before the limit",
    ),
    pytest.param(
        "responses-f311afc6a6dd",
        {"tool_calls": [tool_call("call_H8YsBUDPYjNHSq9fWOzwetxr", "math_exp", '{"input":"4 + 4"}')]},
        id="the call of a custom tool",
    ),
]


@pytest.mark.parametrize(("name", "expected"), RECORDINGS)
def test_a_recorded_answer_is_read(name: str, expected: dict[str, Any], recorded: Recorded) -> None:
    response = decode(recorded(name), CALL)
    assert response.model == "openai:gpt-5"
    assert {field: getattr(response, field) for field in expected} == expected


def test_a_summary_is_the_reasoning_and_its_item_travels_back(recorded: Recorded) -> None:
    response = decode(recorded("responses-ab4618480f8a"), CALL)
    assert response.content == "12:00"
    assert response.reasoning is not None
    assert response.reasoning.startswith("**Calculating travel duration**\n\nI need")
    assert (response.native or {})["replay"] == json.loads(recorded("responses-ab4618480f8a"))["output"]


def test_what_a_hosted_tool_did_is_kept_and_its_citations_are_told(recorded: Recorded) -> None:
    native = decode(recorded("responses-6109a1ad418f"), CALL).native or {}
    assert [item["type"] for item in native["replay"]] == ["file_search_call", "message"]
    assert native["annotations"][0]["filename"] == "tmp2zuepgia.txt"


FINISH = [
    ({"status": "completed"}, "stop", "completed"),
    ({"status": "complete"}, "stop", "complete"),
    ({"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}, "length", "max_output_tokens"),
    ({"status": "incomplete", "incomplete_details": {"reason": "max_tokens"}}, "length", "max_tokens"),
    ({"status": "incomplete", "incomplete_details": {"reason": "content_filter"}}, "content_filter", "content_filter"),
    ({"status": "incomplete", "incomplete_details": {"reason": "steered"}}, "other", "steered"),
    ({"status": "incomplete", "incomplete_details": None}, "other", "incomplete"),
    ({"status": "cancelled"}, "error", "cancelled"),
    ({"status": "queued", "output": []}, "other", "queued"),
    ({"status": None}, "stop", None),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "neutral", "word"), FINISH)
def test_every_end_has_a_neutral_word(fields: dict[str, Any], neutral: str, word: str | None) -> None:
    response = answer(message(text("A")), **fields)
    assert (response.finish_reason, response.provider_finish_reason) == (neutral, word)


@pytest.mark.parametrize("status", ["queued", "in_progress"])
def test_an_answer_that_runs_in_the_background_is_told(status: str) -> None:
    response = answer(status=status)
    assert (response.content, response.finish_reason) == ("", "other")
    assert response.warnings == [
        f"the answer is not finished: it is {status}; ask the provider for it by its response_id"
    ]
    assert answer(text("Hi")).warnings == []


def test_a_cut_answer_with_calls_stays_cut() -> None:
    call = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}
    details = {"reason": "max_output_tokens"}
    assert answer(call).finish_reason == "tool_calls"
    assert answer(call, status="incomplete", incomplete_details=details).finish_reason == "length"


def test_several_messages_are_one_text_and_a_refusal_follows() -> None:
    response = answer(message(text("A"), text("B")), message({"type": "refusal", "refusal": "No."}))
    assert (response.content, response.refusal) == ("ABNo.", "No.")


def test_open_reasoning_is_read_like_a_summary() -> None:
    item = {
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": "S"}],
        "content": [{"type": "reasoning_text", "text": "T"}],
    }
    assert answer(item, message(text("A"))).reasoning == "ST"


CALLS = [
    pytest.param({"call_id": "c", "id": "fc", "arguments": ""}, tool_call("c", "f", "{}"), id="no arguments"),
    pytest.param(
        {"call_id": None, "id": "fc", "arguments": {"a": 1}}, tool_call("fc", "f", '{"a":1}'), id="odd"
    ),
    pytest.param({}, tool_call("call_0", "f", "{}"), id="no id at all"),
]


@pytest.mark.parametrize(("fields", "expected"), CALLS)
def test_calls_have_the_neutral_form(fields: dict[str, Any], expected: Any) -> None:
    assert answer({"type": "function_call", "name": "f", **fields}).tool_calls == [expected]


SEARCH = {"type": "custom_tool_call", "call_id": "xs_call_1", "name": "x_keyword_search", "input": "{}"}
OFFERS: list[Any] = [
    pytest.param({}, False, id="nothing"),
    pytest.param({"tools": [{"type": "x_search"}]}, False, id="a tool that the host runs"),
    pytest.param({"tools": [{"type": "custom", "name": "c"}]}, True, id="a custom tool"),
    pytest.param({"tools": [{"type": "namespace", "tools": [{"type": "custom", "name": "c"}]}]}, True, id="one in a namespace"),
    pytest.param({"extra_params": {"tools": [{"type": "custom", "name": "c"}]}}, True, id="one in the extra parameters"),
    pytest.param({"extra_params": {"prompt": {"id": "pmpt_1"}}}, True, id="a stored prompt"),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "called"), OFFERS)
def test_a_custom_call_is_the_users_only_where_he_may_have_offered_one(
    asked: dict[str, Any], called: bool
) -> None:
    body = json.dumps({"status": "completed", "output": [SEARCH, message(text("A"))]}).encode()
    response = decode(body, ChatCall(LLMRequest(ASKED, **asked), MODEL))
    assert [made["id"] for made in response.tool_calls or ()] == (["xs_call_1"] if called else [])
    assert response.finish_reason == ("tool_calls" if called else "stop")
    assert (response.native or {})["replay"][0] == SEARCH


PLAIN = message(text("A", annotations=[], logprobs=[]), status="completed", phase=None)
REPLAYS: list[Any] = [
    pytest.param([PLAIN], False, id="plain text"),
    pytest.param([{**PLAIN, "phase": "commentary"}], True, id="a phase"),
    pytest.param(
        [{"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}], False, id="a call"
    ),
    pytest.param(
        [{"type": "function_call", "call_id": "c", "name": "f", "namespace": "n"}], True, id="a namespace"
    ),
    pytest.param([{"type": "compaction", "encrypted_content": "x"}], True, id="compaction"),
    pytest.param([{"type": "something_new"}], True, id="an item nobody knows"),
    pytest.param([], False, id="nothing"),
]


@pytest.mark.parametrize(("output", "travels"), REPLAYS)
def test_items_travel_back_only_where_they_say_more_than_the_message(
    output: list[dict[str, Any]], travels: bool
) -> None:
    assert (answer(*output).native or {}).get("replay") == (output if travels else None)


def test_what_is_said_beyond_the_neutral_form_is_kept() -> None:
    part = text("A", annotations=[{"type": "url_citation"}], logprobs=[{"token": "A"}])
    response = answer(
        message(part),
        service_tier="flex",
        moderation={"flagged": False},
        content_filters=[{"blocked": False}],
        tool_usage={"web_search": {"num_requests": 2}, "image_gen": {"total_tokens": 0}},
        input_transformations=[{"type": "reasoning", "action": "removed", "reason": "model_mismatch"}],
        prompt_cache_diagnostics={"type": "cache_miss", "reason": "tools_changed", "cache_missed_tokens": 7},
        conversation={"id": "conv_1"},
        access_programs={"cyber": "daybreak_blue"},
        usage={"input_tokens": 7, "num_server_side_tools_used": 1},
    )
    assert response.native == {
        "provider": "openai",
        "api": "responses",
        "annotations": [{"type": "url_citation"}],
        "logprobs": [{"token": "A"}],
        "moderation": {"flagged": False},
        "service_tier": "flex",
        "content_filters": [{"blocked": False}],
        "tool_usage": {"web_search": {"num_requests": 2}},
        "input_transformations": [{"type": "reasoning", "action": "removed", "reason": "model_mismatch"}],
        "prompt_cache_diagnostics": {
            "type": "cache_miss",
            "reason": "tools_changed",
            "cache_missed_tokens": 7,
        },
        "conversation": {"id": "conv_1"},
        "access_programs": {"cyber": "daybreak_blue"},
        "usage": {"num_server_side_tools_used": 1},
    }


def test_an_id_that_is_a_number_is_an_id_and_the_usual_access_is_not_told() -> None:
    response = answer(message(text("A")), id=5, access_programs={"cyber": "standard"})
    assert (response.response_id, response.native) == ("5", None)


def test_usage_has_the_neutral_keys() -> None:
    wire = {
        "input_tokens": 10,
        "output_tokens": 5,
        "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 3},
        "output_tokens_details": {"reasoning_tokens": 2},
    }
    assert answer(usage=wire).usage == {
        "prompt_tokens": 10,
        "completion_tokens": 5,
        "total_tokens": 15,
        "cache_read_input_tokens": 4,
        "cache_creation_input_tokens": 3,
        "reasoning_tokens": 2,
    }
    assert answer(usage=None).usage is None


FAILURES: list[Any] = [
    pytest.param({"status": "failed", "error": {"code": "server_error", "message": "Sorry"}}, ProviderServerError, id="ours"),
    pytest.param({"status": "failed", "error": {"code": "rate_limit_exceeded", "message": "Slow"}}, ProviderRateLimitError, id="limit"),
    pytest.param({"status": "failed", "error": {"code": "invalid_prompt", "message": "Bad"}}, ProviderBadRequestError, id="prompt"),
    pytest.param({"status": "failed", "error": {"code": "image_too_large", "message": "Big"}}, ProviderBadRequestError, id="image"),
    pytest.param({"status": "failed", "error": None}, ProviderServerError, id="no reason"),
    pytest.param({"error": {"message": "Busy", "code": 429}}, ProviderRateLimitError, id="another host"),
]  # fmt: skip


@pytest.mark.parametrize(("document", "kind"), FAILURES)
def test_a_failed_response_is_an_error(document: dict[str, Any], kind: type[Exception]) -> None:
    with pytest.raises(kind):
        decode(json.dumps(document).encode(), CALL)


MALFORMED = [
    b"",
    b"null",
    b"{}",
    b'{"output": 5}',
    b'{"status":"completed","output":["odd"]}',
    b'{"status":"completed","output":[{"type":"message","content":5}]}',
    b"\xff",
]


@pytest.mark.parametrize("body", MALFORMED)
def test_what_is_no_response_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedResponseError):
        decode(body, CALL)


@given(st.binary(max_size=60))
def test_random_bytes_raise_nothing_but_our_errors(body: bytes) -> None:
    with pytest.raises(LLMRingError):
        decode(body, CALL)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
_TYPES = st.sampled_from(["message", "reasoning", "function_call", "custom_tool_call", "new"])
_FIELDS = st.sampled_from(["content", "summary", "call_id", "name", "arguments", "input"])


@given(_TYPES | _JSON, st.dictionaries(_FIELDS, _JSON))
def test_items_of_any_shape_raise_nothing_but_our_errors(kind: Any, fields: dict[str, Any]) -> None:
    try:
        response = answer({"type": kind, **fields})
    except LLMRingError:
        return
    json.dumps([response.native, response.tool_calls])


@pytest.mark.parametrize(
    ("items", "made"),
    [
        ([{"type": "shell_call", "call_id": "c", "action": {"commands": ["ls"]}}], [("c", "shell", '{"commands":["ls"]}')]),
        ([{"type": "shell_call", "call_id": "c"}, {"type": "shell_call_output", "call_id": "c"}], None),
        ([{"type": "local_shell_call", "id": "i", "call_id": "c", "action": {"command": ["ls"]}}], [("c", "local_shell", '{"command":["ls"]}')]),
        ([{"type": "apply_patch_call", "call_id": "c", "operation": {"type": "delete_file", "path": "a"}}], [("c", "apply_patch", '{"type":"delete_file","path":"a"}')]),
        ([{"type": "mcp_approval_request", "id": "a", "name": "f", "arguments": "{}", "server_label": "s"}], [("a", "mcp_approval_request", '{"name":"f","arguments":"{}","server_label":"s"}')]),
        ([{"type": "tool_search_call", "call_id": "c", "execution": "client", "arguments": {"queries": ["x"]}}], [("c", "tool_search", '{"queries":["x"]}')]),
        ([{"type": "tool_search_call", "execution": "server"}], None),
        ([{"type": "computer_call", "call_id": "c", "action": {"type": "wait"}, "pending_safety_checks": []}], [("c", "computer", '{"action":{"type":"wait"},"pending_safety_checks":[]}')]),
    ],
)  # fmt: skip
def test_a_call_of_openais_own_tools_that_nobody_ran_is_a_tool_call(
    items: list[dict[str, Any]], made: list[tuple[str, str, str]] | None
) -> None:
    call = ChatCall(LLMRequest([Message(role="user", content="x")]), ModelRef("openai", "m"))
    response = decode(json.dumps({"status": "completed", "output": items}).encode(), call)
    calls = [
        (each["id"], each["function"]["name"], each["function"]["arguments"])
        for each in response.tool_calls or ()
    ]
    assert calls == (made or [])
    assert response.finish_reason == ("tool_calls" if made else "stop")
    assert response.native is not None
    assert response.native["replay"] == items
