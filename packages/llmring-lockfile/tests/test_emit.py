from datetime import date, time
from decimal import Decimal

from llmring_lockfile import Binding, Constraints, LockedModel, Lockfile, Profile, digest, emit, parse
from llmring_types import ModelRef, Prices

LOCKFILE = Lockfile(
    created_at="2026-01-01T00:00:00+00:00",
    metadata={"team": "search"},
    extends=("my-tools",),
    profiles={
        "default": Profile(
            "default",
            (Binding("a", (ModelRef("openai", "x"),), Constraints(max_cost_usd=Decimal("0.05"))),),
            {"openai": 7},
        ),
        "dev": Profile("dev"),
    },
    locked={"openai:x": LockedModel(prices=Prices(input=Decimal("2.50")), retires_on=date(2027, 1, 2))},
)
TOML = """\
version = "1.0"
created_at = "2026-01-01T00:00:00+00:00"
default_profile = "default"

[metadata]
team = "search"

[extends]
packages = ["my-tools"]

[profiles.default]
name = "default"

[[profiles.default.bindings]]
alias = "a"
models = ["openai:x"]
constraints = {max_cost_usd = 0.05}

[profiles.default.registry_versions]
openai = 7

[profiles.dev]
name = "dev"

[locked."openai:x"]
prices.input = 2.5
retires_on = 2027-01-02
"""


def test_the_canonical_text_is_laid_out_for_readers() -> None:
    assert emit(LOCKFILE) == TOML


def test_json_has_the_same_shape_and_dates_as_text() -> None:
    text = emit(LOCKFILE, as_json=True)
    assert '"retires_on": "2027-01-02"' in text
    assert parse(text, "x.json").locked == LOCKFILE.locked


def test_a_digest_names_its_kind_and_can_hash_all_that_toml_has() -> None:
    assert digest(LOCKFILE) == digest(parse(TOML))
    assert digest(LOCKFILE).startswith("sha256:")
    assert digest(Lockfile(metadata={"at": time(1, 2)})) != digest(Lockfile(metadata={"at": time(1, 3)}))


def test_what_is_null_in_json_is_absent_in_toml() -> None:
    metadata = {"a": None, "b": [{"c": None, "d": 1}, None], "e": {"f": None}}
    assert parse(emit(Lockfile(metadata=metadata))).metadata == {"b": [{"d": 1}], "e": {}}
