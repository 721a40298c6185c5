"""stats."""

import json
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., tuple[int, str, str]]


@pytest.mark.usefixtures("usage_log")
def test_calls_are_summed_up_by_model_the_dearest_first(llmring: Run) -> None:
    code, out, err = llmring("stats")
    assert code == 0
    assert out == (
        "openai:gpt-4o-mini\t2\t1,200\t0\t300\t$0.5000\t1.5\n"
        "anthropic:claude-haiku-4-5\t1\t100\t40\t20\t$0.2500\t1.5\n"
        "ollama:llama3:8b\t1\t10\t0\t2\t?\t1.5\n"
    )
    assert err == (
        "4 calls, $0.7500; 1 without a complete answer; 1 of unknown cost; "
        "plus about $0.0125 for failed attempts\n"
    )


@pytest.mark.usefixtures("usage_log")
@pytest.mark.parametrize(
    ("arguments", "first_cells"),
    [
        (("--by", "day"), ["2026-11-20", "2026-11-22"]),
        (("--by", "alias"), ["fast", "-"]),
        (("--by", "origin"), ["my-app", "other-app"]),
        (("--by", "day", "--until", "2026-11-21"), ["2026-11-20"]),
        (("--since", "2026-11-21", "--alias", "fast"), ["openai:gpt-4o-mini", "ollama:llama3:8b"]),
        (("--model", "claude-haiku-4-5"), ["anthropic:claude-haiku-4-5"]),
        (("--origin", "other-app"), ["ollama:llama3:8b"]),
    ],
)
def test_they_are_grouped_and_filtered_as_asked(
    llmring: Run, arguments: tuple[str, ...], first_cells: list[str]
) -> None:
    out = llmring("stats", *arguments)[1]
    assert [line.split("\t")[0] for line in out.splitlines()] == first_cells


@pytest.mark.usefixtures("usage_log")
def test_verbose_has_the_calls_that_need_a_look(llmring: Run) -> None:
    lines = [line.split("\t")[7:] for line in llmring("stats", "--verbose")[1].splitlines()]
    assert lines == [["1", "$0.0125", "0", "0"], ["0", "$0.0000", "0", "0"], ["0", "$0.0000", "1", "0"]]


@pytest.mark.usefixtures("usage_log")
def test_json_has_every_figure_and_unknown_is_null(llmring: Run) -> None:
    found = json.loads(llmring("stats", "--by", "model", "--by", "alias", "--json")[1])
    ollama = next(row for row in found["groups"] if row["group"]["model"] == "ollama:llama3:8b")
    assert (ollama["cost"], ollama["unpriced"], ollama["group"]["alias"]) == (None, 1, "fast")
    assert found["total"]["cost"] == 0.75
    assert found["total"]["group"] == {}


def test_a_log_can_be_named(llmring: Run, usage_log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LLMRING_USAGE_LOG")
    shutil.copy(usage_log, "copy.db")
    assert llmring("stats", "--log", "copy.db")[1].startswith("openai:gpt-4o-mini\t2\t")


def test_no_calls_are_no_error(llmring: Run, usage_log: Path) -> None:
    assert llmring("stats", "--origin", "nobody") == (0, "", f"{usage_log}: no calls\n")


@pytest.mark.usefixtures("usage_log")
@pytest.mark.parametrize(
    ("measure", "texts"),
    [
        ((), ["$0.5000", "", "$0.2500"]),
        (("--measure", "tokens"), ["1,500", "", "132"]),
        (("--measure", "calls"), ["1", "", "3"]),
    ],
)
def test_a_chart_of_days_has_the_idle_ones_too(
    llmring: Run, measure: tuple[str, ...], texts: list[str]
) -> None:
    lines = llmring("stats", "--by", "day", "--chart", *measure)[1].splitlines()
    assert [line.split()[0] for line in lines] == ["2026-11-20", "2026-11-21", "2026-11-22"]
    assert [line[12:].strip(" █▏▎▍▌▋▊▉#") for line in lines] == texts


@pytest.mark.usefixtures("usage_log")
def test_a_chart_is_of_tokens_where_no_cost_is_known(llmring: Run) -> None:
    line = llmring("stats", "--origin", "other-app", "--chart")[1].rstrip()
    assert line.startswith("ollama:llama3:8b")
    assert line.endswith(" 12")


@pytest.mark.usefixtures("usage_log")
def test_numbers_are_whole_on_a_narrow_terminal(llmring: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "44")
    out = re.sub(r"\x1b\[[\d;]*m", "", llmring("stats")[1])
    assert all(len(line) <= 44 for line in out.splitlines())
    assert "1,200" in out
    assert "$0.5000" in out
    assert "seconds" not in out
