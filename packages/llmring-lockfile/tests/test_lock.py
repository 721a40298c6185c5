from datetime import date
from decimal import Decimal

import pytest
from llmring_lockfile import LockedModel, RegistryRelease, lock_models, parse
from llmring_types import ModelFacts, ModelRef, Prices
from llmring_types.exceptions import RegistryConnectionError
from msgspec.structs import replace

TEXT = """
[[profiles.default.bindings]]
alias = "a"
models = ["openai:gpt-4o", "ollama:llama3:8b"]

[[profiles.dev.bindings]]
alias = "a"
models = ["openai:gpt-4o", "google:gemini"]
"""
FACTS = {
    ModelRef("openai", "gpt-4o"): ModelFacts(
        provider="openai",
        model="gpt-4o-2024-08-06",
        context_window=111616,
        max_output_tokens=16384,
        prices=Prices(input=Decimal("2.5"), output=Decimal(10)),
        vision=True,
        tools=True,
        audio=False,
        active=True,
        retires_on=date(2027, 1, 1),
    ),
    ModelRef("google", "gemini"): ModelFacts(provider="google", model="gemini", active=False),
}
RELEASES = {"openai": RegistryRelease(7, "sha256:abc")}


def test_what_is_known_of_every_member_of_every_pool_is_recorded() -> None:
    assert lock_models(parse(TEXT), FACTS.get, RELEASES) == {
        "google:gemini": LockedModel(snapshot="gemini", active=False),
        "ollama:llama3:8b": LockedModel(listed=False),
        "openai:gpt-4o": LockedModel(
            snapshot="gpt-4o-2024-08-06",
            context_window=111616,
            max_output_tokens=16384,
            capabilities=("tools", "vision"),
            prices=Prices(input=Decimal("2.5"), output=Decimal(10)),
            retires_on=date(2027, 1, 1),
            registry_version=7,
            registry_digest="sha256:abc",
        ),
    }


def test_an_entry_whose_facts_are_the_same_keeps_the_release_that_first_said_so() -> None:
    lockfile = replace(parse(TEXT), locked=lock_models(parse(TEXT), FACTS.get, RELEASES))
    newer = {"openai": RegistryRelease(8, "sha256:def")}
    assert lock_models(lockfile, FACTS.get, newer) == lockfile.locked
    facts = dict(FACTS)
    facts[ModelRef("openai", "gpt-4o")] = replace(FACTS[ModelRef("openai", "gpt-4o")], vision=False)
    changed = lock_models(lockfile, facts.get, newer)["openai:gpt-4o"]
    assert (changed.capabilities, changed.registry_version) == (("tools",), 8)


def test_only_the_models_asked_for_are_looked_at_again_and_new_ones() -> None:
    lockfile = replace(parse(TEXT), locked={"openai:gpt-4o": LockedModel(snapshot="old")})
    locked = lock_models(lockfile, FACTS.get, refresh=[ModelRef("google", "gemini")])
    assert locked["openai:gpt-4o"].snapshot == "old"
    assert locked["google:gemini"].snapshot == "gemini"


def test_a_registry_that_cannot_say_is_an_error_and_not_an_unlisted_model() -> None:
    def facts(_: ModelRef) -> ModelFacts | None:
        raise RegistryConnectionError("no network")

    with pytest.raises(RegistryConnectionError):
        lock_models(parse(TEXT), facts)
