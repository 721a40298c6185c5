"""What the registry is known to have wrong."""

import re
from urllib.parse import urlsplit

import pytest
from llmring.registry import PROVIDERS, Correction, Registry
from llmring.registry._models import corrected, corrections_of
from llmring.registry._snapshot import corrections
from llmring_types import ModelFacts

ROWS = [(provider, model, row) for (provider, model), rows in corrections().items() for row in rows]


@pytest.mark.parametrize(("provider", "model", "row"), ROWS, ids=[f"{row[1]} {row[2].field}" for row in ROWS])
def test_each_is_still_needed_and_takes_effect(provider: str, model: str, row: Correction) -> None:
    registry = Registry()
    document = registry.publication(provider)
    assert document is not None
    (entry,) = (facts for facts in document.models if facts.model == model)
    assert getattr(entry, row.field) == row.published, "the registry was corrected: remove the row"
    facts = registry.facts(provider, model)
    assert facts is not None
    assert getattr(facts, row.field) == row.value
    assert row in registry.corrections(provider, model)


def test_each_names_the_vendors_page_and_changes_a_fact_that_exists() -> None:
    for provider, _, row in ROWS:
        assert provider in PROVIDERS
        assert row.field in ModelFacts.__struct_fields__
        assert row.value != row.published
        assert urlsplit(row.source).hostname in {"developers.openai.com", "docs.cloud.google.com"}


def test_models_that_only_the_responses_api_serves_are_those_of_the_vendors_sdk() -> None:
    """And a few that the SDK does not name: it has no model that was there before it had such a list."""
    from openai.types.shared.responses_model import ResponsesModel

    named = set(re.findall(r"'([^']+)'", str(ResponsesModel.__args__[-1])))  # type: ignore[attr-defined]
    registry = Registry()
    wrong = {
        facts.model
        for facts in registry.models("openai")
        if facts.model in named and facts.api not in ("responses", None)
    }
    assert wrong == set()


def test_a_registry_that_says_something_else_is_believed() -> None:
    says = ModelFacts(provider="openai", model="o1-pro", api="batch", temperature=None)
    assert corrections_of(says) == ()
    assert corrected(says, ()) is says


def test_names_lead_to_the_corrections_of_their_model() -> None:
    registry = Registry()
    assert (
        registry.corrections("openai", "gpt-5.5-2026-04-23")
        == registry.corrections("openai", "gpt-5.5")
        != ()
    )
    assert registry.corrections("openai", "gpt-4o") == ()
    assert registry.corrections("openai", "nosuch") == ()
    assert registry.corrections("ollama", "llama3") == ()
