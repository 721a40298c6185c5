import tomllib
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any

import pytest
import tomlkit
from hypothesis import given, settings
from hypothesis import strategies as st
from llmring_lockfile._statements import place_of_value
from llmring_lockfile._values import render_key, render_line, render_value, replace_value

KEPT = [
    ('x = "a" # c\n', "b", 'x = "b" # c\n'),
    ("  x = 1\n", 2, "  x = 2\n"),
    ("a.x = [1, 2] # c\n", [1, 3], "a.x = [1, 3] # c\n"),
    ('"x = [" . \'=\' = "= [" # c\n', "b", '"x = [" . \'=\' = "b" # c\n'),
    ("x = [\n  1, # one\n  2, # two\n]\n", [1, 5, 2], "x = [\n  1, # one\n  5,\n  2, # two\n]\n"),
    ("x = [\n  1, # one\n  2, # two\n]\n", [2], "x = [\n  2, # two\n]\n"),
    ("x = [\n  1, # one\n  2 # two\n]\n", [1, 2, 3], "x = [\n  1, # one\n  2, # two\n  3\n]\n"),
    ("x = [\n  1, # one\n  2, # two\n]\n", [1, 7], "x = [\n  1, # one\n  7, # two\n]\n"),
    (
        "x = [ # all\n  # before one\n  1, # one\n  2, # two\n  3, # three\n]\n",
        [3, 1, 2],
        "x = [ # all\n  3, # three\n  # before one\n  1, # one\n  2, # two\n]\n",
    ),
    ("x = [1, 2, # two\n  3]\n", [2, 1], "x = [\n  2, # two\n  1]\n"),
    ("x = [1 # one\n  , 2]\n", [2, 1], "x = [2, 1 # one\n  ]\n"),
    ("x = [ 1,2 ]\n", [1, 2, 3], "x = [ 1,2,3 ]\n"),
    ("x = [ # soon\n]\n", [1], "x = [ # soon\n    1,\n]\n"),
    ("x = [\n  # soon\n]\n", [1], "x = [\n    1,\n  # soon\n]\n"),
    ("x = [\r\n]\r\n", [1], "x = [\r\n    1,\r\n]\r\n"),
    ("x = []", [], "x = []"),
    ("x = { a = 1, b = [1] }", {"b": [2], "c": {"d": []}}, "x = { b = [2], c = {d = []} }"),
    ("x = {a=1,b=2}", {"a": 3, "b": 2, "c": 4}, "x = {a=3,b=2,c = 4}"),
    ("x = { 'a' = [\n 1, # one\n] }\n", {"a": [1, 2]}, "x = { 'a' = [\n 1, # one\n 2,\n] }\n"),
    ("x = { a = 1 }\n", {}, "x = {}\n"),
    ("x = {}\n", {"a": 1}, "x = {a = 1}\n"),
    ("x = { a.b = 1 }\n", {"a": {"b": 2}}, "x = {a = {b = 2}}\n"),
    ("x = [{a = 1}, {a = 2}]\n", [{"a": 1}, {"a": 3}], "x = [{a = 1}, {a = 3}]\n"),
    (
        'x = [\n  { alias = "a", n = 1 }, # about a\n  { alias = "b", n = 1 }, # about b\n]\n',
        [{"alias": "b", "n": 2}, {"alias": "c", "n": 3}],
        'x = [\n  { alias = "b", n = 2 }, # about b\n  {alias = "c", n = 3},\n]\n',
    ),
    ("x = [1]\n", "text", 'x = "text"\n'),
    ("x = 1979-05-27 07:32:00 # c\n", True, "x = true # c\n"),
    ('x = """\\"#]\n"""" # c\n', 1, "x = 1 # c\n"),
    ("x = ['''#]\n''''', 1]\n", ["#]\n''", 2], "x = ['''#]\n''''', 2]\n"),
]


@pytest.mark.parametrize(("statement", "new", "expected"), KEPT)
def test_a_new_value_keeps_the_form_and_the_comments(statement: str, new: Any, expected: str) -> None:
    assert replace_value(statement, value_of(statement), new) == expected


def value_of(statement: str) -> Any:
    start, end = place_of_value(statement)
    return tomllib.loads(f"x = {statement[start:end]}")["x"]


items = st.sampled_from(["a:b", "c#d", 'e"f', "g'h"])
spaces = st.sampled_from(["", " ", "\n", "\n  ", " # c\n", "\n# own\n"])


@st.composite
def arrays(draw: st.DrawFn) -> str:
    """An array in any form, with comments wherever they may stand."""
    out = "x = ["
    for item in draw(st.lists(items, max_size=4)):
        quoted = '"' + item.replace('"', '\\"') + '"'
        out += draw(spaces) + quoted + draw(spaces) + "," + draw(spaces)
    if out.endswith(",") and draw(st.booleans()):
        out = out[:-1]
    return out + draw(spaces) + "]" + draw(st.sampled_from(["", " # t"])) + draw(st.sampled_from(["\n", ""]))


@settings(max_examples=200, deadline=None)
@given(arrays(), st.lists(items, max_size=4))
def test_any_array_can_be_changed_to_any_other_and_back(statement: str, new: list[str]) -> None:
    old = tomllib.loads(statement)["x"]
    changed = replace_value(statement, old, new)
    assert tomllib.loads(changed) == {"x": new}
    assert tomllib.loads(replace_value(changed, new, old)) == {"x": old}


@settings(max_examples=200, deadline=None)
@given(arrays(), st.data())
def test_what_only_adds_and_moves_items_loses_no_comment(statement: str, data: st.DataObject) -> None:
    old = tomllib.loads(statement)["x"]
    new = data.draw(st.permutations([*old, "more"]))
    changed = replace_value(statement, old, new)
    assert tomllib.loads(changed) == {"x": new}
    assert changed.count("# ") == statement.count("# ")


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
rendered = st.recursive(
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
@given(texts, rendered)
def test_two_parsers_read_back_what_was_rendered(key: str, value: Any) -> None:
    for line in (f"{render_key((key,))} = {render_value(value)}\n", render_line((), (key,), value)):
        assert tomllib.loads(line) == {key: value}
        assert tomlkit.parse(line).unwrap() == {key: value}
