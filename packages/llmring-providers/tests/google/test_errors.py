"""Error answers by status and body."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llmring_providers import ChatCall
from llmring_providers.google.errors import body_error, error
from llmring_types import LLMRequest, Message, ModelRef
from llmring_types.exceptions import (
    LLMRingError,
    ModelNotFoundError,
    ProviderAuthenticationError,
    ProviderBadRequestError,
    ProviderError,
    ProviderOverloadedError,
    ProviderPermissionError,
    ProviderRateLimitError,
    ProviderRequestTooLargeError,
    ProviderServerError,
)


def said(code: int, status: str, message: str = "x", *details: Any) -> bytes:
    return json.dumps(
        {"error": {"code": code, "message": message, "status": status, "details": list(details)}}
    ).encode()


EXPIRED = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
TOO_MANY = "The input token count (1300000) exceeds the maximum number of tokens allowed (1048576)."
TOO_BIG = "Request payload size exceeds the limit: 20971520 bytes."

ROWS: list[Any] = [
    (400, said(400, "INVALID_ARGUMENT"), ProviderBadRequestError, "INVALID_ARGUMENT"),
    (400, said(400, "FAILED_PRECONDITION"), ProviderBadRequestError, "FAILED_PRECONDITION"),
    (400, said(400, "INVALID_ARGUMENT", "API key expired.", EXPIRED), ProviderAuthenticationError, "API_KEY_INVALID"),
    (400, said(400, "INVALID_ARGUMENT", TOO_MANY), ProviderRequestTooLargeError, "INVALID_ARGUMENT"),
    (400, said(400, "INVALID_ARGUMENT", TOO_BIG), ProviderRequestTooLargeError, "INVALID_ARGUMENT"),
    (401, said(401, "UNAUTHENTICATED"), ProviderAuthenticationError, "UNAUTHENTICATED"),
    (403, said(403, "PERMISSION_DENIED"), ProviderPermissionError, "PERMISSION_DENIED"),
    (404, said(404, "NOT_FOUND"), ModelNotFoundError, "NOT_FOUND"),
    (409, said(409, "ABORTED"), ProviderServerError, "ABORTED"),
    (413, b"<html>too large</html>", ProviderRequestTooLargeError, None),
    (404, b"<!DOCTYPE html><title>Error 404 (Not Found)!!1</title>", ModelNotFoundError, None),
    (429, said(429, "RESOURCE_EXHAUSTED"), ProviderRateLimitError, "RESOURCE_EXHAUSTED"),
    (499, said(499, "CANCELLED"), ProviderServerError, "CANCELLED"),
    (500, said(500, "INTERNAL"), ProviderServerError, "INTERNAL"),
    (502, b"", ProviderServerError, None),
    (503, said(503, "UNAVAILABLE"), ProviderOverloadedError, "UNAVAILABLE"),
    (504, said(504, "DEADLINE_EXCEEDED"), ProviderServerError, "DEADLINE_EXCEEDED"),
    (404, b'{"error": "no such route"}', ModelNotFoundError, None),
    (500, b"[]", ProviderServerError, None),
    (400, said(400, "INVALID_ARGUMENT", "x", "not an object", {"reason": 7}), ProviderBadRequestError, "INVALID_ARGUMENT"),
]  # fmt: skip


@pytest.mark.parametrize(("status", "body", "kind", "code"), ROWS)
def test_an_error_answer_is_typed(
    status: int, body: bytes, kind: type[LLMRingError], code: str | None, call: ChatCall
) -> None:
    found = error(status, {}, body, call)
    assert type(found) is kind
    assert isinstance(found, ProviderError)
    assert (found.status_code, found.provider, found.model) == (status, "google", "gemini-2.5-flash")
    assert found.code == code


def test_a_recorded_wrong_key_is_an_authentication_error_with_status_400(
    recorded: Callable[[str], bytes], call: ChatCall
) -> None:
    found = error(400, {}, recorded("673a4a93f1b1"), call)
    assert isinstance(found, ProviderAuthenticationError)
    assert not isinstance(found, ProviderPermissionError)
    assert str(found) == "[google] the key was refused: API key not valid. Please pass a valid API key."


def test_a_recorded_quota_says_what_and_how_long(recorded: Callable[[str], bytes], call: ChatCall) -> None:
    found = error(429, {}, recorded("4cb227f33cdb"), call)
    assert isinstance(found, ProviderRateLimitError)
    assert found.retry_after == 48.0
    (violation,) = found.details["violations"]
    assert violation["quotaId"] == "GenerateContentPaidTierInputTokensPerModelPerMinute"


def test_a_recorded_error_in_a_list_is_read(recorded: Callable[[str], bytes], call: ChatCall) -> None:
    found = error(429, {"retry-after": "3"}, recorded("vertex-429-list"), call)
    assert isinstance(found, ProviderRateLimitError)
    assert (found.retry_after, found.code) == (3.0, "RESOURCE_EXHAUSTED")
    assert found.message.startswith("Resource exhausted. Please try again later.")


@pytest.mark.parametrize(
    ("delay", "seconds"),
    [
        ("48s", 48.0),
        ("0.5s", 0.5),
        ({"seconds": 7, "nanos": 500000000}, 7.5),
        ({"seconds": "9"}, 9.0),
        ("soon", None),
        ("-1s", None),
        ({"seconds": None, "nanos": -1}, None),
    ],
)
def test_the_wait_of_a_retry_info_is_read(delay: Any, seconds: float | None, call: ChatCall) -> None:
    detail = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}
    found = error(429, {}, said(429, "RESOURCE_EXHAUSTED", "x", detail), call)
    assert isinstance(found, ProviderRateLimitError)
    assert found.retry_after == seconds


def test_the_wait_may_stand_only_in_the_text(call: ChatCall) -> None:
    found = error(429, {}, said(429, "RESOURCE_EXHAUSTED", "Please retry in 1m2.5s."), call)
    assert isinstance(found, ProviderRateLimitError)
    assert found.retry_after == 62.5


@pytest.mark.parametrize(
    ("event", "kind", "words"),
    [
        ({"code": 503, "message": "busy", "status": "UNAVAILABLE"}, ProviderOverloadedError, "busy"),
        ({"message": "gone", "status": "NOT_FOUND"}, ModelNotFoundError, "gone"),
        ({"code": 14, "status": "UNAVAILABLE"}, ProviderOverloadedError, "reported an error"),
        ({"message": "?", "status": "NEVER_HEARD_OF"}, ProviderServerError, "?"),
        ("boom", ProviderServerError, "boom"),
    ],
)
def test_an_error_within_an_answer_is_typed(
    event: Any, kind: type[LLMRingError], words: str, call: ChatCall
) -> None:
    found = body_error(event, call)
    assert type(found) is kind
    assert words in str(found)
    assert isinstance(found, ProviderError)
    assert found.status_code is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner)
    | st.dictionaries(
        st.sampled_from(["error", "code", "message", "status", "details", "retryDelay", "violations", "seconds", "nanos"]),
        inner,
    ),
    max_leaves=10,
)  # fmt: skip


@given(st.integers(100, 599), st.binary() | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_answer_gives_one_of_our_errors(status: int, body: bytes) -> None:
    call = ChatCall(LLMRequest([Message(role="user", content="Hi")]), ModelRef("google", "m"))
    found = error(status, {}, body, call)
    assert isinstance(found, LLMRingError)
    assert str(found)
