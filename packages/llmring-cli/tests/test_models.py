"""list and info."""

import json
from collections.abc import Callable

import pytest
from llmring_types.hosts import unregister

Run = Callable[..., tuple[int, str, str]]


def test_list_has_the_models_of_every_provider_that_the_registry_lists(llmring: Run) -> None:
    models = json.loads(llmring("list", "--json")[1])
    assert {row["model"].partition(":")[0] for row in models} == {"anthropic", "google", "openai"}
    assert all(row["active"] is not False for row in models)


def test_list_can_be_kept_to_one_provider(llmring: Run) -> None:
    _, out, err = llmring("list", "--provider", "anthropic")
    rows = [line.split("\t") for line in out.splitlines()]
    assert rows
    assert all(row[0].startswith("anthropic:") and len(row) == 5 for row in rows)
    assert err == ""


@pytest.mark.parametrize(
    ("words", "every"),
    [(("sonnet",), ["sonnet"]), (("VISION", "haiku"), ["haiku"]), (("openai:", "mini"), ["openai:", "mini"])],
)
def test_words_choose_among_the_models(llmring: Run, words: tuple[str, ...], every: list[str]) -> None:
    code, out, err = llmring("list", *words)
    names = [line.partition("\t")[0] for line in out.splitlines()]
    assert (code, err) == (0, "")
    assert names
    assert all(part in name for name in names for part in every)


@pytest.mark.parametrize(
    ("words", "report"),
    [
        (("gpt5-mini-minimal",), "no known models with gpt5-mini-minimal; did you mean openai:gpt-5-mini"),
        (("xyzzy", "plugh"), "no known models with xyzzy plugh\n"),
    ],
)
def test_words_that_no_model_has_suggest_near_ones(llmring: Run, words: tuple[str, ...], report: str) -> None:
    code, out, err = llmring("list", *words)
    assert (code, out) == (0, "")
    assert err.startswith(report)


def test_retired_models_are_listed_only_on_demand(llmring: Run) -> None:
    usual = json.loads(llmring("list", "-p", "openai", "--json")[1])
    every = json.loads(llmring("list", "-p", "openai", "--json", "--all")[1])
    retired = [row["model"] for row in every if row["active"] is False]
    assert retired
    assert len(every) == len(usual) + len(retired)


@pytest.mark.parametrize(
    ("provider", "advice"),
    [("acme", "to list them: llmring hosts"), ("gemini", "did you mean google or vertex?")],
)
def test_an_unknown_provider_is_an_error_with_what_to_do(llmring: Run, provider: str, advice: str) -> None:
    code, out, err = llmring("list", "-p", provider)
    assert (code, out) == (1, "")
    assert err == f"error: there is no provider {provider!r}; {advice}\n"


def test_info_tells_what_is_known_of_a_model(llmring: Run) -> None:
    code, out, err = llmring("info", "openai:gpt-4o")
    lines = dict(line.split("\t") for line in out.splitlines())
    assert (code, err) == (0, "")
    assert lines["most input"] == "128,000 tokens"
    assert lines["price of input"] == "$2.50 per million tokens"
    assert "tools" in lines["can"].split()


def test_info_tells_what_the_registry_has_wrong(llmring: Run) -> None:
    _, out, err = llmring("info", "openai:o1-pro")
    assert "corrected\tapi is responses, not chat\n" in out
    assert "hint: corrections from https://" in err


def test_info_of_an_alias_is_that_of_its_first_model(llmring: Run) -> None:
    llmring("bind", "fast", "openai:gpt-4o,ollama:llama3")
    code, out, err = llmring("info", "fast")
    assert code == 0
    assert out.startswith("model\topenai:gpt-4o\n")
    assert err == "fast is openai:gpt-4o, ollama:llama3\n"


def test_info_as_json_has_numbers_and_the_whole_pool(llmring: Run) -> None:
    llmring("bind", "fast", "openai:gpt-4o,ollama:llama3")
    facts = json.loads(llmring("info", "fast", "--json")[1])
    assert facts["pool"] == ["openai:gpt-4o", "ollama:llama3"]
    assert facts["model"] == "openai:gpt-4o"
    assert facts["prices"]["input"] == 2.5
    assert facts["context_window"] == 128_000


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_nothing_known_of_a_model_is_exit_code_1(llmring: Run, more: tuple[str, ...]) -> None:
    code, out, err = llmring("info", "openai:gpt-99", *more)
    assert (code, out) == (1, "")
    assert err.startswith("openai:gpt-99 is unknown; it may still work; did you mean openai:gpt-5 or ")


LIVE = {"data": [{"id": "gpt-4o"}, {"id": "gpt-99"}]}


def test_info_of_an_unknown_model_suggests_near_ones(llmring: Run) -> None:
    assert llmring("info", "openai:gpt5")[2] == (
        "openai:gpt5 is unknown; it may still work; did you mean openai:gpt-5 or openai:gpt-5.1 or openai:gpt-5.2?\n"
    )


def test_live_models_are_those_that_the_provider_offers_with_what_is_known_of_them(
    llmring: Run, monkeypatch: pytest.MonkeyPatch, answering: Callable[[int, object], str]
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-made-up")
    monkeypatch.setenv("OPENAI_BASE_URL", answering(200, LIVE))
    code, out, err = llmring("list", "--live", "-p", "openai", "--json")
    rows = {row["model"]: row for row in json.loads(out)}
    assert (code, err) == (0, "")
    assert set(rows) == {"openai:gpt-4o", "openai:gpt-99"}
    assert rows["openai:gpt-4o"]["context_window"] == 128_000
    assert rows["openai:gpt-99"]["context_window"] is None


def test_what_a_hosts_list_states_is_known_afterwards(
    llmring: Run, monkeypatch: pytest.MonkeyPatch, answering: Callable[[int, object], str]
) -> None:
    stated = {"data": [{"id": "new/model:free", "context_length": 4096}]}
    url = answering(200, stated)
    monkeypatch.setenv("LIBRARY_API_KEY", "made-up")
    try:
        assert llmring("hosts", "add", "library", "--base-url", url, "--key-env", "LIBRARY_API_KEY")[0] == 0
        assert llmring("info", "library:new/model:free")[0] == 1
        assert llmring("list", "--live", "-p", "library")[0] == 0
        code, out, _ = llmring("info", "library:new/model:free", "--json")
    finally:
        unregister("library")
    assert (code, json.loads(out)["context_window"]) == (0, 4096)


def test_what_a_proxy_states_is_not_known_afterwards(
    llmring: Run, monkeypatch: pytest.MonkeyPatch, answering: Callable[[int, object], str]
) -> None:
    monkeypatch.setenv("OPENROUTER_API_KEY", "made-up")
    monkeypatch.setenv(
        "OPENROUTER_BASE_URL", answering(200, {"data": [{"id": "new/model", "context_length": 4096}]})
    )
    assert llmring("list", "--live", "-p", "openrouter")[0] == 0
    assert llmring("info", "openrouter:new/model")[0] == 1


def test_ollamas_models_are_always_asked_for(
    llmring: Run, monkeypatch: pytest.MonkeyPatch, answering: Callable[[int, object], str]
) -> None:
    monkeypatch.setenv(
        "OLLAMA_BASE_URL", answering(200, {"models": [{"name": "qwen3:8b", "model": "qwen3:8b"}]})
    )
    assert llmring("list", "-p", "ollama")[1] == "ollama:qwen3:8b\t?\t?\t?\t\n"


def test_a_provider_that_cannot_be_asked_is_told_beside_those_that_can(
    llmring: Run, monkeypatch: pytest.MonkeyPatch, answering: Callable[[int, object], str]
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-made-up")
    monkeypatch.setenv("OPENAI_BASE_URL", answering(200, LIVE))
    monkeypatch.setenv("ZAI_API_KEY", "made-up")  # a host that has no list is asked for none
    code, out, err = llmring("list", "--live")
    assert code == 1
    assert out.startswith("openai:gpt-4o\t")
    assert err.startswith("error: [ollama] ")
    assert err.count("\n") == 1
