import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from llmring_lockfile._names import KeyPath
from llmring_lockfile._problems import line_finder
from llmring_lockfile._statements import scan, split_lines

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
