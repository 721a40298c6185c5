from datetime import date
from decimal import Decimal

import pytest
from llmring_lockfile import Document, LockedModel, apply_upgrades, parse, propose_upgrades
from llmring_lockfile._upgrade import lineage
from llmring_types import ModelFacts, Prices
from msgspec.structs import replace

TODAY = date(2026, 11, 22)


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("claude-3-5-haiku-20241022", "claude-haiku-4-5-20251001"),
        ("claude-opus-4-1-20250805", "claude-opus-5"),
        ("claude-3-7-sonnet-20250219", "claude-sonnet-4-6"),
        ("gpt-4o-mini", "gpt-5-mini"),
        ("gpt-4o-mini-2024-07-18", "gpt-5.4-mini"),
        ("gpt-4o-2024-05-13", "gpt-4o-2024-08-06"),
        ("gpt-4-0613", "gpt-4.1"),
        ("o3-mini", "o4-mini-2025-04-16"),
        ("gemini-2.0-flash-001", "gemini-2.5-flash"),
        ("gemini-2.0-flash-lite", "gemini-3.1-flash-lite"),
        ("gemini-2.5-pro", "gemini-3-pro-preview"),
        ("gpt-4-turbo-preview", "gpt-5-turbo"),
    ],
)
def test_names_tell_versions_of_one_line(older: str, newer: str) -> None:
    assert lineage(older).line == lineage(newer).line
    assert lineage(newer).newer_than(lineage(older))
    assert not lineage(older).newer_than(lineage(newer))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("claude-opus-4-1", "claude-sonnet-4-5"),
        ("gpt-4o", "gpt-4o-mini"),
        ("gpt-5", "gpt-5-nano"),
        ("gemini-2.5-flash", "gemini-2.5-flash-lite"),
        ("gpt-5", "gpt-5-pro"),
        ("gpt-5.6-sol", "gpt-5.6-luna"),
    ],
)
def test_sizes_and_kinds_are_lines_of_their_own(one: str, other: str) -> None:
    assert lineage(one).line != lineage(other).line


def test_a_name_without_a_later_stamp_is_no_later_version() -> None:
    assert not lineage("gpt-4o-2024-08-06").newer_than(lineage("gpt-4o"))
    assert not lineage("gpt-4o-99999999").newer_than(lineage("gpt-4o-2024-08-06"))
    assert not lineage("gemini-2.5-flash-preview").stable


def facts(name: str, price: int | None = 1, **more: object) -> ModelFacts:
    prices = Prices() if price is None else Prices(input=Decimal(price), output=Decimal(price))
    base = ModelFacts(provider="anthropic", model=name, prices=prices, tools=True, context_window=100)
    return replace(base, **more)


OLD = facts("claude-3-5-haiku-20241022", 2, active=False, family="claude")


def propose(*catalog: ModelFacts, model: str = OLD.model, extra: str = "", **options: object) -> list[str]:
    text = f'[[profiles.default.bindings]]\nalias = "a"\nmodels = ["anthropic:{model}"]\n{extra}'
    lockfile = parse(text)
    if "locked" in options:
        lockfile = replace(lockfile, locked=options.pop("locked"))
    return [str(upgrade) for upgrade in propose_upgrades(lockfile, catalog, today=TODAY)]


SHOWN = f"default a: anthropic:{OLD.model} ->"


@pytest.mark.parametrize(
    ("catalog", "expected"),
    [
        ([facts("claude-haiku-4-5"), facts("claude-haiku-4-6", 9)], "anthropic:claude-haiku-4-6 (retired: a later version)"),
        ([facts("claude-haiku-5", tools=False), facts("claude-haiku-4")], "anthropic:claude-haiku-4 (retired: a later version)"),
        ([facts("claude-haiku-5", active=False)], "nothing fits (retired: no model of its line or family fits)"),
        ([facts("claude-haiku-5", retires_on=date(2027, 1, 1))], "nothing fits (retired: no model of its line or family fits)"),
        ([facts("claude-haiku-5-preview")], "nothing fits (retired: no model of its line or family fits)"),
        ([facts("claude-haiku-3")], "nothing fits (retired: no model of its line or family fits)"),
        ([facts("claude-haiku-5", provider="other")], "nothing fits (retired: no model of its line or family fits)"),
        ([facts("claude-haiku-5", context_window=90)],
         "anthropic:claude-haiku-5 (retired: a later version, with a smaller context window: 90 tokens, was 100)"),
        ([facts("claude-opus-5", 9, family="claude"), facts("claude-sonnet-5", 3, family="claude"), facts("z", None, family="claude")],
         "anthropic:claude-sonnet-5 (retired: nearest in price of its family)"),
        ([facts("claude-opus-5", 4, family="claude"), facts("claude-free", 0, family="claude"), facts("z", 2, family="other")],
         "anthropic:claude-free (retired: nearest in price of its family)"),
        ([facts("claude-opus-5", 3, family="claude"), facts("claude-free", 0, family="claude")],
         "anthropic:claude-opus-5 (retired: nearest in price of its family)"),
    ],
)  # fmt: skip
def test_a_retired_member_gets_the_newest_that_fits(catalog: list[ModelFacts], expected: str) -> None:
    assert propose(OLD, *catalog) == [f"{SHOWN} {expected}"]


def test_models_without_a_family_are_no_family() -> None:
    assert propose(replace(OLD, family=None), facts("claude-opus-5")) == [
        f"{SHOWN} nothing fits (retired: no model of its line or family fits)"
    ]


def test_of_several_that_are_no_worse_the_newest_is_proposed() -> None:
    catalog = [facts(f"claude-haiku-{version}") for version in ("4", "5", "4-5")]
    assert propose(replace(OLD, active=True), *catalog) == [
        f"{SHOWN} anthropic:claude-haiku-5 (superseded: a later version)"
    ]


def test_the_needs_of_the_binding_must_be_met() -> None:
    catalog = [OLD, facts("claude-haiku-5"), facts("claude-haiku-4", vision=True)]
    assert propose(*catalog, extra='constraints.needs = ["vision"]') == [
        f"{SHOWN} anthropic:claude-haiku-4 (retired: a later version)"
    ]


@pytest.mark.parametrize(
    ("later", "proposed"),
    [
        (facts("claude-haiku-5", 2), True),
        (facts("claude-haiku-5", 3), False),
        (facts("claude-haiku-5", None), False),
        (facts("claude-haiku-5", 2, context_window=99), False),
        (facts("claude-opus-5", 1, family="claude"), False),
    ],
)
def test_a_member_that_is_served_changes_only_to_a_later_version_that_is_no_worse(
    later: ModelFacts, proposed: bool
) -> None:
    served = replace(OLD, active=True)
    expected = [f"{SHOWN} anthropic:claude-haiku-5 (superseded: a later version)"] if proposed else []
    assert propose(served, later) == expected


def test_the_date_of_release_counts_where_versions_are_equal() -> None:
    served = facts("claude-haiku-4-2025", released_on=date(2025, 1, 1), model="claude-haiku-4")
    later = facts("claude-haiku-4-fixed", model="claude-4-haiku", released_on=date(2026, 1, 1))
    assert propose(served, later, model="claude-haiku-4") == [
        "default a: anthropic:claude-haiku-4 -> anthropic:claude-4-haiku (superseded: a later version)"
    ]


def test_a_member_that_soon_retires_is_told_so() -> None:
    soon = replace(OLD, active=True, retires_on=date(2026, 12, 24))
    assert propose(soon, facts("claude-haiku-5", 99)) == [
        f"{SHOWN} anthropic:claude-haiku-5 (retiring: a later version)"
    ]


def test_a_member_that_the_registry_forgot_is_replaced_by_what_was_locked() -> None:
    locked = {f"anthropic:{OLD.model}": LockedModel(snapshot=OLD.model, capabilities=("tools", "telepathy"))}
    catalog = [facts("claude-haiku-5", tools=False), facts("claude-haiku-4")]
    assert propose(*catalog, locked=locked) == [
        f"{SHOWN} anthropic:claude-haiku-4 (unknown: a later version)"
    ]
    assert propose(*catalog) == []


def test_an_alias_of_the_provider_is_the_model_that_it_stands_for_and_no_successor_of_itself() -> None:
    dated = facts("claude-haiku-4-5-20251001", aliases=("claude-haiku-4-5",))
    assert propose(dated, model="claude-haiku-4-5") == []


def test_one_alias_or_profile_can_be_asked_for_and_proposals_be_applied() -> None:
    text = "".join(
        f'[[profiles.{profile}.bindings]]\nalias = "{alias}"\nmodels = ["openai:x", "anthropic:{OLD.model}"]\n'
        for profile in ("default", "dev")
        for alias in ("a", "b")
    )
    catalog = [OLD, facts("claude-haiku-5")]
    document = Document(text)
    upgrades = propose_upgrades(document.lockfile, catalog, today=TODAY, alias="a", profile="dev")
    assert [(upgrade.profile, upgrade.alias) for upgrade in upgrades] == [("dev", "a")]
    assert (upgrades[0].prices, upgrades[0].successor_prices) == (OLD.prices, catalog[1].prices)
    apply_upgrades(document, upgrades)
    lines = [line for line in document.diff().splitlines()[2:] if line[0] in "+-"]
    assert lines == [
        f'-models = ["openai:x", "anthropic:{OLD.model}"]',
        '+models = ["openai:x", "anthropic:claude-haiku-5"]',
    ]
    changed = document.lockfile.profile("dev").binding("a")
    assert changed is not None
    assert str(changed.models[1]) == "anthropic:claude-haiku-5"


def test_where_nothing_fits_nothing_is_applied() -> None:
    document = Document(f'[[profiles.default.bindings]]\nalias = "a"\nmodels = ["anthropic:{OLD.model}"]\n')
    upgrades = propose_upgrades(document.lockfile, [OLD], today=TODAY)
    assert [upgrade.successor for upgrade in upgrades] == [None]
    apply_upgrades(document, upgrades)
    assert not document.changed
