"""The checklists of CONTRIBUTING.md lead to files that are there, and hold for what is there already."""

import re
from pathlib import Path

import pytest
from llmring_types import LLMRequest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
SOURCES = ROOT / "packages" / "llmring-providers" / "src" / "llmring_providers"
PROTOCOLS = ("openai", "anthropic", "google", "ollama", "bedrock")
BEFORE_PROTOCOLS = {"files", "response_format", "json_response", "max_response_bytes", "metadata", "timeout"}
"""Fields that are used up, or brought into one form, outside of the protocols."""


def sources(folder: Path) -> str:
    return "\n".join(path.read_text("utf-8") for path in folder.rglob("*.py"))


PROVIDERS = {protocol: sources(SOURCES / protocol) for protocol in PROTOCOLS}
CORE = sources(ROOT / "packages" / "llmring" / "src") + sources(SOURCES)


def test_every_file_and_folder_that_is_named_is_there() -> None:
    named = re.findall(r"`((?:packages|tests|docs|\.ci|\.github)/[^`\s]+)`", TEXT)
    named += re.findall(r"`(?:uv run [^`]*)?(?:python|pytest) ((?:packages|tests)/[^`\s]+)", TEXT)
    named += re.findall(r"\]\((?!https?:)([^)#]+)\)", TEXT)
    assert len(named) > 20
    missing = [path for path in named if not (ROOT / path).exists()]
    assert not missing


@pytest.mark.parametrize("field", LLMRequest.__struct_fields__)
def test_every_field_of_a_request_is_read_by_every_protocol(field: str) -> None:
    read = re.compile(rf"\.{field}\b")
    if field in BEFORE_PROTOCOLS:
        assert read.search(CORE)
    else:
        assert [protocol for protocol, text in PROVIDERS.items() if not read.search(text)] == []


@pytest.mark.parametrize("field", LLMRequest.__struct_fields__)
def test_every_field_of_a_request_is_in_the_table_of_the_types(field: str) -> None:
    readme = (ROOT / "packages" / "llmring-types" / "README.md").read_text("utf-8")
    assert re.search(rf"^\| `{field}` \|", readme, re.MULTILINE)
