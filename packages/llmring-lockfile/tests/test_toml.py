import tomllib
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any

import pytest
import tomlkit
from hypothesis import given, settings
from hypothesis import strategies as st
from llmring_lockfile._names import KeyPath
from llmring_lockfile._problems import line_finder
from llmring_lockfile._toml import render_key, render_line, render_value, scan, split_lines

TEXT = '''\
# a comment
a = 1 # another
"b = c" . d = """
not = "a statement"
[nor.this]
"""
[t]
x = [
  1, # with = sign

  2,
]
[[t.list]]
y.z = "}"
 [t.list.deep]
   k = { m = [] }
[[t.list]]
'q' = 1
'''


def test_every_statement_is_found_with_its_path_and_lines() -> None:
    assert [(s.kind, s.path, s.table, s.start, s.end) for s in scan(split_lines(TEXT))] == [
        ("key", ("a",), (), 1, 2),
        ("key", ("b = c", "d"), (), 2, 6),
        ("table", ("t",), ("t",), 6, 7),
        ("key", ("t", "x"), ("t",), 7, 12),
        ("element", ("t", "list", 0), ("t", "list", 0), 12, 13),
        ("key", ("t", "list", 0, "y", "z"), ("t", "list", 0), 13, 14),
        ("table", ("t", "list", 0, "deep"), ("t", "list", 0, "deep"), 14, 15),
        ("key", ("t", "list", 0, "deep", "k"), ("t", "list", 0, "deep"), 15, 16),
        ("element", ("t", "list", 1), ("t", "list", 1), 16, 17),
        ("key", ("t", "list", 1, "q"), ("t", "list", 1), 17, 18),
    ]


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("a",), 2),
        (("b = c", "d"), 3),
        (("t", "x", 1), 8),
        (("t", "list", 0), 13),
        (("t", "list", 1, "absent"), 17),
        (("t", "list", 0, "deep", "k", "m"), 16),
        (("absent",), None),
    ],
)
def test_a_path_has_a_line_or_the_nearest_one_around_it(path: KeyPath, line: int | None) -> None:
    assert line_finder(TEXT, as_json=False)(path) == line


@pytest.mark.parametrize(
    "value",
    [
        "[ # ]\n]",
        '["]",\n]',
        '["["\n]',
        '["""]\n"""]',
        "'''[ ]\n'''",
        "[[1],\n[2]]",
        "{ a = [\n] }",
        "[1, 2] # [",
        '"[" # ]',
        '"["',
        "[]",
    ],
)
def test_a_value_ends_where_the_parser_says(value: str) -> None:
    text = f"x = {value}\ny = 1\n"
    tomllib.loads(text)
    first, second = scan(split_lines(text))
    assert (first.end, second.start) == (text.count("\n") - 1, text.count("\n") - 1)


def test_only_a_line_feed_ends_a_line() -> None:
    assert split_lines("a\u2028b\x85c\r\nd") == ["a\u2028b\x85c\r\n", "d"]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"])), min_size=1, max_size=3))
def test_any_quoted_key_is_read_as_the_parser_reads_it(parts: list[str]) -> None:
    quoted = ".".join('"' + part.replace("\\", "\\\\").replace('"', '\\"') + '"' for part in parts)
    line = f"{quoted} = 1\n"
    (statement,) = scan([line])
    value: object = tomllib.loads(line)
    for key in statement.path:
        assert isinstance(value, dict)
        value = value[key]
    assert (statement.path, value) == (tuple(parts), 1)


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
