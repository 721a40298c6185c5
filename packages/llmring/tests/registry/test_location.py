from pathlib import Path

import pytest
from llmring.registry import DEFAULT_URL
from llmring.registry._location import Location
from llmring_types.exceptions import ValidationError


@pytest.mark.parametrize(
    ("url", "document"),
    [
        (None, f"{DEFAULT_URL}/openai/models.json"),
        ("", f"{DEFAULT_URL}/openai/models.json"),
        ("https://example.org/r/", "https://example.org/r/openai/models.json"),
        ("https://10.0.0.1", "https://10.0.0.1/openai/models.json"),
        ("http://localhost:9191", "http://localhost:9191/openai/models.json"),
        ("http://registry.localhost", "http://registry.localhost/openai/models.json"),
        ("http://127.0.0.1:9191/x", "http://127.0.0.1:9191/x/openai/models.json"),
        ("http://[::1]:9191", "http://[::1]:9191/openai/models.json"),
        ("file:///srv/registry", "file:///srv/registry/openai/models.json"),
    ],
)
def test_an_allowed_address_leads_to_the_documents(url: str | None, document: str) -> None:
    location = Location.parse(url)
    assert location.document("openai") == document
    assert location.document("openai", 3) == document.replace("models.json", "v/3/models.json")


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org",
        "http://10.0.0.1",
        "http://myexample.com",
        "http://127.0.0.1.example.org",
        "http://notlocalhost",
        "http://0.0.0.0",
        "ftp://example.org",
        "https://",
        "https:///path",
        "file://relative/path",
        "registry",
        "https://example.org/?v=1",
        "https://example.org/#x",
        "https://[::1",
        "http://[nonsense]",
    ],
)
def test_any_other_address_is_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="registry_url") as caught:
        Location.parse(url)
    assert isinstance(caught.value, ValueError)


def test_an_address_with_a_password_is_refused_without_repeating_it() -> None:
    with pytest.raises(ValidationError) as caught:
        Location.parse("https://user:hunter2@example.org")
    assert "hunter2" not in str(caught.value) + repr(caught.value) + repr(vars(caught.value))


@pytest.mark.parametrize("provider", ["", "..", "../openai", "open/ai", "OpenAI", ".hidden", "a b"])
def test_what_is_no_provider_name_never_becomes_part_of_an_address(provider: str) -> None:
    with pytest.raises(ValidationError):
        Location.parse(None).document(provider)


@pytest.mark.parametrize("version", [0, -1])
def test_versions_count_from_one(version: int) -> None:
    with pytest.raises(ValidationError):
        Location.parse(None).document("openai", version)


def test_a_file_address_names_a_folder() -> None:
    assert Location.parse("file:///srv/my%20registry/").folder == Path("/srv/my registry")
    assert Location.parse("file:///C:/registry").folder == Path("C:/registry")
    assert Location.parse("https://example.org").folder is None
