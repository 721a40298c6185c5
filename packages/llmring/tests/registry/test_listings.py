from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from llmring.pricing import price
from llmring.registry import Registry
from llmring.registry._listings import MAX_AGE, Listings
from llmring_types import ModelFacts, Prices
from llmring_types.hosts import HOSTS

PRICES = Prices(input=Decimal("0.25"), output=Decimal(2), source="openrouter")
NEW = ModelFacts(
    provider="openrouter", model="acme/new:free", active=True, context_window=4096, prices=PRICES
)
BARE = ModelFacts(provider="openrouter", model="acme/bare", active=True)
ADDRESS = HOSTS["openrouter"].default_url


def listed(folder: Path) -> Path:
    return folder / "hosts" / "openrouter.json"


def test_a_hosts_own_list_answers_for_models_that_nobody_else_knows(tmp_path: Path) -> None:
    registry = Registry(cache_dir=tmp_path)
    assert registry.facts("openrouter", "acme/new:free") is None
    assert registry.keep_listing("openrouter", None, [NEW, BARE])
    for each in (registry, Registry(cache_dir=tmp_path)):
        facts = each.facts("openrouter", "acme/new:free")
        assert facts is not None
        assert (facts.context_window, facts.prices.input, facts.prices.output) == (
            4096,
            Decimal("0.25"),
            Decimal(2),
        )
        assert facts.prices.source == "openrouter's list of models"
        assert each.facts("openrouter", "acme/bare") is None


def test_a_call_is_priced_by_the_hosts_own_list(tmp_path: Path) -> None:
    registry = Registry(cache_dir=tmp_path)
    registry.keep_listing("openrouter", ADDRESS, [NEW])
    cost = price({"prompt_tokens": 4, "completion_tokens": 1}, registry.facts("openrouter", "acme/new:free"))
    assert (cost.status, cost.total) == ("priced", Decimal("0.000003"))


def test_the_price_list_is_filled_in_and_never_overruled(tmp_path: Path) -> None:
    registry = Registry(cache_dir=tmp_path)
    known = registry.facts("groq", "llama-3.3-70b-versatile")
    assert known is not None
    stated = ModelFacts(
        provider="groq", model="llama-3.3-70b-versatile", context_window=7, prices=PRICES, active=True
    )
    registry.keep_listing("groq", None, [stated])
    facts = registry.facts("groq", "llama-3.3-70b-versatile")
    assert facts is not None
    assert facts.prices.input == known.prices.input
    assert facts.context_window == (known.context_window or 7)


@pytest.mark.parametrize("address", ["http://localhost:1", "https://openrouter.ai.example/api/v1"])
def test_another_address_never_states_the_facts_of_a_host(tmp_path: Path, address: str) -> None:
    assert not Listings(tmp_path).store("openrouter", address, [NEW])
    Listings(tmp_path).store("openrouter", None, [NEW])
    listed(tmp_path).write_bytes(
        listed(tmp_path).read_bytes().replace(str(ADDRESS).encode(), address.encode())
    )
    assert Listings(tmp_path).load("openrouter") == {}


@pytest.mark.parametrize("provider", ["ollama", "cloudflare", "../openrouter"])
def test_what_has_no_address_of_its_own_is_not_kept(tmp_path: Path, provider: str) -> None:
    assert not Listings(tmp_path).store(provider, None, [NEW])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("age", [-1.0, MAX_AGE])
def test_an_old_list_and_one_of_the_future_do_not_answer(tmp_path: Path, age: float) -> None:
    Listings(tmp_path, now=lambda: 1000.0).store("openrouter", None, [NEW])
    assert Listings(tmp_path, now=lambda: 1000.0 + age).load("openrouter") == {}


@pytest.mark.parametrize(
    "hostile",
    [
        msgspec.structs.replace(NEW, model="x" * 301),
        msgspec.structs.replace(NEW, model=""),
        msgspec.structs.replace(NEW, context_window=10**12),
        msgspec.structs.replace(NEW, prices=Prices(input=Decimal("1e999999"), output=Decimal(1))),
        msgspec.structs.replace(NEW, prices=Prices(input=Decimal(1), output=Decimal("NaN"))),
        msgspec.structs.replace(NEW, prices=Prices(input=Decimal(-1), output=Decimal(1))),
        msgspec.structs.replace(NEW, prices=Prices(input=Decimal("1e-400"), output=Decimal(1))),
    ],
)
def test_an_entry_that_cannot_be_right_is_left_out(tmp_path: Path, hostile: ModelFacts) -> None:
    Listings(tmp_path).store("openrouter", None, [hostile, NEW])
    assert list(Listings(tmp_path).load("openrouter")) == ["acme/new:free"]


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff", b"[" * 100_000, b" " * 8_000_001])
def test_a_list_that_cannot_be_read_is_no_list(tmp_path: Path, content: bytes) -> None:
    Listings(tmp_path).store("openrouter", None, [NEW])
    listed(tmp_path).write_bytes(content)
    assert Registry(cache_dir=tmp_path).facts("openrouter", "acme/new:free") is None


def test_a_price_written_into_the_file_has_bounds_as_well(tmp_path: Path) -> None:
    Listings(tmp_path).store("openrouter", None, [NEW])
    listed(tmp_path).write_bytes(listed(tmp_path).read_bytes().replace(b'"0.25"', b'"1e99999"'))
    assert Listings(tmp_path).load("openrouter")["acme/new:free"].prices == Prices()


def test_clearing_the_cache_forgets_the_lists(tmp_path: Path) -> None:
    registry = Registry(cache_dir=tmp_path)
    registry.keep_listing("openrouter", None, [NEW])
    assert (registry.cache.clear(), list(registry.cache.copies())) == (1, [])
    assert Registry(cache_dir=tmp_path).facts("openrouter", "acme/new:free") is None
