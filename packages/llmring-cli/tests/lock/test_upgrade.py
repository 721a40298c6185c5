"""upgrade."""

import json
from collections.abc import Callable
from pathlib import Path

import llmring_lockfile
import pytest

Run = Callable[..., tuple[int, str, str]]
Publish = Callable[..., None]


@pytest.fixture(autouse=True)
def lockfile(llmring: Run, publish: Publish) -> None:
    publish({"gpt-5": {"is_active": False}, "gpt-6": {}, "o9": {}})
    llmring("bind", "fast", "openai:gpt-5,openai:o9")
    llmring("bind", "other", "openai:gpt-5")


def pool(alias: str) -> list[str]:
    binding = llmring_lockfile.load().profile().binding(alias)
    assert binding is not None
    return [str(model) for model in binding.models]


def test_without_a_yes_nothing_is_written(llmring: Run, folder: Path) -> None:
    before = (folder / "llmring.lock").read_bytes()
    code, out, err = llmring("lock", "upgrade")
    assert code == 0
    assert out.splitlines()[0].startswith(
        "default fast: openai:gpt-5 -> openai:gpt-6 (retired: a later version)"
    )
    assert '+models = ["openai:gpt-6", "openai:o9"]' in err
    assert err.endswith("nothing was written. To write without confirmation: --yes\n")
    assert (folder / "llmring.lock").read_bytes() == before


@pytest.mark.parametrize("yes", ["--yes", "-y"])
def test_with_yes_the_successor_takes_the_place(llmring: Run, yes: str) -> None:
    assert llmring("lock", "upgrade", yes)[0] == 0
    assert pool("fast") == ["openai:gpt-6", "openai:o9"]
    assert pool("other") == ["openai:gpt-6"]


def test_it_can_be_kept_to_one_alias(llmring: Run) -> None:
    llmring("lock", "upgrade", "other", "--yes")
    assert pool("fast") == ["openai:gpt-5", "openai:o9"]
    assert pool("other") == ["openai:gpt-6"]


def test_where_models_are_locked_the_successor_is_locked_too(llmring: Run) -> None:
    llmring("lock", "upgrade", "other", "--yes")
    assert not llmring_lockfile.load().locked
    llmring("lock", "update")
    llmring("lock", "upgrade", "--yes")
    assert set(llmring_lockfile.load().locked) == {"openai:gpt-6", "openai:o9"}


def test_nothing_to_do_is_said(llmring: Run) -> None:
    llmring("bind", "demo", "sim:demo")
    assert llmring("lock", "upgrade", "demo") == (0, "", "nothing to upgrade\n")


def test_as_json_the_proposals_are_told_and_only_yes_writes(llmring: Run) -> None:
    told = json.loads(llmring("lock", "upgrade", "other", "--json")[1])
    assert not told["written"]
    assert told["upgrades"] == [
        {
            "profile": "default",
            "alias": "other",
            "model": "openai:gpt-5",
            "reason": "retired",
            "successor": "openai:gpt-6",
            "why": "retired: a later version",
        }
    ]
    assert json.loads(llmring("lock", "upgrade", "--json", "--yes")[1])["written"]


def test_without_the_registry_it_says_how_to_use_local_data(llmring: Run) -> None:
    code, out, err = llmring("lock", "upgrade", "--registry", "http://127.0.0.1:9")
    assert (code, out) == (3, "")
    assert err.startswith("error: nothing can be proposed: cannot fetch http://127.0.0.1:9/")
    assert err.endswith(". To use local data: --offline\n")
