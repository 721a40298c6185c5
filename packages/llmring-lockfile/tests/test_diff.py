from datetime import date
from decimal import Decimal

import pytest
from llmring_lockfile import LockedModel, Lockfile, diff, parse
from llmring_types import Prices
from msgspec.structs import replace

OLD = replace(
    parse(
        """
[[profiles.default.bindings]]
alias = "a"
models = ["openai:x", "openai:y"]
constraints.needs = ["vision"]

[[profiles.dev.bindings]]
alias = "b"
models = ["openai:x"]
"""
    ),
    locked={
        "openai:x": LockedModel(
            snapshot="x-1",
            context_window=100000,
            capabilities=("tools", "vision"),
            prices=Prices(input=Decimal("2.5"), output=Decimal(10)),
        ),
        "openai:y": LockedModel(snapshot="y", prices=Prices(input=Decimal(1))),
    },
)


def changes(new: Lockfile) -> list[str]:
    return [str(change) for change in diff(OLD, new)]


def edit(old: str, new: str) -> Lockfile:
    text = """
[[profiles.default.bindings]]
alias = "a"
models = ["openai:x", "openai:y"]
constraints.needs = ["vision"]

[[profiles.dev.bindings]]
alias = "b"
models = ["openai:x"]
"""
    assert old in text
    return replace(parse(text.replace(old, new, 1)), locked=OLD.locked)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('alias = "a"', 'alias = "a" # comment', []),
        ("\n[[", 'updated_at = "x"\ndefault_profile = "dev"\nextends.packages = ["p"]\n[[',
         ["default_profile default -> dev", "extends nothing -> p"]),
        ('["openai:x", "openai:y"]', '["openai:x"]', ["default a: models openai:x, openai:y -> openai:x"]),
        ('alias = "b"', 'alias = "c"', ["dev b: models openai:x -> nothing", "dev c: models nothing -> openai:x"]),
        ("needs = ", "timeout_s = 2.5\nconstraints.needs = ", ["default a: constraints.timeout_s nothing -> 2.5"]),
        ("needs = ", "min_context = 5000\nconstraints.needs = ", ["default a: constraints.min_context nothing -> 5,000"]),
        ('["vision"]', '["tools"]', ["default a: constraints.needs vision -> tools"]),
        ("[[profiles.dev", "[profiles.dev.registry_versions]\nopenai = 7\n[[profiles.dev", ["dev: registry_versions.openai nothing -> 7"]),
        ("[[profiles.dev", "[profiles.prod]\n[[profiles.dev", ["profile nothing -> prod"]),
        (
            '["openai:x", "openai:y"]',
            '["openai:y", "openai:x"]',
            [
                "default a: models openai:x, openai:y -> openai:y, openai:x",
                "default a openai:x -> openai:y: price input $2.5 -> $1",
                "default a openai:x -> openai:y: price output $10 -> nothing",
                "default a openai:x -> openai:y: context_window 100,000 -> nothing",
                "default a openai:x -> openai:y: snapshot x-1 -> y",
                "default a openai:x -> openai:y: capabilities lost tools, vision -> nothing",
            ],
        ),
    ],
)  # fmt: skip
def test_a_change_of_the_text_is_told_as_what_it_means(old: str, new: str, expected: list[str]) -> None:
    assert changes(edit(old, new)) == expected


def test_what_was_locked_anew_is_told_for_each_alias_that_uses_it() -> None:
    entry = replace(
        OLD.locked["openai:x"],
        prices=Prices(input=Decimal(3), output=Decimal(10)),
        capabilities=("audio", "tools"),
        retires_on=date(2027, 1, 1),
    )
    told = changes(replace(OLD, locked={**OLD.locked, "openai:x": entry}))
    facts = [
        "price input $2.5 -> $3",
        "retires_on nothing -> 2027-01-01",
        "capabilities lost vision -> nothing",
        "capabilities gained nothing -> audio",
    ]
    assert told == [f"{where} openai:x: {fact}" for where in ("default a", "dev b") for fact in facts]


def test_a_lockfile_that_was_locked_for_the_first_time_shows_no_flood() -> None:
    assert diff(replace(OLD, locked={}), OLD) == ()
    assert diff(OLD, replace(OLD, locked={"openai:x": LockedModel(listed=False)})) == ()


def test_what_is_gone_is_told_too() -> None:
    assert changes(Lockfile()) == [
        "profile default -> nothing",
        "default a: models openai:x, openai:y -> nothing",
        "default a: constraints.needs vision -> nothing",
        "profile dev -> nothing",
        "dev b: models openai:x -> nothing",
    ]
