import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import llmring.registry
import pytest
from llmring.registry import PROVIDERS, _snapshot
from llmring_types import ModelFacts

DATA = Path(llmring.registry.__file__).with_name("data")
SCRIPT = Path(__file__).parents[2] / "scripts" / "refresh_registry.py"


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    """The script as a module, writing to a folder of the test's own."""
    spec = importlib.util.spec_from_file_location("refresh_registry", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "DATA", tmp_path / "data")
    return module


def published(folder: Path, *, spoiled: bool) -> Path:
    for provider in PROVIDERS:
        document = json.loads((DATA / provider / "models.json").read_bytes())
        if spoiled:
            document["models"]["openai:wrong"] = {"model_name": 3}
        (folder / provider).mkdir(parents=True)
        (folder / provider / "models.json").write_text(json.dumps(document))
    return folder


@pytest.mark.parametrize("as_url", [True, False])
def test_the_snapshot_is_renewed_from_a_folder_without_a_network(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, as_url: bool
) -> None:
    source = published(tmp_path / "published", spoiled=False)
    monkeypatch.setattr(sys, "argv", ["refresh_registry.py", source.as_uri() if as_url else str(source)])
    script.main()
    written = tmp_path / "data"
    for provider in PROVIDERS:
        name = f"{provider}/models.json"
        assert (written / name).read_bytes() == (source / name).read_bytes()
    assert "MIT" in (written / "genai-prices" / "LICENSE").read_text()
    monkeypatch.setattr(_snapshot, "_DATA", written)
    found: dict[str, ModelFacts] = {facts.model: facts for facts in _snapshot.price_list("anthropic")}
    assert found["claude-opus-4-5"].prices.source == "genai-prices"
    assert "claude-opus-4-5-20251101" in found["claude-opus-4-5"].aliases


def test_a_document_with_a_wrong_entry_changes_nothing(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    source = published(tmp_path / "published", spoiled=True)
    monkeypatch.setattr(sys, "argv", ["refresh_registry.py", str(source)])
    with pytest.raises(SystemExit, match="openai:wrong"):
        script.main()
    assert not (tmp_path / "data").exists()
