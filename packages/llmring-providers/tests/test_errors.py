"""From statuses, headers and texts to exceptions, for all providers."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llmring_providers import ChatCall
from llmring_providers._errors import (
    RpcDetails,
    build,
    error_type,
    header_wait,
    message_wait,
    plain_text,
    read_details,
)
from llmring_types import LLMRequest, Message, ModelRef
from llmring_types.exceptions import (
    LLMRingError,
    ModelNotFoundError,
    ProviderAuthenticationError,
    ProviderBadRequestError,
    ProviderOverloadedError,
    ProviderPermissionError,
    ProviderQuotaError,
    ProviderRateLimitError,
    ProviderRequestTooLargeError,
    ProviderResponseError,
    ProviderServerError,
    ProviderTimeoutError,
    ProviderUnsupportedRequestError,
)

CALL = ChatCall(LLMRequest([Message(role="user", content="Hi")]), ModelRef("acme", "m"))

STATUSES: list[tuple[int, type[LLMRingError]]] = [
    (301, ProviderResponseError),
    (400, ProviderBadRequestError),
    (401, ProviderAuthenticationError),
    (402, ProviderQuotaError),
    (403, ProviderPermissionError),
    (404, ModelNotFoundError),
    (408, ProviderTimeoutError),
    (409, ProviderServerError),
    (413, ProviderRequestTooLargeError),
    (422, ProviderBadRequestError),
    (425, ProviderServerError),
    (499, ProviderServerError),
    (429, ProviderRateLimitError),
    (500, ProviderServerError),
    (502, ProviderServerError),
    (503, ProviderOverloadedError),
    (529, ProviderOverloadedError),
    (599, ProviderServerError),
]


@pytest.mark.parametrize(("status", "kind"), STATUSES)
def test_what_a_status_alone_stands_for(status: int, kind: type[LLMRingError]) -> None:
    assert error_type(status) is kind


UNSUPPORTED = [
    (
        "unsupported_value",
        "Unsupported value: 'messages[0].role' does not support 'developer' with this model.",
    ),
    ("unsupported_file", "The file type you uploaded is not one we take."),
    (
        "invalid_json_schema",
        "In context=(), 'additionalProperties' is required to be supplied and to be false.",
    ),
    (None, "Web search options not supported with this model."),
    (None, "This model does not support effort level 'xhigh'. Supported levels: high, low, max, medium."),
    (None, "tools.0.custom.input_schema.type: Field required"),
    (None, "Too many strict tools (21). The maximum number of strict tools supported is 20."),
    (None, "Invalid JSON payload received. Unknown name \"const\" at 'tools[0]': Cannot find field."),
    (None, "registry.ollama.ai/library/gemma:2b does not support tools"),
    # https://github.com/getsentry/sentry-mcp/issues/106
    ("string_above_max_length", "Invalid 'tools[13].function.description'."),
    (None, "Invalid 'tools': array too long. Expected an array with maximum length 128, but got one of 163."),
    (None, "This model is compatible only with 24h extended prompt caching"),
    ("integer_below_min_value", "Invalid 'max_output_tokens'."),
    (
        None,
        "max_tokens: 200000 > 64000, which is the maximum allowed number of output tokens for claude-sonnet-4-5",
    ),
    (None, "max_tokens is too large: 200000. This model supports at most 16384 completion tokens."),
    (
        None,
        "messages.0.content.1.image.source.base64: image exceeds 5 MB maximum: 6221224 bytes > 5242880 bytes",
    ),
    (None, "A maximum of 100 PDF pages may be provided."),
    # https://github.com/PublicAffairs/openai-gemini/issues/63
    (None, "Penalty is not enabled for models/gemini-2.5-flash-preview-05-20"),
    (None, "it has a maxOutputTokens value of 99999 but the supported range is from 1 (inclusive) to 65537"),
]


@pytest.mark.parametrize(("code", "message"), UNSUPPORTED)
def test_a_rejection_of_something_unsupported_lets_the_next_member_answer(
    code: str | None, message: str
) -> None:
    error = build(ProviderBadRequestError, message, CALL, status=400, code=code)
    assert type(error) is ProviderUnsupportedRequestError
    assert error.fails_over
    assert not error.retryable


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("invalid_value", "Invalid 'messages[3]'."),
        (None, "messages: at least one message is required"),
        ("previous_response_not_found", "Previous response with id 'resp_1' not found."),
    ],
)
def test_other_rejections_end_the_call(code: str | None, message: str) -> None:
    error = build(ProviderBadRequestError, message, CALL, status=400, code=code)
    assert type(error) is ProviderBadRequestError
    assert not error.fails_over


TEXTS = [
    ("Please try again in 6.596s. Visit us.", 6.596),
    ("try again in 174ms", 0.174),
    ("Please try again in 1m30.5s.", 90.5),
    ("Please try again in 2h5m.", 7500.0),
    ("Please retry in 1d 2h.", 93600.0),
    ("Please retry after 26 seconds.", 26.0),
    ("Retry after 1 minute, 5 seconds", 65.0),
    ("Retry after 1500 milliseconds", 1.5),
    ("Please retry in 47.3826s.", 47.3826),
    ("try again in a while", None),
    ("try again in 5 metres", None),
    ("retry in 3 attempts", None),
    ("5s", None),
    ("", None),
    (f"try again in {'9' * 400}s", None),
]


@pytest.mark.parametrize(("text", "seconds"), TEXTS)
def test_the_wait_that_is_written_in_a_text(text: str, seconds: float | None) -> None:
    assert message_wait(text) == (None if seconds is None else pytest.approx(seconds))


HEADERS = [
    ({}, None),
    ({"retry-after": "7"}, 7.0),
    ({"retry-after": "0"}, 0.0),
    ({"retry-after": "1.5"}, 1.5),
    ({"retry-after-ms": "250"}, 0.25),
    ({"retry-after-ms": "odd", "retry-after": "3"}, 3.0),
    ({"retry-after": "-1"}, None),
    ({"retry-after": "nan"}, None),
    ({"retry-after": "inf"}, None),
    ({"retry-after": "soon"}, None),
    ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
    ({"retry-after": "Wed, 21 Oct 2015 07:28:00 -0000"}, 0.0),
    ({"retry-after": "Wed, 99 Oct 2015 07:28:00 GMT"}, None),
]


@pytest.mark.parametrize(("headers", "seconds"), HEADERS)
def test_the_wait_that_is_written_in_headers(headers: dict[str, str], seconds: float | None) -> None:
    assert header_wait(headers) == seconds


def test_a_wait_may_be_a_date() -> None:
    moment = datetime.now(UTC) + timedelta(seconds=60)
    wait = header_wait({"retry-after": format_datetime(moment, usegmt=True)})
    assert wait is not None
    assert 50 < wait <= 60


def test_a_rate_limit_looks_for_its_wait_in_headers_before_the_text() -> None:
    found = build(ProviderRateLimitError, "try again in 9s", CALL, headers={"retry-after": "2"})
    assert isinstance(found, ProviderRateLimitError)
    assert found.retry_after == 2
    told = build(ProviderRateLimitError, "try again in 9s", CALL, retry_after=1)
    assert isinstance(told, ProviderRateLimitError)
    assert told.retry_after == 1


def test_an_overloaded_provider_may_say_when_to_come_back() -> None:
    found = build(ProviderOverloadedError, "busy, try again in 9s", CALL, headers={"retry-after": "2"})
    assert isinstance(found, ProviderOverloadedError)
    assert found.retry_after == 2


MESSAGES: list[tuple[type[LLMRingError], str]] = [
    (ProviderBadRequestError, "[acme] it says so"),
    (ModelNotFoundError, "[acme] model 'm' is not available: it says so"),
    (ProviderPermissionError, "[acme] the key may not do this: it says so"),
    (ProviderAuthenticationError, "[acme] the key was refused: it says so"),
    (ProviderQuotaError, "[acme] the account's quota is used up: it says so"),
]


@pytest.mark.parametrize(("kind", "text"), MESSAGES)
def test_the_message_says_what_happened(kind: type[LLMRingError], text: str) -> None:
    assert str(build(kind, "it  says\n so", CALL)) == text


def test_a_long_message_is_shortened() -> None:
    assert len(str(build(ProviderBadRequestError, "x" * 10_000, CALL))) < 2100


PAGES = [
    (b"busy\n", "busy"),
    (b"<html><head><TITLE>503 Busy</TITLE>", "503 Busy"),
    (b"<html>", ""),
    (b"<html><style>b {}</style><b>Bad</b> gateway</html>", "Bad  gateway"),
    (b"\xff", "\N{REPLACEMENT CHARACTER}"),
    (b"", ""),
]


@pytest.mark.parametrize(("body", "text"), PAGES)
def test_a_body_that_is_no_json_is_shown_as_text(body: bytes, text: str) -> None:
    assert plain_text(body) == text


@given(st.text())
def test_no_text_upsets_the_search_for_a_wait(text: str) -> None:
    wait = message_wait(text)
    assert wait is None or wait >= 0
    header_wait({"retry-after": text, "retry-after-ms": text})


DETAILS = [
    pytest.param([{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}],
                 RpcDetails(reason="API_KEY_INVALID"), id="reason"),
    pytest.param([{"retryDelay": "48.9s"}], RpcDetails(wait=48.9), id="wait"),
    pytest.param([{"retryDelay": {"seconds": 3, "nanos": 500000000}}], RpcDetails(wait=3.5), id="wait as an object"),
    pytest.param([{"violations": [1]}, {"fieldViolations": [2]}], RpcDetails(violations=(1, 2)), id="violations"),
    pytest.param([{"reason": ""}, 5, {"retryDelay": "soon"}, {"violations": "all"}], RpcDetails(), id="odd"),
    pytest.param({"reason": "of another form"}, RpcDetails(), id="no list"),
    pytest.param(None, RpcDetails(), id="nothing"),
]  # fmt: skip


@pytest.mark.parametrize(("details", "read"), DETAILS)
def test_details_tell_reason_wait_and_violations(details: Any, read: RpcDetails) -> None:
    assert read_details(details) == read
