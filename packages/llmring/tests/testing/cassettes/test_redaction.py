"""Requests and answers without their secrets, in the form in which they are recorded."""

import base64

import pytest
from llmring._redaction import REDACTED, Redactor
from llmring.testing._cassettes.redaction import HttpRedactor
from llmring_providers.transport import HttpRequest
from msgspec import UNSET

SECRET = "correct-horse-battery"


def post(url: str = "http://host/v1/chat", body: bytes = b"") -> HttpRequest:
    return HttpRequest("POST", url, {}, body)


def test_a_body_is_json_else_text_else_base64() -> None:
    redactor = HttpRedactor([SECRET])
    as_json = redactor.request(post(body=f'{{"said": "{SECRET}", "token": "short"}}'.encode()))
    as_text = redactor.request(post(body=f"not JSON: {SECRET}".encode()))
    as_bytes = redactor.request(post(body=b"\xff" + SECRET.encode()))
    assert (as_json.json, as_json.text, as_json.base64) == (
        {"said": REDACTED, "token": REDACTED},
        UNSET,
        UNSET,
    )
    assert (as_text.json, as_text.text, as_text.base64) == (UNSET, f"not JSON: {REDACTED}", UNSET)
    assert as_bytes.base64 == base64.b64encode(b"\xff" + REDACTED.encode()).decode()


def test_without_a_body_there_is_none() -> None:
    asked = HttpRedactor([]).request(post())
    assert (asked.json, asked.text, asked.base64) == (UNSET, UNSET, UNSET)


@pytest.mark.parametrize(
    ("url", "recorded"),
    [
        ("https://me:pw@host/v1?key=abc&alt=sse", f"https://host/v1?key={REDACTED}&alt=sse"),
        (f"https://host/{SECRET}/v1", f"https://host/{REDACTED}/v1"),
        (f"https://[half-an-address/{SECRET}", REDACTED),
    ],
    ids=["user and parameter", "path", "not a URL"],
)
def test_a_url_is_recorded_without_its_credentials(url: str, recorded: str) -> None:
    assert HttpRedactor([SECRET]).request(post(url)).url == recorded


@pytest.mark.parametrize(
    ("secret", "text"),
    [("12345678", "the REDACTED of it"), ("1234567", "the 1234567 of it"), ("key", "the key of it")],
)
def test_a_secret_as_short_as_a_word_is_left_in_the_text(secret: str, text: str) -> None:
    assert Redactor([secret]).text(f"the {secret} of it") == text
