"""The command ``hosts``."""

import json
from collections.abc import Callable

import pytest
from llmring_types.hosts import HOSTS

Run = Callable[..., tuple[int, str, str]]


def test_every_host_is_listed_with_its_key_or_what_may_hold_it(
    llmring: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GROQ_API_KEY", "gsk_made-up-0000")
    code, out, err = llmring("hosts")
    assert (code, err) == (0, "")
    lines = {line.split("\t")[0]: line.split("\t")[1:3] for line in out.splitlines()}
    assert lines.keys() == HOSTS.keys()
    assert lines["groq"] == ["openai", "set"]
    assert lines["mistral"] == ["openai", "not set (MISTRAL_API_KEY)"]
    assert lines["vllm"] == ["openai", "not needed"]
    assert "made-up" not in out


def test_as_json_it_says_what_is_unproved(llmring: Run) -> None:
    rows = {row["name"]: row for row in json.loads(llmring("hosts", "--json")[1])}
    assert {name: row["proved"] for name, row in rows.items()} == {
        name: host.is_proved for name, host in HOSTS.items()
    }
    assert "call_ids" in rows["mistral"]["deviations"]
    assert rows["cloudflare"]["address"].count("{CLOUDFLARE_ACCOUNT_ID}") == 1


def test_hosts_that_are_set_up_here_are_providers_in_use(
    llmring: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GROQ_API_KEY", "gsk_made-up-0000")
    monkeypatch.setenv("DATABRICKS_TOKEN", "dapi-made-up-0000")
    rows = {row["name"]: row for row in json.loads(llmring("providers", "--json")[1])}
    assert rows["groq"]["configured"]
    assert rows["databricks"]["needs"] == ["DATABRICKS_HOST"]
    assert "mistral" not in rows
    doctor = json.loads(llmring("doctor", "--json")[1])
    assert {"groq", "databricks"} <= {row["name"] for row in doctor["providers"]}
