"""What the environment says, for those who do not make a ring."""

from pathlib import Path

import pytest
from llmring import (
    ConfigurationError,
    ServerAccess,
    provider_access,
    provider_status,
    server_access,
    usage_log_path,
)
from llmring._settings import Settings
from msgspec import UNSET, UnsetType

SECRET = {"OPENAI_API_KEY": "made-up", "OPENAI_BASE_URL": "https://me:made-up@example.org/v1"}


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, ServerAccess()),
        ({"LLMRING_SERVER_URL": " "}, ServerAccess()),
        (
            {"LLMRING_SERVER_URL": "http://localhost:9100", "LLMRING_API_KEY": "key"},
            ServerAccess("http://localhost:9100", "key"),
        ),
        ({"LLMRING_PREFER_SAAS": "Yes"}, ServerAccess("https://api.llmring.ai")),
        (
            {"LLMRING_PREFER_SAAS": "1", "LLMRING_SERVER_URL": "http://localhost:9100"},
            ServerAccess("http://localhost:9100"),
        ),
    ],
)
def test_the_usage_server_is_the_one_that_rings_report_to(
    environ: dict[str, str], expected: ServerAccess
) -> None:
    assert server_access(environ) == expected


def test_neither_key_nor_password_of_the_server_is_shown() -> None:
    environ = {
        "LLMRING_SERVER_URL": "http://me:pass-word@localhost:9100",
        "LLMRING_API_KEY": "llmr_pk_secret",
    }
    shown = repr(server_access(environ)) + repr(Settings.from_environment(environ))
    assert "localhost:9100" in shown
    assert "pass-word" not in shown
    assert "llmr_pk_secret" not in shown


@pytest.mark.parametrize(
    ("word", "seconds"), [("", 60.0), ("2.5", 2.5), ("0", 0.0), ("none", None), ("Disabled", None)]
)
def test_a_time_limit_is_seconds_or_a_word_for_none(word: str, seconds: float | None) -> None:
    assert Settings.from_environment({"LLMRING_PROVIDER_TIMEOUT_S": word}).timeout == seconds


@pytest.mark.parametrize("word", ["soon", "-1", "inf", "nan"])
def test_what_is_not_a_number_of_seconds_is_refused_by_name(word: str) -> None:
    with pytest.raises(ConfigurationError, match=f"LLMRING_PROVIDER_TIMEOUT_S='{word}' is not a number"):
        Settings.from_environment({"LLMRING_PROVIDER_TIMEOUT_S": word})


def test_the_usage_log_is_the_one_that_rings_write() -> None:
    assert usage_log_path({"LLMRING_USAGE_LOG": "/logs/usage.db"}) == Path("/logs/usage.db")
    assert usage_log_path({}) is None


def test_a_usage_log_below_the_home_is_named_with_a_tilde(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    assert usage_log_path({"LLMRING_USAGE_LOG": "~/usage.db"}) == Path("/home/me/usage.db")
    monkeypatch.setenv("HOME", "here")
    with pytest.raises(ConfigurationError, match="is relative"):
        usage_log_path({"LLMRING_USAGE_LOG": "~/usage.db"})


def test_a_usage_log_of_the_current_folder_is_not_opened() -> None:
    """A cloned repository may hold a file of that name."""
    with pytest.raises(
        ConfigurationError, match=r"LLMRING_USAGE_LOG='usage.db' is relative.*write the whole path"
    ):
        usage_log_path({"LLMRING_USAGE_LOG": "usage.db"})


def test_no_key_and_no_password_is_shown() -> None:
    (row, *_) = provider_status(SECRET)
    assert row.base_url == "https://example.org/v1"
    assert "made-up" not in repr(row) + repr(provider_access("openai", SECRET))


def test_no_query_is_shown_since_it_may_hold_a_key() -> None:
    environ = {"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": "https://example.org/v1?api-key=made-up"}
    (row, *_) = provider_status(environ)
    assert row.base_url == "https://example.org/v1?…"
    assert "made-up" not in repr(row) + repr(provider_access("openai", environ))


def test_the_password_is_used_all_the_same() -> None:
    assert provider_access("openai", SECRET).base_url == SECRET["OPENAI_BASE_URL"]


@pytest.mark.parametrize("name", ["LLMRING_STRICT_COST", "LLMRING_ALLOW_NETWORK", "LLMRING_PREFER_SAAS"])
def test_a_switch_that_is_neither_on_nor_off_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{name}='maybe'"):
        Settings.from_environment({name: "maybe"})


@pytest.mark.parametrize(
    ("word", "on"), [("1", True), (" Yes ", True), ("off", False), ("0", False), ("", False)]
)
def test_a_switch_is_read_as_people_write_it(word: str, on: bool) -> None:
    assert Settings.from_environment({"LLMRING_STRICT_COST": word}).strict_cost is on


@pytest.mark.parametrize(
    ("word", "limit"), [("", UNSET), ("1000", 1000), ("none", None), (" 67108864 ", 64 * 2**20)]
)
def test_the_size_of_an_answer_is_limited_in_bytes_or_not_at_all(
    word: str, limit: int | UnsetType | None
) -> None:
    assert Settings.from_environment({"LLMRING_MAX_RESPONSE_BYTES": word}).max_response_bytes == limit


@pytest.mark.parametrize("word", ["0", "-1", "64MiB", "1.5", "yes"])
def test_what_is_not_a_number_of_bytes_is_refused_by_name(word: str) -> None:
    with pytest.raises(ConfigurationError, match="LLMRING_MAX_RESPONSE_BYTES"):
        Settings.from_environment({"LLMRING_MAX_RESPONSE_BYTES": word})


def test_a_traceback_with_locals_shows_nothing_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "key-of-the-environment")
    monkeypatch.setenv("LLMRING_RETRY_BASE_S", "soon")
    with pytest.raises(ConfigurationError) as caught:
        Settings.from_environment()
    shown = [repr(value) for entry in caught.traceback[1:] for value in entry.locals.values()]
    assert shown
    assert not [text for text in shown if "key-of-the-environment" in text]
