import tomllib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from llmring_lockfile._inline import replace_value
from llmring_lockfile._keys import KeyPath

KEPT = [
    ('x = "a" # c\n', ("x",), "b", 'x = "b" # c\n'),
    ("  x = 1\n", ("x",), 2, "  x = 2\n"),
    ("a.x = [1, 2] # c\n", ("a", "x"), [1, 3], "a.x = [1, 3] # c\n"),
    ("x = [\n  1, # one\n  2, # two\n]\n", ("x",), [1, 5, 2], "x = [\n  1, # one\n  5,\n  2, # two\n]\n"),
    ("x = [\n  1, # one\n  2, # two\n]\n", ("x",), [2], "x = [\n  2, # two\n]\n"),
    (
        "x = [\n  1, # one\n  2, # two\n  3, # three\n]\n",
        ("x",),
        [3, 1, 2],
        "x = [\n  3,\n  1, # one\n  2, # two\n]\n",
    ),
    ("x = {a = 1, b = [1]}", ("x",), {"b": [2], "c": {"d": []}}, "x = { b = [2], c = {d = []}}"),
    ("x = [{a = 1}, {a = 2}]\n", ("x",), [{"a": 1}, {"a": 3}], "x = [{a = 1}, {a = 3}]\n"),
    ("x = [1]\n", ("x",), "text", 'x = "text"\n'),
    ("x = [\r\n]\r\n", ("x",), [1], "x = [\r\n    1\r\n]\r\n"),
]


@pytest.mark.parametrize(("statement", "keys", "new", "expected"), KEPT)
def test_a_new_value_keeps_the_form_and_the_comments(
    statement: str, keys: KeyPath, new: Any, expected: str
) -> None:
    assert replace_value(statement, keys, new) == expected


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_where_the_form_cannot_be_kept_the_comments_move_above(end: str) -> None:
    statement = end.join(['  x = ["i#" # c', "  , 'e' # end", "  ] # t", ""])
    assert replace_value(statement, ("x",), ["g", "e", "c", "a"]) == end.join(
        ["  # c", "  # end", "  # t", '  x = ["g", "e", "c", "a"]', ""]
    )


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
def test_any_array_can_be_changed_to_any_other(statement: str, new: list[str]) -> None:
    assert tomllib.loads(replace_value(statement, ("x",), new)) == {"x": new}
