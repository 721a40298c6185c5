"""update and bump-registry."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import llmring_lockfile
import pytest
from llmring.registry import default_cache_dir

Run = Callable[..., tuple[int, str, str]]
Publish = Callable[..., None]


@pytest.fixture(autouse=True)
def lockfile(llmring: Run, publish: Publish) -> None:
    publish({"gpt-6": {"supports_vision": True}})
    llmring("bind", "fast", "openai:gpt-6")
    llmring("bind", "slow", "ollama:llama3", "--profile", "dev")


def test_it_records_what_is_true_of_every_model_and_where_that_is_from(llmring: Run) -> None:
    code, _, err = llmring("lock", "update")
    locked = llmring_lockfile.load().locked
    assert code == 0
    assert err == "1 model locked in llmring.lock; not in the registry: ollama:llama3\n"
    assert locked["openai:gpt-6"].context_window == 100_000
    assert "vision" in locked["openai:gpt-6"].capabilities
    assert locked["openai:gpt-6"].registry_version == 7
    assert str(locked["openai:gpt-6"].registry_digest).startswith("sha256:")
    assert not locked["ollama:llama3"].listed


def test_the_same_facts_leave_the_file_as_it_is(llmring: Run, folder: Path, publish: Publish) -> None:
    llmring("lock", "update")
    before = (folder / "llmring.lock").read_bytes()
    publish({"gpt-6": {"supports_vision": True}}, version=8)
    llmring("lock", "update")
    assert (folder / "llmring.lock").read_bytes() == before


@pytest.mark.parametrize(("version", "says"), [(6, "went back in time"), (7, "another digest")])
def test_a_registry_that_went_back_in_time_or_changed_what_it_said_is_refused(
    llmring: Run, folder: Path, publish: Publish, version: int, says: str
) -> None:
    llmring("lock", "update")
    before = (folder / "llmring.lock").read_bytes()
    publish({"gpt-6": {"supports_vision": False}}, version=version)
    code, _, err = llmring("lock", "update")
    assert (code, says in err, "--allow-older" in err) == (1, True, True)
    assert (folder / "llmring.lock").read_bytes() == before
    assert llmring("lock", "update", "--allow-older")[0] == 0
    assert llmring_lockfile.load().locked["openai:gpt-6"].registry_version == version


def test_a_fetched_registry_that_went_back_in_time_is_refused_before_the_lock_is_read(
    llmring: Run, folder: Path, answering: Callable[[int, Any], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = {"model_name": "gpt-6", "provider": "openai", "is_active": True}
    document = {"provider": "openai", "version": 8, "models": {"openai:gpt-6": entry}}
    monkeypatch.setenv("LLMRING_REGISTRY_URL", answering(200, document))
    assert llmring("lock", "update")[0] == 0
    document["version"] = 7
    assert llmring("registry", "refresh", "openai")[0] == 1
    copies = default_cache_dir(os.environ)
    assert copies is not None
    for path in copies.rglob("*.json"):  # as if it had been asked yesterday
        copy = json.loads(path.read_text())
        path.write_text(json.dumps({**copy, "checked_at": 0.0}))
    before = (folder / "llmring.lock").read_bytes()
    code, _, err = llmring("lock", "update")
    assert code == 1
    assert "is version 7, and version 8 is known" in err
    assert err.endswith("To accept it: llmring lock update --allow-older\n")
    assert (folder / "llmring.lock").read_bytes() == before
    assert llmring("lock", "update", "--allow-older")[0] == 0
    assert llmring("registry", "refresh", "openai", "--allow-older")[0] == 0


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_what_changed_is_told(llmring: Run, publish: Publish, more: tuple[str, ...]) -> None:
    llmring("lock", "update")
    publish({"gpt-6": {"supports_vision": True, "dollars_per_million_tokens_input": 2.5}}, version=8)
    out = llmring("lock", "update", *more)[1]
    if more:
        assert json.loads(out)["changes"] == [
            {
                "what": "price input",
                "before": 1.0,
                "after": 2.5,
                "profile": "default",
                "alias": "fast",
                "model": "openai:gpt-6",
            }
        ]
    else:
        assert out == "default fast openai:gpt-6: price input $1 -> $2.5\n"


def test_each_profile_is_pinned_to_the_versions_of_its_own_providers(llmring: Run) -> None:
    code, out, err = llmring("lock", "bump-registry")
    profiles = llmring_lockfile.load().profiles
    assert (code, err) == (0, "pinned in llmring.lock\n")
    assert out == "default: registry_versions.openai nothing -> 7\n"
    assert profiles["default"].registry_versions == {"openai": 7}
    assert profiles["dev"].registry_versions == {}
    assert llmring("lock", "bump-registry")[2] == "every profile is pinned to the current versions\n"
