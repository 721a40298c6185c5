"""Error answers become typed exceptions, whatever their body is."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llmring_providers import ChatCall
from llmring_providers.anthropic import AnthropicAdapter
from llmring_providers.anthropic.errors import reported_error
from llmring_types import LLMRequest, Message, ModelRef
from llmring_types.exceptions import (
    LLMRingError,
    ModelNotFoundError,
    ProviderAuthenticationError,
    ProviderBadRequestError,
    ProviderError,
    ProviderOverloadedError,
    ProviderPermissionError,
    ProviderQuotaError,
    ProviderRateLimitError,
    ProviderRequestTooLargeError,
    ProviderServerError,
    ProviderUnsupportedRequestError,
)

CALL = ChatCall(LLMRequest(messages=[Message(role="user", content="hi")]), ModelRef("anthropic", "claude-x"))


def error(status: int, body: bytes, headers: Mapping[str, str] | None = None) -> LLMRingError:
    return AnthropicAdapter().error(status, headers or {}, body, CALL)


def said(kind: str, message: str = "why", **more: Any) -> bytes:
    return json.dumps({"type": "error", "error": {"type": kind, "message": message}, **more}).encode()


def limited(reason: str, kind: str = "rate_limit_error") -> bytes:
    """An error whose details say more than its type."""
    return json.dumps({"error": {"type": kind, "message": "why", "details": {"error_code": reason}}}).encode()


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, said("invalid_request_error"), ProviderBadRequestError),
        (400, said("invalid_request_error", "prompt is too long: 201000 tokens > 200000 maximum"), ProviderRequestTooLargeError),
        (400, said("invalid_request_error", "input length and `max_tokens` exceed context limit: 1 + 2 > 2"), ProviderRequestTooLargeError),
        (400, b'{"message":"Input is too long for requested model."}', ProviderRequestTooLargeError),
        (401, said("authentication_error"), ProviderAuthenticationError),
        (400, said("invalid_request_error", "Your credit balance is too low to access the Anthropic API."), ProviderQuotaError),
        (402, said("billing_error"), ProviderQuotaError),
        (403, said("permission_error"), ProviderPermissionError),
        (404, said("not_found_error"), ModelNotFoundError),
        (404, said("invalid_request_error"), ModelNotFoundError),
        (409, said("conflict_error"), ProviderServerError),
        (413, said("request_too_large"), ProviderRequestTooLargeError),
        (413, b'{"error":{"type":"request_too_large","message":"Request exceeds the maximum size"}}', ProviderRequestTooLargeError),
        (429, said("rate_limit_error"), ProviderRateLimitError),
        (500, said("api_error"), ProviderServerError),
        (500, said("overloaded_error"), ProviderOverloadedError),
        (503, b"<html>busy</html>", ProviderOverloadedError),
        (504, said("timeout_error"), ProviderServerError),
        (529, said("overloaded_error"), ProviderOverloadedError),
        (529, b"", ProviderOverloadedError),
        (429, b'"slow down"', ProviderRateLimitError),
        (400, b'{"detail": "another shape"}', ProviderBadRequestError),
        (500, b'{"error": null}', ProviderServerError),
        (429, limited("contract_spend_limit_reached"), ProviderQuotaError),
        (429, limited("enforced_spend_limit_reached"), ProviderQuotaError),
        (429, limited("ramp_limit_exceeded"), ProviderRateLimitError),
        (400, limited("organization_on_hold", kind="invalid_request_error"), ProviderPermissionError),
        (404, b'[{"error": {"code": 404, "message": "no such publisher model", "status": "NOT_FOUND"}}]', ModelNotFoundError),
    ],
)  # fmt: skip
def test_status_and_type_tell_the_exception(status: int, body: bytes, kind: type[LLMRingError]) -> None:
    built = error(status, body)
    assert type(built) is kind
    assert isinstance(built, ProviderError)
    assert (built.status_code, built.provider, built.model) == (status, "anthropic", "claude-x")
    assert built.message


@pytest.mark.parametrize(
    ("ending", "kind", "code"),
    [
        ("3ae57786aeb4", ProviderUnsupportedRequestError, "invalid_request_error"),
        ("1516f6b85a41", ModelNotFoundError, "not_found_error"),
        ("e629c1b0a650", ProviderAuthenticationError, "authentication_error"),
    ],
)
def test_a_recorded_error_has_its_type(
    ending: str, kind: type[LLMRingError], code: str, recording: Callable[[str], dict[str, Any]]
) -> None:
    reply = recording(ending)["response"]
    built = error(reply["status"], reply["body_text"].encode(), reply["headers"])
    assert type(built) is kind
    assert isinstance(built, ProviderError)
    assert built.code == code
    assert built.request_id == json.loads(reply["body_text"]).get(
        "request_id", reply["headers"].get("request-id")
    )
    assert json.loads(reply["body_text"])["error"]["message"] in built.message


def test_the_wait_comes_from_the_header() -> None:
    built = error(429, said("rate_limit_error"), {"retry-after": "7"})
    assert isinstance(built, ProviderRateLimitError)
    assert built.retry_after == 7
    overloaded = error(529, said("overloaded_error"), {"retry-after": "3"})
    assert isinstance(overloaded, ProviderOverloadedError)
    assert overloaded.retry_after == 3


def test_vertex_ai_tells_its_status_and_wait_in_google_s_form() -> None:
    said = {
        "code": 429,
        "message": "Quota exceeded",
        "status": "RESOURCE_EXHAUSTED",
        "details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "7s"}],
    }
    for built in (error(429, json.dumps([{"error": said}]).encode()), reported_error(said, CALL)):
        assert isinstance(built, ProviderRateLimitError)
        assert (built.message, built.retry_after, built.details) == ("Quota exceeded", 7.0, {})


def test_the_request_id_of_the_body_serves_where_the_header_is_lost() -> None:
    first = error(529, said("overloaded_error", request_id="req_body"))
    both = error(529, said("overloaded_error", request_id="req_body"), {"request-id": "req_header"})
    assert isinstance(first, ProviderError)
    assert isinstance(both, ProviderError)
    assert (first.request_id, both.request_id) == ("req_body", "req_header")


def test_a_gateway_s_own_words_are_told() -> None:
    assert error(400, b'{"detail": "no such route"}').message == "no such route"
    assert error(502, b"<html>Bad  <b>Gateway</b></html>").message == "Bad Gateway"
    assert error(500, b"").message == "HTTP status 500"


def test_details_are_kept() -> None:
    details = {"error_code": "image_dimensions_too_large", "paths": ["messages.0"]}
    body = {"type": "error", "error": {"type": "invalid_request_error", "message": "m", "details": details}}
    assert error(400, json.dumps(body).encode()).details == details


@given(st.integers(300, 599), st.binary(max_size=40) | st.recursive(
    st.none() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["error", "type", "code", "message", "details", "request_id"]), inner, max_size=4),
).map(lambda value: json.dumps(value).encode()))  # fmt: skip
def test_any_bytes_are_an_error_of_ours(status: int, body: bytes) -> None:
    assert isinstance(error(status, body), ProviderError)
