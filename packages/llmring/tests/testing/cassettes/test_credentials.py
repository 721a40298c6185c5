"""Secrets told by the names that they stand under."""

import base64

import pytest
from llmring.testing._cassettes.redaction import is_credential, is_credential_field, secrets_of
from llmring_providers.transport import HttpRequest

CREDENTIALS = [
    "Authorization",
    "Proxy-Authorization",
    "x-api-key",
    "api_key",
    "apiKey",
    "APIKey",
    "apikey",
    "x-goog-api-key",
    "key",
    "Cookie",
    "X-Amz-Security-Token",
    "X-Amz-Signature",
    "access_token",
    "sig",
]
HARMLESS = [
    "content-type",
    "anthropic-version",
    "anthropic-beta",
    "alt",
    "api-version",
    "max_tokens",
    "keyword",
    "design",
]


@pytest.mark.parametrize("name", CREDENTIALS)
def test_headers_and_parameters_that_hold_a_secret_are_known_by_name(name: str) -> None:
    assert is_credential(name)
    assert is_credential_field(name) is (name not in ("key", "X-Amz-Signature", "sig"))


@pytest.mark.parametrize("name", HARMLESS)
def test_others_are_none(name: str) -> None:
    assert not is_credential(name)
    assert not is_credential_field(name)


PAIR = base64.b64encode(b"me:pa:ss").decode()
REQUESTS = [
    ({"Authorization": "Bearer tok"}, "https://h.test", b"", {"Bearer tok", "tok"}),
    ({"x-api-key": "k1", "content-type": "application/json"}, "https://h.test", b"", {"k1"}),
    (
        {"authorization": f"Basic {PAIR}"},
        "https://h.test",
        b"",
        {f"Basic {PAIR}", PAIR, "me:pa:ss", "me", "pa:ss"},
    ),
    ({"authorization": "Basic ?"}, "https://h.test", b"", {"Basic ?", "?"}),
    ({}, "https://me:p%40ss@h.test/v1?key=a%2Fb&alt=sse", b"", {"me", "p@ss", "a/b"}),
    ({}, "https://[", b"not json", set()),
    ({}, "https://h.test", b"\xff", set()),
    (
        {},
        "https://h.test",
        b'{"mcp": [{"authorization_token": "t", "headers": {"X-Api-Key": "u"}}]}',
        {"t", "u"},
    ),
    ({}, "https://h.test", b'{"token": {"type": "string"}, "max_tokens": 5, "key": "C major"}', set()),
]


@pytest.mark.parametrize(("headers", "url", "body", "secrets"), REQUESTS)
def test_the_secrets_of_a_request_are_found(
    headers: dict[str, str], url: str, body: bytes, secrets: set[str]
) -> None:
    assert set(secrets_of(HttpRequest("POST", url, headers, body))) == secrets
