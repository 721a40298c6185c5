"""providers."""

import json
from collections.abc import Callable

import pytest
from llmring.testing import Simulator

Run = Callable[..., tuple[int, str, str]]


def test_each_provider_is_listed_with_what_it_needs(llmring: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-made-up-0000")
    code, out, err = llmring("providers")
    assert (code, err) == (0, "")
    assert out.splitlines()[:2] == ["openai\tready\t", "anthropic\tnot configured\tANTHROPIC_API_KEY"]


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_a_key_is_never_shown(llmring: Run, monkeypatch: pytest.MonkeyPatch, more: tuple[str, ...]) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-made-up-0000")
    monkeypatch.setenv("OPENAI_BASE_URL", "https://me:made-up@example.org/v1")
    assert "made-up" not in "".join(map(str, llmring("providers", *more)))


def test_as_json_a_base_url_is_told(llmring: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://127.0.0.1:1")
    rows = {row["name"]: row for row in json.loads(llmring("providers", "--json")[1])}
    assert rows["anthropic"] == {
        "name": "anthropic",
        "configured": False,
        "needs": ["ANTHROPIC_API_KEY"],
        "base_url": "http://127.0.0.1:1",
        "key_from": None,
        "missing": "set ANTHROPIC_API_KEY",
    }


def test_a_local_server_is_ready_only_where_something_listens(
    llmring: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "ollama\tnot running\t" in llmring("providers")[1]
    with Simulator() as simulator:
        monkeypatch.setenv("OLLAMA_BASE_URL", simulator.base_url("ollama"))
        assert "ollama\tready\t" in llmring("providers")[1]


@pytest.mark.parametrize("address", ["https://ollama.example", "http://127.0.0.1:99999"])
def test_nothing_is_tried_beyond_this_machine(
    llmring: Run, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("OLLAMA_BASE_URL", address)
    assert "ollama\tready\t" in llmring("providers")[1]
