"""cache and registry."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., tuple[int, str, str]]
Answering = Callable[[int, object], str]

DOCUMENT = {
    "provider": "openai",
    "version": 99,
    "updated_at": "2026-11-01",
    "models": {
        "openai:gpt-9": {"model_name": "gpt-9", "display_name": "GPT-9", "is_active": True},
        "openai:broken": {"model_name": 7},
    },
}


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch, answering: Answering) -> str:
    url = answering(200, DOCUMENT)
    monkeypatch.setenv("LLMRING_REGISTRY_URL", url)
    return url


@pytest.mark.usefixtures("registry")
def test_what_was_fetched_is_known_to_every_command(llmring: Run) -> None:
    code, out, err = llmring("registry", "refresh", "openai")
    assert (code, out) == (0, "openai\t99\t2026-11-01\t1\n")
    assert err.startswith("warning: openai:broken ")
    assert llmring("list", "-p", "openai")[1].startswith("openai:gpt-9\t")


def test_what_is_kept_can_be_listed_and_cleared(llmring: Run, registry: str) -> None:
    assert json.loads(llmring("cache", "info", "--json")[1])["documents"] == []
    llmring("registry", "refresh", "openai")
    kept = json.loads(llmring("cache", "info", "--json")[1])["documents"]
    assert [row["url"] for row in kept] == [f"{registry}/openai/models.json"]
    assert Path(kept[0]["path"]).is_file()
    assert llmring("cache", "info")[1].startswith(f"{registry}/openai/models.json\t")
    assert json.loads(llmring("cache", "clear", "--json")[1])["deleted"] == 1
    assert json.loads(llmring("cache", "info", "--json")[1])["documents"] == []
    assert llmring("cache", "clear")[2] == "deleted 0 documents\n"


def test_a_registry_out_of_reach_is_exit_code_3(llmring: Run) -> None:
    code, out, err = llmring("registry", "refresh", "--registry", "http://127.0.0.1:9")
    assert (code, out) == (3, "")
    assert err.count("error: ") == 3
    rows = json.loads(llmring("registry", "refresh", "--registry", "http://127.0.0.1:9", "--json")[1])
    assert [bool(row["error"]) for row in rows] == [True] * 3


def test_a_registry_that_answers_something_else_is_exit_code_1(
    llmring: Run, monkeypatch: pytest.MonkeyPatch, answering: Answering
) -> None:
    monkeypatch.setenv("LLMRING_REGISTRY_URL", answering(200, ["no document"]))
    assert llmring("registry", "refresh", "openai")[0] == 1


def test_an_unknown_provider_is_an_error(llmring: Run) -> None:
    code, out, err = llmring("registry", "refresh", "acme")
    assert (code, out) == (1, "")
    assert "there is no provider 'acme'" in err
