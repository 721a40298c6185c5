"""Error answers of OpenAI and of the hosts that copy its protocol."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llmring_providers import ChatCall
from llmring_providers.openai.errors import body_error, error
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
    ProviderTimeoutError,
)

CALL = ChatCall(LLMRequest([Message(role="user", content="Hi")]), ModelRef("openai", "gpt-4o"))


def translated(status: int, body: Any, headers: dict[str, str] | None = None) -> Any:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return error(status, headers or {}, raw, CALL)


ANSWERS: list[Any] = [
    pytest.param(404, {"error": {"message": "No such model", "code": "model_not_found"}}, ModelNotFoundError, "model_not_found", id="model"),
    pytest.param(400, {"error": {"message": "No such model", "code": "model_not_found"}}, ModelNotFoundError, "model_not_found", id="model with 400"),
    pytest.param(403, {"error": {"message": "No access", "code": "model_not_found"}}, ModelNotFoundError, "model_not_found", id="model with 403"),
    pytest.param(404, {"error": {"code": "DeploymentNotFound", "message": "Not there"}}, ModelNotFoundError, "DeploymentNotFound", id="Azure deployment"),
    pytest.param(400, {"error": {"message": "Too long", "code": "context_length_exceeded"}}, ProviderRequestTooLargeError, "context_length_exceeded", id="context window"),
    pytest.param(400, {"error": {"message": "Too long", "code": 400, "type": "exceed_context_size_error"}}, ProviderRequestTooLargeError, "exceed_context_size_error", id="llama.cpp's context window"),
    pytest.param(400, {"object": "error", "message": "This model's maximum context length is 4096 tokens.", "type": "BadRequestError", "code": 400}, ProviderRequestTooLargeError, "BadRequestError", id="vLLM's context window"),
    pytest.param(400, {"code": "invalid argument", "error": "This model's maximum prompt length is 131072 but the request contains 537812 tokens."},
                 ProviderRequestTooLargeError, "invalid argument", id="xAI's context window"),
    *(
        pytest.param(400, {"error": {"message": said}}, ProviderRequestTooLargeError, None, id=said)
        for said in [
            "prompt is too long: 213462 tokens > 200000 maximum",
            "Input is too long for requested model.",
            "The input (265330 tokens) is longer than the model's context length (262144 tokens).",
            "tokens to keep from the initial prompt is greater than the context length",
            "Your input exceeds the context window of this model.",
            "the request exceeds the available context size, try increasing it",
            "invalid params, context window exceeds limit",
            "Invalid request: Your request exceeded model token limit: 8192",
            "Please reduce the length of the messages or completion.",
            "The input token count (1196265) exceeds the maximum number of tokens allowed (1048575).",
            "prompt token count of 130000 exceeds the limit of 128000",
        ]
    ),
    pytest.param(400, {"error": {"message": "max_tokens must be less than the context length"}}, ProviderBadRequestError, None, id="another limit"),
    pytest.param(400, {"object": "error", "message": "Invalid model: x", "type": "invalid_model", "code": "1500"}, ModelNotFoundError, "1500", id="Mistral's model"),
    pytest.param(400, {"error": {"message": "No more", "type": "invalid_request_error", "code": "model_decommissioned"}}, ModelNotFoundError, "model_decommissioned", id="Groq's model"),
    pytest.param(400, [{"error": {"code": 400, "message": "No key", "status": "INVALID_ARGUMENT", "details": [{"reason": "API_KEY_INVALID"}]}}], ProviderAuthenticationError, "API_KEY_INVALID", id="Gemini's key"),
    pytest.param(413, {"error": {"message": "Too large", "code": "rate_limit_exceeded"}}, ProviderRequestTooLargeError, "rate_limit_exceeded", id="Groq's size limit"),
    pytest.param(429, {"error": {"message": "Pay", "type": "insufficient_quota", "code": "insufficient_quota"}}, ProviderQuotaError, "insufficient_quota", id="quota"),
    pytest.param(402, {"error": {"message": "Insufficient credits", "code": 402}}, ProviderQuotaError, None, id="credit"),
    pytest.param(429, {"error": {"message": "Slow", "type": "tokens", "code": "rate_limit_exceeded"}}, ProviderRateLimitError, "rate_limit_exceeded", id="rate limit"),
    pytest.param(429, {"error": {"code": "RateLimitReached", "message": "Slow"}}, ProviderRateLimitError, "RateLimitReached", id="Azure rate limit"),
    pytest.param(401, {"error": {"message": "Wrong key", "code": "invalid_api_key"}}, ProviderAuthenticationError, "invalid_api_key", id="key"),
    pytest.param(401, {"error": {"code": "401", "message": "Access denied"}}, ProviderAuthenticationError, "401", id="Azure key"),
    pytest.param(403, {"error": {"message": "Not here", "code": "unsupported_country_region_territory"}}, ProviderPermissionError, "unsupported_country_region_territory", id="permission"),
    pytest.param(400, {"error": {"message": "Bad", "type": "invalid_request_error", "code": None}}, ProviderBadRequestError, "invalid_request_error", id="bad request"),
    pytest.param(422, {"detail": [{"loc": ["body"], "msg": "missing"}]}, ProviderBadRequestError, None, id="FastAPI"),
    pytest.param(400, {"object": "error", "message": "Bad", "type": "BadRequestError", "code": 400}, ProviderBadRequestError, "BadRequestError", id="vLLM"),
    pytest.param(503, {"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}}, ProviderOverloadedError, "unavailable_error", id="llama.cpp is loading"),
    pytest.param(404, {"error": "model 'x' not found"}, ModelNotFoundError, None, id="an error that is a text"),
    pytest.param(500, [{"error": {"message": "Sorry"}}], ProviderServerError, None, id="in a list"),
    pytest.param(408, {}, ProviderTimeoutError, None, id="time out"),
    pytest.param(502, b"<html><head><title>502 Bad Gateway</title></head></html>", ProviderServerError, None, id="a proxy"),
    pytest.param(520, b"", ProviderServerError, None, id="no body"),
    pytest.param(500, b"\xff\xfe", ProviderServerError, None, id="no text"),
    pytest.param(500, b"[" * 5000, ProviderServerError, None, id="nonsense"),
]  # fmt: skip


@pytest.mark.parametrize(("status", "body", "kind", "code"), ANSWERS)
def test_status_and_code_give_the_type(
    status: int, body: Any, kind: type[ProviderError], code: str | None
) -> None:
    found = translated(status, body, {"x-request-id": "req_1"})
    assert type(found) is kind
    assert (found.status_code, found.code, found.request_id) == (status, code, "req_1")
    assert (found.provider, found.model) == ("openai", "gpt-4o")


TEXTS: list[Any] = [
    pytest.param(400, {"error": {"message": "Bad"}}, "[openai] Bad", id="message"),
    pytest.param(404, {"error": {"message": "Gone"}}, "[openai] model 'gpt-4o' is not available: Gone", id="model"),
    pytest.param(502, b"<html><title>Bad\n Gateway</title></html>", "[openai] Bad Gateway", id="title"),
    pytest.param(502, b"<html>", "[openai] HTTP status 502", id="page without a title"),
    pytest.param(502, b"<html><style>p {}</style><p>Try <b>later</b></p></html>", "[openai] Try later", id="page that says more"),
    pytest.param(500, b"", "[openai] HTTP status 500", id="nothing"),
    pytest.param(400, {"errors": [{"message": "odd"}]}, '[openai] {"errors": [{"message": "odd"}]}', id="of its own shape"),
    pytest.param(500, b"upstream connect error", "[openai] upstream connect error", id="text"),
    pytest.param(422, {"detail": [{"msg": "missing"}]}, '[openai] [{"msg":"missing"}]', id="detail"),
    pytest.param(400, {"error": {"code": 400, "message": "Provider returned error", "metadata": {"raw": "too hot"}}},
                 "[openai] Provider returned error: too hot", id="OpenRouter"),
]  # fmt: skip


@pytest.mark.parametrize(("status", "body", "expected"), TEXTS)
def test_the_message_says_what_the_host_said(status: int, body: Any, expected: str) -> None:
    assert str(translated(status, body)) == expected


WAITS = [
    pytest.param({"retry-after": "7"}, "Slow", 7.0, id="header"),
    pytest.param({"retry-after-ms": "1500", "retry-after": "7"}, "Slow", 1.5, id="milliseconds"),
    pytest.param({}, "Please try again in 6.596s. Visit us.", 6.596, id="seconds in the text"),
    pytest.param({}, "Please try again in 174ms.", 0.174, id="milliseconds in the text"),
    pytest.param({}, "Please retry after 26 seconds.", 26.0, id="Azure"),
    pytest.param({}, "Slow down.", None, id="nothing"),
]


@pytest.mark.parametrize(("headers", "text", "wait"), WAITS)
def test_the_wait_comes_from_header_or_text(headers: dict[str, str], text: str, wait: float | None) -> None:
    found = translated(429, {"error": {"message": text, "code": "rate_limit_exceeded"}}, headers)
    assert found.retry_after == (None if wait is None else pytest.approx(wait))


def test_gemini_tells_its_wait_in_the_details() -> None:
    said = {"error": {"code": 429, "message": "Quota", "details": [{"retryDelay": "48.9s"}]}}
    assert translated(429, [said]).retry_after == 48.9


def test_a_used_up_quota_is_not_retried_but_fails_over() -> None:
    found = translated(429, {"error": {"message": "Pay", "code": "insufficient_quota"}})
    assert (found.retryable, found.fails_over) == (False, True)
    assert isinstance(found, ProviderRateLimitError)


def test_what_azure_filtered_is_told() -> None:
    result = {"hate": {"filtered": True, "severity": "high"}}
    body = {
        "error": {
            "message": "The response was filtered",
            "code": "content_filter",
            "status": 400,
            "innererror": {"code": "ResponsibleAIPolicyViolation", "content_filter_result": result},
        }
    }
    found = translated(400, body)
    assert type(found) is ProviderBadRequestError
    assert (found.code, found.details) == ("content_filter", {"content_filter_result": result})


def test_what_is_to_blame_is_told() -> None:
    said = {
        "message": "No.",
        "code": "misalignment_policy_violation",
        "param": "tools[0]",
        "misalignment": {"error_type": "other"},
    }
    about: dict[str, Any] = {"param": "tools[0]", "misalignment": {"error_type": "other"}}
    assert translated(400, {"error": said}).details == about
    assert body_error(said, CALL).details == about
    flagged = {"reasons": ["violence"], "provider_name": "OpenAI"}
    rejected = {"error": {"code": 403, "message": "Flagged", "metadata": {**flagged, "raw": "sk-1234567890"}}}
    assert translated(403, rejected).details == {"metadata": flagged}
    assert translated(403, {"error": {"message": "No", "metadata": "odd"}}).details == {}


@pytest.mark.parametrize("key", ["sk-proj-abcdefghijkl", "sk-1234567890", "gsk_abcdefgh", "AIzaSyABCDEFGH"])
def test_no_key_is_repeated(key: str) -> None:
    found = translated(401, {"error": {"message": f"Incorrect API key provided: {key}. See our page."}})
    assert key not in str(found)
    assert "See our page." in str(found)


INSIDE: list[Any] = [
    pytest.param({"message": "Sorry", "type": "server_error"}, ProviderServerError, id="type"),
    pytest.param({"message": "Slow", "code": "rate_limit_exceeded"}, ProviderRateLimitError, id="code"),
    pytest.param({"message": "Pay", "code": "insufficient_quota"}, ProviderQuotaError, id="quota"),
    pytest.param({"message": "Busy", "code": 503}, ProviderOverloadedError, id="status as code"),
    pytest.param({"message": "Busy", "status": 429}, ProviderRateLimitError, id="status"),
    pytest.param({"message": "Busy", "code": "429"}, ProviderRateLimitError, id="status as a text"),
    pytest.param(
        {"message": "Bad", "type": "invalid_request_error"}, ProviderBadRequestError, id="bad request"
    ),
    pytest.param({"message": "Filtered", "code": "content_filter"}, ProviderBadRequestError, id="filter"),
    pytest.param({"message": "Big", "code": "image_too_large"}, ProviderBadRequestError, id="image"),
    pytest.param({"message": "Huh", "code": "something_new"}, ProviderServerError, id="unknown"),
    pytest.param({"type": "error", "message": "Huh", "code": None}, ProviderServerError, id="error event"),
    pytest.param("text", ProviderServerError, id="a mere text"),
    pytest.param(None, ProviderServerError, id="nothing"),
    pytest.param([], ProviderServerError, id="an empty list"),
]


@pytest.mark.parametrize(("said", "kind"), INSIDE)
def test_an_error_without_a_status_is_told_by_its_words(said: Any, kind: type[ProviderError]) -> None:
    found = body_error(said, CALL)
    assert type(found) is kind
    assert str(found) != "[openai] "


@given(st.integers(300, 599), st.binary(max_size=60))
def test_any_bytes_give_an_error_of_ours(status: int, body: bytes) -> None:
    assert isinstance(error(status, {}, body, CALL), LLMRingError)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["error", "message", "code", "type", "status", "metadata", "innererror", "details", "param"]
            ),
            inner,
        )
    ),
    max_leaves=8,
)


@given(_JSON)
def test_any_json_gives_an_error_of_ours(document: Any) -> None:
    assert isinstance(translated(400, document), LLMRingError)
    assert isinstance(body_error(document, CALL), LLMRingError)
