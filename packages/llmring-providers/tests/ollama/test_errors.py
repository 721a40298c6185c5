"""Error answers by status and body."""

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llmring_providers import ChatCall
from llmring_providers.ollama.errors import body_error, error
from llmring_types import LLMRequest, Message, ModelRef
from llmring_types.exceptions import (
    LLMRingError,
    ModelNotFoundError,
    ProviderAuthenticationError,
    ProviderError,
    ProviderOverloadedError,
    ProviderPermissionError,
    ProviderRateLimitError,
    ProviderRequestTooLargeError,
    ProviderServerError,
    ProviderUnsupportedRequestError,
)

ROWS = [
    (400, '{"error":"\\"llama2\\" does not support tools"}', ProviderUnsupportedRequestError, "does not support tools"),
    (400, '{"error":"prompt too long; exceeded max context length by 12 tokens"}', ProviderRequestTooLargeError, "12"),
    (400, '{"error":"the input length exceeds the context length"}', ProviderRequestTooLargeError, "input length"),
    (401, '{"error":"unauthorized","signin_url":"https://ollama.com/x"}', ProviderAuthenticationError, "ollama signin"),
    (403, '{"error":"this model requires a subscription"}', ProviderPermissionError, "subscription"),
    (404, '{"error":"model \'x\' not found"}', ModelNotFoundError, "ollama pull qwen3:4b"),
    (404, "404 page not found", ModelNotFoundError, "base URL"),
    (429, '{"error":"too many concurrent requests"}', ProviderRateLimitError, "too many"),
    (500, '{"error":"model requires more system memory (5.6 GiB) than is available"}', ProviderServerError, "5.6 GiB"),
    (500, '{"error":{"message":"proxied","type":"api_error"}}', ProviderServerError, "proxied"),
    (502, "<html>Bad Gateway</html>", ProviderServerError, "Bad Gateway"),
    (503, '{"error":"server busy, please try again. maximum pending requests exceeded"}', ProviderOverloadedError, "busy"),
    (503, "", ProviderOverloadedError, "HTTP status 503"),
]  # fmt: skip


@pytest.mark.parametrize(("status", "body", "kind", "words"), ROWS)
def test_an_error_answer_is_typed_and_says_what_to_do(
    status: int, body: str, kind: type[LLMRingError], words: str, call: ChatCall
) -> None:
    found = error(status, {}, body.encode(), call)
    assert type(found) is kind
    assert isinstance(found, ProviderError)
    assert words in str(found)
    assert (found.status_code, found.provider, found.model) == (status, "ollama", "qwen3:4b")


def test_the_recorded_unknown_model_says_how_to_get_it(
    recorded: Callable[[str], bytes], call: ChatCall
) -> None:
    found = error(404, {}, recorded("886291f2682f"), call)
    assert isinstance(found, ModelNotFoundError)
    assert str(found) == (
        "[ollama] model 'qwen3:4b' is not available: model 'nonexistent-model:latest' not found; "
        "install it with: ollama pull qwen3:4b"
    )


def test_the_wait_of_a_busy_server_is_read(call: ChatCall) -> None:
    found = error(503, {"retry-after": "7"}, b"{}", call)
    assert isinstance(found, ProviderOverloadedError)
    assert found.retry_after == 7.0


@pytest.mark.parametrize(
    ("said", "words"), [("boom", "boom"), ({"message": "boom"}, "boom"), ({"a": 1}, "a")]
)
def test_an_error_within_an_answer_is_the_servers(said: object, words: str, call: ChatCall) -> None:
    found = body_error(said, call)
    assert type(found) is ProviderServerError
    assert words in found.message
    assert found.status_code is None


@given(st.integers(100, 599), st.binary() | st.text().map(lambda text: json.dumps({"error": text}).encode()))
def test_any_answer_gives_one_of_our_errors(status: int, body: bytes) -> None:
    call = ChatCall(LLMRequest([Message(role="user", content="Hi")]), ModelRef("ollama", "m"))
    assert isinstance(error(status, {}, body, call), LLMRingError)
