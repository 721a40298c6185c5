"""The documentation site: what must be on it. tests/check builds it, and any warning fails."""

import json
import re
from pathlib import Path

import pytest
from benchmark_charts import RESULTS, figures

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "docs" / "reference"
FORMER = {
    "llmring.exceptions",
    "llmring.lockfile",
    "llmring.lockfile_core",
    "llmring.mcp.client",
    "llmring.schemas",
    "llmring.service_extended",
    "llmring.utils",
}
"""Names of llmring 1.4, which docs/migrate-from-1.4.md describes."""
IMPLEMENTATIONS = re.compile(
    r"llmring_providers\.(anthropic|bedrock|google|local|ollama|openai)|llmring_(cli|pytest).*"
)


def public_modules() -> list[str]:
    texts = [path.read_text("utf-8") for path in sorted((ROOT / "tests" / "api").glob("*.txt"))]
    names = [name for text in texts for name in re.findall(r"^# (\S+)$", text, re.MULTILINE)]
    assert len(names) > 30
    return [name for name in names if name not in FORMER and not IMPLEMENTATIONS.fullmatch(name)]


@pytest.mark.parametrize("module", public_modules())
def test_a_public_module_is_in_the_reference(module: str) -> None:
    pages = [path.read_text("utf-8") for path in REFERENCE.glob("*.md")]
    assert sum(f".. automodule:: {module}\n" in page for page in pages) == 1


def test_the_check_builds_the_site_and_no_warning_passes() -> None:
    assert "sphinx-build -q -E -W --keep-going -b html docs" in (ROOT / "tests" / "check").read_text("utf-8")


def test_the_charts_show_the_median_of_the_rounds_of_one_provider_alone() -> None:
    lines = [
        json.dumps({"metric": metric, "provider": provider, "peer": peer, "cpu_us": value})
        for metric, provider, peer, value in [
            ("small", "openai", "sdk", 30.0),
            ("small", "openai", "sdk", 10.0),
            ("small", "openai", "sdk", 20.0),
            ("small", "openai", "ours", 5.0),
            ("small", "anthropic", "ours", 1.0),
            ("burst", "openai", "ours", 2.0),
        ]
    ]
    assert figures(lines, "small", "cpu_us", "openai") == [("llmring", 5.0), ("vendor's SDK", 20.0)]


@pytest.mark.parametrize(
    "arguments",
    re.findall(r"\{benchmark-chart\} (.*)", (ROOT / "docs" / "benchmarks.md").read_text("utf-8")),
)
def test_each_chart_has_results_of_every_client(arguments: str) -> None:
    metric, field, *provider = arguments.split()
    with RESULTS.open(encoding="utf-8") as lines:
        clients = {row.client for row in figures(lines, metric, field, provider[0] if provider else None)}
    assert clients == {"llmring", "vendor's SDK", "litellm", "any-llm", "pydantic-ai", "langchain"}
