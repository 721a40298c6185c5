"""What the environment says, for those who do not make a ring."""

from pathlib import Path

import pytest
from llmring import ServerAccess, server_access, usage_log_path


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


def test_the_key_of_the_server_is_not_shown() -> None:
    assert "llmr_pk_secret" not in repr(ServerAccess("http://localhost:9100", "llmr_pk_secret"))


def test_the_usage_log_is_the_one_that_rings_write() -> None:
    assert usage_log_path({"LLMRING_USAGE_LOG": "usage.db"}) == Path("usage.db")
    assert usage_log_path({}) is None
