import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import llmring.registry
import pytest
from llmring.registry import PROVIDERS, Registry

DATA = Path(llmring.registry.__file__).with_name("data")


@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_entry_of_the_snapshot_can_be_read(provider: str) -> None:
    publication = Registry().publication(provider)
    assert publication is not None
    assert publication.skipped == ()
    document = json.loads((DATA / provider / "models.json").read_bytes())
    assert [f"{provider}:{facts.model}" for facts in publication.models] == list(document["models"])
    assert publication.version == document["version"]
    assert publication.updated_at == document["updated_at"]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_prices_are_the_decimals_that_the_file_spells(provider: str) -> None:
    publication = Registry().publication(provider)
    assert publication is not None
    document = json.loads((DATA / provider / "models.json").read_bytes(), parse_float=Decimal)
    for facts in publication.models:
        entry = document["models"][f"{provider}:{facts.model}"]
        assert facts.prices.input == entry["dollars_per_million_tokens_input"]
        assert facts.prices.output == entry["dollars_per_million_tokens_output"]


@pytest.mark.parametrize("folder", [DATA, DATA / "genai-prices"])
def test_the_data_carries_its_licence(folder: Path) -> None:
    licence = (folder / "LICENSE").read_text()
    assert "MIT" in licence
    assert "Copyright (c)" in licence


def test_importing_the_registry_reads_no_data() -> None:
    code = """
import sys
opened = []
sys.addaudithook(lambda event, args: opened.append(str(args[0])) if event == "open" else None)
import llmring.registry
print([path for path in opened if path.endswith(".json")])
registry = llmring.registry.Registry()
registry.facts("openai", "gpt-4o")
registry.facts("openai", "gpt-4o-mini")
print(len([path for path in opened if path.endswith(".json")]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[]", "4"]
