"""Secrets are found in every form."""

import base64
import html
import json
import re
from collections.abc import Callable, Mapping
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llmring._redaction.spellings import Spellings

FORMS: Mapping[str, Callable[[str], str]] = {
    "plain": str,
    "JSON": lambda text: json.dumps(text)[1:-1],
    "JSON, unicode kept": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "JSON in JSON": lambda text: json.dumps(json.dumps(text))[3:-3],
    "JSON with slashes escaped": lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
    "JSON, all escaped": lambda text: re.sub("(....)", r"\\u\1", text.encode("utf-16-be").hex().upper()),
    "URL": lambda text: quote(text, safe=""),
    "URL, lower case": lambda text: quote(text, safe="").lower() if text.islower() else quote(text, safe=""),
    "URL, all escaped": lambda text: "".join(f"%{byte:02x}" for byte in text.encode()),
    "URL in a URL": lambda text: quote(quote(text, safe=""), safe=""),
    "form": quote_plus,
    "HTML": html.escape,
    "HTML, all escaped": lambda text: "".join(f"&#{ord(character)};" for character in text),
    "HTML, all escaped in hexadecimal": lambda text: "".join(f"&#X{ord(character):x};" for character in text),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 for URLs": lambda text: base64.urlsafe_b64encode(text.encode()).decode().rstrip("="),
    "base64 in JSON": lambda text: base64.b64encode(text.encode()).decode().replace("/", "\\/"),
    "base64 in a URL": lambda text: quote(base64.b64encode(text.encode()).decode().rstrip("="), safe=""),
    "hexadecimal": lambda text: text.encode().hex(),
    "upper hexadecimal": lambda text: text.encode().hex().upper(),
}
SECRETS = [
    "sk-proj-Ab12Cd34Ef56",
    "a+b/c\"d\\e<f>g&h'i j",
    "schlüssel-für-好-😀",
    "~~~~????>>>>",
    "AAAAAAAAAA",
    "über-den-Wolken",
]


def found(secret: str, text: str) -> list[str]:
    data = text.encode()
    return [data[start:end].decode() for start, end in Spellings([secret]).spans(data)]


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("form", FORMS.values(), ids=list(FORMS))
def test_a_secret_is_found_in_each_form(form: Callable[[str], str], secret: str) -> None:
    spelt = form(secret)
    assert found(secret, f'{{"said": "{spelt}!"}}') == [spelt]


@given(st.binary(max_size=5), st.binary(max_size=5), st.sampled_from(SECRETS))
def test_a_secret_is_found_in_base64_of_more(before: bytes, after: bytes, secret: str) -> None:
    data = base64.b64encode(before + secret.encode() + after).decode()
    assert [found(secret, text) for text in (data, f"{data}\n")] == [[data], [data]]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sk-proj-Ab12Cd34Ef5",
        "sk+proj-Ab12Cd34Ef56",
        "SK-PROJ-AB12CD34EF56",
        "sk-proj",
        "%25%25",
        "\\u0073k",
    ],
)
def test_what_is_not_the_secret_is_not_found(text: str) -> None:
    assert found("sk-proj-Ab12Cd34Ef56", text) == []


MASKED = [
    ("bad sk-pr**********34Ef56!", "sk-pr**********34Ef56"),
    ("bad sk-proj-Ab12...Ef56!", "sk-proj-Ab12...Ef56"),
    ("bad ...Ef56!", "...Ef56"),
    ("bad sk-proj…", "sk-proj…"),
    ("sk-p**x", "sk-p**"),
]


@pytest.mark.parametrize(("text", "shown"), MASKED)
def test_a_secret_is_found_with_its_ends_showing_beside_a_mask(text: str, shown: str) -> None:
    assert found("sk-proj-Ab12Cd34Ef56", text) == [shown]


@pytest.mark.parametrize("text", ["sk...56", "proj...Ef5", "and so on ...", "**bold**", "**Ef5"])
def test_other_marks_are_no_masks(text: str) -> None:
    assert found("sk-proj-Ab12Cd34Ef56", text) == []


def test_the_longer_one_of_two_secrets_is_found_whole() -> None:
    spellings = Spellings(["a-secret", "a-secret-and-more", "other-secret"])
    assert list(spellings.spans(b"a-secret-and-more, a-secret")) == [(0, 17), (19, 27)]


def test_of_secrets_that_begin_alike_the_longest_is_found() -> None:
    secrets = ["a-secret" + "-more" * times for times in range(8)]
    spellings = Spellings(secrets)
    assert [list(spellings.spans(secret.encode())) for secret in secrets] == [
        [(0, len(secret))] for secret in secrets
    ]


def test_two_secrets_in_one_piece_of_base64_are_one() -> None:
    data = base64.b64encode(b"the-one-secret, the-other-secret")
    spans = list(Spellings(["the-one-secret", "the-other-secret"]).spans(data + b" the-one-secret"))
    assert spans == [(0, len(data)), (len(data) + 1, len(data) + 15)]


def test_without_secrets_nothing_is_found() -> None:
    assert list(Spellings([]).spans(b"anything")) == []
