"""Models that the registry no longer lists, because their vendors retired them long ago."""

from collections.abc import Callable
from pathlib import Path

import pytest
from llmring_cli._retired import gone, retired_facts

Run = Callable[..., tuple[int, str, str]]
OLD = "anthropic:claude-3-opus-20240229"


@pytest.fixture
def bound(llmring: Run, folder: Path) -> Path:
    llmring("bind", "writer", OLD)
    llmring("lock", "update", "--offline")
    return folder


def test_binding_one_warns(llmring: Run) -> None:
    err = llmring("bind", "writer", OLD)[2]
    assert f"{OLD}: its vendor has retired it since 2026-01-05; for a successor: llmring lock upgrade" in err


@pytest.mark.usefixtures("bound")
@pytest.mark.parametrize("review", ["audit", "validate"])
def test_reviews_report_it(llmring: Run, review: str) -> None:
    code, out, _ = llmring("lock", review, "--offline")
    assert code == 1
    assert f"{OLD} is retired since 2026-01-05" in out


def test_an_upgrade_names_a_successor(llmring: Run, bound: Path) -> None:
    assert llmring("lock", "upgrade", "--offline", "--yes")[0] == 0
    text = (bound / "llmring.lock").read_text()
    assert OLD not in text
    assert 'models = ["anthropic:claude-opus-' in text


def test_what_no_page_dates_has_no_day() -> None:
    found = retired_facts("google", "gemini-1.5-pro")
    assert found is not None
    assert (found.active, found.retires_on) == (False, None)
    assert retired_facts("google", "gemini-99") is None
    row = gone("google", "gemini-1.5-pro")
    assert row is not None
    assert row.source.startswith("https://")
