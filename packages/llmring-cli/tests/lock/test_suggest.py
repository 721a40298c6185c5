"""suggest."""

import json
from collections.abc import Callable

import pytest

Run = Callable[..., tuple[int, str, str]]
NEEDS = ("--need", "vision", "--need", "tools", "--max-input-price", "1", "--min-context", "200000")


def test_what_fits_is_ranked_with_a_reason_for_each(llmring: Run) -> None:
    code, out, err = llmring("lock", "suggest", *NEEDS)
    rows = [line.split("\t") for line in out.splitlines()]
    assert code == 0
    assert 1 < len(rows) <= 10
    assert all(len(row) == 5 and row[4] for row in rows)
    assert all(float(row[2]) <= 1 and int(row[1].replace(",", "")) >= 200_000 for row in rows)
    assert err == f"hint: to use one: llmring bind ALIAS {rows[0][0]}\n"


def test_the_same_needs_get_the_same_advice(llmring: Run) -> None:
    first = llmring("lock", "suggest", *NEEDS, "--json")
    assert llmring("lock", "suggest", *NEEDS, "--json") == first
    told = json.loads(first[1])
    assert {"vision", "tools"} <= set(told["suggestions"][0]["capabilities"])
    assert told["near_misses"] == []


def test_where_nothing_fits_the_near_misses_are_told(llmring: Run) -> None:
    code, out, err = llmring("lock", "suggest", "--min-context", "999000000")
    assert (code, out) == (1, "")
    assert err.startswith("no known model meets all requirements; these miss one:\n  ")
    assert "needs 999000000 tokens of context" in err


def test_it_can_be_kept_to_providers_whose_key_is_set(llmring: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-made-up")
    ready = json.loads(llmring("lock", "suggest", "--ready", "--json")[1])["suggestions"]
    named = json.loads(llmring("lock", "suggest", "-p", "anthropic", "--json")[1])["suggestions"]
    assert ready == named
    assert {row["model"].partition(":")[0] for row in ready} == {"anthropic"}


def test_the_limit_and_the_preference_count(llmring: Run) -> None:
    rows = json.loads(llmring("lock", "suggest", "--prefer", "context", "--limit", "3", "--json")[1])[
        "suggestions"
    ]
    windows = [row["context_window"] for row in rows]
    assert len(windows) == 3
    assert windows == sorted(windows, reverse=True)


@pytest.mark.parametrize("wrong", [("--need", "wings"), ("--max-input-price", "-1"), ("--prefer", "luck")])
def test_what_cannot_be_meant_is_an_error(llmring: Run, wrong: tuple[str, ...]) -> None:
    code, out, err = llmring("lock", "suggest", *wrong)
    assert (code, out, err.count("\n")) == (2, "", 1)
