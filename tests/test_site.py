"""The documentation site: what must be on it. tests/check builds it, and any warning fails."""

import re
from pathlib import Path

import pytest

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
