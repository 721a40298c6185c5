import runpy
from datetime import date, time
from decimal import Decimal
from pathlib import Path
from typing import Never, get_args

import pytest
from llmring_lockfile import (
    Binding,
    Constraints,
    LockedModel,
    Lockfile,
    Profile,
    digest,
    emit,
    known_aliases,
    parse,
    stubs,
)
from llmring_types import ModelRef, Prices
from llmring_types.exceptions import ProfileNotFoundError, ValidationError

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


OURS = parse(
    'extends.packages = ["tools", "gone"]\n[[profiles.default.bindings]]\nalias = "b"\nmodels = ["openai:x"]\n'
    '[[profiles.dev.bindings]]\nalias = "a"\nmodels = ["openai:x"]\n'
)
THEIRS = parse('[[profiles.default.bindings]]\nalias = "t"\nmodels = ["openai:x"]\n')


def packages(name: str) -> Lockfile | None:
    return THEIRS if name == "tools" else None


def test_known_aliases_are_those_of_all_profiles_or_of_the_ones_named() -> None:
    assert known_aliases(OURS, packages=packages) == ("a", "b", "tools:t")
    assert known_aliases(OURS, ["dev"], packages=packages) == ("a",)
    assert known_aliases(OURS, ["default"], packages=packages) == ("b", "tools:t")
    with pytest.raises(ProfileNotFoundError):
        known_aliases(OURS, ["absent"])


@pytest.mark.parametrize(
    "aliases", [["b", "a", "b"], ['qu"ote\\', "é😀\u2028", "new\nline", "pkg:a", "\u202e\x9b\x7f\U000e0001"]]
)
def test_the_module_defines_a_literal_of_the_aliases(tmp_path: Path, aliases: list[str]) -> None:
    path = tmp_path / "aliases.py"
    path.write_text(stubs(aliases, name="Alias"), encoding="utf-8")
    assert get_args(runpy.run_path(str(path))["Alias"]) == tuple(sorted(set(aliases)))
    assert path.read_text(encoding="utf-8").replace("\n", "").isprintable()


@pytest.mark.parametrize("name", ["class", "a b", "A = 1\nimport os\nB", ""])
def test_a_type_has_a_name_that_python_takes(name: str) -> None:
    with pytest.raises(ValidationError, match="cannot be the name"):
        stubs(["fast"], name=name)


def test_the_module_is_as_a_formatter_would_leave_it() -> None:
    assert stubs(["fast"]) == (
        '"""The aliases of llmring.lock, for type checkers. Written by ``llmring lock stubs``: do not edit."""\n'
        "\nfrom typing import Literal, TypeAlias\n\nAlias: TypeAlias = Literal[\n"
        '    "fast",\n]\n'
    )


def test_without_aliases_no_value_is_of_the_type(tmp_path: Path) -> None:
    path = tmp_path / "aliases.py"
    path.write_text(stubs([]))
    assert runpy.run_path(str(path))["Alias"] is Never
