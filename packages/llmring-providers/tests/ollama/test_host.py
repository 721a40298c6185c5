"""Every form of OLLAMA_HOST."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from llmring_providers.ollama import normalise_host
from llmring_types.exceptions import ConfigurationError


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, "http://localhost:11434"),
        ("", "http://localhost:11434"),
        (" ", "http://localhost:11434"),
        ("localhost", "http://localhost:11434"),
        ("example.com", "http://example.com:11434"),
        ("example.com:56789", "http://example.com:56789"),
        ("1.2.3.4", "http://1.2.3.4:11434"),
        (":56789", "http://127.0.0.1:56789"),
        ("0.0.0.0", "http://127.0.0.1:11434"),  # noqa: S104
        ("0.0.0.0:11435", "http://127.0.0.1:11435"),
        ("http://0.0.0.0:11434", "http://127.0.0.1:11434"),
        ("[::]:11434", "http://[::1]:11434"),
        ("::1", "http://[::1]:11434"),
        ("[::1]", "http://[::1]:11434"),
        ("[2001:db8::1]:80", "http://[2001:db8::1]:80"),
        ("http://example.com", "http://example.com"),
        ("https://example.com", "https://example.com"),
        ("https://example.com:8443/", "https://example.com:8443"),
        ("HTTPS://example.com", "https://example.com"),
        ("https://example.com/ollama/", "https://example.com/ollama"),
        ("example.com/ollama", "http://example.com:11434/ollama"),
        ("example.com/", "http://example.com:11434"),
        ("ollama.com", "https://ollama.com"),
        ("https://user:word@example.com", "https://user:word@example.com"),
        ("'localhost:1'", "http://localhost:1"),
        ('"localhost:1"', "http://localhost:1"),
    ],
)
def test_a_host_becomes_a_base_url(given: str | None, expected: str) -> None:
    assert normalise_host(given) == expected


@pytest.mark.parametrize(
    "given", ["localhost:port", "http://localhost:99999", "ftp://host", "[::1", "http://a'/", "http://a b"]
)
def test_what_is_no_address_says_so(given: str) -> None:
    with pytest.raises(ConfigurationError, match="Ollama server"):
        normalise_host(given)


def test_the_error_does_not_repeat_a_password() -> None:
    with pytest.raises(ConfigurationError) as caught:
        normalise_host("http://user:secret@host:port")
    assert "secret" not in str(caught.value)


def test_a_path_of_odd_characters_can_be_sent() -> None:
    assert normalise_host("host/'a b'/") == "http://host:11434/%27a%20b%27"


@example("/'/")
@given(st.text(alphabet="abc.:/[]@01 %'\"h tps", max_size=20) | st.text(max_size=20))
def test_a_base_url_stays_as_it_is(text: str) -> None:
    try:
        url = normalise_host(text)
    except ConfigurationError:
        return
    assert url.startswith(("http://", "https://"))
    assert normalise_host(url) == url
