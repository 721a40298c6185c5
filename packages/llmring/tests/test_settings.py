"""What the environment says."""

from llmring import provider_access, provider_status

SECRET = {"OPENAI_API_KEY": "made-up", "OPENAI_BASE_URL": "https://me:made-up@example.org/v1"}


def test_no_key_and_no_password_is_shown() -> None:
    (row, *_) = provider_status(SECRET)
    assert row.base_url == "https://example.org/v1"
    assert "made-up" not in repr(row) + repr(provider_access("openai", SECRET))


def test_the_password_is_used_all_the_same() -> None:
    assert provider_access("openai", SECRET).base_url == SECRET["OPENAI_BASE_URL"]
