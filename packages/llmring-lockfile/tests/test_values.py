import tomllib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from llmring_lockfile._toml import place_of_value
from llmring_lockfile._values import replace_value

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
