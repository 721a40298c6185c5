import runpy
import tomllib
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any, Never, get_args

import pytest
import tomlkit
from hypothesis import given, settings
from hypothesis import strategies as st
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
from llmring_lockfile._values import render_key, render_line, render_value
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


LAYOUT = [
    ("a", '"a"'),
    ('say "hi" \\ bye', '"say \\"hi\\" \\\\ bye"'),
    ("line\nend\ttab", '"line\\nend\\ttab"'),
    ("\x00\x1f\x7f", '"\\u0000\\u001f\\u007f"'),
    ("é 😀 \u2028", '"é 😀 \u2028"'),
    (True, "true"),
    (-3, "-3"),
    (0.25, "0.25"),
    (1e-07, "1e-07"),
    (float("inf"), "inf"),
    (date(2026, 1, 2), "2026-01-02"),
    (time(3, 4, 5), "03:04:05"),
    (datetime.fromisoformat("2026-01-02T03:04:05"), "2026-01-02T03:04:05"),
    (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02T03:04:05Z"),
    (datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=2))), "2026-01-02T03:04:05+02:00"),
    ([], "[]"),
    (["a", None, [1]], '["a", [1]]'),
    ({}, "{}"),
    ({"a b": 1, "c": None, "d": {"e": "f"}}, '{"a b" = 1, d = {e = "f"}}'),
]


@pytest.mark.parametrize(("value", "text"), LAYOUT, ids=[text for _, text in LAYOUT])
def test_a_value_has_one_layout(value: Any, text: str) -> None:
    assert render_value(value) == text


def test_a_list_that_would_make_a_line_too_long_has_a_line_for_each_item() -> None:
    names = [f"anthropic:claude-haiku-{number}" for number in range(4)]
    items = "".join(f'    "{name}",\n' for name in names)
    assert render_line(("profiles",), ("models",), names) == f"models = [\n{items}]\n"
    assert render_line(("profiles",), ("models",), names[:2]).count("\n") == 1


def test_what_toml_lacks_is_refused() -> None:
    with pytest.raises(TypeError, match="TOML has no bytes"):
        render_value(b"")


texts = st.text(st.characters(exclude_categories=["Cs"]))
values = st.recursive(
    texts
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.dates()
    | st.times()
    | st.datetimes(timezones=st.none() | st.just(UTC)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=8,
)


@settings(deadline=None)
@given(texts, values)
def test_two_parsers_read_back_what_was_rendered(key: str, value: Any) -> None:
    for line in (f"{render_key((key,))} = {render_value(value)}\n", render_line((), (key,), value)):
        assert tomllib.loads(line) == {key: value}
        assert tomlkit.parse(line).unwrap() == {key: value}


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
