import pytest
from hypothesis import given
from hypothesis import strategies as st
from llmring.registry import Registry
from llmring.registry._models import Names
from llmring_types import ModelFacts


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry()


@pytest.mark.parametrize(
    ("provider", "name", "entry"),
    [
        ("openai", "gpt-4o", "gpt-4o"),
        ("openai", "GPT-4o", "GPT-4o"),
        ("openai", "gpt-4o-2024-05-13", "gpt-4o-2024-05-13"),
        ("openai", "gpt-4o-2024-11-20", "gpt-4o-2024-08-06"),
        ("openai", "gpt-4-turbo-preview", "gpt-4-turbo-2024-04-09"),
        ("openai", "gpt-5.6-sol-2026-07-07", "gpt-5.6-sol"),
        ("anthropic", "claude-sonnet-4-5", "claude-sonnet-4-5-20250929"),
        ("anthropic", "claude-opus-5-20260701", "claude-opus-5"),
        ("anthropic", "claude-3-haiku", "claude-3-haiku-20240307"),
        ("anthropic", "claude-3-haiku-latest", "claude-3-haiku-20240307"),
        ("anthropic", "claude-3-7-sonnet-latest", "claude-3-7-sonnet-20250219"),
        ("google", "models/gemini-2.5-pro", "gemini-2.5-pro"),
        ("google", "models/gemini-2.5-flash-001", "gemini-2.5-flash"),
        ("google", "gemini-3-pro-preview-11-2025", "gemini-3-pro-preview"),
    ],
)
def test_a_model_is_found_by_every_name_that_providers_use(
    registry: Registry, provider: str, name: str, entry: str
) -> None:
    facts = registry.facts(provider, name)
    assert facts is not None
    assert (facts.provider, facts.model) == (provider, entry)


@pytest.mark.parametrize(
    ("provider", "name"),
    [
        ("openai", "gpt-4o-2024"),
        ("openai", "gpt-99"),
        ("openai", ""),
        ("openai", "-latest"),
        ("openai", "claude-opus-5"),
        ("google", "gemini-embedding-002"),
        ("acme", "mistral-large"),
        ("../openai", "gpt-4o"),
    ],
)
def test_an_unknown_name_finds_nothing(registry: Registry, provider: str, name: str) -> None:
    assert registry.facts(provider, name) is None


def test_asking_for_ever_new_names_does_not_fill_the_memory(registry: Registry) -> None:
    for number in range(3000):
        assert registry.facts("openai", f"unheard-of-{number}") is None
    assert len(registry._providers["openai"]._memo) <= 1024
    assert registry.facts("openai", "gpt-4o") is not None


def test_a_snapshot_with_a_price_of_its_own_keeps_it(registry: Registry) -> None:
    dated, current = registry.facts("openai", "gpt-4o-2024-05-13"), registry.facts("openai", "gpt-4o")
    assert dated is not None
    assert current is not None
    assert (str(dated.prices.input), str(current.prices.input)) == ("5.0", "2.5")
    preview = registry.facts("google", "gemini-2.5-flash-preview")
    assert preview is not None
    assert (str(preview.prices.input), preview.prices.source) == ("0.15", "genai-prices")


def model(name: str, *aliases: str, active: bool = True) -> ModelFacts:
    return ModelFacts(provider="p", model=name, aliases=aliases, active=active)


def test_of_two_owners_of_an_alias_the_served_one_wins_then_the_newer() -> None:
    retired, old, new = (
        model("z", "both", active=False),
        model("a", "both", "shared"),
        model("b", "shared"),
    )
    for order in ([retired, old, new], [new, old, retired]):
        names = Names(order)
        assert names.find("both") is old
        assert names.find("shared") is new


def test_a_name_without_a_date_finds_the_newest_snapshot() -> None:
    names = Names([model("m-2024-01-02"), model("m-2025-01-02"), model("m-2024-12-31")])
    found = names.find("m")
    assert found is not None
    assert found.model == "m-2025-01-02"
    assert names.find("m-2026-01-01") is None


NAME = st.text("ab-0123", min_size=1, max_size=6)


@given(st.dictionaries(NAME, st.lists(NAME, max_size=3), max_size=6), st.sampled_from(["", "models/"]))
def test_exact_names_always_win(entries: dict[str, list[str]], prefix: str) -> None:
    models = [model(name, *aliases) for name, aliases in entries.items()]
    names = Names(models)
    for facts in models:
        assert names.find(prefix + facts.model) is facts
        for alias in facts.aliases:
            found = names.find(alias)
            assert found is not None
            assert alias == found.model or alias in found.aliases
