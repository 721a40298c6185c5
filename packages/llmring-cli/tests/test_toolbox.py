"""The tools that models and MCP clients have."""

import json
import math
from datetime import date
from pathlib import Path
from typing import Any

import llmring_lockfile
import pytest
from jsonschema import Draft202012Validator
from llmring import ModelFacts
from llmring.registry import Registry
from llmring_cli.toolbox import Draft, LocalToolbox


@pytest.fixture
def toolbox(folder: Path) -> LocalToolbox:
    return LocalToolbox(Draft(folder / "llmring.lock"), Registry())


async def call(toolbox: LocalToolbox, name: str, **arguments: Any) -> Any:
    result = await toolbox.call(name, arguments)
    assert not result.is_error, result.text
    return json.loads(result.text)


BIND = {"alias": "reader", "models": ["openai:gpt-4o", "ollama:llama3:8b"]}


async def test_every_tool_has_a_flat_schema_that_is_one(toolbox: LocalToolbox) -> None:
    for spec in await toolbox.specs():
        parameters = spec["function"]["parameters"]
        Draft202012Validator.check_schema(parameters)
        assert parameters["type"] == "object"
        assert "$ref" not in json.dumps(parameters)
        assert parameters.get("additionalProperties") is False


async def test_a_change_is_shown_and_not_written(toolbox: LocalToolbox, folder: Path) -> None:
    changed = await call(toolbox, "bind_alias", **BIND, needs=["vision"], max_cost_usd=0.1)
    assert not changed["written"]
    assert '+models = ["openai:gpt-4o", "ollama:llama3:8b"]' in changed["diff"]
    assert not (folder / "llmring.lock").exists()
    assert (await call(toolbox, "list_aliases"))["aliases"] == {"reader": BIND["models"]}
    assert (await call(toolbox, "show_changes"))["diff"] == changed["diff"]


async def test_saving_writes_what_was_shown(toolbox: LocalToolbox, folder: Path) -> None:
    await call(toolbox, "bind_alias", **BIND, needs=["vision"], max_cost_usd=0.1)
    assert (await call(toolbox, "save_lockfile"))["written"]
    binding = llmring_lockfile.load().profile().binding("reader")
    assert binding is not None
    assert [str(model) for model in binding.models] == BIND["models"]
    assert binding.constraints.needs == ("vision",)
    assert str(binding.constraints.max_cost_usd) == "0.1"
    assert (await call(toolbox, "show_changes"))["diff"] == ""
    assert not (await call(toolbox, "save_lockfile"))["written"]


async def test_saving_keeps_what_somebody_else_wrote_meanwhile(toolbox: LocalToolbox, folder: Path) -> None:
    await call(toolbox, "bind_alias", **BIND)
    llmring_lockfile.bind(folder / "llmring.lock", "other", "openai:gpt-4o", create=True)
    await call(toolbox, "save_lockfile")
    assert set(llmring_lockfile.load().profile().aliases) == {"other", "reader"}


async def test_changes_can_be_taken_back(toolbox: LocalToolbox) -> None:
    await call(toolbox, "bind_alias", **BIND)
    await call(toolbox, "discard_changes")
    assert (await call(toolbox, "list_aliases"))["aliases"] == {}


async def test_aliases_are_removed_and_profiles_chosen(toolbox: LocalToolbox) -> None:
    await call(toolbox, "bind_alias", **BIND, profile="prod")
    await call(toolbox, "set_default_profile", profile="prod")
    assert (await call(toolbox, "list_aliases"))["profile"] == "prod"
    await call(toolbox, "unbind_alias", alias="reader")
    assert (await call(toolbox, "list_aliases"))["aliases"] == {}


WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("bind_alias", {"alias": "x", "models": ["gpt-4o"]}, "provider:model"),
    ("bind_alias", {"alias": "x", "models": []}, "length"),
    ("bind_alias", {"alias": "x"}, "models"),
    ("bind_alias", {"alias": "x", "models": ["openai:x"], "more": 1}, "more"),
    ("set_default_profile", {"profile": "nosuch"}, "nosuch"),
    ("list_models", {"provider": "acme"}, "acme"),
    ("find_models", {"needs": ["wings"]}, "wings"),
    ("find_models", {"max_input_price": -1}, "max_input_price"),
    ("find_models", {"max_input_price": math.inf}, "max_input_price must be a finite number"),
    (
        "compare_costs",
        {"models": ["openai:gpt-4o"], "calls": 0, "input_tokens": 1, "output_tokens": 1},
        "calls",
    ),
    ("nosuch", {}, "there is no tool nosuch"),
]


@pytest.mark.parametrize(("name", "arguments", "part"), WRONG)
async def test_a_wrong_call_is_told_for_the_model_to_do_better(
    toolbox: LocalToolbox, name: str, arguments: dict[str, Any], part: str
) -> None:
    result = await toolbox.call(name, arguments)
    assert result.is_error
    assert part in result.text
    assert (await call(toolbox, "show_changes"))["diff"] == ""


async def test_models_are_found_with_reasons(toolbox: LocalToolbox) -> None:
    found = await call(toolbox, "find_models", needs=["vision"], max_input_price=0.5, limit=3)
    assert len(found["models"]) == 3
    assert all(row["prices"]["input"] <= 0.5 and row["reason"] for row in found["models"])
    none = await call(toolbox, "find_models", min_context=999_000_000)
    assert none["models"] == []
    assert none["near_misses"]


async def test_what_speaks_against_a_model_is_told(toolbox: LocalToolbox) -> None:
    known, unknown = await call(toolbox, "get_models", models=["openai:gpt-4o", "openai:gpt-99"])
    assert known["context_window"] == 128_000
    assert known["against"] == ["the provider openai cannot be used here: no key is set"]
    assert not unknown["known"]
    assert unknown["against"][-1] == "the registry does not know it"


async def test_retirement_speaks_against_a_model(
    toolbox: LocalToolbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = {
        "gone": ModelFacts(provider="ollama", model="gone", active=False),
        "going": ModelFacts(provider="ollama", model="going", retires_on=date(2030, 1, 31)),
    }
    monkeypatch.setattr(Registry, "facts", lambda _, __, model: facts[model])
    gone, going = await call(toolbox, "get_models", models=["ollama:gone", "ollama:going"])
    assert gone["against"] == ["it is retired"]
    assert going["against"] == ["it retires on 2030-01-31"]


async def test_costs_are_compared_for_a_load_cheapest_first(toolbox: LocalToolbox) -> None:
    rows = await call(
        toolbox,
        "compare_costs",
        models=["openai:gpt-4o", "openai:gpt-4o-mini", "ollama:llama3"],
        calls=1000,
        input_tokens=1000,
        output_tokens=100,
    )
    assert [row["model"] for row in rows] == ["openai:gpt-4o-mini", "openai:gpt-4o", "ollama:llama3"]
    assert rows[1]["total_usd"] == pytest.approx(1000 * (1000 * 2.5 + 100 * 10) / 1e6)
    assert (rows[2]["total_usd"], rows[2]["status"]) == (None, "local_model")


async def test_the_draft_can_be_validated_before_it_is_written(toolbox: LocalToolbox) -> None:
    await call(toolbox, "bind_alias", alias="x", models=["openai:gpt-99"])
    told = await call(toolbox, "validate_lockfile")
    assert told["status"] == "invalid"
    assert told["findings"][0]["rule"] == "unknown-model"


async def test_the_configuration_shows_no_key(toolbox: LocalToolbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-made-up")
    told = await call(toolbox, "get_configuration")
    assert told["providers"][0] == {
        "name": "openai",
        "configured": True,
        "needs": [],
        "base_url": None,
        "key_from": "OPENAI_API_KEY",
        "missing": None,
    }
    assert "made-up" not in json.dumps(told)


async def test_models_are_listed_in_brief(toolbox: LocalToolbox) -> None:
    rows = await call(toolbox, "list_models", provider="anthropic")
    every = await call(toolbox, "list_models", provider="anthropic", include_retired=True)
    assert 0 < len(rows) < len(every)
    assert isinstance(rows[0]["input_price"], float)
